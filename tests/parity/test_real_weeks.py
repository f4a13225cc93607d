"""On real weeks, one ``path`` call, repeated ``step`` and ``walk`` give the same bytes."""

from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest

from hotband.core import records as r
from hotband.core.path import path, path_every_bar
from hotband.core.records import Records
from hotband.core.shared import share
from hotband.feeds.files import read_bars
from hotband.market.bars import Bars
from hotband.market.financing import load_financing
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.strategy import Profile, load_profile
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator
from tests.parity.test_path_equals_step import differences

pytestmark = pytest.mark.real_data

MONTHS: Final = {
    "EUR_USD": ("EUR_USD.M1.dukascopy.20250401_20250418.parquet", "2025-04-03", "2025-04-18"),
    "GBP_USD": ("GBP_USD.M1.dukascopy.20250401_20250418.parquet", "2025-04-03", "2025-04-18"),
    "USD_JPY": ("USD_JPY.M1.fxcm.20130201_20130301.parquet", "2013-02-05", "2013-03-01"),
}
LEVELS: Final = {"stop_loss_pips": 15, "take_profit_pips": 25}
VARIANTS: Final[dict[str, tuple[dict[str, object], dict[str, object]]]] = {
    "stacking": ({**LEVELS, "max_stack": 4, "exit": {"hold_minutes": 90}}, {}),
    "trailing and breakeven": (
        {**LEVELS, "trailing_pips": 8, "breakeven_pips": 4, "exit": {"hold_minutes": 240}},
        {},
    ),
    "reverse": ({**LEVELS, "opposite": "reverse", "min_repetitions": 3}, {}),
    "close and rearm": (
        {**LEVELS, "opposite": "close", "exit": {"hold_minutes": 20, "hold_rearm": True}},
        {},
    ),
    "mean reversion": ({**LEVELS, "direction": "mean_reversion", "hazard_max": 0.09}, {}),
    "latency": ({**LEVELS, "latency_seconds": 150, "cooldown_minutes": 4}, {"slippage_bps": 0.3}),
    "volatility parity": ({"vol_target_pct": 0.004, "nav_risk_pct": None, **LEVELS}, {}),
    "hazard exit": (
        {"hazard_exit": {"threshold": 0.0995, "when": "above"}, "exit": {"hold_minutes": 600}},
        {},
    ),
    "no stops, many hours": ({"exit": {"hold_minutes": 3000}, "nav_risk_pct": None}, {}),
    "to the margin": (
        {"exposure": 45.0, "nav_risk_pct": None, "exit": {"hold_minutes": 3000}},
        {"margin_budget_pct": 100.0, "closeout": 1.0},
    ),
    "another home": (
        {**LEVELS, "max_stack": 2},
        {"home": "base", "conversion": {"mode": "mid", "fee": 0.005}},
    ),
}
FINANCED: Final = [{"from": "2010-01-01", "long": -0.031, "short": 0.012}]


class Week(NamedTuple):
    """A finished simulation of one pair, and the numbers that it ran on."""

    result: SimulationResult
    rules: Records
    limits: Records


@lru_cache
def month(folder: Path, pair: str) -> Bars:
    """Bars of the pair; FXCM has crossed quotes, which are left out."""
    return read_bars(folder / MONTHS[pair][0], on_crossed="drop")[0]


def profile_of(variant: str, pair: str) -> Profile:
    if variant == "defaults":
        return load_profile()
    settings, account = VARIANTS[variant]
    own = {"home": pair[:3]} if account.get("home") == "base" else {}
    shared = {"min_repetitions": 4, "hazard_max": 0.1, **settings}
    return load_profile({"global": shared, "account": {"home": "USD", **account, **own}})


def simulate(folder: Path, pair: str, variant: str) -> Week:
    profile = profile_of(variant, pair)
    _, start, end = MONTHS[pair]
    driver = BacktestSimulator(
        pair,
        f"{start}T00:00:00Z",
        f"{end}T00:00:00Z",
        profile=profile,
        bars={pair: month(folder, pair)},
        gates={},
        financing=load_financing({"rates": {pair: FINANCED}}),
    )
    instrument = load_instruments()[pair]
    money = currencies([instrument], profile.account.home)
    rules = compile_rules(profile, instrument, money, cost_bps=driver.cost_bps)
    return Week(driver.run(), rules, compile_limits(profile))


def logs_of(week: Week) -> tuple[Records, ...]:
    """Account, books, fills and days as ``walk`` left them; ``path`` keeps no decisions."""
    account = week.result.account.copy()
    days = week.result.logs.days[: account["days"][0]]
    account["decisions"] = 0
    return account, week.result.books, week.result.fills, days


def replayed(week: Week, pair: str, *, skipping: bool) -> tuple[Records, ...]:
    """Account, books, fills and days of one ``path`` call, or of a step at every bar."""
    feed, rules = week.result.parts[pair].feed, week.rules
    _, _, fills, days = logs_of(week)
    account = r.new_account(week.result.balance)
    books = r.new_books(rules["base_ccy"].tolist(), rules["quote_ccy"].tolist())
    logs = r.empty(r.FILL, len(fills)), r.empty(r.DAY, len(days))
    shared = share(feed.bars, feed.gate_of_bar, feed.gates)
    run_all = path if skipping else path_every_bar
    run_all(account[0], books, shared, rules[0], week.limits[0], *logs)
    return account, books, *logs


@pytest.mark.parametrize("variant", ["defaults", *VARIANTS])
@pytest.mark.parametrize("pair", MONTHS)
def test_path_and_steps_and_walk_agree_on_real_weeks(
    real_data: Path, pair: str, variant: str
) -> None:
    week = simulate(real_data, pair, variant)
    stepped = replayed(week, pair, skipping=False)
    assert not differences(stepped, replayed(week, pair, skipping=True))
    assert not differences(stepped, logs_of(week))
    closed = stepped[2]["kind"] == -1
    assert closed.sum() > 2


@pytest.mark.parametrize("variant", ["defaults", *VARIANTS])
@pytest.mark.parametrize("pair", MONTHS)
def test_every_gate_of_real_weeks_is_filled_or_has_its_reason(
    real_data: Path, pair: str, variant: str
) -> None:
    result = simulate(real_data, pair, variant).result
    funnel, part = result.parts[pair].funnel, result.parts[pair]
    assert funnel.gates == funnel.filled + sum(funnel.refusals.values())
    assert funnel.gates >= funnel.admitted >= funnel.sized >= funnel.planned >= funnel.filled
    assert funnel.gates + part.feed.unjudged == len(part.chosen.gates)
    assert funnel.filled == int((result.fills["kind"] == 1).sum())
    assert funnel.filled == result.trades.height + result.open_positions.height


def test_the_variants_do_what_they_are_named_after(real_data: Path) -> None:
    """Otherwise agreement would say little."""

    def reasons(variant: str) -> set[str]:
        return set(simulate(real_data, "EUR_USD", variant).result.trades["exit_reason"])

    assert {"trailing_stop_hit", "breakeven_stop_hit"} <= reasons("trailing and breakeven")
    assert {"opposite_gate", "stop_loss_hit", "take_profit_hit"} <= reasons("reverse")
    assert {"margin_closeout"} <= reasons("to the margin")
    assert {"hazard_exit"} <= reasons("hazard exit")
    assert {"weekend_flat"} <= reasons("no stops, many hours")
    financed = simulate(real_data, "EUR_USD", "no stops, many hours").result
    assert np.count_nonzero(financed.trades["financing"].to_numpy()) > 0
    stacked = simulate(real_data, "EUR_USD", "stacking").result.fills
    assert int(np.cumsum(stacked["kind"]).max()) > 1
