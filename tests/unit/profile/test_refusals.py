"""Impossible profiles are refused with a message that names the path and what to do."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.errors import ProfileError
from hotband.profile import Account, effective, load_profile, parse_profile
from hotband.profile.settings import Exit, Settings
from hotband.profile.spelling import NO_EFFECT


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(ProfileError) as caught:
        load_profile(document)
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"hazrd_max": 0.1}, ["unknown key global.hazrd_max", "Did you mean 'hazard_max'?"]),
        (
            {"guard_thresholds": {"min_cohrence": 0}},
            ["unknown key global.guard_thresholds.min_cohrence", "Did you mean 'min_coherence'?"],
        ),
        ({"exit": {"hold_minuts": 3}}, ["unknown key global.exit.hold_minuts", "'hold_minutes'?"]),
        (
            {"hazard_exit_when": "above"},
            ["unknown key global.hazard_exit_when", "Did you mean 'hazard_exit'?"],
        ),
        ({"hazard_max": math.nan}, ["global.hazard_max: got nan", "a number 0..1"]),
        ({"hazard_max": 1.5}, ["global.hazard_max: got 1.5", "a number 0..1"]),
        ({"hazard_max": "high"}, ["global.hazard_max: got 'high'", "a number 0..1"]),
        ({"min_repetitions": True}, ["global.min_repetitions: got True", "a whole number"]),
        (
            {"hazard_min": 0.5, "hazard_max": 0.1},
            [
                "global.hazard_min and global.hazard_max",
                "got 0.5 above 0.1",
                "hazard_min at most hazard_max",
                "null switches one off",
            ],
        ),
        ({"exit_horizon": 0}, ["global.exit_horizon: got 0", "minutes above 0"]),
        ({"exit": {"hold_minutes": -1}}, ["global.exit.hold_minutes: got -1", "above 0"]),
        ({"exit": {"horizons": [20, 0]}}, ["global.exit.horizons[1]: got 0", "minutes above 0"]),
        (
            {"exit": {"hold_minutes": 25, "horizons": [20, 30]}},
            ["global.exit.hold_minutes", "got 25 minutes", "one of global.exit.horizons: 20, 30"],
        ),
        ({"exit": 5}, ["global.exit: got 5", "a mapping of exit settings"]),
        (
            {"exit": {"exit_horizon": 5}, "exit_horizon": 6},
            ["global.exit.exit_horizon and", "both"],
        ),
        ({"max_stack": 9}, ["global.max_stack: got 9", "1..8 tickets"]),
        ({"max_stack": 0}, ["global.max_stack: got 0", "1..8 tickets"]),
        ({"stop_loss_pips": 0}, ["global.stop_loss_pips: got 0", "pips above 0"]),
        (
            {"stop_loss_pct": 25},
            [
                "global.stop_loss_pct: got 25",
                "a fraction of the entry price above 0 and at most 0.2 (0.005 = 0.5 %)",
                "Write 0.005 for half a percent, or use stop_loss_pips.",
            ],
        ),
        (
            {"stop_loss_pct": 0.01, "stop_loss_pips": 25},
            ["global.stop_loss_pct and global.stop_loss_pips: got both", "one of the two"],
        ),
        ({"nav_risk_pct": 1}, ["global.nav_risk_pct: got 1", "(0.01 = 1 %)"]),
        ({"exposure": 0}, ["global.exposure: got 0", "above 0"]),
        (
            {"vol_scale_min": 3.0},
            ["global.vol_scale_min and vol_scale_max (default)", "3 above 2"],
        ),
        ({"deriver": {"history_runs": 10}}, ["global.deriver.history_runs", "50"]),
        (
            {"regime_filter": ["trend_bul"]},
            ["global.regime_filter[0]: got trend_bul", "Did you mean 'trend_bull'?"],
        ),
        ({"direction": "up"}, ["global.direction: got up", "momentum or mean_reversion"]),
        ({"invert_bundles": "yes"}, ["global.invert_bundles: got 'yes'", "true or false"]),
        ({"session": "lodnon"}, ["global.session: session: got lodnon", "Did you mean 'london'?"]),
        (
            {"session": {"start": "08:00", "end": "17:00", "zone": "Europe/Lodnon"}},
            ["global.session: time zone: got Europe/Lodnon", "Did you mean 'Europe/London'?"],
        ),
        (
            {"session": {"start": "08:00", "end": "08:00", "zone": "UTC"}},
            ["global.session: session 08:00-08:00: got minutes 480 to 480", "Write 00:00 to 24:00"],
        ),
        ({"session": {"start": "08:00"}}, ["global.session: got start 08:00, end None"]),
        ({"session": {"start": "8", "end": "9"}}, ["global.session", "HH:MM from 00:00"]),
        ({"session": {"name": "london", "start": "8"}}, ["global.session: got a name and hours"]),
        ({"session": 5}, ["global.session: got 5", "a mapping of key: value"]),
        ({"session": {"start": "1", "open": "2"}}, ["global.session.start and", "one of the two"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(
    settings: dict[str, Any], parts: list[str]
) -> None:
    message = refused({"global": settings})
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("account", "parts"),
    [
        ({"margin_budget_pct": 0}, ["account.margin_budget_pct: got 0", "at most 100"]),
        ({"margin_budget_pct": 101}, ["account.margin_budget_pct: got 101"]),
        ({"margin_bugdet_pct": 50}, ["account.margin_bugdet_pct", "'margin_budget_pct'?"]),
        ({"home": "usd"}, ["account.home: got 'usd'", "three capital letters"]),
        ({"cost_bps": math.inf}, ["account.cost_bps: got inf", "basis points, 0..1000"]),
        ({"conversion": {"mode": "side", "fee": 0.005}}, ["account.conversion", "0 in mode side"]),
        ({"hours": {"closure_start": "1658"}}, ["account.hours: closure_start: got 1658"]),
        ({"hours": {"zone": "America/New_Yrok"}}, ["account.hours: time zone", "America/New_York"]),
    ],
)
def test_a_wrong_account_setting_is_named(account: dict[str, Any], parts: list[str]) -> None:
    message = refused({"account": account})
    for part in parts:
        assert part in message


def test_a_contradiction_names_the_layer_of_each_value() -> None:
    message = refused(
        {"global": {"hazard_min": 0.5}, "instruments": {"EUR_USD": {"hazard_max": 0.1}}}
    )
    assert message == (
        "global.hazard_min and instruments.EUR_USD.hazard_max of EUR_USD: got 0.5 above 0.1; "
        "allowed: hazard_min at most hazard_max. Correct one of the two; null switches one off."
    )


def test_several_faults_are_counted_and_the_first_is_shown() -> None:
    message = refused({"global": {"hazard_max": 2, "max_stack": 99}})
    assert message.startswith("global.hazard_max: got 2;")
    assert message.endswith("Correct the value. 1 more to correct.")


def test_unknown_sections_and_instrument_names_are_refused() -> None:
    assert "Did you mean 'instruments'?" in refused({"instrument": {}})
    assert "Write it under global: hazard_max." in refused({"hazard_max": 0.1})
    assert "Did you mean 'EUR_USD'?" in refused({"instruments": {"EURUSD": {}}})
    assert "instruments: got []" in refused({"instruments": []})
    assert "key in instruments: got 5" in refused({"instruments": {5: {}}})


def test_compact_parameters_name_their_own_keys() -> None:
    assert "EUR_USD.SL: got 40" in refused({"EUR_USD": {"SL": 40}})
    assert "unknown key EUR_USD.Hzz" in refused({"EUR_USD": {"Hzz": 1}})
    both = refused({"EUR_USD": {"momentum": {"Haz": 0.1}, "mean_reversion": {"Haz": 0.1}}})
    assert "one signal type" in both


def test_a_portfolio_policy_is_refused_with_what_to_write_instead() -> None:
    message = refused(
        {"max_margin_utilization": 0.8, "max_total_positions": 80, "max_positions_per_pair": 15}
    )
    assert "a portfolio policy (max_margin_utilization" in message
    assert (
        "account.margin_budget_pct: 80; account.max_total_positions: 80; global.max_stack: 8"
        in message
    )


def test_a_repeated_key_is_refused_in_yaml_and_json() -> None:
    with pytest.raises(ProfileError, match=r"line 3: got hazard_max; allowed: each key once"):
        parse_profile("global:\n  hazard_max: 0.1\n  hazard_max: 0.2\n")
    with pytest.raises(ProfileError, match="each key once"):
        parse_profile('{"global": {}, "global": {}}', "a.json")


def test_a_key_that_replaces_the_one_of_an_anchor_is_no_repetition() -> None:
    text = """
global: {exit: &one {hold_minutes: 10}}
instruments:
  EUR_USD: {exit: &two {<<: *one, hold_minutes: 20}}
  GBP_USD: {exit: {<<: *two, hold_minutes: 30}}
"""
    profile = parse_profile(text)
    holds = [effective(profile, name).hold_minutes for name in ("EUR_USD", "GBP_USD")]
    assert holds == [20, 30]


def test_broken_text_and_missing_files_are_profile_errors(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="profile text: got while parsing"):
        parse_profile("global: [1")
    with pytest.raises(ProfileError, match="a mapping of key: value"):
        parse_profile("- 1\n")
    for name in ("a.json", "a.yaml"):
        with pytest.raises(ProfileError, match=f"profile {name}: got .*recursion"):
            parse_profile("[" * 100_000, name)
    with pytest.raises(ProfileError, match="a readable UTF-8 file"):
        load_profile(tmp_path / "absent.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="a readable UTF-8 file"):
        load_profile(str(binary))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
KEYS = [*Settings.model_fields, *NO_EFFECT, *Exit.model_fields, "guard_thresholds"]


@given(
    st.dictionaries(st.sampled_from([*KEYS, "invert_bundles"]), VALUES, max_size=3),
    st.dictionaries(st.sampled_from([*Account.model_fields]), VALUES, max_size=2),
    st.sampled_from([*Settings.model_fields, "EUR_USD"]) | st.text(max_size=3),
    VALUES,
)
def test_whatever_is_written_loads_or_is_a_profile_error(
    layer: dict[str, Any], account: dict[str, Any], key: str, value: object
) -> None:
    for document in (
        {"global": layer, "account": account},
        {"global": {}, "instruments": {"EUR_USD": layer}},
        {"EUR_USD": layer},
        {"global": {"session": {"start": value}, "exit": {"horizons": value}}},
        {"global": {"session": value, "direction": value, "invert_bundles": True}},
        {key: value},
    ):
        try:
            profile = load_profile(document)
        except ProfileError:
            continue
        assert len(profile.content_hash) == 64


def test_times_without_quotes_stay_times_and_short_floats_are_numbers() -> None:
    """YAML 1.1 would read 17:00 as 1020 and 1e-3 as a text."""
    text = "global: {hazard_min: 1e-3, session: {start: 08:00, end: 17:00, zone: UTC}}"
    settings = parse_profile(text).shared.settings
    assert settings.hazard_min == 0.001
    assert settings.session[0].end == "17:00"
