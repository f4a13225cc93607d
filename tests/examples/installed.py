"""A package installed in a folder: modules and the metadata that importlib reads, nothing more."""

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def install(site: Path, name: str, entries: dict[str, str], modules: dict[str, str]) -> Path:
    """Put version 1.0 of a distribution into ``site``; ``entries``: scheme -> module:object."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{scheme} = {place}\n" for scheme, place in entries.items())
    (info / "entry_points.txt").write_text(f"[hotband.gate_stores]\n{lines}")
    for module, text in modules.items():
        (site / f"{module}.py").write_text(text)
    return site


def install_crossover(site: Path) -> tuple[str, ...]:
    """The example as pip would install it in place; what must be on ``sys.path``."""
    install(site, "hotband-crossover", {"crossover": "hotband_crossover:open_store"}, {})
    return str(site), str(EXAMPLES / "crossover" / "src")
