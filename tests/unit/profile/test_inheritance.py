"""What an instrument gets from ``global``, and where each value came from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.errors import ProfileError
from hotband.market.sessions import SESSIONS, Session
from hotband.profile import Effective, effective, load_profile


def eur(shared: dict[str, Any], own: dict[str, Any] | None) -> Effective:
    return effective(load_profile({"global": shared, "instruments": {"EUR_USD": own}}), "EUR_USD")


def test_nested_mappings_are_inherited_key_by_key() -> None:
    got = eur(
        {"guards": {"min_coherence": 0.1, "max_entropy": 0.9}, "exit": {"hold_rearm": True}},
        {"guard_thresholds": {"max_entropy": 0.8}, "exit": {"hold_minutes": 12}},
    )
    assert (got.guards.min_coherence, got.guards.max_entropy) == (0.1, 0.8)
    assert (got.exit.hold_rearm, got.hold_minutes) == (True, 12.0)
    assert got.origin("guards.min_coherence") == "global"
    assert got.origin("guards.max_entropy") == "instrument"


def test_null_switches_one_global_off_and_a_null_mapping_all_of_it() -> None:
    shared = {
        "hazard_max": 0.1,
        "stop_loss_pips": 25,
        "nav_risk_pct": 0.02,
        "guards": {"min_coherence": 0.1, "max_entropy": 0.9},
        "session": "london",
    }
    one = eur(shared, {"hazard_max": None, "nav_risk_pct": None, "guards": {"max_entropy": None}})
    assert (one.hazard_max, one.nav_risk_pct, one.guards.max_entropy) == (None, None, None)
    assert one.guards.min_coherence == 0.1
    rest = eur(shared, {"guards": None, "session": None, "stop_loss_pips": None})
    assert rest.guards.min_coherence is None
    assert rest.sessions == ()
    assert rest.stop_loss_pips is None


def test_null_of_a_setting_that_has_no_off_is_its_default() -> None:
    got = eur({"min_repetitions": 7, "exposure": 3.0, "hazard_exit": {"when": "below"}}, {})
    assert (got.min_repetitions, got.exposure, got.hazard_exit.when) == (7, 3.0, "below")
    off = {"min_repetitions": None, "exposure": None, "hazard_exit": None}
    got = eur({"min_repetitions": 7, "exposure": 3.0, "hazard_exit": {"when": "below"}}, off)
    assert (got.min_repetitions, got.exposure, got.hazard_exit.when) == (1, 1.0, "above")


def test_a_level_in_pips_replaces_an_inherited_one_in_fractions() -> None:
    got = eur({"stop_loss_pct": 0.004}, {"stop_loss_pips": 25})
    assert (got.stop_loss_pct, got.stop_loss_pips) == (None, 25.0)
    got = eur({"trailing_pips": 9}, {"trailing_stop_pct": None})
    assert (got.trailing_stop_pct, got.trailing_pips) == (None, None)


@pytest.mark.parametrize(
    ("shared", "own", "hold", "origin"),
    [
        ({}, {}, 30.0, "default"),
        ({"exit_horizon": 40}, {}, 40.0, "global"),
        ({"exit": {"exit_horizon": 40, "max_hold_minutes": 50}}, {}, 50.0, "global"),
        ({"exit": {"hold_minutes": 60, "max_hold_minutes": 50}}, {}, 60.0, "global"),
        ({"exit": {"hold_minutes": 60}}, {"exit": {"exit_horizon": 20}}, 20.0, "instrument"),
        ({"exit": {"hold_minutes": 60}}, {"exit": {"hold_minutes": None}}, 30.0, "instrument"),
    ],
)
def test_hold_is_the_first_name_of_the_nearest_layer(
    shared: dict[str, Any], own: dict[str, Any], hold: float, origin: str
) -> None:
    got = eur(shared, own)
    assert (got.hold_minutes, got.origin("hold_minutes")) == (hold, origin)


@pytest.mark.parametrize(
    ("keys", "direction"),
    [
        ({"direction": "mean_reversion"}, "mean_reversion"),
        ({"invert_bundles": True}, "mean_reversion"),
        ({"direction": "mean_reversion", "invert_bundles": True}, "mean_reversion"),
        ({"direction": "mean_reversion", "invert_bundles": False}, "mean_reversion"),
        ({"direction": "momentum", "invert_bundles": True}, "mean_reversion"),
        ({"invert_bundles": False}, "momentum"),
    ],
)
def test_direction_and_invert_bundles_together_flip_once_and_say_so(
    keys: dict[str, Any], direction: str
) -> None:
    profile = load_profile({"global": keys, "account": {}})
    assert effective(profile, "EUR_USD").direction == direction
    said = [note.text for note in profile.notes if "one flip at most" in note.text]
    assert said == (
        [f"direction is set too: one policy, {direction}, and one flip at most"]
        if len(keys) == 2
        else []
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("london", (SESSIONS["london"],)),
        (["tokyo", "new_york"], (SESSIONS["tokyo"], SESSIONS["new_york"])),
        (
            {"start": "09:00", "end": "12:30", "zone": "Asia/Tokyo"},
            (Session("09:00-12:30", 540, 750, "Asia/Tokyo"),),
        ),
        ({"open": "22:00Z", "close": "04:00Z"}, (Session("22:00Z-04:00Z", 1320, 240, "UTC"),)),
        ("08:00,17:00", (Session("08:00-17:00", 480, 1020, "UTC"),)),
        (
            ["london", {"start": "00:00", "end": "24:00", "zone": "UTC"}],
            (SESSIONS["london"], Session("00:00-24:00", 0, 1440, "UTC")),
        ),
    ],
)
def test_every_form_of_a_session_is_read(written: object, expected: tuple[Session, ...]) -> None:
    assert eur({"session": written}, {}).sessions == expected


def test_one_window_inherits_the_missing_keys_of_one_window() -> None:
    shared = {"session": {"start": "08:00", "end": "17:00", "zone": "Europe/London"}}
    got = eur(shared, {"session": {"close": "12:00"}}).sessions
    assert got == (Session("08:00-12:00", 480, 720, "Europe/London"),)
    assert eur(shared, {"session": "tokyo"}).sessions == (SESSIONS["tokyo"],)


def test_a_global_that_needs_its_instruments_is_a_note_not_an_error() -> None:
    shared = {"session": {"zone": "Europe/London"}}
    own = {"session": {"start": "08:00", "end": "17:00"}}
    profile = load_profile({"global": shared, "instruments": {"EUR_USD": own}})
    note = next(note for note in profile.notes if note.path == "global")
    assert note.text.startswith("instruments that are not listed cannot trade: global.session")
    with pytest.raises(ProfileError, match="start None, end None"):
        effective(profile, "GBP_USD")


NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "hazard_max": st.none() | st.floats(0.5, 1),
        "hazard_min": st.none() | st.floats(0, 0.5),
        "min_repetitions": st.integers(0, 9),
        "max_stack": st.integers(1, 8),
        "cooldown_minutes": st.floats(0, 100),
    },
)


@given(NUMBERS, NUMBERS)
def test_the_own_key_wins_else_the_global_else_the_default(
    shared: dict[str, Any], own: dict[str, Any]
) -> None:
    got = eur(shared, own)
    plain = effective(load_profile({"account": {}}), "EUR_USD")
    for key in ("hazard_max", "hazard_min", "min_repetitions", "max_stack", "cooldown_minutes"):
        expected = own.get(key, shared.get(key, getattr(plain, key)))
        assert getattr(got, key) == expected
        layer = "instrument" if key in own else "global" if key in shared else "default"
        assert got.origin(key) == layer


@given(NUMBERS)
def test_content_hash_depends_on_what_decides_not_on_where_it_is_written(
    keys: dict[str, Any],
) -> None:
    above = load_profile({"global": keys, "instruments": {"EUR_USD": None}})
    both = load_profile({"global": keys, "instruments": {"EUR_USD": keys}, "account": {}})
    assert above.content_hash == both.content_hash
    other = {**keys, "latency_seconds": 1}
    assert load_profile({"global": other, "instruments": {"EUR_USD": None}}).content_hash != (
        above.content_hash
    )
