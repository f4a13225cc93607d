"""From a finished run to the roster: what its week brought, what is decided, what is kept.

A week is decided from the states before it, which its file keeps: deciding it again, forced or
not, gives the same and writes nothing, and a run with other numbers decides it anew from where
it began. No day's return is ever handed to two decisions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from hotband.artefacts.archive import week_of
from hotband.artefacts.roster import Decided, Held, RosterFolder, RosterWeek
from hotband.artefacts.roster_part import RosterPart
from hotband.artefacts.schemas import Entry, Instrument, Latest
from hotband.artefacts.values import Window
from hotband.market.calendar import MarketHours, iso_week_window, parse_time
from hotband.research.series import DATA_RULE
from hotband.roster.decision import RosterState
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings
from hotband.roster.week import CellAxes, DataState, Promise, WeekResult, monday_of

NEEDS: Final = ("rows", "oos")
"""The tables of a run that are read here."""
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class RunWeek:
    """The ISO week that a run ends in, and its trading days until the run's end."""

    name: str
    days: tuple[date, ...]

    @classmethod
    def of(cls, window: Window, hours: MarketHours) -> "RunWeek":
        """The week of the last instant of ``window``."""
        name = week_of(window)
        opening, close = iso_week_window(name, hours)
        labels = hours.days_between(opening, min(close, max(opening, parse_time(window.end))))
        return cls(name, tuple(_EPOCH + timedelta(days=int(day)) for day in labels))


def week_result(
    name: str, entry: Entry, week: RunWeek, tables: Mapping[str, pl.DataFrame], after: date | None
) -> tuple[WeekResult, tuple[str, ...], date | None]:
    """What a run says of an instrument's week, what to know of it, and the last day counted.

    Ratios, trades and recorded share are of the weeks that judged the cell (its hold-out), net
    and data are of the week alone. Where no cell qualified nothing was traded. Without a
    decision before (``after`` None) the days of the hold-out count, else those later than
    ``after``; where hold-outs overlap, a day is that of the latest choice.
    """
    if not isinstance(entry, Instrument):
        return _without(name, week), (f"the run failed: {entry.error.message}",), after
    judged = entry.judgement.hold_out
    if judged is None:
        return _without(name, week), (f"{entry.judgement.hold_out_reason}",), after
    held = tables["oos"].filter(pl.col("instrument") == name)
    fresh = pl.col("fold") == pl.col("fold").max() if after is None else pl.col("day") > after
    held = held.unique("day", keep="last", maintain_order=True).sort("day")
    within = held.filter(pl.col("day").is_in(list(week.days)))
    data, notes = _data(len(within), len(week.days))
    promotion, promise = entry.judgement.promotion, entry.judgement.promise
    traded = entry.qualified
    if not traded:
        notes = (*notes, "no cell qualified: nothing was traded")
    result = WeekResult(
        instrument=name,
        week=week.name,
        trades=int(judged.metrics.get("trades") or 0) if traded else 0,
        sharpe=judged.metrics.get("sharpe") if traded else None,
        profit_factor=judged.metrics.get("profit_factor") if traded else None,
        net=float(np.prod(1.0 + within["return"].to_numpy()) - 1.0),
        returns=tuple(held.filter(fresh)["return"].to_list()),
        promise=None if promise is None else Promise(promise.weekly_mean, promise.weekly_sd),
        real_fraction=judged.gate_coverage.real_fraction,
        data=data,
        gates_passed=promotion.promoted,
        first_failed_gate=promotion.first_failed,
        cell=_axes(name, entry, tables["rows"]) if traded else None,
    )
    last = max((day for day in (after, *held["day"].to_list()) if day is not None), default=None)
    return result, notes, last


def _without(name: str, week: RunWeek) -> WeekResult:
    return WeekResult(name, week.name, 0, None, None, 0.0, data="no_data")


def _data(present: int, expected: int) -> tuple[DataState, tuple[str, ...]]:
    """Whether so many whole days of the week are enough to judge it."""
    if present == expected and expected:
        return "ok", ()
    note = f"{present} of {expected} trading days have the bars that a whole day needs"
    if not present:
        return "no_data", (note,)
    return ("ok" if present >= DATA_RULE * expected else "data_gap"), (note,)


def _axes(name: str, entry: Instrument, rows: pl.DataFrame) -> CellAxes:
    own = rows.filter(pl.col("instrument") == name)
    return CellAxes(
        entry.params.hazard_x,
        entry.params.min_reps,
        tuple(sorted(own["hazard_x"].drop_nulls().unique().to_list())),
        tuple(sorted(int(n) for n in own["min_reps"].unique().to_list())),
    )


def decided_entry(
    before: Held, found: tuple[WeekResult, tuple[str, ...], date | None], run_id: str,
    settings: RosterSettings,
) -> Decided:  # fmt: skip
    """The decision on a week, from the state before it."""
    result, notes, last = found
    state, decision = decide(before.state, result, settings)
    return Decided(
        run_id=run_id,
        before=before,
        result=result,
        decision=decision,
        after=Held(state=state, counted_through=last),
        notes=notes,
    )


def decide_roster(
    folder: RosterFolder,
    latest: Latest,
    tables: Mapping[str, pl.DataFrame],
    settings: RosterSettings,
    hours: MarketHours,
) -> RosterPart:
    """Decide on every instrument of a run, keep it, and say it in short.

    A week before the last one decided is not decided. Instruments that the run leaves out keep
    their state. Whoever calls has the folder alone.

    Raises:
        StoreError: The roster is broken or cannot be written.
    """
    week = RunWeek.of(latest.window, hours)
    now = folder.read()
    if now is not None and monday_of(now.week) > monday_of(week.name):
        told = f"{week.name} lies before {now.week}, the last week decided: nothing was decided"
        return RosterPart(reason=told)
    same = folder.find(week.name)
    decided = {} if same is None else dict(same[0].decided)
    remembered = {} if now is None else dict(now.instruments)
    for name, entry in latest.instruments.items():
        if name in decided:
            before = decided[name].before
        else:
            before = remembered.get(name) or Held(state=RosterState(instrument=name))
        found = week_result(name, entry, week, tables, before.counted_through)
        decided[name] = decided_entry(before, found, latest.run_id, settings)
    whole = RosterWeek(
        generated_at=latest.generated_at,
        week=week.name,
        settings=settings,
        decided=dict(sorted(decided.items())),
        carried={name: held for name, held in remembered.items() if name not in decided},
    )
    folder.write(whole)
    verdicts = {name: decided[name].verdict for name in sorted(latest.instruments)}
    return RosterPart(week=week.name, decisions=verdicts)
