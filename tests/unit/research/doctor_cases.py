"""What the result doctor reads, written by hand: funnels, coverage, grids, and a small run."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from tests.unit.research.demo_runs import MINUTE, PLAIN, driver, market

from hotband.core.records import FILL, GATE, RULES, Records, empty
from hotband.gates.events import Gates
from hotband.market.calendar import Times, parse_time
from hotband.research.axes import Axis, CellGrid, Value
from hotband.research.cell_rows import RETURNS, returns_of, sweep_span
from hotband.research.doctor import findings_of
from hotband.research.findings import Finding
from hotband.research.gate_source import GateCoverage
from hotband.research.grid import GridJob, prepare_job, rerun
from hotband.research.grid_settings import load_grid
from hotband.research.judgement import Chosen, choose_cell, stressed
from hotband.research.plateau import Choice
from hotband.research.portfolio import Funnel
from hotband.research.selection import Returns

DAY_MINUTES = 1440


def funnel(gates: int, *stages: int, **refusals: int) -> Funnel:
    """Gates, then admitted, sized, planned and filled (0 where left out), and refusals."""
    admitted, sized, planned, filled = (*stages, 0, 0, 0, 0)[:4]
    return Funnel(gates, admitted, sized, planned, filled, refusals)


def coverage(minutes: float, real: float, derived: float, gap: float = 0.0) -> GateCoverage:
    return GateCoverage(minutes, real, derived, gap, real / minutes, {})


def grid_of(**axes: Sequence[Value]) -> CellGrid:
    named = tuple(Axis(name, tuple(values)) for name, values in axes.items())
    return CellGrid("EUR_USD", named, None, False, (), empty(RULES, 1), 0.0001)


def choice(cells: CellGrid, *index: int) -> Choice:
    """The choice of the cell at ``index``, its borders as ``choose`` names them."""
    border = tuple(
        axis.name
        for axis, k in zip(cells.axes, index, strict=True)
        if len(axis) > 1 and k in {0, len(axis) - 1}
    )
    return Choice(index, 50.0, 50.0, 1, 50.0, 50.0, border, index, None)


def daily(first: str, n: int, step_days: int = 1) -> Times:
    """``n`` times of day, from ``first`` on, ``step_days`` apart."""
    steps = np.arange(n, dtype=np.int64) * step_days
    times: Times = parse_time(first) + steps * (DAY_MINUTES * MINUTE)
    return times


def hourly(first: str, n: int) -> Times:
    times: Times = parse_time(first) + np.arange(n, dtype=np.int64) * (60 * MINUTE)
    return times


def entries(*reasons: int) -> Records:
    """Opening and closing fills; each entry with the limit that sized it."""
    fills = empty(FILL, 2 * len(reasons))
    fills["kind"] = [1, -1] * len(reasons)
    fills["reason"] = [code for reason in reasons for code in (reason, 84)]
    return fills


def gates_of(hazards: Sequence[float], *, synthetic: int = 0) -> Records:
    """Gates of five repetitions and undefined metrics."""
    gates = empty(GATE, len(hazards))
    gates["hazard"], gates["reps"], gates["synthetic"] = hazards, 5, synthetic
    gates["metrics"] = np.nan
    return gates


def rules_of(**fields: float) -> Any:
    """RULES without a threshold, but for ``fields``."""
    rules = empty(RULES, 1)
    rules["hazard_min"], rules["hazard_max"] = -np.inf, np.inf
    for name, value in fields.items():
        rules[name] = value
    return rules[0]


# A run of two days -------------------------------------------------------------------------------


def _here(shared: Any, tasks: Sequence[Any], work: Callable[[Any, Any], Any]) -> list[Any]:
    return [work(shared, task) for task in tasks]


def _gates(hold_out: bool) -> Gates:
    """24 recorded gates of five repetitions, in the hours of London on two days.

    All buy, or where a hold-out is asked for they are right on the first day and wrong on the
    second, with hindsight of a quarter of an hour.
    """
    days = [parse_time(f"2025-04-{day:02}T08:00:00Z") for day in (7, 8)]
    known = np.array([day + 40 * k * MINUTE for day in days for k in range(12)], np.int64)
    sides = np.ones(24, np.int64)
    if hold_out:
        bars = market("EUR_USD")["EUR_USD"].data
        at = np.searchsorted(bars["t"], known)
        sides = np.where(bars["bid_o"][at + 15] > bars["bid_o"][at], 1, -1)
        sides[12:] *= -1
    return Gates.from_columns(
        "EUR_USD", known, sides, np.full(24, 0.05), np.full(24, 5), {}, synthetic=False
    )


@lru_cache
def job(least_reps: int = 1, hold_out: bool = False) -> GridJob:
    """A grid over two days, or over the first and judged on the second."""
    gates = {"EUR_USD": _gates(hold_out)}
    axes = {"hazard": {"points": 2}, "min_reps": [least_reps, least_reps + 1]}
    axes |= {"hold_minutes": [5, 10, 15], "exposure": [0.5]}
    settings = load_grid({"default": axes, "min_trades": 1})
    if not hold_out:
        return prepare_job(driver("EUR_USD", gates=gates, profile=PLAIN), settings)
    split = "2025-04-08T00:00:00Z"
    before = driver("EUR_USD", gates=gates, profile=PLAIN, end=split)
    return prepare_job(before, settings, driver("EUR_USD", gates=gates, profile=PLAIN, start=split))


@lru_cache
def judged(least_reps: int = 1, hold_out: bool = False) -> tuple[Chosen, Returns]:
    """The choice from the run's grid, and the returns of its cells."""
    made = job(least_reps, hold_out)
    rows = sweep_span(made.work, (0, len(made.work.cells)))
    returns = returns_of(rows)
    once = choose_cell(made, rows.drop(RETURNS), len(rows), load_grid({"min_trades": 1}))
    return stressed(made, once, returns, _here), returns


@lru_cache
def found(least_reps: int = 1, hold_out: bool = False) -> tuple[Finding, ...]:
    """Everything that the doctor finds in the run."""
    made, (chosen, returns) = job(least_reps, hold_out), judged(least_reps, hold_out)
    return findings_of(made, chosen, rerun(made, chosen.cell, chosen.row), returns)
