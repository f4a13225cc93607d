"""One campaign of the noise certificate: a made-up year, and every choice made in it.

A campaign is one trial, whatever it chose: it fails when anything at all is promoted. It goes
through the functions that the weekly run publishes with (``judgement``, ``grid``, ``forward``,
``promotion``), asks their gates in their order, and runs what a later gate needs (the cost
stress, the earlier folds) only where all earlier gates were passed. Of the cost stress it runs
the chosen cell alone. Source: reference/statistics.md, 4.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from hotband.errors import InputError
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, format_time
from hotband.market.elapsed import weeks_within
from hotband.research.campaign_worlds import (
    DAYS_PER_WEEK,
    CampaignMarket,
    CampaignSettings,
    campaign_market,
)
from hotband.research.cell_rows import RETURNS, returns_of, sweep_span
from hotband.research.forward import OutOfSample, fold_result, stitched
from hotband.research.grid import GridJob, judge_of, prepare_job
from hotband.research.grid_settings import longest_hold
from hotband.research.judgement import Chosen, choose_cell, judged_search
from hotband.research.nullworlds import World
from hotband.research.promotion import Promotion, across_instruments, promotion_of
from hotband.research.selection import Returns, Selection
from hotband.research.sharpe import DAYS_PER_YEAR
from hotband.research.significance.bootstrap import seed_of
from hotband.research.simulator import BacktestSimulator
from hotband.research.splits import Span
from hotband.research.stress import stress_cells, stress_work, with_shares, with_stress
from hotband.research.walkforward import Fold, folds_of

NAIVE: Final = {
    "last_week": "some cell has Sharpe above 0.5 and profit factor above 1.2 in the last week",
    "psr": "the best cell's probabilistic Sharpe ratio is above 0.95",
    "pbo": "the probability of overfitting is at most 0.2",
    "search": "the chosen cell passes the step-down test",
    "deflation": "the chosen cell passes the deflated Sharpe ratio",
    "search_and_deflation": "the chosen cell passes both",
}
"""Rules that the campaign is judged by beside ours, for comparison."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One choice of a campaign.

    Attributes:
        end: When it was made, RFC 3339.
        cells: Swept for it.
        trials: Counted by then in the campaign, these cells included.
        days: Eligible ones of the look-back.
        trades: Of the chosen cell.
        sharpe: Its annual Sharpe ratio; None = undefined.
        first_failed: Name of the gate that refused it; None = promoted.
        measure, statistic, threshold: Of that gate.
        best_weekly_sharpe: The highest over all cells in the last week, annualised.
        naive: Rule of ``NAIVE`` -> whether it would have promoted.
    """

    end: str
    cells: int
    trials: int
    days: int
    trades: int
    sharpe: float | None
    first_failed: str | None
    measure: str | None
    statistic: float | None
    threshold: float | None
    best_weekly_sharpe: float | None
    naive: dict[str, bool]

    @property
    def promoted(self) -> bool:
        """Whether every gate was passed."""
        return self.first_failed is None


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign after its last choice; ``decisions`` in order of time, at least one."""

    world: str
    seed: int
    decisions: tuple[Decision, ...]

    @property
    def promoted(self) -> bool:
        """Whether anything was promoted at any time."""
        return any(decision.promoted for decision in self.decisions)

    @property
    def naive(self) -> dict[str, bool]:
        """Rule of ``NAIVE`` -> whether it would have promoted at any time."""
        return {name: any(each.naive[name] for each in self.decisions) for name in NAIVE}

    @property
    def nearest(self) -> Decision:
        """The choice that came furthest through the gates; of several the last."""
        return max(reversed(self.decisions), key=lambda each: _depth(each.measure))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe values, from which ``from_dict`` makes the same again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CampaignResult":
        """The result that ``to_dict`` told; a missing or unknown key raises TypeError."""
        decisions = tuple(Decision(**each) for each in values["decisions"])
        return cls(values["world"], values["seed"], decisions)


_ORDER: Final = (
    "real_fraction", "days", "trades", "active_days", "pnl", "profit_factor_at_1_5x_costs",
    "step_down_p", "dsr", "net_return", "p_value", "p_by",
)  # fmt: skip
"""Measures in the order in which promotion asks them; a test holds it against promotion's."""


def _depth(measure: str | None) -> int:
    return len(_ORDER) if measure is None else _ORDER.index(measure)


def run_campaign(
    world: World, seed: int, settings: CampaignSettings, base: Bars | None = None
) -> CampaignResult:
    """Make the market of (world, seed) and every choice in it; same arguments, same result.

    Arguments and refusals as in ``campaign_market``; InputError too where no look-back of the
    history can have the days that promotion asks for: such a campaign could never fail.
    """
    market = campaign_market(world, seed, settings, base)
    return decide(market, world, seed, settings)


def decide(
    market: CampaignMarket, world: str, seed: int, settings: CampaignSettings
) -> CampaignResult:
    """Every choice in a market; ``world`` and ``seed`` name it and seed the resamples."""
    year = _Year(market, world, seed, settings)
    return CampaignResult(world, seed, year.decisions())


class _Year:
    """A market with the choices made in it so far."""

    def __init__(
        self, market: CampaignMarket, world: str, seed: int, settings: CampaignSettings
    ) -> None:
        self.market, self.settings, self.grid = market, settings, settings.grid
        self.profile = settings.traded
        self.named = (world, seed)
        self.trials = 0

    def decisions(self) -> tuple[Decision, ...]:
        """All choices, in order of time."""
        hours = self.profile.account.market_hours()
        start, end = self.market.window
        gap = longest_hold(self.profile, self.grid, [self.settings.instrument])
        closes = [close for _, close in weeks_within(start, end, hours)]
        histories = []
        for close in closes[:: -self.settings.every_weeks][::-1]:
            folds = folds_of(start, close, hours, self.grid.walk_forward, gap_minutes=gap).folds
            weeks = -(-(folds[-1].look_back[1] - folds[-1].look_back[0]) // _WEEK_NS)
            if folds[-1].hold_out and weeks * DAYS_PER_WEEK >= self.grid.promotion.least_days:
                histories.append(folds)
        if not histories:
            raise InputError(
                "days of a campaign",
                self.settings.days,
                f"a look-back of {self.grid.promotion.least_days} days, a gap and a hold-out",
                "Ask for more days: nothing could be promoted in so few.",
            )
        return tuple(self._decision(folds) for folds in histories)

    def _decision(self, folds: Sequence[Fold]) -> Decision:
        published = folds[-1]
        job = prepare_job(self._over(published.look_back), self.grid)
        rows, returns = _swept(job)
        # Every choice has a window of its own, so that its cells are new trials.
        self.trials += len(np.unique(job.work.cells.rules(0, len(rows)).view(np.ndarray)))
        chosen = choose_cell(job, rows, self.trials, self.grid)
        end = _end(published)
        seed = seed_of("certificate", *self.named, end) >> 11
        selection = judged_search(chosen, returns, seed, self.grid)
        promotion = self._asked(job, chosen, returns, selection, folds)
        failed = promotion.failed_gate
        week = _weekly(returns)
        return Decision(
            end=format_time(end),
            cells=len(rows),
            trials=self.trials,
            days=returns.shape[1],
            trades=int(chosen.row["trades"] or 0),
            sharpe=chosen.row["sharpe"],
            first_failed=None if failed is None else failed.name,
            measure=None if failed is None else failed.measure,
            statistic=None if failed is None else failed.statistic,
            threshold=None if failed is None else failed.threshold,
            best_weekly_sharpe=None if week is None else week[0],
            naive=_naive(rows, selection, promotion, week is not None and week[1]),
        )

    def _asked(
        self,
        job: GridJob,
        chosen: Chosen,
        returns: Returns,
        selection: Selection,
        folds: Sequence[Fold],
    ) -> Promotion:
        """The gates in order; what a gate needs is run where those before it were passed."""
        asks = self.grid.promotion
        shared = with_shares(chosen.rows, returns)
        row = with_stress(shared, []).row(chosen.cell, named=True)
        asked = promotion_of(row, selection, None, asks)
        failed = asked.failed_gate
        if failed is not None and failed.measure == _STRESSED and row["qualified"]:
            work = stress_work(job.work, job.simulator.granularity_ns)
            table = stress_cells(work, np.array([chosen.cell]))
            row = with_stress(shared, [table]).row(chosen.cell, named=True)
            asked = promotion_of(row, selection, None, asks)
            failed = asked.failed_gate
        if failed is not None and failed.name == "out_of_sample":
            forward = self._forward(job, chosen, folds)
            asked = promotion_of(row, selection, forward, asks)
        name = job.instrument
        return across_instruments({name: asked}, {name: selection.step_down_p})[name]

    def _forward(self, job: GridJob, chosen: Chosen, folds: Sequence[Fold]) -> OutOfSample | None:
        found = []
        for fold in folds[:-1]:
            if fold.hold_out is None:
                continue
            earlier = prepare_job(self._over(fold.look_back), self.grid)
            judge = judge_of(earlier, self._over(fold.hold_out))
            once = choose_cell(earlier, _swept(earlier)[0], len(earlier.work.cells), self.grid)
            found.append(fold_result(earlier, judge, once.rows, once.choice))
        if folds[-1].hold_out is not None:
            judge = judge_of(job, self._over(folds[-1].hold_out))
            found.append(fold_result(job, judge, chosen.rows, chosen.choice))
        return stitched(found)

    def _over(self, span: Span) -> BacktestSimulator:
        start, end = (format_time(t) for t in span)
        name, market = self.settings.instrument, self.market
        return BacktestSimulator(
            name,
            start,
            end,
            profile=self.profile,
            balance=self.settings.balance,
            cost_bps=self.settings.cost_bps,
            granularity=self.settings.granularity,
            bars={name: market.bars},
            gates={name: market.gates},
        )


_STRESSED: Final = "profit_factor_at_1_5x_costs"
_WEEK_NS: Final = 7 * DAY_NS


def _end(fold: Fold) -> int:
    return (fold.hold_out or fold.look_back)[1]


def _swept(job: GridJob) -> tuple[pl.DataFrame, Returns]:
    """All rows of a job, and the daily returns of its cells."""
    rows = pl.concat([sweep_span(job.work, span) for span in job.spans])
    return rows.drop(RETURNS), returns_of(rows)


def _weekly(returns: Returns) -> tuple[float, bool] | None:
    """(best Sharpe ratio of the last week, whether a cell passes NAIVE's first rule).

    Annualised from five daily returns, the profit factor of days; None where all were flat.
    """
    week = returns[:, -DAYS_PER_WEEK:].astype(np.float64)
    mean, deviation = week.mean(axis=1), week.std(axis=1, ddof=1)
    moved = deviation > 0.0
    if week.shape[1] < DAYS_PER_WEEK or not moved.any():
        return None
    ratio = np.where(moved, mean, 0.0) / np.where(moved, deviation, 1.0) * DAYS_PER_YEAR**0.5
    won, lost = np.maximum(week, 0.0).sum(axis=1), np.maximum(-week, 0.0).sum(axis=1)
    return float(ratio[moved].max()), bool(np.any((ratio > 0.5) & (won > 1.2 * lost)))


def _naive(
    rows: pl.DataFrame, selection: Selection, promotion: Promotion, last_week: bool
) -> dict[str, bool]:
    passed = {gate.measure: bool(gate.passed) for gate in promotion.gates}
    best = rows.select(pl.col("psr").sort_by("sharpe_period", nulls_last=False).last()).item()
    search, deflation = passed["step_down_p"], passed["dsr"]
    return {
        "last_week": last_week,
        "psr": best is not None and not math.isnan(best) and best > 0.95,
        "pbo": selection.pbo is not None and selection.pbo <= 0.2,
        "search": search,
        "deflation": deflation,
        "search_and_deflation": search and deflation,
    }
