"""Profiles of the existing stack give the rules that a reader works out by hand."""

import math
from pathlib import Path

import numpy as np

from hotband.core.records import MEAN_REVERSION, MOMENTUM
from hotband.market.instruments import currencies, get_instrument, load_instruments
from hotband.market.sessions import Session
from hotband.profile import Profile, compile_rules, effective, load_profile

HERE = Path(__file__).parent
TABLE = load_instruments()
INF = math.inf
MINUTE = 60_000_000_000


def compiled(profile: Profile, name: str) -> dict[str, object]:
    instrument = get_instrument(name, TABLE)
    record = compile_rules(profile, instrument, currencies([instrument], "USD"))[0]
    return {field: record[field] for field in record.dtype.names}


def holds(record: dict[str, object], expected: dict[str, object]) -> None:
    for field, value in expected.items():
        np.testing.assert_equal(np.asarray(record[field]), np.asarray(value), err_msg=field)


def notes_of(profile: Profile) -> dict[str, str]:
    found: dict[str, str] = {}
    for note in profile.notes:
        found[note.path] = f"{found[note.path]}; {note.text}" if note.path in found else note.text
    return found


def test_echo_profile_of_a_listed_instrument_inherits_key_by_key() -> None:
    """EUR_USD keeps its own hazard, coherence and hold, and gains the Reynolds guard."""
    profile = load_profile(HERE / "echo_strategy.yaml")
    record = compiled(profile, "EUR_USD")
    holds(
        record,
        {
            "hazard_min": -INF,
            "hazard_max": 0.08,
            "min_reps": 2,
            # coherence own 0.02, entropy own 0.99 (slot 2), Reynolds of global 1.0 (slot 6)
            "guard_min": [0.02] + [-INF] * 9,
            "guard_max": [INF, INF, 0.99, INF, INF, INF, 1.0, INF, INF, INF],
            "guards_on": 0b1000101,
            # mean_revert is code 3, neutral code 5
            "regimes_on": 0b101000,
            "regime_confidence_min": 0.25,
            "direction": MOMENTUM,
            "missing_direction": 0,
            "hold": 45 * MINUTE,
            "rearm": 1,
            "hazard_exit": math.nan,
            "half_commission": 0.000075,
        },
    )
    settings = effective(profile, "EUR_USD")
    assert settings.sessions == (Session("06:00Z-20:00Z", 360, 1200, "UTC"),)
    assert settings.session_exit_minutes == 4.0
    assert settings.origin("hazard_max") == "instrument"
    assert settings.origin("guards.max_reynolds_ratio") == "global"
    assert settings.origin("cooldown_minutes") == "default"


def test_echo_profile_with_an_empty_regime_filter_has_none() -> None:
    """USD_JPY: own repetitions and empty filter; hold 40 from the loose global exit_horizon."""
    profile = load_profile(HERE / "echo_strategy.yaml")
    record = compiled(profile, "USD_JPY")
    holds(record, {"regimes_on": 0, "min_reps": 5, "hazard_max": 0.35, "hold": 40 * MINUTE})
    holds(record, {"guard_min": [0.01] + [-INF] * 9, "rearm": 0})
    session = effective(profile, "USD_JPY").sessions[0]
    assert (session.start_minute, session.end_minute, session.zone) == (0, 1440, "UTC")


def test_echo_profile_with_nulls_switches_globals_off() -> None:
    """GBP_USD has neither a hazard limit nor any guard."""
    profile = load_profile(HERE / "echo_strategy.yaml")
    record = compiled(profile, "GBP_USD")
    holds(record, {"hazard_max": INF, "guards_on": 0, "guard_max": [INF] * 10})
    session = effective(profile, "GBP_USD").sessions[0]
    assert (session.start_minute, session.end_minute, session.zone) == (420, 990, "UTC")


def test_an_instrument_that_is_not_listed_gets_the_globals_and_no_session() -> None:
    profile = load_profile(HERE / "echo_strategy.yaml")
    holds(compiled(profile, "AUD_USD"), {"hazard_max": 0.35, "min_reps": 2, "hold": 40 * MINUTE})
    assert effective(profile, "AUD_USD").sessions == ()


def test_every_key_of_the_echo_profile_without_effect_is_reported() -> None:
    profile = load_profile(HERE / "echo_strategy.yaml")
    notes = notes_of(profile)
    assert profile.era == "existing"
    silent = {path for path, text in notes.items() if text.startswith("no effect")}
    assert silent == {
        "bundles",
        "global.hazard_exit_threshold",
        "global.margin_hyst_high",
        "global.semantic_filter",
        "instruments.USD_JPY.semantic_filter",
        "instruments.GBP_USD.bundles",
    }
    assert notes["instruments.EUR_USD"].startswith(
        "inherits direction, guards.max_reynolds_ratio, session_exit_minutes from global;"
    )
    assert "no filter here" in notes["instruments.USD_JPY.regime_filter"]
    assert "23:59 is read as 24:00" in notes["instruments.USD_JPY.session"]
    assert "no zone" in notes["instruments.GBP_USD.session"]
    assert notes["instruments.EUR_USD.exit.hold_rearm"].startswith("had no effect in the existing")


def test_mean_reversion_profile_flips_once_where_both_keys_say_so() -> None:
    """EUR_USD: direction of global and its own invert_bundles make one flip, -1."""
    profile = load_profile(HERE / "mean_reversion_strategy.yaml")
    holds(
        compiled(profile, "EUR_USD"),
        {
            "direction": MEAN_REVERSION,
            "hazard_min": 0.88 * 0.1,
            "hazard_max": INF,
            "min_reps": 3,
            "guard_min": [0.12, 0.0] + [-INF] * 8,
            "guard_max": [INF, INF, 0.947] + [INF] * 7,
            "guards_on": 0b111,
            "hold": 1500 * MINUTE,
            "rearm": 0,
            "stop_frac": 0.004,
            "stop_abs": 0.0,
            "target_frac": 0.006,
            "breakeven_frac": 0.002,
            "trail_frac": 0.0,
            "trail_abs": 0.0,
        },
    )


def test_mean_reversion_profile_lets_an_instrument_leave_the_flip() -> None:
    """USD_CAD's own ``invert_bundles: false`` wins over the direction of global."""
    profile = load_profile(HERE / "mean_reversion_strategy.yaml")
    holds(
        compiled(profile, "USD_CAD"),
        {"direction": MOMENTUM, "hazard_min": 0.79 * 0.1, "min_reps": 1, "hold": 30 * MINUTE},
    )


def test_mean_reversion_profile_reports_what_cannot_work() -> None:
    notes = notes_of(load_profile(HERE / "mean_reversion_strategy.yaml"))
    silent = {path for path, text in notes.items() if text.startswith("no effect")}
    assert silent == {
        "global.require_st_peak",
        "global.allow_fallback",
        "global.ml_primary_gate",
        "instruments.EUR_USD.require_st_peak",
        "instruments.EUR_USD.disable_bundle_overrides",
    }
    assert notes["instruments.EUR_USD.hazard_min"].startswith(
        "above lambda_scale 0.1, as no lambda is: this, hazard_max"
    )
    assert notes["instruments.USD_CAD.breakeven_trigger_pct"] == (
        "never reached: take_profit_pct 0.0019 closes the position first"
    )


def test_compact_parameters_read_haz_by_signal_type() -> None:
    """Haz is hazard_min under mean_reversion and hazard_max where no type is given."""
    profile = load_profile(HERE / "live_params.json")
    assert profile.instruments == ("EUR_USD", "GBP_USD")
    holds(
        compiled(profile, "EUR_USD"),
        {
            "hazard_min": 0.85 * 0.1,
            "hazard_max": INF,
            "direction": MEAN_REVERSION,
            "min_reps": 3,
            "hold": 90 * MINUTE,
            "stop_frac": 0.004,
            "target_frac": 0.008,
            "trail_frac": 0.0,
            "breakeven_frac": 0.003,
            "guard_min": [0.1, 0.0] + [-INF] * 8,
            "guard_max": [INF, INF, 0.96] + [INF] * 7,
            "hazard_exit": math.nan,
        },
    )
    holds(
        compiled(profile, "GBP_USD"),
        {
            "hazard_min": -INF,
            "hazard_max": 0.09,
            "direction": MOMENTUM,
            "min_reps": 2,
            "hold": 45 * MINUTE,
            "trail_frac": 0.005,
        },
    )
    notes = notes_of(profile)
    assert notes["EUR_USD.mean_reversion.Haz"].startswith(
        "read as hazard_min: the signal type is mean_reversion; above lambda_scale 0.1"
    )
    assert notes["GBP_USD.Haz"] == "read as hazard_max: the signal type is not given"
    assert notes["EUR_USD.mean_reversion.HazEx"].startswith("no effect")
    assert notes["EUR_USD.mean_reversion.Coh"].startswith("active as guards.min_coherence")
