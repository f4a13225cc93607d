"""The state of an account and the one way to move it: hand events to the pipeline.

The backtest hands over a whole history at once, a live session one open time at a time; both
run the same compiled loop, so that the same events give the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from hotband.core import codes
from hotband.core.path import walk, walk_events
from hotband.core.records import (
    BAR,
    DAY,
    DECISION,
    EQUITY,
    FILL,
    GATE,
    MAX_TICKETS,
    NEVER,
    Record,
    Records,
    empty,
    new_account,
    new_books,
)
from hotband.core.step import finish
from hotband.errors import InputError
from hotband.research.decisions import GateDecision, decision_of
from hotband.research.feed import Timeline

_PRICED = tuple(
    name
    for name in BAR.names or ()
    if name[:3] in {"bid", "ask"} or name[:4] in {"gain", "loss", "base"}
)
_FILLS_PER_BAR = 2 * MAX_TICKETS + 4
"""The most fills that one bar of one instrument can bring: all tickets closed, two opened and
closed again."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many gates reached each stage, and what stopped the others, by reason."""

    gates: int
    admitted: int
    sized: int
    planned: int
    filled: int
    refusals: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """The funnel as JSON-safe values."""
        return asdict(self)


def funnel_of(book: Record) -> Funnel:
    """The funnel of one BOOK record; gates - filled = sum of refusals once a window is over."""
    counts = book["refusals"]
    return Funnel(
        gates=int(book["gates"]),
        admitted=int(book["admitted"]),
        sized=int(book["sized"]),
        planned=int(book["planned"]),
        filled=int(book["filled"]),
        refusals={codes.name_of(int(code)): int(counts[code]) for code in np.flatnonzero(counts)},
    )


@dataclass(eq=False)
class Logs:
    """What a run writes down, each log with room for every row it can get."""

    fills: Records
    days: Records
    equity: Records
    decisions: Records

    @classmethod
    def sized(cls, fills: int, days: int, equity: int, decisions: int) -> "Logs":
        """Empty logs with room for so many rows."""
        return cls(
            empty(FILL, fills), empty(DAY, days), empty(EQUITY, equity), empty(DECISION, decisions)
        )

    def bundle(self) -> tuple[Records, Records, Records, Records]:
        """The four logs as the compiled loop takes them."""
        return self.fills, self.days, self.equity, self.decisions


class PortfolioManager:
    """An account with its books; ``on_bars`` hands it what arrives, ``replay`` a history.

    Args:
        names: instruments, in the order in which they act at one open time.
        rules: RULES records, shape (len(names),).
        limits: LIMITS record array of one row.
        balance: start balance in home currency, above 0.
    """

    def __init__(
        self, names: Sequence[str], rules: Records, limits: Records, balance: float
    ) -> None:
        if not (balance > 0 and np.isfinite(balance)):
            raise InputError(
                "balance", balance, "a finite amount above 0", "Give the start balance."
            )
        self.names = tuple(names)
        self.rules = rules
        self.limits = limits
        self.account = new_account(balance)
        self.books = new_books(rules["base_ccy"].tolist(), rules["quote_ccy"].tolist())
        self._memo: npt.NDArray[np.int64] = np.full((len(self.names), 3), -NEVER, np.int64)
        self._logs = Logs.sized(64, 16, 1, 16)

    def replay(self, timeline: Timeline, logs: Logs) -> None:
        """Run a whole history and end its window."""
        walk(
            self.account[0],
            self.books,
            timeline.event_bar,
            timeline.bars,
            timeline.gate_of_bar,
            timeline.gates,
            self.rules,
            self.limits[0],
            logs.bundle(),
            self._memo,
        )

    def on_bars(
        self, events: Mapping[str, tuple[Records, Records | None]]
    ) -> tuple[list[GateDecision], Records]:
        """One open time: a BAR (and the live GATE or None), shape (1,), per instrument.

        Returns the decisions whose verdict or reasons changed and the fills that followed.
        Raises InputError for an instrument that the manager does not hold, bars of different
        open times, and a time that is not after the last one.
        """
        self._check(events)
        bars = empty(BAR, len(events))
        gates = empty(GATE, len(events) + 1)
        gates["known"][0] = -NEVER
        event_bar = np.full((1, len(self.names)), -1, np.int64)
        live = np.zeros(len(events), np.int64)
        for i, (name, (bar, gate)) in enumerate(events.items()):
            bars[i] = bar[0]
            event_bar[0, self.names.index(name)] = i
            if gate is not None:
                gates[i + 1] = gate[0]
                live[i] = i + 1
        bars.setflags(write=False)
        gates.setflags(write=False)
        self._make_room(len(events))
        account = self.account[0]
        n_fills, n_decisions = int(account.fills), int(account.decisions)
        walk_events(
            account, self.books, event_bar, bars, live, gates, self.rules, self.limits[0],
            self._logs.bundle(), self._memo,
        )  # fmt: skip
        rows = self._logs.decisions[n_decisions : account.decisions]
        judged = dict(zip(events, gates[1:], strict=True))
        decisions = [
            decision_of(
                row,
                judged[self.names[row["instrument"]]],
                self.names[row["instrument"]],
                int(self.rules["min_reps"][row["instrument"]]),
            )
            for row in rows
        ]
        return decisions, self._logs.fills[n_fills : account.fills].copy()

    def finish(self) -> None:
        """End the window, as a replay does: book the last day, retire gates and orders."""
        self._make_room(1)
        finish(self.account[0], self.books, self._logs.days)

    @property
    def fills(self) -> Records:
        """The fills of what ``on_bars`` was handed."""
        return self._logs.fills[: int(self.account[0].fills)]

    @property
    def days(self) -> Records:
        """The days that ``on_bars`` has closed."""
        return self._logs.days[: int(self.account[0].days)]

    def _check(self, events: Mapping[str, tuple[Records, Records | None]]) -> None:
        times = {int(bar["t"][0]) for bar, _ in events.values()}
        if len(times) != 1 or min(times) <= int(self.account[0].t):
            raise InputError(
                "open times of the bars",
                sorted(times),
                f"one time after {int(self.account[0].t)}",
                "Hand over the bars of one open time at once, in order of time.",
            )
        for name in events:
            if name not in self.names:
                raise InputError(
                    "instrument", name, ", ".join(self.names), "Add it first.", near=self.names
                )
        for name, (bar, _) in events.items():
            numbers = np.array([bar[column][0] for column in _PRICED])
            if not (np.isfinite(numbers) & (numbers > 0)).all():
                raise InputError(
                    f"bar of {name}",
                    dict(zip(_PRICED, numbers.tolist(), strict=True)),
                    "finite prices and rates above 0",
                    "Leave the bar out.",
                )

    def _make_room(self, events: int) -> None:
        account, logs = self.account[0], self._logs
        for name, used, most in (
            ("fills", account.fills, _FILLS_PER_BAR * events),
            ("decisions", account.decisions, events),
            ("days", account.days, 1),
        ):
            log = getattr(logs, name)
            if used + most > len(log):
                grown = empty(log.dtype, 2 * len(log) + most)
                grown[: len(log)] = log
                setattr(logs, name, grown)

    @property
    def nav(self) -> float:
        """Balance plus unrealised profit at the last mark."""
        return float(self.account[0].nav)

    def funnel(self, name: str) -> Funnel:
        """The funnel of one instrument so far."""
        return funnel_of(self.books[self.names.index(name)])
