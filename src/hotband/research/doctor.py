"""The result doctor: what a careful reader would want to know of a run, found automatically.

``findings_of`` asks every check, those of the chosen cell's run (``doctor_run``) and those of
the grid and its choice (here). It reads and reports; no number changes because of it.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.codes import GUARDS
from hotband.core.records import Record, Records
from hotband.research import doctor_run as run
from hotband.research.axes import Axis, CellGrid, Value
from hotband.research.cell_rows import HOLD_OUT
from hotband.research.findings import Finding, count, of_all
from hotband.research.grid import GridJob
from hotband.research.judgement import Chosen
from hotband.research.plateau import Choice
from hotband.research.result import SimulationResult
from hotband.research.selection import Returns
from hotband.research.series import FloatArray, IntArray

MANY_DUPLICATES: Final = 0.1
"""Share of the cells that have the same outcome as another."""
LEAST_GATES: Final = 20
"""Recorded gates below which a threshold passes all of them by chance."""
NATURAL_ENDS: Final[Mapping[str, tuple[float, float]]] = {
    "min_reps": (0.0, math.inf),
    "hazard_max": (0.0, 1.0),
}
"""Axis -> the values beyond which there is nothing to try; others have none."""
_CHUNK: Final = 4096


def findings_of(
    job: GridJob, chosen: Chosen, result: SimulationResult, returns: Returns
) -> tuple[Finding, ...]:
    """All findings on one instrument: warnings first, then in the order of the checks.

    Args:
        job: The grid over its look-back.
        chosen: Its scored and stressed rows, and the choice among them.
        result: The chosen cell's own run.
        returns: (cells, days) daily returns of the rows, on eligible days.
    """
    row, part = chosen.row, result.parts[job.instrument]
    own = np.asarray(returns[chosen.cell], np.float64)
    fills, bars = result.fills, part.feed.bars
    entries = np.ascontiguousarray(fills["t"][fills["kind"] == 1])
    opens = np.ascontiguousarray(bars["t"][run.open_for_entries(bars)])
    days = job.work.window.day[job.work.window.eligible]
    cells, outcomes = job.work.cells, outcomes_of(chosen.rows, returns)
    trades = chosen.rows["trades"].to_numpy()
    rules = cells.rules(chosen.cell, chosen.cell + 1)[0]
    # Where no cell traded all outcomes are the same.
    idle = idle_axes(cells, outcomes) if trades.any() else []
    found = [
        run.no_trades(job.instrument, part.funnel),
        hold_out_reversed(row, result.currency),
        run.one_day(row["best_day_share"], days, own),
        run.stale_gates(part.funnel),
        run.coverage_gap(part.coverage),
        run.few_real_gates(part.coverage),
        *(idle_axis(axis, len(cells)) for axis in idle),
        duplicate_cells(outcomes, trades),
        idle_thresholds(part.feed.gates[1:], rules),
        *at_border(cells, chosen.choice, idle),
        run.one_session(entries, opens),
        run.one_weekday(entries, opens, job.around.hours),
        run.one_limit(fills),
    ]
    raised = [finding for finding in found if finding is not None]
    return tuple(sorted(raised, key=lambda finding: finding.severity != "warning"))


def hold_out_reversed(row: Mapping[str, Any], currency: str) -> Finding | None:
    """The cell made money on its look-back and lost some on its hold-out.

    ``row`` of a grid; one without a hold-out has no such columns and gives no finding.
    """
    before, after = row["pnl"], row.get(f"{HOLD_OUT}pnl")
    if after is None or not before > 0.0 > after:
        return None
    days, trades = int(row[f"{HOLD_OUT}days"]), int(row[f"{HOLD_OUT}trades"])
    return Finding(
        "hold_out_reverses",
        "warning",
        f"The profit did not carry over: the look-back made {before:,.2f} {currency} in "
        f"{count(int(row['days']), 'day')}, the hold-out lost {-after:,.2f} {currency} in "
        f"{count(days, 'day')} and {count(trades, 'trade')}.",
        {
            "look_back_pnl": float(before),
            "look_back_days": float(row["days"]),
            "hold_out_pnl": float(after),
            "hold_out_days": float(days),
            "hold_out_trades": float(trades),
        },
    )


def outcomes_of(rows: pl.DataFrame, returns: Returns) -> IntArray:
    """A number (n,) per cell: equal for cells of equal trades, PnL and daily returns, exactly."""
    sums = rows.select(pl.col("trades", "pnl").cast(pl.Float64)).to_numpy()
    known: dict[bytes, int] = {}
    found = np.empty(len(rows), np.int64)
    for first in range(0, len(rows), _CHUNK):
        # Adding 0 makes -0 and 0 the same bytes.
        days = np.asarray(returns[first : first + _CHUNK], np.float32) + np.float32(0.0)
        money = np.ascontiguousarray(sums[first : first + _CHUNK]) + 0.0
        for k in range(len(days)):
            digest = hashlib.blake2b(money[k].tobytes(), digest_size=16)
            digest.update(days[k].tobytes())
            found[first + k] = known.setdefault(digest.digest(), len(known))
    return found


def idle_axes(cells: CellGrid, outcomes: IntArray) -> list[Axis]:
    """Axes of more than one value along which no cell's outcome (n,) differs."""
    table = outcomes.reshape(cells.shape)
    return [
        axis
        for place, axis in enumerate(cells.axes)
        if len(axis) > 1 and bool((table == table.take([0], axis=place)).all())
    ]


def idle_axis(axis: Axis, cells: int) -> Finding:
    """An axis that changed nothing in a grid of so many ``cells``."""
    first, last = axis.values[0], axis.values[-1]
    return Finding(
        "idle_axis",
        "note",
        f"{axis.name} changes nothing: its {len(axis)} values, {_said(first)} to {_said(last)}, "
        f"give the same trades in every one of the {cells:,} cells; drop the axis, or widen it "
        "until it binds.",
        {
            "values": float(len(axis)),
            "cells": float(cells),
            f"{axis.name}_first": _number(first),
            f"{axis.name}_last": _number(last),
        },
    )


def _said(value: Value) -> str:
    if value is None:
        return "off"
    return value if isinstance(value, str) else f"{value:g}"


def _number(value: Value) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def duplicate_cells(outcomes: IntArray, trades: npt.NDArray[np.int64]) -> Finding | None:
    """Many cells whose outcome (n,) is that of another cell; none where no cell traded.

    ``trades`` (n,) of the cells, to say how many of them never traded at all.
    """
    if not trades.any():
        return None
    _, counts = np.unique(outcomes, return_counts=True)
    n, same, without = len(outcomes), int(counts[counts > 1].sum()), int((trades == 0).sum())
    if same / n <= MANY_DUPLICATES:
        return None
    return Finding(
        "duplicate_cells",
        "note",
        f"{of_all(same, n, 'cells')} have the trades, PnL and daily returns of another cell"
        f"{f', {without:,} because they never trade' if without > 1 else ''}: the grid tries "
        f"{len(counts):,} different things, yet all {n:,} cells count as trials.",
        {
            "cells": float(n),
            "same": float(same),
            "different": float(len(counts)),
            "without_trades": float(without),
        },
    )


def idle_thresholds(gates: Records, rules: Record) -> Finding | None:
    """Thresholds of a cell that refused none of the recorded GATE records (n,).

    Derived gates are left out: only those that clear the loosest thresholds are made at all.
    A guard refuses an undefined value; a gate without a hazard is refused whatever its cap.
    """
    recorded = gates[gates["synthetic"] == 0]
    n = len(recorded)
    if n < LEAST_GATES:
        return None
    idle = {
        name: limit
        for name, (limit, passed) in _thresholds(recorded, rules).items()
        if bool(passed.all())
    }
    if not idle:
        return None
    named = ", ".join(f"{name} {limit:g}" for name, limit in idle.items())
    return Finding(
        "threshold_never_binds",
        "note",
        f"None of {n:,} recorded gates was refused by {named}: without "
        f"{'it' if len(idle) == 1 else 'them'} the same gates would pass.",
        {"gates": float(n), **idle},
    )


def _thresholds(gates: Records, rules: Record) -> dict[str, tuple[float, npt.NDArray[np.bool_]]]:
    """Every threshold that is set: its limit, and which gates (n,) clear it."""
    hazard: FloatArray = gates["hazard"]
    found = {}
    if rules["hazard_max"] < math.inf:
        found["hazard_max"] = (float(rules["hazard_max"]), ~(hazard > rules["hazard_max"]))
    if rules["hazard_min"] > -math.inf:
        found["hazard_min"] = (float(rules["hazard_min"]), ~(hazard < rules["hazard_min"]))
    if rules["min_reps"] > 0:
        found["min_repetitions"] = (float(rules["min_reps"]), gates["reps"] >= rules["min_reps"])
    for slot, (name, _) in enumerate(GUARDS):
        if int(rules["guards_on"]) >> slot & 1:
            low, high = float(rules["guard_min"][slot]), float(rules["guard_max"][slot])
            value: FloatArray = gates["metrics"][:, slot]
            limit = low if name.startswith("min_") else high
            found[name] = (limit, (value >= low) & (value <= high))
    return found


def at_border(cells: CellGrid, choice: Choice, idle: Sequence[Axis] = ()) -> list[Finding]:
    """Axes on whose first or last value the chosen cell lies, with the way to extend them.

    An end with nothing beyond it gives none: a level that is off, a word, zero repetitions, a
    hazard cap of 0 or 1. Nor does an ``idle`` axis: more of it changes nothing either.
    """
    if choice.index is None:
        return []
    found = []
    for axis, k in zip(cells.axes, choice.index, strict=True):
        value = axis.values[k]
        if axis.name not in choice.border or axis in idle:
            continue
        if value is None or isinstance(value, str):
            continue
        upward = k > 0
        low, high = NATURAL_ENDS.get(axis.name, (-math.inf, math.inf))
        if value >= high if upward else value <= low:
            continue
        found.append(_border(axis, value, upward=upward))
    return found


def _border(axis: Axis, value: float, *, upward: bool) -> Finding:
    end, way = ("highest", "above") if upward else ("lowest", "below")
    return Finding(
        "axis_at_border",
        "note",
        f"The chosen {axis.name} of {value:g} is the {end} of its {len(axis)} values: what lies "
        f"beyond was not tried; extend the axis {way} {value:g}.",
        {axis.name: float(value), "values": float(len(axis)), "way": 1.0 if upward else -1.0},
    )
