"""What a run of a cell leaves to be read: nothing that happened is missing, nothing is added."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.research.played import decision_frame, equity_frame
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator

START, END = "2026-03-08T22:00:00Z", "2026-03-13T21:00:00Z"


@pytest.fixture(scope="module")
def result() -> SimulationResult:
    bars = demo_bars(("EUR_USD",), parse_time("2026-03-01T22:00:00Z"), parse_time(END))
    return BacktestSimulator("EUR_USD", START, END, bars=bars, gates={}).run()


def test_a_curve_filled_forward_is_that_of_every_bar(result: SimulationResult) -> None:
    short = equity_frame(result, "EUR_USD", "look_back")
    whole = result.equity_curve
    filled = whole.select("time").join_asof(short, on="time")
    assert short.height < whole.height
    assert filled.select("time", "equity", "balance").equals(whole)


def test_the_first_and_the_last_bar_are_always_there(result: SimulationResult) -> None:
    short, whole = equity_frame(result, "EUR_USD", "hold_out"), result.equity_curve
    assert short["time"][0] == whole["time"][0]
    assert short["time"][-1] == whole["time"][-1]
    assert set(short["phase"]) == {"hold_out"}


def test_decisions_are_those_of_the_result(result: SimulationResult) -> None:
    frame = decision_frame(result, "EUR_USD", "look_back")
    told: list[dict[str, Any]] = [each.to_dict() for each in result.decisions()]
    assert len(told) == frame.height > 100
    assert len({tuple(each) for each in frame["reasons"].to_list()}) > 2
    for name in ("admit", "hard_blocked", "source", "direction", "units", "reasons"):
        assert frame[name].to_list() == [each[name] for each in told], name
    times = frame["time"].cast(pl.Int64).to_numpy()
    assert np.array_equal(times, [each.time_ns for each in result.decisions()])
    for name, values in frame.select(pl.exclude(*told[0], "time", "phase")).to_dict().items():
        assert values.to_list() == [each["metrics"][name] for each in told], name
