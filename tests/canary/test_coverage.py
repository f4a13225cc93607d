"""Every line of the pipeline is run by its own quick tests, uncompiled."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.canary.sizes import ROOT

CORE = ROOT / "src" / "hotband" / "core"


def test_the_unit_tests_of_core_run_every_line_of_it(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "COVERAGE_FILE": str(tmp_path / "coverage"),
    }
    told = tmp_path / "told.json"
    measured = [sys.executable, "-m", "coverage"]
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    subprocess.run(
        [*measured, "run", f"--source={CORE}", *tests, "tests/unit/core"],
        cwd=ROOT, env=environment, check=True, timeout=500,
    )  # fmt: skip
    subprocess.run(
        [*measured, "json", "-q", "-o", str(told)], cwd=ROOT, env=environment, check=True
    )
    files = json.loads(told.read_text())["files"]
    assert len(files) == len(list(CORE.glob("*.py")))
    missing = {name: file["missing_lines"] for name, file in files.items() if file["missing_lines"]}
    assert not missing
