"""How far a published cell can be trusted: its hold-out, the search behind it, its gates.

These are parts of an instrument's entry in ``latest.json``. Nulls have their reason beside
them. Meanings and sources: ``research.selection``, ``promotion``, ``forward``, ``stress``.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hotband.artefacts.values import (
    Artefact,
    Count,
    Coverage,
    Funnel,
    MetricValue,
    Name,
    NotNegative,
    Share,
    Text,
    Window,
)

Numbers = dict[Name, float | None]


class HoldOut(Artefact):
    """The chosen cell over the weeks after its look-back, which the choice never saw."""

    window: Window
    metrics: Numbers
    metric_details: dict[Name, MetricValue]
    gate_coverage: Coverage
    source: Text
    funnel: Funnel
    notes: tuple[str, ...] = ()


class FoldEntry(Artefact):
    """One choice of the walk-forward, and the weeks after it."""

    look_back: Window
    hold_out: Window
    chosen: bool
    """Whether a cell qualified; where none did, nothing was traded."""
    params: dict[Name, float | str | None] | None
    in_sample: Numbers
    out_of_sample: Numbers
    days: Count


class WalkForward(Artefact):
    """The hold-outs of all folds as one series; the daily values are in ``oos.parquet``."""

    folds: Annotated[tuple[FoldEntry, ...], Field(min_length=1)]
    days: Count
    net_return_pct: float
    sharpe: MetricValue
    """Annual, of the stitched days."""
    p_value: Share | None
    """One-sided, of a mean above 0; null below five days."""
    efficiency: float | None
    """Out-of-sample over in-sample daily Sharpe ratio, for description only."""


class SelectionFacts(Artefact):
    """What the search took away from the chosen cell's numbers."""

    trials: Count
    """Ever made on the instrument, by the ledger: cells x inputs x windows."""
    cells: Count
    variance: NotNegative
    """Of the daily Sharpe ratio over the grid's cells."""
    benchmark: NotNegative
    """Daily Sharpe ratio that the best of so many trials reaches without an edge."""
    psr: Share | None
    psr_2025: Share | None
    dsr: Share | None
    definition: Text
    min_track_record_days: NotNegative | None
    step_down_p: Share | None
    step_down_reason: Text | None
    draws: Count
    mean_block: NotNegative | None
    seed: Count
    dropped: Count
    pbo: Share | None
    pbo_blocks: Count | None
    pbo_reason: Text | None
    effective_trials: dict[Name, NotNegative]
    haircut_sharpe: float | None

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if (self.step_down_p is None) != (self.step_down_reason is not None):
            raise ValueError("step_down_p is a number or has a reason")
        if (self.pbo is None) != (self.pbo_reason is not None):
            raise ValueError("pbo is a number or has a reason")
        return self


class GateFact(Artefact):
    """One gate of promotion: its statistic against its threshold."""

    name: Name
    passed: bool | None
    """Null while the run is on and the gate was not asked yet."""
    measure: Name
    statistic: float | None
    threshold: float
    at_least: bool
    n: Count


class PromotionFacts(Artefact):
    """The verdict: whether the evidence lets the cell trade, and what says no first."""

    promoted: bool
    first_failed: Name | None
    gates: tuple[GateFact, ...]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.promoted != all(gate.passed for gate in self.gates):
            raise ValueError("promoted is that every gate was passed")
        failed = next((gate.name for gate in self.gates if gate.passed is False), None)
        if failed != self.first_failed:
            raise ValueError("first_failed is the first gate that failed")
        return self


class StressFacts(Artefact):
    """What is left of the chosen cell when trading costs more, or comes later."""

    pnl: Numbers
    """By stress; null where the cell was not stressed because it did not qualify."""
    profit_factor: Numbers
    break_even_costs_x: NotNegative | None
    best_day_share: float | None
    best_trade_share: float | None
    tags: tuple[Name, ...] = ()


class Finding(Artefact):
    """Something about the run that a careful reader would want to know."""

    code: Name
    severity: Literal["note", "warning"]
    text: Text
    numbers: Numbers = Field(default_factory=dict)


class Promised(Artefact):
    """What the look-back says of a week: five days' mean and deviation, fractions of NAV."""

    weekly_mean: float
    weekly_sd: Annotated[float, Field(gt=0)]


class Judgement(Artefact):
    """All that says how far an instrument's numbers can be trusted."""

    look_back: Window
    hold_out: HoldOut | None
    hold_out_reason: Text | None = None
    """Why nothing judged the choice."""
    walk_forward: WalkForward | None
    selection: SelectionFacts
    promotion: PromotionFacts
    stress: StressFacts
    provable: dict[Name, float]
    """Annual Sharpe ratio that so many days of look-back can prove with 80 % power, by number
    of cells (reference/statistics.md, 4.4)."""
    findings: tuple[Finding, ...] = ()
    promise: Promised | None = None
    """Null where no cell qualified, or all its days returned the same."""

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if (self.hold_out is None) != (self.hold_out_reason is not None):
            raise ValueError("a hold-out, or why there is none")
        return self
