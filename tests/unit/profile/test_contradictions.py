"""Settings that are right alone and wrong together are refused."""

import pytest

from hotband.errors import ProfileError
from hotband.profile import load_profile


def test_closing_before_the_weekend_needs_minutes_to_do_it_in() -> None:
    """With none, no bar would close the position and it would stay open in silence."""
    settings = {"flat_before_weekend": True, "weekend_exit_minutes": 0}
    with pytest.raises(ProfileError, match="Give it minutes, or set flat_before_weekend: false"):
        load_profile({"global": settings, "account": {"home": "USD"}})


def test_an_exit_before_the_weekend_must_be_faster_than_the_weekend() -> None:
    """Ordered 15 minutes before the close with a latency of 15 minutes it fills on Sunday."""
    settings = {"weekend_exit_minutes": 15, "latency_seconds": 900}
    with pytest.raises(ProfileError, match="less than weekend_exit_minutes, 15"):
        load_profile({"global": settings, "account": {"home": "USD"}})
