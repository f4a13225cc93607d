"""What the README shows is what the commands print."""

from pathlib import Path

import pytest

from tests.cli.readme import played, shown


@pytest.mark.real_data
def test_the_readme_shows_the_true_output_on_real_bars(real_data: Path, tmp_path: Path) -> None:
    blocks = shown()
    assert blocks
    for block in blocks:
        assert played(block, real_data, tmp_path) == block
