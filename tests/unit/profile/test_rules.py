"""A profile as records: units, off-values, indices."""

import math
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from hotband.core.records import LIMITS, REGIMES, RULES, Record
from hotband.errors import InstrumentError, ProfileError
from hotband.market.calendar import MarketHours
from hotband.market.instruments import currencies, get_instrument, load_instruments
from hotband.profile import compile_limits, compile_rules, effective, load_profile
from hotband.profile.refusals import allowed_of
from hotband.profile.settings import Regime, Settings

TABLE = load_instruments()
CURRENCIES = currencies([TABLE["EUR_USD"], TABLE["USD_JPY"]], "USD")


def rules(settings: dict[str, Any], name: str = "EUR_USD", **costs: float) -> Record:
    profile = load_profile({"global": settings, "account": {}})
    return compile_rules(profile, get_instrument(name, TABLE), CURRENCIES, **costs)[0]


def test_an_empty_profile_compiles_to_off_values() -> None:
    profile = load_profile({})
    got = compile_rules(profile, TABLE["EUR_USD"], CURRENCIES)
    assert (got.dtype.names, got.shape) == (RULES.names, (1,))
    one = got[0]
    assert (one["hazard_min"], one["hazard_max"]) == (-math.inf, math.inf)
    assert (one["guards_on"], one["regimes_on"], one["min_reps"]) == (0, 0, 1)
    assert math.isnan(one["hazard_exit"])
    for level in ("stop", "target", "breakeven", "trail"):
        assert (one[f"{level}_frac"], one[f"{level}_abs"]) == (0.0, 0.0)
    assert (one["vol_target"], one["risk_frac"], one["exposure"]) == (0.0, 0.01, 1.0)
    assert (one["hold"], one["max_age"]) == (1_800_000_000_000, 900_000_000_000)
    assert (one["flat_weekend"], one["max_stack"], one["opposite"]) == (1, 1, 0)


def test_pips_become_price_by_the_instruments_pip() -> None:
    keys = {"stop_loss_pips": 25, "take_profit_pct": 0.004, "trailing_pips": 12.5}
    euro, yen = rules(keys), rules(keys, "USD_JPY")
    assert (euro["stop_abs"], yen["stop_abs"]) == pytest.approx((0.0025, 0.25), rel=1e-15)
    assert (euro["trail_abs"], yen["trail_abs"]) == pytest.approx((0.00125, 0.125), rel=1e-15)
    assert (euro["target_frac"], euro["target_abs"]) == (0.004, 0.0)


def test_fields_of_the_broker_and_indices_of_currencies_are_filled() -> None:
    assert CURRENCIES == ("EUR", "JPY", "USD")
    one = rules({}, "USD_JPY")
    assert (one["base_ccy"], one["quote_ccy"]) == (2, 1)
    assert (one["margin_rate"], one["min_units"], one["unit_step"]) == (0.05, 1.0, 1.0)
    assert (one["max_units"], one["max_position"], one["price_scale"]) == (1e8, math.inf, 1000.0)


def test_cost_is_a_round_trip_and_arguments_replace_the_account() -> None:
    assert rules({})["half_commission"] == 0.000075
    one = rules({}, cost_bps=3.0, slippage_bps=0.5)
    assert (one["half_commission"], one["slippage"]) == (0.00015, 0.00005)
    with pytest.raises(ProfileError, match=r"cost_bps: got nan; allowed: basis points"):
        rules({}, cost_bps=math.nan)
    with pytest.raises(ProfileError, match="slippage_bps: got -1"):
        rules({}, slippage_bps=-1.0)


def test_hazard_exit_is_active_under_our_own_key_only() -> None:
    one = rules({"hazard_exit": {"threshold": 0.06, "when": "below"}})
    assert (one["hazard_exit"], one["hazard_exit_above"]) == (0.06, 0)
    assert math.isnan(rules({"hazard_exit_threshold": 0.6})["hazard_exit"])


def test_choices_become_their_codes() -> None:
    one = rules({"opposite": "reverse", "missing_direction": "last_move", "latency_seconds": 0.5})
    assert (one["opposite"], one["missing_direction"], one["latency"]) == (2, 1, 500_000_000)
    assert rules({"opposite": "close", "cooldown_minutes": 1.5})["cooldown"] == 90_000_000_000


def test_every_regime_label_has_the_bit_of_its_code() -> None:
    for index, label in enumerate(REGIMES):
        assert rules({"regime_filter": [label, label]})["regimes_on"] == 1 << (index + 1)
    assert get_args(Regime) == REGIMES


def test_a_currency_outside_the_account_is_refused() -> None:
    with pytest.raises(InstrumentError, match=r"currency of GBP_USD: got GBP; allowed: one of"):
        compile_rules(load_profile(), TABLE["GBP_USD"], CURRENCIES)


def test_limits_are_fractions_and_multiples_of_nav() -> None:
    account = {"margin_budget_pct": 30, "currency_cap": 2, "max_total_positions": 4, "closeout": 0}
    got = compile_limits(load_profile({"account": account}))
    assert (got.dtype.names, got.shape) == (LIMITS.names, (1,))
    one = got[0]
    assert (one["margin_budget"], one["total_exposure"]) == (0.3, math.inf)
    assert (one["currency_cap"], one["max_positions"], one["closeout"]) == (2.0, 4, 0.0)
    assert one["halts"] == 0


def test_market_hours_and_conversion_default_to_those_of_the_market_layer() -> None:
    assert load_profile().account.market_hours() == MarketHours()
    given = {"hours": {"closure_end": "17:05", "dated_holidays": [["2026-04-03 00:00"] * 2]}}
    with pytest.raises(ProfileError, match=r"account\.hours: dated holiday"):
        load_profile({"account": given})
    moved = load_profile({"account": {"hours": {"closure_end": "17:05", "holidays": None}}})
    assert moved.account.market_hours() == MarketHours(closure_end="17:05")


def test_the_packaged_default_is_the_file_in_config() -> None:
    packaged = (resources.files("hotband.profile") / "default.yaml").read_text("utf-8")
    config = Path(__file__).parents[3] / "config" / "hotband.yaml"
    assert packaged == config.read_text("utf-8")


def test_the_default_profile_trades_seven_pairs_without_any_note() -> None:
    profile = load_profile()
    assert (profile.era, profile.notes) == ("hotband", ())
    assert len(profile.instruments) == 7
    names = [get_instrument(name, TABLE) for name in profile.instruments]
    for instrument in names:
        one = compile_rules(profile, instrument, currencies(names, "USD"))[0]
        assert (one["hazard_max"], one["min_reps"], one["guards_on"]) == (0.1, 4, 0b111)
        assert one["stop_abs"] == 25 * instrument.pip
        assert one["target_abs"] == 40 * instrument.pip
    sessions = effective(profile, "EUR_USD").sessions
    assert [session.name for session in sessions] == ["london", "new_york"]


def test_a_risk_budget_without_a_stop_is_reported() -> None:
    profile = load_profile({"global": {"nav_risk_pct": 0.02}})
    assert [note.path for note in profile.notes] == ["global.nav_risk_pct"]
    assert "bounds nothing" in profile.notes[0].text


def test_every_setting_that_can_be_wrong_says_what_is_allowed() -> None:
    silent = [name for name, field in Settings.model_fields.items() if allowed_of(field) is None]
    assert silent == []


def test_compiled_numbers_do_not_depend_on_the_listing() -> None:
    listed = load_profile({"instruments": {"EUR_USD": {"hazard_max": 0.05}}, "account": {}})
    shared = load_profile({"global": {"hazard_max": 0.05}, "account": {}})
    one = compile_rules(listed, TABLE["EUR_USD"], CURRENCIES)
    other = compile_rules(shared, TABLE["EUR_USD"], CURRENCIES)
    np.testing.assert_equal(one.tolist(), other.tolist())


@pytest.mark.parametrize(
    ("given", "least", "most", "leave"),
    [
        ({"hazard_min": 0.02, "hazard_max": 0.08}, 0.02, 0.08, 0.09),
        ({"hazard_min": 0.8, "hazard_max": 0.95}, 0.8 * 0.1, 0.95 * 0.1, 0.09 * 0.1),
        ({"hazard_max": 0.5, "hazard_scale": "hazard"}, -math.inf, 0.5 * 0.1, 0.09 * 0.1),
        ({"hazard_min": 0.8, "hazard_scale": "lambda"}, 0.8, math.inf, 0.09),
        ({"hazard_min": 0.8, "lambda_scale": 1.0}, 0.8, math.inf, 0.09),
    ],
)
def test_hazard_limits_above_every_lambda_are_read_as_raw_hazard(
    given: dict[str, object], least: float, most: float, leave: float
) -> None:
    one = rules(given | {"hazard_exit": {"threshold": 0.09}})
    assert (one["hazard_min"], one["hazard_max"], one["hazard_exit"]) == (least, most, leave)
