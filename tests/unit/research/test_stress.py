"""Stress by hand: dearer and later fills of trades whose prices are known to the pip."""

from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.stress_streams import (
    CELLS,
    ONE_HOUR,
    TWO_HOURS,
    N,
    job_of,
    judged,
    plain_pnl,
    pnl_of,
    row_of,
    table_of,
)
from tests.unit.research.test_canned_grid import BALANCE, END, HOUR, START, TRADES, noons

from hotband.market.calendar import parse_time
from hotband.research import stress
from hotband.research.cell_rows import columns_of, returns_of, sweep_span, swept
from hotband.research.stress import STRESSES, TAGS, stress_cells, stress_work, with_stress

# Nothing changed, nothing different --------------------------------------------------------------


def test_at_once_the_costs_and_without_delay_a_stressed_run_is_the_plain_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stress, "STRESSES", (("same", 1.0, 0),))
    job = job_of((0, 8, -3, 5), half_spread=1.0, cost_bps=2.0, slippage_bps=1.0)
    found = table_of(job)
    assert found["same_pnl"].to_list() == plain_pnl(job)
    factors = columns_of(job.work, *swept(job.work, 0, N)).columns["profit_factor"].values
    assert found["same_profit_factor"].to_list() == factors.tolist()


def test_a_factor_of_one_leaves_prices_as_they_are() -> None:
    job = job_of((0, 8), half_spread=1.0)
    assert stress_work(job.work, HOUR).works[2] is job.work


def test_stress_leaves_the_bars_rules_and_gates_of_the_plain_run_alone() -> None:
    job = job_of((0, 8, 3), half_spread=1.0, cost_bps=2.0)
    bars, before = job.work.shared.bars.tobytes(), plain_pnl(job)
    table_of(job)
    assert job.work.shared.bars.tobytes() == bars
    assert plain_pnl(job) == before


def test_spreads_widen_around_the_mid_at_every_corner_and_nothing_else_moves() -> None:
    job = job_of((0, 8, 3), half_spread=1.0)
    plain, wide = job.work.shared.bars, stress_work(job.work, HOUR).works[1].shared.bars
    for letter in "ohlc":
        bid, ask = plain[f"bid_{letter}"], plain[f"ask_{letter}"]
        assert wide[f"ask_{letter}"] - wide[f"bid_{letter}"] == pytest.approx(2 * (ask - bid))
        assert wide[f"ask_{letter}"] + wide[f"bid_{letter}"] == pytest.approx(ask + bid)
    others = [name for name in plain.dtype.names or () if name[:3] not in {"bid", "ask"}]
    for name in others:
        assert np.array_equal(plain[name], wide[name]), name


# Dearer ------------------------------------------------------------------------------------------


def test_a_trade_pays_the_spread_that_many_times() -> None:
    # Buys a pip above the mid, sells a pip below it eight pips higher: 8 - 2, - 3, - 4.
    job = job_of((0, 8), half_spread=1.0)
    assert plain_pnl(job)[ONE_HOUR] == pytest.approx(TRADES * 6.0)
    assert pnl_of(job, "costs_1_5x") == pytest.approx(TRADES * 5.0)
    assert pnl_of(job, "costs_2x") == pytest.approx(TRADES * 4.0)


def test_a_short_pays_the_spread_that_many_times_too() -> None:
    job = job_of((0, -8), half_spread=1.0, sides=-1)
    assert plain_pnl(job)[ONE_HOUR] == pytest.approx(TRADES * 6.0)
    assert pnl_of(job, "costs_2x") == pytest.approx(TRADES * 4.0)


def test_a_trade_pays_the_commission_that_many_times() -> None:
    # 2 basis points of 10,000 dollars, there and back: 2 dollars.
    job = job_of((0, 8), cost_bps=2.0)
    assert plain_pnl(job)[ONE_HOUR] == pytest.approx(TRADES * 6.0)
    assert pnl_of(job, "costs_1_5x") == pytest.approx(TRADES * 5.0)
    assert pnl_of(job, "costs_2x") == pytest.approx(TRADES * 4.0)


def test_a_trade_pays_the_slippage_that_many_times() -> None:
    # Half a basis point of the price: 0.5 pips at 1.0 and 0.5004 at 1.0008.
    job = job_of((0, 8), slippage_bps=0.5)
    once = 0.5 + 0.5 * 1.0008
    assert plain_pnl(job)[ONE_HOUR] == pytest.approx(TRADES * (8.0 - once))
    assert pnl_of(job, "costs_1_5x") == pytest.approx(TRADES * (8.0 - 1.5 * once))
    assert pnl_of(job, "costs_2x") == pytest.approx(TRADES * (8.0 - 2.0 * once))


def test_all_three_costs_add_up() -> None:
    job = job_of((0, 20), half_spread=1.0, cost_bps=2.0, slippage_bps=0.5)
    for name, x in (("costs_1_5x", 1.5), ("costs_2x", 2.0)):
        bought, sold = 1.0 + 1e-4 * x, 1.002 - 1e-4 * x
        bought, sold = bought * (1 + 0.5e-4 * x), sold * (1 - 0.5e-4 * x)
        due = TRADES * (10_000 * (sold - bought) - 2.0 * x)
        assert pnl_of(job, name) == pytest.approx(due, rel=1e-9)


def test_the_stressed_profit_factor_is_won_over_lost_at_those_costs() -> None:
    # 44 days win 10 and 21 lose 5 before a spread of 2 pips: at one and a half times 7 and 8,
    # at twice 6 and 9.
    path = {day: (0.0, -5.0 if day % 3 == 2 else 10.0) for day in range(TRADES)}
    found = table_of(job_of(path, half_spread=1.0))
    assert found["costs_1_5x_profit_factor"][ONE_HOUR] == pytest.approx(44 * 7 / (21 * 8))
    assert found["costs_2x_profit_factor"][ONE_HOUR] == pytest.approx(44 * 6 / (21 * 9))


# Later -------------------------------------------------------------------------------------------


def test_an_order_one_bar_later_fills_at_the_next_open() -> None:
    # Bought at one o'clock at 1 pip instead of at noon at 0. The hour of the hold ends at two,
    # and that order is a bar later too: 30 pips, not 7.
    job = job_of((0, 1, 7, 30), half_spread=1.0)
    assert plain_pnl(job)[ONE_HOUR] == pytest.approx(TRADES * (1.0 - 2.0))
    assert plain_pnl(job)[TWO_HOURS] == pytest.approx(TRADES * (7.0 - 2.0))
    assert pnl_of(job, "latency_1_bar") == pytest.approx(TRADES * (30.0 - 1.0 - 2.0))


def test_latency_leaves_costs_as_they_are() -> None:
    job = job_of((0, 0, 0, 0), half_spread=1.0, cost_bps=2.0)
    assert pnl_of(job, "latency_1_bar") == pytest.approx(plain_pnl(job)[ONE_HOUR])


def test_latency_comes_on_top_of_the_profiles_own() -> None:
    # An hour late already: bought at one and sold at three; a bar later, at two and at five.
    job = job_of((0, 1, 7, 30, 40, 60), latency_seconds=3600.0)
    assert plain_pnl(job)[ONE_HOUR] == pytest.approx(TRADES * (30.0 - 1.0))
    assert pnl_of(job, "latency_1_bar") == pytest.approx(TRADES * (60.0 - 7.0))


# Break even --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pips", "due"), [(8, 4.0), (3, 1.5), (2, 1.0), (1, 0.5)])
def test_break_even_is_the_move_in_spreads(pips: float, due: float) -> None:
    """A trade of so many pips before a spread of two has nothing left at pips / 2 times it."""
    row = row_of((0, pips), 1.0)
    assert row["break_even_costs_x"] == pytest.approx(due)


def test_a_trade_that_loses_before_costs_breaks_even_at_none_at_all() -> None:
    row = row_of((0, -3), 1.0)
    assert row["break_even_costs_x"] == 0.0


def test_without_costs_there_is_no_multiple_that_breaks_even() -> None:
    row = row_of((0, 8))
    assert row["break_even_costs_x"] is None
    assert row["costs_2x_pnl"] == row["pnl"]


# Shares ------------------------------------------------------------------------------------------


def test_the_shares_are_the_best_day_and_the_best_trade_of_all_that_was_made() -> None:
    path = {day: (0.0, 200.0 if day == 7 else 2.0) for day in range(TRADES)}
    row = row_of(path)
    made = 200 + 64 * 2
    assert row["pnl"] == pytest.approx(made)
    assert row["best_trade_share"] == pytest.approx(200 / made)
    # Days count as returns on a balance that grows by a third of a percent.
    equity = BALANCE + np.cumsum([0.0, *(path[day][1] for day in range(TRADES))])
    returns = np.diff(equity) / equity[:-1]
    assert row["best_day_share"] == pytest.approx(returns[7] / returns.sum(), rel=1e-6)


def test_a_loser_has_no_shares() -> None:
    row = row_of((0, -3), 1.0)
    assert (row["best_day_share"], row["best_trade_share"]) == (None, None)


# Tags --------------------------------------------------------------------------------------------


LUCKY: Final = {day: (0.0, 200.0 if day == 7 else 2.0) for day in range(TRADES)}
TAGGED: Final[dict[str, tuple[Any, float, list[str]]]] = {
    "robust": ((0, 8, 20, 30), 0.5, []),
    # 5 pips before a spread of 3: 2, 0.5 and -1
    "twice": ((0, 5, 20, 30), 1.5, ["breaks_at_2x_costs"]),
    # 4 before 3: 1, -0.5 and -2
    "half as much again": (
        (0, 4, 20, 30), 1.5, ["breaks_at_1_5x_costs", "breaks_at_2x_costs"]
    ),
    "late": ((0, 8, 0, 0), 0.5, ["breaks_with_latency"]),
    "lucky": (LUCKY, 0.0, ["breaks_with_latency", "one_day_dominates", "one_trade_dominates"]),
}  # fmt: skip
"""Path, half the spread, tags."""


@pytest.mark.parametrize("name", TAGGED)
def test_exactly_the_tags_of_a_stream_are_raised(name: str) -> None:
    path, half_spread, due = TAGGED[name]
    assert row_of(path, half_spread)["stress_tags"] == due


def test_every_tag_is_raised_by_some_stream_and_not_by_another() -> None:
    raised = [set(tags) for _, _, tags in TAGGED.values()]
    assert set.union(*raised) == set(TAGS)
    assert set.intersection(*raised) == set()


def test_a_profit_of_exactly_nothing_breaks() -> None:
    rows = pl.DataFrame(
        {"cell": [0, 1], "pnl": [9.0, 9.0], "best_day_share": [0.5] * 2,
         "best_trade_share": [0.5] * 2}
    )  # fmt: skip
    names = [f"{name}_{what}" for name, _, _ in STRESSES for what in ("pnl", "profit_factor")]
    found = with_stress(rows, [pl.DataFrame({"cell": [0, 1]} | {n: [0.0, 1e-9] for n in names})])
    breaks = [tag for tag in TAGS if tag.startswith("breaks")]
    assert found["stress_tags"].to_list() == [breaks, []]


# Who is stressed ---------------------------------------------------------------------------------


def test_where_nothing_qualifies_nothing_is_stressed() -> None:
    rows = judged(job_of((0, 8), half_spread=1.0), min_trades=1_000).rows
    assert not rows["qualified"].any()
    numbers = [f"{name}_{what}" for name, _, _ in STRESSES for what in ("pnl", "profit_factor")]
    for name in (*numbers, "break_even_costs_x"):
        assert rows[name].null_count() == len(rows)
        assert rows[name].dtype == pl.Float64
    assert rows["stress_tags"].to_list() == [[]] * N


def test_columns_are_the_same_whether_something_was_stressed_or_not() -> None:
    some = judged(job_of((0, 8), half_spread=1.0)).rows
    none = judged(job_of((0, 8), half_spread=1.0), min_trades=1_000).rows
    assert some.schema == none.schema


def test_rows_that_were_not_stressed_are_null_and_keep_their_place() -> None:
    job = job_of((0, 8), half_spread=1.0)
    rows = judged(job).rows
    cells = np.array([2], np.int64)
    dropped = [n for n in rows.columns if n.startswith(("costs_", "latency_", "break_"))]
    found = with_stress(
        rows.drop(*dropped, "stress_tags"), [stress_cells(stress_work(job.work, HOUR), cells)]
    )
    assert found["cell"].to_list() == CELLS.tolist()
    assert found["costs_2x_pnl"].is_null().to_list() == [cell != 2 for cell in CELLS]


def test_a_row_that_was_not_stressed_has_no_tags_whatever_became_of_others() -> None:
    job = job_of(LUCKY)
    rows = judged(job, min_trades=1_000).rows
    assert (rows["best_day_share"] > 0.5).all()
    stress_columns = [n for n in rows.columns if n.startswith(("costs_", "latency_", "break_"))]
    one = stress_cells(stress_work(job.work, HOUR), np.array([2], np.int64))
    found = with_stress(rows.drop(*stress_columns, "stress_tags"), [one])
    assert [bool(tags) for tags in found["stress_tags"].to_list()] == [k == 2 for k in CELLS]


def test_the_order_of_the_spans_does_not_matter() -> None:
    job = job_of((0, 8, 11), half_spread=1.0)
    rows = sweep_span(job.work, (0, N))
    rows = stress.with_shares(rows.drop("returns"), returns_of(rows))
    work = stress_work(job.work, HOUR)
    halves = [stress_cells(work, CELLS[:2]), stress_cells(work, CELLS[2:])]
    whole = with_stress(rows, [stress_cells(work, CELLS)])
    assert with_stress(rows, halves[::-1]).equals(whole)


# Laws --------------------------------------------------------------------------------------------

PIPS = st.integers(-30, 30).map(float)


@settings(max_examples=15, deadline=None)
@given(
    path=st.tuples(PIPS, PIPS, PIPS, PIPS),
    half=st.floats(0.0, 3.0),
    bps=st.floats(0.0, 4.0),
    slip=st.floats(0.0, 2.0),
    side=st.sampled_from([-1, 1]),
)
def test_more_costs_never_raise_the_profit_of_trades_of_one_size(
    path: tuple[float, ...], half: float, bps: float, slip: float, side: int
) -> None:
    job = job_of(path, half_spread=half, cost_bps=bps, slippage_bps=slip, sides=side)
    found, rounding = table_of(job), 1e-9
    plain = plain_pnl(job)
    for cell in range(N):
        once, more, twice = (
            plain[cell], found["costs_1_5x_pnl"][cell], found["costs_2x_pnl"][cell]
        )  # fmt: skip
        assert once >= more - rounding
        assert more >= twice - rounding


def test_noons_are_market_days() -> None:
    """What the hand-made prices rest on: 65 weekdays, an hour a bar."""
    assert len(set(noons())) == TRADES
    assert min(noons()) > parse_time(START)
    assert max(noons()) + 3 * HOUR < parse_time(END)
