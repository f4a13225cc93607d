"""What a simulation gives back: frames, JSON, notes, and one trade worked out by hand."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from tests.unit.research.demo_runs import (
    END,
    MINUTE,
    PLAIN,
    START,
    market,
    quote_at,
    recorded,
    simulate,
)

from hotband.core import records as r
from hotband.core.path import path
from hotband.core.shared import share
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.strategy import load_profile

NOON = "2025-04-07T12:00:00Z"
TIME = pl.Datetime("ns", "UTC")


def total(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].to_numpy().sum())


def test_one_trade_is_the_one_worked_out_by_hand() -> None:
    """Bought at the ask of 12:00, sold at the bid of 12:30, for one NAV of notional."""
    result = simulate("EUR_USD", gates={"EUR_USD": recorded("EUR_USD", NOON)}, profile=PLAIN)
    bars = market("EUR_USD")["EUR_USD"]
    first, last = quote_at(bars, NOON), quote_at(bars, "2025-04-07T12:30:00Z")
    mid = float(first["bid_o"][0] + first["ask_o"][0]) / 2
    units = float(np.floor(100_000 / mid))
    gross = units * float(last["bid_o"][0] - first["ask_o"][0])
    commission = units * mid * 1.5e-4
    (trade,) = result.trades.to_dicts()
    assert trade["direction"] == "LONG"
    assert trade["units"] == units
    assert trade["entry_price"] == first["ask_o"][0]
    assert trade["exit_price"] == last["bid_o"][0]
    assert trade["exit_reason"] == "hold_expiry"
    assert trade["hold_minutes"] == 30.0
    assert trade["gross"] == pytest.approx(gross, rel=1e-12)
    assert trade["commission"] == pytest.approx(commission, rel=1e-12)
    assert trade["financing"] == 0.0
    assert trade["pnl"] == pytest.approx(gross - commission, rel=1e-12)
    assert trade["source"] == "real"
    assert trade["stop"] is None
    assert result.account[0].balance == pytest.approx(100_000 + gross - commission, rel=1e-12)


def test_the_extremes_of_a_trade_are_those_of_the_side_that_closes_it() -> None:
    result = simulate("EUR_USD", gates={"EUR_USD": recorded("EUR_USD", NOON)}, profile=PLAIN)
    data = market("EUR_USD")["EUR_USD"].data
    held = data[(data["t"] >= parse_time(NOON)) & (data["t"] < parse_time(NOON) + 30 * MINUTE)]
    entry, (trade,) = held["ask_o"][0], result.trades.to_dicts()
    lowest = min(held["bid_l"].min(), trade["exit_price"])
    highest = max(held["bid_h"].max(), trade["exit_price"])
    assert trade["mae_pips"] == pytest.approx((entry - lowest) * 1e4, abs=1e-9)
    assert trade["mfe_pips"] == pytest.approx(max(0.0, highest - entry) * 1e4, abs=1e-9)


def test_frames_have_their_columns_and_times_with_a_zone() -> None:
    result = simulate(["EUR_USD", "USD_JPY"])
    assert result.trades.schema == {
        "instrument": pl.String, "direction": pl.String, "units": pl.Float64,
        "entry_time": TIME, "entry_price": pl.Float64, "exit_time": TIME,
        "exit_price": pl.Float64, "exit_reason": pl.String, "hold_minutes": pl.Float64,
        "gross": pl.Float64, "commission": pl.Float64, "financing": pl.Float64,
        "pnl": pl.Float64, "mae_pips": pl.Float64, "mfe_pips": pl.Float64, "stop": pl.Float64,
        "source": pl.String, "gate_known": TIME,
    }  # fmt: skip
    assert result.open_positions.schema == {
        "instrument": pl.String, "direction": pl.String, "units": pl.Float64,
        "entry_time": TIME, "entry_price": pl.Float64, "commission": pl.Float64,
        "financing": pl.Float64, "source": pl.String,
    }  # fmt: skip
    curve = {"time": TIME, "equity": pl.Float64, "balance": pl.Float64}
    assert result.equity_curve.schema == curve
    assert result.daily_equity.schema == {"day": pl.Date, "equity": pl.Float64}


def test_frames_without_a_trade_have_the_same_columns() -> None:
    quiet = load_profile({"global": {"min_repetitions": 900}, "account": {"home": "USD"}})
    busy, none = simulate("EUR_USD"), simulate("EUR_USD", profile=quiet)
    assert none.trades.height == 0 < busy.trades.height
    assert none.trades.schema == busy.trades.schema
    assert none.equity_curve["equity"].unique().to_list() == [100_000.0]
    assert none.metrics.keys() == busy.metrics.keys()


def test_the_window_trades_the_bars_that_open_and_end_inside_it() -> None:
    bars = market("EUR_USD")["EUR_USD"].data["t"]
    start, end = parse_time(START), parse_time(END)
    inside = bars[(bars >= start) & (bars + MINUTE <= end)]
    result = simulate("EUR_USD")
    assert result.equity_curve["time"].to_physical().to_list() == inside.tolist()
    assert result.parts["EUR_USD"].warm_up_bars == int((bars < start).sum())


@pytest.mark.parametrize("names", ["EUR_USD", ["EUR_USD", "GBP_USD", "USD_JPY"]])
def test_trades_and_open_tickets_add_up_to_the_change_of_the_balance(
    names: str | list[str],
) -> None:
    result = simulate(names)
    account = result.account[0]
    still = result.open_positions
    moved = total(result.trades, "pnl") - total(still, "commission") + total(still, "financing")
    assert result.trades.height > 10
    assert account.balance - result.balance == pytest.approx(moved, abs=1e-6)
    assert account.nav == pytest.approx(account.balance + result.books["unrealised"].sum())
    assert result.equity_curve["equity"][-1] == account.nav
    assert result.daily_equity["equity"][-1] == account.nav
    paid = total(result.trades, "commission") + total(still, "commission")
    assert account.commission == pytest.approx(paid)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"min_repetitions": 900},
        {"stop_loss_pips": 5, "max_stack": 3},
        {"exposure": 40.0, "nav_risk_pct": None, "exit": {"hold_minutes": 3000}},
    ],
    ids=["plain", "no trades", "stops", "on the edge"],
)
def test_every_result_is_json_without_nan_and_reads_back_the_same(
    settings: dict[str, object],
) -> None:
    account = {"home": "USD", "margin_budget_pct": 100.0, "closeout": 0.0}
    profile = load_profile({"global": settings, "account": account})
    values = simulate(["EUR_USD", "GBP_USD"], profile=profile, balance=2_000.0).to_dict()
    text = json.dumps(values, allow_nan=False)
    assert json.loads(text) == values


def test_the_series_can_be_left_out() -> None:
    result = simulate("EUR_USD")
    whole, short = result.to_dict(), result.to_dict(series=False)
    assert whole.keys() - short.keys() == {"equity_curve", "decisions"}
    assert {key: whole[key] for key in short} == short


def test_a_gate_known_inside_a_second_keeps_its_time_everywhere() -> None:
    """The time is a gate's identity: what names it must agree between trades and decisions."""
    known = "2025-04-07T11:59:30.25Z"
    gates = {"EUR_USD": recorded("EUR_USD", known)}
    values = simulate("EUR_USD", gates=gates, profile=PLAIN).to_dict()
    trades, decisions = values["trades"], values["decisions"]
    assert isinstance(trades, list)
    assert isinstance(decisions, list)
    assert {row["gate_known"] for row in decisions} == {known}
    assert {row["gate_known"] for row in trades} == {known}


def test_a_decision_names_its_gate_and_its_reasons() -> None:
    gates = {"EUR_USD": recorded("EUR_USD", NOON, hazard=0.5)}
    profile = load_profile({"global": {"hazard_max": 0.1}, "account": {"home": "USD"}})
    result = simulate("EUR_USD", gates=gates, profile=profile)
    first, stale = result.decisions()
    assert first.reasons == ("hazard_exceeds_max",)
    assert not first.admit
    assert first.metrics["hazard"] == 0.5
    assert first.metrics["coherence"] is None
    assert first.time_ns == first.gate_known_ns == parse_time(NOON)
    assert stale.reasons == ("gate_stale", "hazard_exceeds_max")
    assert stale.time_ns == parse_time(NOON) + 16 * MINUTE
    assert result.funnel.refusals == {"hazard_exceeds_max": 1}


def test_notes_say_that_demo_bars_are_simulated() -> None:
    notes = simulate("EUR_USD").notes
    assert "EUR_USD: the bars are simulated (demo market), not real quotes" in notes
    assert any("no financing rates given" in note for note in notes)
    assert any("gates are derived from bars" in note for note in notes)


def test_notes_say_nothing_of_the_kind_about_other_bars() -> None:
    demo = market("EUR_USD")["EUR_USD"]
    named = Bars.from_records("EUR_USD", "M1", demo.data.copy(), source="broker")
    notes = simulate("EUR_USD", {"EUR_USD": named}).notes
    assert not any("simulated" in note for note in notes)


def test_notes_say_how_short_the_warm_up_was() -> None:
    bars = market("EUR_USD")["EUR_USD"]
    late = bars.window(parse_time(START) - 90 * MINUTE, parse_time(END))
    notes = simulate("EUR_USD", {"EUR_USD": late}).notes
    assert "EUR_USD: 90 bars before the window to warm up on, 5000 asked" in notes


SCRIPT = """
import hashlib, json
from tests.unit.research.demo_runs import simulate
values = simulate(["USD_JPY", "EUR_USD", "GBP_USD"]).to_dict()
print(hashlib.sha256(json.dumps(values).encode()).hexdigest())
"""


def test_every_process_gives_the_same_bytes() -> None:
    """Sets and dictionaries of text are ordered by a seed that differs by process."""
    found = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout.strip())
    values = simulate(["USD_JPY", "EUR_USD", "GBP_USD"]).to_dict()
    assert found == {hashlib.sha256(json.dumps(values).encode()).hexdigest()}


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    """Threads share the bars and gates of one window and differ in their rules."""
    part = simulate("EUR_USD").parts["EUR_USD"].feed
    instrument = load_instruments()["EUR_USD"]
    shared = share(part.bars, part.gate_of_bar, part.gates)
    profiles = [
        load_profile({"global": {"exit": {"hold_minutes": hold}}, "account": {"home": "USD"}})
        for hold in (5, 10, 20, 40, 80, 160, 320, 640)
    ]
    rules = [compile_rules(p, instrument, currencies([instrument], "USD")) for p in profiles]
    limits = compile_limits(profiles[0])

    def cell(k: int) -> bytes:
        account, books = r.new_account(10_000.0), r.new_books([0], [1])
        fills, days = r.empty(r.FILL, 2 * len(part.gates)), r.empty(r.DAY, 8)
        path(account[0], books, shared, rules[k][0], limits[0], fills, days)
        return bytes(account.tobytes() + books.tobytes() + fills.tobytes() + days.tobytes())

    alone = [cell(k) for k in range(len(rules))]
    assert len(set(alone)) == len(rules)
    for workers in (1, 2, 4):
        with ThreadPoolExecutor(workers) as pool:
            cells = list(pool.map(cell, list(range(len(rules))) * 25))
        assert cells == alone * 25
