"""The notebook runs from top to bottom, is short, and shows what it says."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.examples.installed import EXAMPLES

NOTEBOOK = EXAMPLES / "quickstart.ipynb"
MOST_LINES = 40


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call] # no types in it


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    notebook = read()
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BARS", "GATES", "PROFILE", "ROSTER", "OUTPUT", "PAIRS"):
            patch.delenv(f"HOTBAND_{name}", raising=False)
        patch.delenv("VALKEY_URL", raising=False)
        patch.setenv("HOTBAND_HOME", str(home))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3",
            resources={"metadata": {"path": str(Path(home))}},
        )  # fmt: skip
        client.execute()
    return notebook


def test_it_is_under_forty_lines_of_code() -> None:
    lines = [line for cell in code_cells(read()) for line in cell.source.splitlines()]
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert 10 < len(code) < MOST_LINES


def test_it_is_kept_without_outputs() -> None:
    for cell in code_cells(read()):
        assert (cell.outputs, cell.execution_count) == ([], None)


def test_it_runs_and_shows_two_pictures(executed: Any) -> None:
    shown = [output for output in outputs(executed) if "image/svg+xml" in output.get("data", {})]
    assert len(shown) == 2
    assert all(cell.execution_count is not None for cell in code_cells(executed))


def test_it_tells_the_verdict_of_the_hold_out(executed: Any) -> None:
    told = "".join(each["text"] for each in outputs(executed) if each["output_type"] == "stream")
    assert "promoted: False | first gate that refused: data" in told
    assert "trials counted: 30" in told
