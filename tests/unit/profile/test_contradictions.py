"""Settings that are right alone and wrong together are refused."""

import pytest

from hotband.errors import ProfileError
from hotband.profile import load_profile


def test_closing_before_the_weekend_needs_minutes_to_do_it_in() -> None:
    """With none, no bar would close the position and it would stay open in silence."""
    settings = {"flat_before_weekend": True, "weekend_exit_minutes": 0}
    with pytest.raises(ProfileError, match="Give it minutes, or set flat_before_weekend: false"):
        load_profile({"global": settings, "account": {"home": "USD"}})
