"""Past weeks as weekly runs would have seen them: chosen, judged, and traded the week after.

Each week is the published fold of a run that ends with it, through the same functions as that
run. What a run would have known of earlier folds comes from the weeks replayed before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from hotband.artefacts.schemas import Entry
from hotband.artefacts.values import Window
from hotband.errors import CancelledRunError, HotbandError, InputError, IntegrityError, WindowError
from hotband.executors.ports import Executor, never
from hotband.market.calendar import format_time
from hotband.market.elapsed import weeks_within
from hotband.profile.strategy import Profile
from hotband.research.cell_rows import RETURNS, returns_of, sweep_span
from hotband.research.forward import FoldResult, fold_result
from hotband.research.grid import GridJob, judge_of, prepare_job, simulate_cell
from hotband.research.grid_settings import GridSettings
from hotband.research.judgement import choose_cell, judged_search, stressed
from hotband.research.selection import Returns
from hotband.research.series import daily_returns
from hotband.research.significance.bootstrap import seed_of
from hotband.research.simulator import BacktestSimulator
from hotband.roster.decision import NextCell
from hotband.weekly.entry import Finished, failed, finish, with_last_gate
from hotband.weekly.plan import Plan, plans_of
from hotband.weekly.roster import RunWeek

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Ready:
    """A chosen cell that waits for the week after: its job and that week's simulator."""

    job: GridJob
    cell: int
    after: BacktestSimulator

    def trade(self, tighter: NextCell | None = None) -> dict[date, float]:
        """Net profit by trading day of the week after, in home currency, after all costs.

        Days without enough bars count with the week's last day, so that the sum is the
        account's change. ``tighter`` moves the cell to its place on the grid; off the grid the
        cell stays. Nothing where the week has no bars.
        """
        try:
            judge = judge_of(self.job, self.after)
        except WindowError:
            return {}
        cell = self._tightened(tighter)
        result = simulate_cell(judge, self.job.work.cells.rules(cell, cell + 1))
        series = daily_returns(result.daily_rows, result.balance, judge.work.window)
        days = [_EPOCH + timedelta(days=int(day)) for day in series.day]
        found = dict(zip(days, series.pnl.tolist(), strict=True))
        if series.excluded:
            last = _EPOCH + timedelta(days=int(judge.work.window.day[-1]))
            found[last] = found.get(last, 0.0) + series.excluded_pnl
        return found

    def _tightened(self, tighter: NextCell | None) -> int:
        cells = self.job.work.cells
        if tighter is None or not tighter.on_axis:
            return self.cell
        follows = {tighter.axis, "hazard_max"} if tighter.axis == "hazard_x" else {tighter.axis}
        own = {key: v for key, v in cells.params(self.cell).items() if key not in follows}
        columns = cells.columns(0, len(cells))
        for cell in range(len(cells)):
            here = {key: values[cell] for key, values in columns.items()}
            if here[tighter.axis] == tighter.after and own.items() <= here.items():
                return cell
        return self.cell


@dataclass(frozen=True, eq=False)
class PastWeek:
    """A week as a run that ended with it would have published it, and the week it traded.

    ``ready`` lacks instruments that failed and those without a qualified cell: they trade
    nothing.
    """

    week: RunWeek
    entries: Mapping[str, Entry]
    tables: Mapping[str, pl.DataFrame]
    ready: Mapping[str, Ready]
    traded: tuple[int, int]
    days: tuple[date, ...]


@dataclass(eq=False)
class Replay:
    """Past weeks of several instruments, one after the other.

    Args:
        names: Instruments.
        history: (start_ns, end_ns); weeks wholly inside are used.
        profile: The strategy.
        grid: As of a weekly run; ``walk_forward`` says look-back, hold-out, steps and folds.
        options: Further arguments of ``BacktestSimulator``.
        executor: Spreads the spans of cells.
        cancelled: Asked between instruments.
    """

    names: Sequence[str]
    history: tuple[int, int]
    profile: Profile
    grid: GridSettings
    options: Mapping[str, Any]
    executor: Executor
    cancelled: Callable[[], bool] = never
    _folds: dict[str, dict[int, FoldResult]] = field(default_factory=dict, init=False)
    _trials: dict[str, int] = field(default_factory=dict, init=False)

    def weeks(self) -> Iterator[PastWeek]:
        """Every week that has a whole look-back before it and a week after it, in order.

        Raises:
            InputError: Not one week has; the message says how many are needed.
            CancelledRunError: ``cancelled`` was True.
        """
        hours = self.profile.account.market_hours()
        weeks = weeks_within(*self.history, hours)
        alone = self.grid.walk_forward.model_copy(update={"max_folds": 1})
        single = self.grid.model_copy(update={"walk_forward": alone})
        found = 0
        for k in range(len(weeks) - 1):
            span = weeks[0][0], weeks[k][1]
            plans = plans_of(self.names, span, self.profile, single, self.options)
            if next(iter(plans.values())).notes:
                continue
            found += 1
            yield self._week(k, plans, weeks[k + 1])
        if not found:
            settings = self.grid.walk_forward
            need = settings.look_back_weeks + settings.hold_out_weeks + 1
            raise InputError(
                "history", f"{len(weeks)} whole trading weeks",
                f"at least {need}, and the gap: a look-back, a hold-out and a week to trade",
                "Widen it, or shorten the look-back in the grid file.",
            )  # fmt: skip

    def _week(self, k: int, plans: Mapping[str, Plan], after: tuple[int, int]) -> PastWeek:
        hours = self.profile.account.market_hours()
        window = Window.of(*next(iter(plans.values())).window)
        week = RunWeek.of(window, hours)
        entries: dict[str, Entry] = {}
        finished: dict[str, Finished] = {}
        ready: dict[str, Ready] = {}
        for name in sorted(plans):
            self._stop_if_asked(f"before {name} in {week.name}")
            try:
                finished[name], job, cell = self._instrument(k, week.name, plans[name])
            except IntegrityError:
                raise
            except HotbandError as error:
                entries[name] = failed(error)
                continue
            if finished[name].entry.qualified:
                ready[name] = Ready(job, cell, self._simulator(name, after))
        entries |= with_last_gate(finished)
        tables = {
            "rows": pl.concat([each.rows for each in finished.values()], how="diagonal"),
            "oos": pl.concat([each.out_of_sample for each in finished.values()]),
        } if finished else {}  # fmt: skip
        days = RunWeek.of(Window.of(*after), hours).days
        return PastWeek(week, dict(sorted(entries.items())), tables, ready, after, days)

    def _stop_if_asked(self, place: str) -> None:
        if self.cancelled():
            raise CancelledRunError(
                "replay of past weeks", f"a request to stop {place}", "a replay to its end",
                "Start it again: a replay keeps nothing.", done=(),
            )  # fmt: skip

    def _instrument(self, k: int, week: str, plan: Plan) -> tuple[Finished, GridJob, int]:
        stage = plan.published
        job = prepare_job(stage.look_back, self.grid, stage.hold_out)
        name = job.instrument
        trials = self._trials[name] = self._trials.get(name, 0) + len(job.work.cells)
        rows, returns = self._sweep(job)
        chosen = choose_cell(job, rows, trials, self.grid)
        chosen = stressed(job, chosen, returns, self._spread)
        seed = seed_of(f"replay of {week}", name) >> 11
        selection = judged_search(chosen, returns, seed, self.grid)
        own = self._folds.setdefault(name, {})
        if job.hold_out is not None:
            own[k] = fold_result(job, job.hold_out, chosen.rows, chosen.choice)
        settings = self.grid.walk_forward
        steps = range(settings.max_folds - 1, -1, -1)
        folds = [own[at] for at in (k - n * settings.step_weeks for n in steps) if at in own]
        done = finish(job, chosen, selection, folds, self.grid, plan.notes, returns)
        return done, job, chosen.cell

    def _sweep(self, job: GridJob) -> tuple[pl.DataFrame, Returns]:
        parts = self.executor.run(job.work, job.spans, sweep_span, cancelled=self.cancelled)
        returns = np.concatenate([returns_of(rows) for rows in parts])
        return pl.concat([rows.drop(RETURNS) for rows in parts]), returns

    def _spread(
        self, shared: Any, tasks: Sequence[Any], work: Callable[[Any, Any], Any]
    ) -> list[Any]:
        return self.executor.run(shared, tasks, work, cancelled=self.cancelled)

    def _simulator(self, name: str, span: tuple[int, int]) -> BacktestSimulator:
        start, end = (format_time(t) for t in span)
        return BacktestSimulator(name, start, end, profile=self.profile, **self.options)
