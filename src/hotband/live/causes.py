"""Why a session can differ from its backtest: what its journal says of clocks, ends and delays."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hotband.artefacts.certificates import Cause, Disturbance
from hotband.market.calendar import SECOND_NS, format_time

_REACHED_BACKTEST: Final = frozenset({"late", "conflict", "superseded"})
"""What became of inputs that the backtest has, and the session had not, or had otherwise."""


@dataclass
class Causes:
    """The disturbances of a session, from its journal read in order.

    Args:
        granularity_ns: Of a bar.
        stale_after_s: Of the session.
    """

    granularity_ns: int
    stale_after_s: float
    found: list[tuple[int, Cause, str]] = field(default_factory=list)
    """(since, cause, words)."""
    _closed: list[tuple[int, Cause]] = field(default_factory=list)
    """Closings by open time, with what was amiss when they were made."""
    _clock: bool = False
    _restarted: bool = False

    def clock(self) -> None:
        """The machine's clock was set."""
        self._clock = True

    def restart(self) -> None:
        """The session ended and went on."""
        self._restarted = True

    def closing(self, values: Mapping[str, Any], done: list[int]) -> None:
        """A closing of the open times ``done``; a timely one ends what was amiss."""
        cause = self._amiss()
        self._closed += [(t, cause) for t in done]
        now = values.get("now")
        if now is None or not done:
            return
        limit_ns = self.stale_after_s * SECOND_NS
        ages = {t: now - t - self.granularity_ns for t in done}
        for t, age in ages.items():
            if age > limit_ns:
                words = f"the bars of {format_time(t)} were done {age / SECOND_NS:,.0f} s late"
                self.found.append((t, cause, words))
        if all(0 <= age <= limit_ns for age in ages.values()):
            self._clock = self._restarted = False

    def input(self, kind: str, t_ns: int, fate: str) -> None:
        """What became of a bar that opened, or a gate that was known, at a time."""
        if fate not in _REACHED_BACKTEST:
            return
        cause: Cause = "late_data"
        words = f"a {kind} of {format_time(t_ns)} came again with other values"
        if fate != "conflict":
            words = f"a {kind} of {format_time(t_ns)} was late"
            at = bisect_left(self._closed, t_ns, key=lambda each: each[0])
            then = self._closed[at][1] if at < len(self._closed) else "late_data"
            cause = self._amiss() if then == "late_data" else then
        self.found.append((t_ns, cause, words))

    def _amiss(self) -> Cause:
        return "clock" if self._clock else "restart" if self._restarted else "late_data"

    def settled(self, *, other_settings: bool, other_code: bool) -> "Explained":
        """All of it in order of time, with what holds for the whole session."""
        whole: tuple[Cause, str] = ("code", "no input explains it: the two sides' code differs")
        if other_code:
            whole = "code", "it was recorded by another version of the code"
        if other_settings:
            whole = "setting", "rules or limits are others now than when it was recorded"
        return Explained(sorted(self.found), whole)


@dataclass(frozen=True)
class Explained:
    """Gives each difference its cause."""

    found: list[tuple[int, Cause, str]]
    whole: tuple[Cause, str]

    def of(self, t_ns: int) -> tuple[Cause, str]:
        """The last disturbance up to an open time; without any, what holds for the whole."""
        at = bisect_right(self.found, t_ns, key=lambda each: each[0])
        return self.found[at - 1][1:] if at else self.whole

    def disturbances(self, most: int) -> tuple[Disturbance, ...]:
        """The first of them as values of a certificate."""
        return tuple(
            Disturbance(since=format_time(t), cause=cause, why=words)
            for t, cause, words in self.found[:most]
        )
