"""Nothing that is known at a time depends on what comes after it, at every event of a market."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.look_ahead import (
    Market,
    Run,
    Trace,
    assert_no_look_ahead,
    cut,
    scrambled,
    simulation,
    trace_of,
)

from hotband.core.records import Records
from hotband.feeds.demo import demo_bars
from hotband.feeds.files import read_bars
from hotband.gates.encoder import encode_gates
from hotband.market.bars import Bars
from hotband.market.calendar import MINUTE_NS, parse_time
from hotband.profile.strategy import Profile, load_profile
from hotband.research import feed
from hotband.research.simulator import BacktestSimulator

DEFAULT = load_profile()
RESTLESS = load_profile(
    {
        "global": {
            "min_repetitions": 3,
            "guards": {"min_coherence": 0.05, "min_stability": 0.3, "max_entropy": 1.0},
            "missing_direction": "last_move",
            "gate_max_age_minutes": 90,
            "max_stack": 3,
            "opposite": "reverse",
            "latency_seconds": 90,
            "cooldown_minutes": 2,
            "exit": {"hold_minutes": 240, "hold_rearm": True},
            "hazard_exit": {"threshold": 0.0999, "when": "above"},
            "stop_loss_pips": 12,
            "take_profit_pips": 18,
            "breakeven_pips": 5,
            "trailing_pips": 8,
            "vol_target_pct": 0.005,
            "vol_half_life_bars": 120,
        },
        "account": {
            "home": "USD",
            "total_exposure": 1.5,
            "currency_cap": 1.0,
            "slippage_bps": 0.2,
            "conversion": {"mode": "mid", "fee": 0.005},
        },
    }
)
"""Every switch that looks at the past: volatility, moving stops, latency, last moves."""

DEMO_FROM = parse_time("2025-03-31T00:00:00Z")
DEMO_WINDOW = ("2025-04-02T06:00:00Z", "2025-04-02T21:30:00Z")
"""Over the roll of a Wednesday."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOTBAND_BARS", "HOTBAND_GATES", "HOTBAND_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def demo_market(*names: str, granularity: str = "M1", seed: int = 7) -> dict[str, Bars]:
    return demo_bars(names, DEMO_FROM, parse_time(DEMO_WINDOW[1]), granularity, seed, edge=0.05)


def prove_at_every_event(run: Run, bars: Market, window: tuple[str, str], least: int) -> Trace:
    """The proof at each gate and fill of the window; at least so many gates and fills."""
    trace = run(bars)
    events = trace.events(parse_time(window[0]), parse_time(window[1]))
    assert len(trace.fills) >= least
    assert len(events) >= least
    assert assert_no_look_ahead(run, bars, events.tolist()) > len(trace.fills)
    return trace


@pytest.mark.parametrize("profile", [DEFAULT, RESTLESS], ids=["default", "restless"])
def test_one_pair_of_the_demo_market_never_looks_ahead(profile: Profile) -> None:
    run = simulation(["EUR_USD"], *DEMO_WINDOW, profile)
    prove_at_every_event(run, demo_market("EUR_USD"), DEMO_WINDOW, least=12)


def test_a_cross_that_converts_through_another_pair_never_looks_ahead() -> None:
    """Money of EUR_GBP becomes USD through GBP_USD and EUR_USD, which the run must not foresee."""
    run = simulation(["EUR_GBP"], *DEMO_WINDOW, RESTLESS)
    bars = demo_market("EUR_GBP", "GBP_USD", "EUR_USD")
    prove_at_every_event(run, bars, DEMO_WINDOW, least=12)


def test_encoded_gates_never_look_ahead() -> None:
    """Bars to bits, metrics, percentile and repetitions to gates to trades, at every gate."""
    window = (DEMO_WINDOW[0], "2025-04-02T12:00:00Z")
    run = simulation(["EUR_USD"], *window, DEFAULT, encoded=True)
    trace = prove_at_every_event(run, demo_market("EUR_USD"), window, least=10)
    assert {int(flag) for flag in trace.gates["EUR_USD"]["synthetic"]} == {0}


def test_the_change_from_derived_to_recorded_gates_never_looks_ahead() -> None:
    """The recorded ones begin in mid-window: what came before must not know of them."""
    window = (DEMO_WINDOW[0], "2025-04-02T12:00:00Z")
    first = parse_time("2025-04-02T09:00:00Z")

    def run(bars: Market) -> Trace:
        gates = encode_gates(bars["EUR_USD"]).gates.window(first, 2**62)
        driver = BacktestSimulator(
            "EUR_USD", *window, profile=DEFAULT, bars=bars, gates={"EUR_USD": gates}
        )
        return trace_of(driver.run(), driver.granularity_ns)

    trace = prove_at_every_event(run, demo_market("EUR_USD"), window, least=10)
    assert {int(flag) for flag in trace.gates["EUR_USD"]["synthetic"]} == {0, 1}


def test_a_portfolio_never_looks_ahead() -> None:
    """One account: each instrument's NAV, caps and margin hang on the prices of the others."""
    names = ("EUR_USD", "GBP_USD", "USD_JPY")
    run = simulation(names, *DEMO_WINDOW, RESTLESS)
    trace = prove_at_every_event(run, demo_market(*names), DEMO_WINDOW, least=30)
    assert set(trace.fills["instrument"].tolist()) == {0, 1, 2}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    minutes=st.floats(1.0, 15 * 60.0),
    granularity=st.sampled_from(["M1", "M5", "M15"]),
)
def test_no_market_is_foreseen_at_any_time_inside_a_bar(
    seed: int, minutes: float, granularity: str
) -> None:
    bars = demo_market("EUR_GBP", "GBP_USD", "EUR_USD", granularity=granularity, seed=seed)
    run = simulation(["EUR_GBP", "EUR_USD"], *DEMO_WINDOW, RESTLESS)
    at = parse_time(DEMO_WINDOW[0]) + int(minutes * MINUTE_NS)
    assert_no_look_ahead(run, bars, [at], seed=seed)


WEEK = ("2025-04-06T21:00:00Z", "2025-04-11T21:00:00Z")
DAY = ("2025-04-08T21:00:00Z", "2025-04-09T21:00:00Z")
"""The one in which tariffs were suspended: the widest moves of the month."""


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("profile", "window", "least"),
    [
        pytest.param(DEFAULT, WEEK, 300, id="week-default"),
        pytest.param(RESTLESS, DAY, 100, id="day-restless"),
        pytest.param(RESTLESS, WEEK, 800, id="week-restless", marks=pytest.mark.long),
    ],
)
def test_real_minutes_are_never_foreseen_at_any_of_their_events(
    real_data: Path, profile: Profile, window: tuple[str, str], least: int
) -> None:
    """Every gate and every fill of EUR_USD in the week from 2025-04-07."""
    file = real_data / "EUR_USD.M1.dukascopy.20250401_20250418.parquet"
    bars = read_bars(file, on_crossed="drop")[0]
    # A day after the window is future enough to be foreseen, and quicker to replay.
    reach = parse_time(window[1]) + 24 * 60 * MINUTE_NS
    near = bars.window(int(bars.data["t"][0]), reach)
    run = simulation(["EUR_USD"], *window, profile)
    prove_at_every_event(run, {"EUR_USD": near}, window, least)


@pytest.mark.real_data
def test_a_real_cross_is_never_foreseen_at_any_of_its_events(real_data: Path) -> None:
    """EUR_JPY by the hour, with money that passes through USD_JPY and EUR_USD."""
    window = ("2018-05-06T21:00:00Z", "2018-06-08T21:00:00Z")
    reach = (parse_time("2018-01-02T00:00:00Z"), parse_time("2018-06-20T00:00:00Z"))
    bars: dict[str, Bars] = {}
    for name in ("EUR_JPY", "USD_JPY", "EUR_USD"):
        file = real_data / f"{name}.H1.oanda.20160107_20191231.parquet"
        bars[name] = read_bars(file, on_crossed="drop")[0].window(*reach)
    prove_at_every_event(simulation(["EUR_JPY"], *window, RESTLESS), bars, window, least=20)


def cheat(bars: Market, seen: Mapping[str, Bars]) -> Trace:
    """A run on bars that were changed in the light of ``seen``."""
    honest = simulation(["EUR_USD"], *DEMO_WINDOW, DEFAULT)
    return honest({"EUR_USD": seen["EUR_USD"]} | {k: bars[k] for k in bars if k != "EUR_USD"})


def scaled_by_its_own_median(bars: Market) -> Trace:
    """The classic: normalised over the whole series before the first decision is made."""
    held = bars["EUR_USD"]
    data = held.data.copy()
    middle = float(np.median(data["bid_c"]))
    for side in ("bid", "ask"):
        for letter in "ohlc":
            data[f"{side}_{letter}"] /= middle
    normal = Bars.from_records("EUR_USD", "M1", data, source=held.source)
    return cheat(bars, {"EUR_USD": normal})


def closes_one_bar_early(bars: Market) -> Trace:
    """Bars stamped with their close and read as stamped with their open."""
    held = bars["EUR_USD"]
    data = held.data.copy()
    data["t"] -= MINUTE_NS
    return cheat(bars, {"EUR_USD": Bars.from_records("EUR_USD", "M1", data, source=held.source)})


def late_fill_prices(bars: Market) -> Trace:
    """Fills reported at the price of the bar after them."""
    honest = simulation(["EUR_USD"], *DEMO_WINDOW, DEFAULT)(bars)
    data = bars["EUR_USD"].data
    after = np.minimum(np.searchsorted(data["t"], honest.fills["t"]) + 1, len(data) - 1)
    fills = honest.fills.copy()
    fills["price"] = data["bid_o"][after]
    return replace(honest, fills=fills)


@pytest.mark.parametrize("run", [scaled_by_its_own_median, closes_one_bar_early, late_fill_prices])
def test_the_proof_catches_a_strategy_that_looks_ahead(run: Run) -> None:
    bars = demo_market("EUR_USD")
    start, end = (parse_time(text) for text in DEMO_WINDOW)
    events = run(bars).events(start + 60 * MINUTE_NS, end)
    with pytest.raises(AssertionError, match="after 2025-04-02T"):
        assert_no_look_ahead(run, bars, events.tolist())


@pytest.mark.parametrize("column", ["vol", "gain_o", "base_o", "loss_c"])
def test_the_proof_catches_a_feed_that_looks_one_bar_ahead(
    monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    """A column of the feed that is a bar early is seen in sizes, money or equity."""
    honest = feed.bar_records

    def early(*given: Any) -> Records:
        rows: Records = honest(*given).copy()
        rows[column][:-1] = rows[column][1:]
        rows.setflags(write=False)
        return rows.view(np.recarray)

    monkeypatch.setattr(feed, "bar_records", early)
    bars = demo_market("EUR_GBP", "GBP_USD", "EUR_USD")
    run = simulation(["EUR_GBP"], *DEMO_WINDOW, RESTLESS)
    events = run(bars).events(*(parse_time(text) for text in DEMO_WINDOW))
    with pytest.raises(AssertionError, match="after 2025-04-02T"):
        assert_no_look_ahead(run, bars, events.tolist())


def test_a_world_that_is_cut_or_goes_on_otherwise_is_the_same_up_to_then() -> None:
    bars = demo_market("EUR_USD")["EUR_USD"]
    at = parse_time("2025-04-02T12:00:30Z")
    complete = bars.known_ns <= at
    under_way = int(complete.sum())
    for other in (cut(bars, at), scrambled(bars, at, np.random.default_rng(1))):
        assert other.data[:under_way].tobytes() == bars.data[complete].tobytes()
        for field in ("t", "bid_o", "ask_o"):
            assert other.data[field][under_way] == bars.data[field][under_way]
        assert other.data["bid_c"][under_way] != bars.data["bid_c"][under_way]
    assert len(cut(bars, at)) == under_way + 1
    assert not np.isin(
        scrambled(bars, at, np.random.default_rng(1)).data["bid_c"][under_way:], bars.data["bid_c"]
    ).any()
