"""Canned gate streams whose trades are worked out by hand: the tags and order of their rows.

One gate a weekday at noon makes an entry of 10,000 units at 1.0; the price has moved by so many
pips when the hour is over, and is back at 1.0 an hour later. A pip is one dollar.
"""

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from tests.naive import naive_score as naive
from tests.unit.research.grid_worlds import unfit

from hotband.feeds.demo import demo_bars
from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.instruments import load_instruments
from hotband.profile.strategy import load_profile
from hotband.research.axes import CellGrid
from hotband.research.cell_rows import CellWork, score_rows, sweep_span
from hotband.research.grid import GridJob, chosen_of, prepare_job, rerun
from hotband.research.grid_settings import load_grid
from hotband.research.simulator import BacktestSimulator

START, END = "2025-03-09T21:00:00Z", "2025-06-06T21:00:00Z"
HOUR: Final = 3_600_000_000_000
DAY: Final = 24 * HOUR
TRADES: Final = 65  # weekdays of the window
BALANCE: Final = 100_000.0
TABLE: Final = {
    **load_instruments(),
    "EUR_USD": replace(load_instruments()["EUR_USD"], max_order_units=10_000),
}
GRID: Final = {
    "hazard": {"points": 2}, "min_reps": [5], "hold_minutes": [60], "exposure": [1.0],
}  # fmt: skip
STREAMS: Final[dict[str, tuple[int, ...]]] = {
    "solid": (12, 8, -5) * 21 + (12, 8),
    "negative": (-12, 5, -8) * 21 + (-12, -8),
    "one lucky trade": (200,),
    "no losses": (4, 6) * 32 + (4,),
    "drawdown": (-10,) * 32 + (10,) * 33,
}
"""Pips of every trade, in order."""


@lru_cache
def hours() -> Bars:
    start, end = parse_time("2025-03-02T22:00:00Z"), parse_time(END)
    return demo_bars(["EUR_USD"], start, end, "H1", seed=3)["EUR_USD"]


def noons() -> list[int]:
    first = parse_time("2025-03-10T12:00:00Z")
    return [first + (7 * (i // 5) + i % 5) * DAY for i in range(TRADES)]


def canned(pips: tuple[int, ...]) -> Bars:
    """Bars without a spread at 1.0, but for the moves of the hours from noon to two."""
    data = hours().data.copy()
    for name in data.dtype.names or ():
        if name.startswith(("bid", "ask")):
            data[name] = 1.0
    moved = {t: 1.0 + pip * 1e-4 for t, pip in zip(noons(), pips, strict=False)}
    for bar in data:
        for side in ("bid", "ask"):
            if int(bar["t"]) in moved:  # opens at 1.0, closes where it went
                price = moved[int(bar["t"])]
                bar[f"{side}_c"], bar[f"{side}_h"] = price, max(price, 1.0)
                bar[f"{side}_l"] = min(price, 1.0)
            elif int(bar["t"]) - HOUR in moved:
                for letter in "ohlc":
                    bar[f"{side}_{letter}"] = moved[int(bar["t"]) - HOUR]
    return Bars.from_records("EUR_USD", "H1", data, source="demo")


def job_of(pips: tuple[int, ...], *, synthetic: int = 0, cost_bps: float = 0.0) -> GridJob:
    """The grid of a stream; its first ``synthetic`` gates count as derived from bars."""
    n = len(pips)
    known = np.array(noons()[:n], np.int64)
    gates = Gates.from_columns(
        "EUR_USD", known, np.ones(n, np.int64), np.full(n, 0.05), np.full(n, 5), {},
        synthetic=False,
    )  # fmt: skip
    data = gates.data.copy()
    data["synthetic"][:synthetic] = 1
    simulator = BacktestSimulator(
        "EUR_USD", START, END,
        profile=load_profile(
            {
                "global": {"nav_risk_pct": None, "hazard_max": 0.1, "session_exit_minutes": 0},
                "account": {"home": "USD"},
            }
        ),
        balance=BALANCE, cost_bps=cost_bps, granularity="H1", bars={"EUR_USD": canned(pips)},
        gates={"EUR_USD": replace(gates, data=data)}, fallback=False, instrument_table=TABLE,
    )  # fmt: skip
    return prepare_job(simulator, load_grid({"default": GRID}))


def rows_of(pips: tuple[int, ...], **options: Any) -> pl.DataFrame:
    return scored(job_of(pips, **options).work)


def scored(work: CellWork, min_trades: int = 10) -> pl.DataFrame:
    """All rows of a window, scored without a search."""
    return score_rows(sweep_span(work, (0, len(work.cells))), None, min_trades)


SPECIAL: Final[dict[str, dict[str, Any]]] = {
    "synthetic": {"synthetic": TRADES},
    "mostly synthetic": {"synthetic": 40},
    "churn": {"cost_bps": 3.0},
}
"""Streams that are ``solid`` but for one thing."""


def pips_of(name: str) -> tuple[int, ...]:
    return STREAMS["solid" if name in SPECIAL else name]


@lru_cache
def row_of(name: str) -> dict[str, Any]:
    return dict(rows_of(pips_of(name), **SPECIAL.get(name, {})).row(0, named=True))


def scored_by_hand(name: str) -> float | None:
    """The score that the stream's own pips give, by the naive twin of the score."""
    options = SPECIAL.get(name, {})
    cost = 10_000 * options.get("cost_bps", 0.0) * 1e-4
    net = np.array(pips_of(name), np.float64) - cost
    days = np.concatenate((net, np.zeros(TRADES - len(net))))
    equity = BALANCE + np.cumsum(days)
    returns = days / np.concatenate(([BALANCE], equity[:-1]))
    ratio = returns.mean() / returns.std(ddof=1)
    z = (returns - returns.mean()) / returns.std()
    variance = 1.0 - (z**3).mean() * ratio + 0.25 * ((z**4).mean() - 1.0) * ratio**2
    won, lost, prior = net[net > 0].sum(), -net[net < 0].sum(), 5.0 * np.abs(net).mean()
    held = np.concatenate(([BALANCE], equity)).mean()
    # Marked before the second half of a trade's cost is paid, and after.
    marks = np.concatenate(([BALANCE], np.repeat(equity, 2)))
    marks[1::2] += np.where(days == 0.0, 0.0, 0.5 * cost)
    peak = np.maximum.accumulate(marks)
    return naive.score(
        {
            "sharpe": ratio * 260**0.5, "days": float(TRADES), "trades": float(len(net)),
            "return_pct": 100.0 * net.sum() / BALANCE, "pnl_nav_pct": 100.0 * net.sum() / held,
            "pnl": net.sum(), "pf": (won + prior) / (lost + prior),
            "maxdd": (peak - marks).max(), "maxdd_pct": 100.0 * ((peak - marks) / peak).max(),
            "real_frac": 1.0 - options.get("synthetic", 0) / len(net),
            "churn": cost * len(net) / max(net.sum() + cost * len(net), 10.0),
            "psr": normal_cdf(ratio * ((TRADES - 1) / variance) ** 0.5), "dsr": None,
        }
    )  # fmt: skip


def normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / 2**0.5)


HAND: Final[dict[str, dict[str, float | None]]] = {
    # 22 x 12 + 22 x 8 - 21 x 5; the deepest fall is one losing trade
    "solid": {
        "trades": 65, "pnl": 335, "win_rate": 44 / 65, "profit_factor": 440 / 105,
        "max_dd": 5, "cost_share": 0, "median_trade_pnl": 8, "win_loss_ratio": 2,
    },
    "negative": {
        "trades": 65, "pnl": -335, "win_rate": 21 / 65, "profit_factor": 105 / 440,
        "max_dd": 335, "pnl_to_drawdown": -1, "median_trade_pnl": -8, "best_trade": 5,
    },
    # losses of nothing are floored at 1e-4 of the balance: 200 / 10
    "one lucky trade": {
        "trades": 1, "pnl": 200, "win_rate": 1, "profit_factor": 20, "max_dd": 0,
        "profit_factor_shrunk": (200 + 1000) / 1000, "win_loss_ratio": None,
    },
    "no losses": {
        "trades": 65, "pnl": 324, "win_rate": 1, "profit_factor": 32.4, "max_dd": 0,
        "profit_factor_shrunk": (65 + 5) / 5, "win_loss_ratio": None, "pnl_to_drawdown": None,
        "worst_trade": 4,
    },
    "drawdown": {
        "trades": 65, "pnl": 10, "win_rate": 33 / 65, "profit_factor": 330 / 320,
        "max_dd": 320, "pnl_to_drawdown": 10 / 320, "expectancy": 10 / 65,
    },
    "synthetic": {"trades": 65, "pnl": 335, "real_fraction": 0, "synthetic_trades": 65},
    "mostly synthetic": {"pnl": 335, "real_fraction": 25 / 65, "synthetic_trades": 40},
    # 3 dollars a trade of 335 in all; the fall begins before the half of an exit is paid
    "churn": {
        "trades": 65, "pnl": 140, "cost_total": 195, "cost_share": 195 / 335,
        "max_dd": 5 + 3 + 1.5, "win_loss_ratio": (22 * (9 + 5) / 44) / 8,
    },
}  # fmt: skip
TAGS: Final = {
    "solid": ["selection_unproven"],
    "negative": [
        "negative_pnl", "profit_factor_below_one", "negative_sharpe", "not_significant",
        "selection_unproven",
    ],
    "one lucky trade": ["insufficient_trades", "selection_unproven"],
    "no losses": ["selection_unproven"],
    "drawdown": ["drawdown_exceeds_pnl", "not_significant", "selection_unproven"],
    "synthetic": ["synthetic_heavy", "selection_unproven"],
    "mostly synthetic": ["synthetic_heavy", "selection_unproven"],
    "churn": ["churn_heavy", "selection_unproven"],
}  # fmt: skip
BEST_FIRST: Final = (
    "no losses", "solid", "churn", "drawdown", "mostly synthetic", "synthetic", "negative",
    "one lucky trade",
)  # fmt: skip


@pytest.mark.parametrize("name", HAND)
def test_a_row_holds_what_was_worked_out_by_hand(name: str) -> None:
    row = row_of(name)
    for column, due in HAND[name].items():
        assert row[column] == (None if due is None else pytest.approx(due, abs=1e-9)), column


@pytest.mark.parametrize("name", TAGS)
def test_a_row_raises_the_tags_of_its_stream_and_no_others(name: str) -> None:
    assert row_of(name)["penalties"] == TAGS[name]


@pytest.mark.parametrize("name", HAND)
def test_a_score_is_that_of_the_streams_own_pips(name: str) -> None:
    assert row_of(name)["score"] == pytest.approx(scored_by_hand(name), rel=1e-9)


def test_scores_keep_the_order_of_the_streams() -> None:
    values = [row_of(name)["score"] for name in BEST_FIRST]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("name", "cap"), [("negative", 25.0), ("churn", 50.0), ("mostly synthetic", 40.0)]
)
def test_the_cap_that_binds_is_the_score(name: str, cap: float) -> None:
    assert row_of(name)["score"] == cap


def test_derived_gates_cannot_outrank_the_same_trades_on_recorded_ones() -> None:
    ranks = [row_of(name)["score"] for name in ("solid", "mostly synthetic", "synthetic")]
    assert ranks == sorted(ranks, reverse=True)
    alike = ("pnl", "sharpe", "profit_factor", "max_dd", "trades", "psr")
    assert len({tuple(row_of(n)[c] for c in alike) for n in ("solid", "synthetic")}) == 1


@pytest.mark.parametrize("name", ["one lucky trade", "no losses"])
def test_without_losses_the_profit_factor_is_floored_and_flagged(name: str) -> None:
    row, job = row_of(name), job_of(pips_of(name))
    assert row["win_loss_ratio_null"] == "no_losses"
    assert row["pnl_to_drawdown_null"] == "zero_drawdown"
    assert "pf_loss_floored" in rerun(job, 0).metrics["profit_factor"].flags


def test_a_floored_loss_cannot_lift_one_lucky_trade_over_many_solid_ones() -> None:
    lucky, solid = row_of("one lucky trade"), row_of("solid")
    assert lucky["profit_factor"] > solid["profit_factor"]
    assert lucky["score"] < 0.5 * solid["score"]


@pytest.mark.parametrize("name", HAND)
def test_no_canned_row_holds_a_nan_or_an_infinity(name: str) -> None:
    assert unfit(rows_of(pips_of(name), **SPECIAL.get(name, {}))) == []


def test_only_rows_with_enough_trades_qualify() -> None:
    assert [n for n in HAND if not row_of(n)["qualified"]] == ["one lucky trade"]
    assert [n for n in HAND if row_of(n)["insufficient_data"]] == ["one lucky trade"]


def test_where_nothing_qualifies_no_cell_is_chosen_and_the_best_is_for_research_only() -> None:
    job = job_of(STREAMS["one lucky trade"])
    rows = scored(job.work)
    choice = chosen_of(job, rows)
    assert not rows["qualified"].any()
    assert choice.index is None
    assert choice.reason == "nothing_qualified"
    assert choice.best_of_all is not None


def test_a_stream_of_refused_gates_has_no_score_and_says_what_stopped_it() -> None:
    job = job_of(STREAMS["solid"])
    strict = replace(job.work, cells=cells_with_hazard_below(job))
    row = scored(strict).row(0, named=True)
    assert (row["trades"], row["gates"], row["admitted"]) == (0, TRADES, 0)
    assert (row["score"], row["penalties"], row["qualified"]) == (None, [], False)
    assert (row["stopped_by"], row["stopped_count"]) == ("hazard_exceeds_max", TRADES)
    assert row["sharpe_null"] == row["win_rate_null"] == "no_trades"


def cells_with_hazard_below(job: GridJob) -> CellGrid:
    """The job's cells with caps below the hazard of every canned gate."""
    cells = job.work.cells
    first, *others = cells.axes
    return replace(cells, axes=(replace(first, values=(0.03, 0.04)), *others))
