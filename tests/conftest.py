"""Where the tests find real FX history, and what they do without it."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real FX history: ``HOTBAND_TEST_DATA``, else beside the checkout.

    Its absence skips a test with a reason; in CI a folder that is beside the checkout must
    work, so the skip says where it looked.
    """
    folder = Path(os.environ.get("HOTBAND_TEST_DATA", str(_BESIDE)))
    if not folder.is_dir():
        message = f"no FX history at {folder.name}: set HOTBAND_TEST_DATA to a folder that has it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
