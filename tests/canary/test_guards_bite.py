"""Each guard of ``make check`` and of the test run refuses what it is there to refuse."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.canary.sizes import ROOT

CONFIG = ROOT / "pyproject.toml"
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def python(*arguments: str, folder: Path, path: Path | None = None) -> tuple[int, str]:
    """(exit status, all output) of the interpreter that runs the tests, in ``folder``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "MYPY"))}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package and its settings that a test may spoil."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CONFIG, tmp_path)
    return tmp_path


def lint_imports(checkout: Path) -> tuple[int, str]:
    arguments = ("-c", LINT_IMPORTS, "--no-cache")
    return python(*arguments, folder=checkout, path=checkout / "src")


def test_the_tree_as_it_is_keeps_its_import_contracts(checkout: Path) -> None:
    status, output = lint_imports(checkout)
    assert status == 0, output


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/sizing.py", "import polars", "core is numbers: NumPy and Numba only BROKEN"),
        ("core/sizing.py", "from hotband.market import bars", "Imports go one way BROKEN"),
        ("stores/ports.py", "from hotband.feeds import demo", "Imports go one way BROKEN"),
        ("weekly/run.py", "import rich", "Nothing below the report draws tables BROKEN"),
        ("service/app.py", "import typer", "Nothing below the CLI parses commands BROKEN"),
        ("report/tables.py", "import fastapi", "Nothing below the service knows HTTP BROKEN"),
        ("roster/policy.py", "import pytest", "hotband.testing alone imports them BROKEN"),
        ("executors/ports.py", "from hotband.stores import ports", "Imports go one way BROKEN"),
        ("executors/threads.py", "import ray", "Ray is optional: one module imports it BROKEN"),
        ("spare_parts.py", '"""A layer that no contract knows."""', "Imports go one way BROKEN"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    checkout: Path, file: str, line: str, contract: str
) -> None:
    spoiled = checkout / "src" / "hotband" / file
    with spoiled.open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    status, output = lint_imports(checkout)
    assert status == 1, output
    assert contract in " ".join(output.split())


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("def half(x):\n    return x / 2\n", "no-untyped-def"),
        ("def half(x: float) -> float:\n    return str(x)\n", "return-value"),
        ("def first(x: list) -> int:\n    return len(x)\n", "type-arg"),
        ("x: int = 1  # type: ignore\n", "unused-ignore"),
    ],
)
def test_types_are_strict(tmp_path: Path, source: str, code: str) -> None:
    (tmp_path / "rates.py").write_text(source, encoding="utf-8")
    config = ("--config-file", str(CONFIG), "--cache-dir", str(tmp_path / "cache"))
    status, output = python("-m", "mypy", *config, "rates.py", folder=tmp_path)
    assert status == 1, output
    assert f"[{code}]" in output


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import os\n", "F401"),
        ("print(1)\n", "T201"),
        ("from datetime import datetime\n\nNOW = datetime.now()\n", "DTZ005"),
        ("def half(x: float) -> float:\n    return x / 2\n", "D103"),
        ("try:\n    X = 1\nexcept Exception:\n    pass\n", "S110"),
        ("X = 1\n# X = 2\n", "ERA001"),
        ("def take(x: list[int] = []) -> None:\n    x.clear()\n", "B006"),
    ],
)
def test_lint_refuses(tmp_path: Path, source: str, code: str) -> None:
    (tmp_path / "rates.py").write_text(source, encoding="utf-8")
    config = ("--config", str(CONFIG), "--no-cache")
    status, output = python("-m", "ruff", "check", *config, "rates.py", folder=tmp_path)
    assert status == 1, output
    assert code in output


def test_the_format_is_checked(tmp_path: Path) -> None:
    (tmp_path / "rates.py").write_text("x = {'a':1}\n", encoding="utf-8")
    config = ("--config", str(CONFIG), "--no-cache")
    status, output = python("-m", "ruff", "format", "--check", *config, ".", folder=tmp_path)
    assert status == 1, output
    assert "rates.py" in output


PASSING = "def test_it() -> None:\n    assert True\n"
WARNING = "import warnings\n\ndef test_it() -> None:\n    warnings.warn('it is old')\n"
UNMARKED = f"import pytest\n\n@pytest.mark.rael_data\n{PASSING}"
XFAIL = f"import pytest\n\n@pytest.mark.xfail(reason='mended since')\n{PASSING}"
LEAK = "def test_it() -> None:\n    open(__file__)\n"


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        (PASSING, 0, "1 passed"),
        (WARNING, 1, "UserWarning: it is old"),
        (LEAK, 1, "unclosed file"),
        (UNMARKED, 2, "'rael_data' not found in `markers`"),
        (XFAIL, 1, "[XPASS(strict)] mended since"),
    ],
    ids=["nothing that is right", "a warning", "a leak", "an unknown marker", "a stale xfail"],
)
def test_the_test_run_refuses(tmp_path: Path, source: str, status: int, words: str) -> None:
    shutil.copy(CONFIG, tmp_path)
    (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
    got, output = python("-m", "pytest", "test_it.py", folder=tmp_path)
    assert got == status, output
    assert words in output


def test_tests_run_in_random_order_and_under_a_time_limit(tmp_path: Path) -> None:
    shutil.copy(CONFIG, tmp_path)
    (tmp_path / "test_it.py").write_text(PASSING, encoding="utf-8")
    _, output = python("-m", "pytest", "test_it.py", folder=tmp_path)
    assert "Using --randomly-seed=" in output
    assert "timeout: 600" in output


def test_continuous_integration_runs_checks_and_tests_through_one_command() -> None:
    assert "exec make test\n" in (ROOT / ".ci" / "run").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.partition("\ncheck: ")[2].partition("\n\n")[0]
    steps = makefile.partition("\ntest:\n")[2].partition("\n\n")[0].splitlines()
    assert steps[0].strip() == "$(MAKE) --no-print-directory -j2 check front"
    assert steps[1].strip().startswith('$(BIN)/python -m pytest -m "not long" ')
    assert len(steps) == 2
    front = makefile.partition("\nfront: page\n")[2].partition("\n\n")[0]
    assert "npm run --silent check && npm run --silent test" in front
    for tool in ("ruff check .", "ruff format --check .", "mypy", "lint-imports"):
        assert f"$(BIN)/{tool}" in recipe
