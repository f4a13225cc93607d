"""The wheel holds the whole product, dashboard inside, and nothing that is not for its users."""

import re
import tarfile
import tomllib
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Final

import pytest

from tests.canary.sizes import ROOT
from tests.wheel.built import build_sdist, build_wheel, contents

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "project"
]
PACKAGE: Final = ROOT / "src" / "hotband"
IN_PAGE: Final = "hotband/service/page"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def held(wheel: Path) -> dict[str, bytes]:
    return contents(wheel)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, unpacked."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(build_sdist(folder)) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


@pytest.fixture(scope="module")
def metadata(held: dict[str, bytes]) -> Message:
    return BytesParser().parsebytes(_of_metadata(held, "METADATA"))


def _of_metadata(held: dict[str, bytes], name: str) -> bytes:
    return held[f"hotband-{PROJECT['version']}.dist-info/{name}"]


def test_one_wheel_fits_every_machine(wheel: Path, held: dict[str, bytes]) -> None:
    assert wheel.name == f"hotband-{PROJECT['version']}-py3-none-any.whl"
    assert b"Root-Is-Purelib: true" in _of_metadata(held, "WHEEL")
    assert not [name for name in held if name.endswith((".so", ".pyd", ".dll", ".dylib"))]


def test_it_holds_the_package_and_nothing_beside_it(held: dict[str, bytes]) -> None:
    tops = {name.split("/")[0] for name in held}
    assert tops == {"hotband", f"hotband-{PROJECT['version']}.dist-info"}
    parts = {part for name in held for part in name.split("/")}
    assert not parts & {"tests", "docs", "node_modules", "__pycache__", ".git", "output"}


def test_every_file_of_the_package_is_inside_byte_for_byte(held: dict[str, bytes]) -> None:
    ours = [path for path in PACKAGE.rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes()
        for path in ours
        if "__pycache__" not in path.parts
    }
    assert {name: data for name, data in held.items() if name.startswith("hotband/")} == wanted


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "profile/default.yaml",
        "research/grid.yaml",
        "market/data/instruments.yaml",
        "report/page.css",
    ],
)
def test_the_defaults_and_the_mark_of_types_are_inside(held: dict[str, bytes], name: str) -> None:
    assert f"hotband/{name}" in held


def test_the_dashboard_is_inside_with_all_that_it_loads(held: dict[str, bytes]) -> None:
    index = held[f"{IN_PAGE}/index.html"].decode()
    loaded = re.findall(r'(?:src|href)="/([^"#?]+)"', index)
    assert any(name.endswith(".js") for name in loaded)
    assert any(name.endswith(".css") for name in loaded)
    assert [name for name in loaded if f"{IN_PAGE}/{name}" not in held] == []
    scripts = [n for n in held if n.startswith(f"{IN_PAGE}/assets/") and n.endswith(".js")]
    imported = {
        part
        for name in scripts
        for part in re.findall(r'(?:from|import\()\s*["`]\./([\w.-]+)["`]', held[name].decode())
    }
    assert imported
    assert {name for name in imported if f"{IN_PAGE}/assets/{name}" not in held} == set()


def test_licence_texts_travel_with_what_they_are_about(held: dict[str, bytes]) -> None:
    assert _of_metadata(held, "licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    texts = held[f"{IN_PAGE}/.vite/license.md"].decode()
    assert "\n## react - " in texts
    assert "Permission is hereby granted, free of charge" in texts
    assert "TradingView" in texts


def test_its_metadata_is_that_of_the_project(metadata: Message) -> None:
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata["Requires-Python"].split(",")) == set(PROJECT["requires-python"].split(","))
    assert metadata["Description-Content-Type"] == "text/markdown"


@pytest.mark.parametrize(("extra", "package"), [("ray", "ray"), ("dev", "pytest")])
def test_an_extra_is_declared_with_what_it_brings(
    metadata: Message, extra: str, package: str
) -> None:
    assert extra in metadata.get_all("Provides-Extra", [])
    wanted = [text for text in metadata.get_all("Requires-Dist", []) if text.startswith(package)]
    assert [text for text in wanted if text.endswith(f"extra == '{extra}'")]


def test_without_an_extra_it_needs_what_the_project_names(metadata: Message) -> None:
    plain = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert len(plain) == len(PROJECT["dependencies"])


def test_the_dashboard_has_the_version_of_the_project() -> None:
    text = (ROOT / "apps" / "frontend" / "package.json").read_text("utf-8")
    assert f'"version": "{PROJECT["version"]}"' in text


def test_the_source_archive_holds_what_builds_and_explains(source: Path) -> None:
    assert {path.name for path in source.iterdir()} == {
        "src", "config", "requirements", "docs", "pyproject.toml", "PKG-INFO", "README.md",
        "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".gitignore",
    }  # fmt: skip


def test_the_source_archive_makes_the_wheel_of_the_checkout_and_always_the_same_bytes(
    source: Path, held: dict[str, bytes], tmp_path: Path
) -> None:
    made = [build_wheel(source, tmp_path / name) for name in ("first", "second")]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert contents(made[0]) == held
