"""What the roster's policy would have earned in past weeks, against trading everything always.

Each week is decided on what was known at its close, and the next week traded at the decided
sizes, after costs. Beside it: all instruments always on, and random rosters that give the same
sizes to instruments drawn by lot. Week by week every account begins with the start balance;
profits add up, they do not compound. A size scales a week's profit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from hotband.errors import InputError
from hotband.research.measures import sharpe
from hotband.research.metric import Metric
from hotband.research.series import FloatArray
from hotband.roster.decision import Decision, NextCell, RosterState
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings
from hotband.weekly.replay import PastWeek
from hotband.weekly.roster import week_result

DRAWS: Final = 200
SEED: Final = 7
NOTES: Final = (
    "profits of the weeks traded add up; each week begins flat and with the start balance",
    "a size below 1 scales the week's profit",
    "random rosters and 'always on' trade the chosen cell; a cell that the rule tightened is the "
    "roster's alone",
    "trials are those of the replay, as if nothing else had ever been tried",
)


@dataclass(frozen=True, slots=True)
class RosterLine:
    """How one way to fill the roster did over all weeks traded.

    Attributes:
        pnl: Net, home currency, after all costs.
        return_pct: Of the capital: the start balance times instruments.
        max_dd: Deepest fall of the summed daily profits, home currency; 0 without one.
        sharpe: Annual, of daily profits over the capital; null with a reason.
        on_share: Instrument-weeks on over all instrument-weeks.
        switches: Times an instrument went on or off between two weeks.
    """

    pnl: float
    return_pct: float
    max_dd: float
    sharpe: Metric
    on_share: float
    switches: int


@dataclass(frozen=True, slots=True)
class RandomRosters:
    """Net profit of ``draws`` rosters by lot; ``percentile`` is the decided roster's among them.

    Equal profits count half, so that a roster nobody could fill otherwise stands at 50.
    """

    draws: int
    seed: int
    pnl_p05: float
    pnl_p50: float
    pnl_p95: float
    percentile: float


@dataclass(frozen=True, slots=True)
class RosterWeekLine:
    """One week: decided at its close, traded the week after."""

    week: str
    sizes: Mapping[str, float]
    actions: Mapping[str, str]
    pnl: float
    always_on_pnl: float


@dataclass(frozen=True, eq=False)
class RosterBacktest:
    """The policy over past weeks, beside always on and beside chance."""

    instruments: tuple[str, ...]
    balance: float
    decided: RosterLine
    always_on: RosterLine
    random: RandomRosters
    weeks: tuple[RosterWeekLine, ...]
    notes: tuple[str, ...] = NOTES

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "instruments": list(self.instruments),
            "balance": self.balance,
            "decided": _line_values(self.decided),
            "always_on": _line_values(self.always_on),
            "random": {n: getattr(self.random, n) for n in RandomRosters.__slots__},
            "weeks": [
                {
                    "week": each.week,
                    "sizes": dict(each.sizes),
                    "actions": dict(each.actions),
                    "pnl": each.pnl,
                    "always_on_pnl": each.always_on_pnl,
                }
                for each in self.weeks
            ],
            "notes": list(self.notes),
        }


def _line_values(line: RosterLine) -> dict[str, Any]:
    found = {name: getattr(line, name) for name in RosterLine.__slots__}
    return found | {"sharpe": line.sharpe.model_dump(mode="json")}


@dataclass(eq=False)
class _Table:
    """Sizes and profits of all weeks, filled week by week; profits by instrument and day."""

    names: tuple[str, ...]
    sizes: list[list[float]]
    plain: list[list[dict[date, float]]]
    own: list[list[dict[date, float]]]
    days: list[tuple[date, ...]]
    lines: list[RosterWeekLine]

    def add(self, past: PastWeek, decisions: Mapping[str, Decision]) -> None:
        """Trade the week after at the decided sizes."""
        sizes, plain, own = [], [], []
        for name in self.names:
            made, ready = decisions[name], past.ready.get(name)
            traded = {} if ready is None else ready.trade()
            tighter = _tighter(made)
            tightened = traded if ready is None or tighter is None else ready.trade(tighter)
            sizes.append(made.size_x)
            plain.append(traded)
            own.append(tightened)
        self.sizes.append(sizes)
        self.plain.append(plain)
        self.own.append(own)
        self.days.append(past.days)
        self.lines.append(
            RosterWeekLine(
                past.week.name,
                dict(zip(self.names, sizes, strict=True)),
                {name: decisions[name].action for name in self.names},
                _sum(x * sum(day.values()) for x, day in zip(sizes, own, strict=True)),
                _sum(sum(day.values()) for day in plain),
            )
        )

    def line(
        self, profits: Sequence[Sequence[Mapping[date, float]]], sizes: FloatArray, balance: float
    ) -> RosterLine:
        """The summary of daily ``profits`` at ``sizes`` (weeks, instruments)."""
        capital = balance * len(self.names)
        daily = np.array(
            [
                _sum(x * made.get(day, 0.0) for x, made in zip(row, week, strict=True))
                for row, week, days in zip(sizes, profits, self.days, strict=True)
                for day in sorted({*days, *(day for made in week for day in made)})
            ]
        )
        curve = np.concatenate(([0.0], np.cumsum(daily)))
        total, on = float(daily.sum()), sizes > 0.0
        return RosterLine(
            pnl=total,
            return_pct=100.0 * total / capital,
            max_dd=float((np.maximum.accumulate(curve) - curve).max()),
            sharpe=sharpe(daily / capital),
            on_share=float(on.mean()),
            switches=int((on[1:] != on[:-1]).sum()),
        )


def _sum(values: Iterable[float]) -> float:
    return float(sum(values))


def _tighter(made: Decision) -> NextCell | None:
    """The cell to trade instead, where the weekly rule acts and tightened."""
    return made.rule.next_cell if made.acting == "rule" else None


def backtest_roster(
    names: Sequence[str],
    weeks: Iterable[PastWeek],
    settings: RosterSettings,
    balance: float,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    told: Callable[[RosterWeekLine], None] | None = None,
) -> RosterBacktest:
    """Decide on every past week, trade the week after, and compare.

    Args:
        names: Instruments.
        weeks: Past weeks in order, as ``Replay.weeks`` gives them.
        settings: The policy's.
        balance: Start balance of each instrument's account.
        draws: Random rosters.
        seed: Of the random rosters.
        told: Called with each week as it is traded.

    Raises:
        InputError: Fewer than 1 draw, or no week at all.
    """
    if draws < 1:
        raise InputError("random rosters", draws, "1 or more", "Draw some.")
    ordered = tuple(sorted(names))
    states = {name: RosterState(instrument=name) for name in ordered}
    counted: dict[str, date | None] = dict.fromkeys(ordered)
    table = _Table(ordered, [], [], [], [], [])
    for past in weeks:
        decisions = {}
        for name in ordered:
            entry = past.entries[name]
            result, _, last = week_result(name, entry, past.week, past.tables, counted[name])
            states[name], decisions[name] = decide(states[name], result, settings)
            counted[name] = last
        table.add(past, decisions)
        if told is not None:
            told(table.lines[-1])
    if not table.lines:
        raise InputError("weeks", "none", "one or more", "Widen the history.")
    sizes = np.array(table.sizes)
    decided = table.line(table.own, sizes, balance)
    return RosterBacktest(
        instruments=ordered,
        balance=balance,
        decided=decided,
        always_on=table.line(table.plain, np.ones_like(sizes), balance),
        random=random_rosters(table.plain, sizes, decided.pnl, draws, seed),
        weeks=tuple(table.lines),
    )


def random_rosters(
    profits: Sequence[Sequence[Mapping[date, float]]],
    sizes: FloatArray,
    own: float,
    draws: int,
    seed: int,
) -> RandomRosters:
    """Each week's sizes (weeks, instruments) given to instruments by lot, ``draws`` times."""
    pnl = np.array([[sum(made.values()) for made in week] for week in profits])
    draw = np.random.default_rng(seed)
    found = np.array([(draw.permuted(sizes, axis=1) * pnl).sum() for _ in range(draws)])
    scale = 1e-9 * max(1.0, float(np.abs(pnl).sum()))
    same = np.abs(found - own) <= scale
    below = (found < own) & ~same
    low, middle, high = (float(q) for q in np.quantile(found, (0.05, 0.5, 0.95)))
    share = 100.0 * (int(below.sum()) + 0.5 * int(same.sum())) / draws
    return RandomRosters(draws, seed, low, middle, high, share)
