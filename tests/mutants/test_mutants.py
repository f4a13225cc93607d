"""A small mistake in the pipeline, the score or the policy does not pass unnoticed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.canary.sizes import ROOT


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("part", ["core", "score", "policy"])
def test_every_planted_mistake_is_noticed_or_explained(part: str, tmp_path: Path) -> None:
    files = {
        "core": [path.name for path in (ROOT / "src/hotband/core").glob("*.py")],
        "score": ["score.py", "score_inputs.py", "score_tags.py"],
        "policy": ["policy.py"],
    }[part]
    only = [word for file in files for word in ("--only", file)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants.run", *only, "--out", str(tmp_path / "found.json")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
