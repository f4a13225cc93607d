"""Ticks become bars here: per side the first, highest, lowest and last quote of each slot.

Ticks come in slices, so that a file of any length needs the memory of one slice and of the bars.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError
from hotband.feeds.assembly import OnCrossed, allow_crossed
from hotband.market.bars import SIDES, Bars
from hotband.market.calendar import HOUR_NS, format_time, parse_granularity

TICK: Final = np.dtype([("t", "i8"), ("bid", "f8"), ("ask", "f8")])
"""A quote: ns UTC and both prices."""


def tick_records(
    t_ns: npt.NDArray[np.int64], bid: npt.NDArray[np.float64], ask: npt.NDArray[np.float64]
) -> Records:
    """TICK records of three columns of equal length; nothing is checked but the length."""
    ticks = np.empty(len(t_ns), dtype=TICK)
    ticks["t"], ticks["bid"], ticks["ask"] = t_ns, bid, ask
    return ticks


class BarBuilder:
    """Aggregates slices of ticks; how they are cut changes nothing.

    A tick equal in all three fields to the one before it is a repetition and is left out.
    Times that go back are refused, not sorted: such a file is damaged or is two files in one,
    and sorting would hide that. Equal times keep the order of the file.

    Attributes:
        rows: Ticks seen.
        duplicates: Repetitions left out.
        crossed: Ticks with the ask below the bid left out.

    Args:
        granularity: Of the bars; must divide the hour, as longer bars depend on a feed's day.
        what: The name of the ticks, for errors.
        on_crossed: Whether crossed ticks are refused or left out.

    Raises:
        BarsError: A granularity above H1.
    """

    def __init__(self, granularity: str, what: str, on_crossed: OnCrossed = "refuse") -> None:
        self._step = parse_granularity(granularity)
        if HOUR_NS % self._step:
            raise BarsError(
                f"granularity for ticks of {what}",
                granularity,
                "S5 to H1, which divide the hour",
                "Import M1.",
            )
        self._what = what
        self._on_crossed = on_crossed
        self._last = np.empty(0, dtype=TICK)
        self._open = np.empty(0, dtype=QUOTE)
        self._done: list[Records] = []
        self.rows = self.duplicates = self.crossed = 0

    def add(self, ticks: Records) -> None:
        """Take the next TICK records.

        Raises:
            BarsError: A time before the one before it, a price that is not above 0 and finite,
                or a crossed tick that is to be refused. The row counts from 0.
        """
        if not len(ticks):
            return
        joined = np.concatenate((self._last, ticks))
        fresh = joined[len(self._last) :]
        repeated = np.zeros(len(joined), dtype=np.bool_)
        repeated[1:] = (
            (np.diff(joined["t"]) == 0)
            & (joined["bid"][1:] == joined["bid"][:-1])
            & (joined["ask"][1:] == joined["ask"][:-1])
        )
        self._refuse_bad(joined, fresh)
        crossed = fresh["ask"] < fresh["bid"]
        if crossed.any():
            allow_crossed(int(crossed.sum()), len(fresh), self._on_crossed, self._what)
        repeated = repeated[len(self._last) :]
        self.duplicates += int(repeated.sum())
        self.crossed += int((crossed & ~repeated).sum())
        self.rows += len(ticks)
        self._last = fresh[-1:].copy()
        skip = repeated | crossed
        self._take(fresh[~skip] if skip.any() else fresh)

    def finish(self) -> Records:
        """The bars as QUOTE records; ``volume`` is the number of ticks."""
        return np.concatenate((*self._done, self._open))

    def _refuse_bad(self, joined: Records, fresh: Records) -> None:
        back = np.flatnonzero(np.diff(joined["t"]) < 0)
        if len(back):
            row = int(back[0])
            raise BarsError(
                f"times of {self._what}",
                f"{format_time(int(joined['t'][row + 1]))} after "
                f"{format_time(int(joined['t'][row]))} in row "
                f"{self.rows + row + 1 - len(self._last)}",
                "times that do not go back",
                "Sort the file, or export it again.",
            )
        for side in SIDES:
            good = np.isfinite(fresh[side]) & (fresh[side] > 0)
            if not good.all():
                row = int(np.argmin(good))
                raise BarsError(
                    f"{side} of {self._what}",
                    f"{fresh[side][row]} in row {self.rows + row}",
                    "finite prices above 0",
                    "Remove the row, or export the file again.",
                )

    def _take(self, ticks: Records) -> None:
        """Aggregate valid ticks; the last slot stays open."""
        if not len(ticks):
            return
        slot = ticks["t"] // self._step
        starts = np.concatenate(([0], np.flatnonzero(np.diff(slot)) + 1))
        ends = np.append(starts[1:], len(ticks))
        bars = np.empty(len(starts), dtype=QUOTE)
        bars["t"] = slot[starts] * self._step
        for side in SIDES:
            prices = np.ascontiguousarray(ticks[side])
            bars[f"{side}_o"], bars[f"{side}_c"] = prices[starts], prices[ends - 1]
            bars[f"{side}_h"] = np.maximum.reduceat(prices, starts)
            bars[f"{side}_l"] = np.minimum.reduceat(prices, starts)
        bars["volume"] = ends - starts
        held = self._open
        if len(held) and held["t"][0] == bars["t"][0]:
            for side in SIDES:
                bars[f"{side}_o"][0] = held[f"{side}_o"][0]
                bars[f"{side}_h"][0] = max(held[f"{side}_h"][0], bars[f"{side}_h"][0])
                bars[f"{side}_l"][0] = min(held[f"{side}_l"][0], bars[f"{side}_l"][0])
            bars["volume"][0] += held["volume"][0]
        else:
            self._done.append(held)
        self._done.append(bars[:-1])
        self._open = bars[-1:].copy()


def aggregate(
    ticks: Records,
    instrument: str,
    granularity: str,
    *,
    source: str,
    on_crossed: OnCrossed = "refuse",
) -> Bars:
    """Bars of TICK records, only where there are ticks; see ``BarBuilder`` for the rules.

    Raises:
        BarsError: As ``BarBuilder`` does, or a column that is missing.
    """
    if ticks.dtype != TICK:
        raise BarsError("ticks", f"{ticks.dtype}", f"records of {TICK}", "Use tick_records.")
    builder = BarBuilder(granularity, instrument, on_crossed)
    builder.add(ticks)
    return Bars.from_records(instrument, granularity, builder.finish(), source=source)
