"""A moving-average crossover as gates, so that hotband trades and tests it like any other.

A gate stands at each of the first ``confirm`` bars from where the fast mean of mid closes left
the other side of the slow one (level counts as either), to its new side. Its repetitions count
those bars: 1 at the crossing bar.
Its hazard is how much of the last ``slow`` moves went nowhere: 0 = all one way, 1 = none left.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hotband.errors import InputError
from hotband.gates.events import Gates
from hotband.gates.producer import gates_on
from hotband.market.bars import Bars
from hotband.stores.plugins import UrlOptions, produced_gates
from hotband.stores.ports import GateStore

UNIT = 1e6
"""Prices are counted in whole millionths: sums of whole numbers do not hang on where they began,
as sums of fractions would by their rounding, so that any piece of history gives the same gates."""


@dataclass(frozen=True)
class Crossover:
    """The strategy; ``fast`` < ``slow`` are lengths of means, in bars."""

    fast: int = 20
    slow: int = 50
    confirm: int = 3
    name: str = "crossover"

    def __post_init__(self) -> None:
        if not 1 <= self.fast < self.slow or self.confirm < 1:
            got = f"fast={self.fast}, slow={self.slow}, confirm={self.confirm}"
            allowed = "1 <= fast < slow, confirm >= 1"
            raise InputError("crossover", got, allowed, "Correct the lengths.")

    @property
    def memory_bars(self) -> int:
        """A gate needs the sign of ``confirm`` + 1 bars, and each sign ``slow`` closes."""
        return self.slow + self.confirm

    def gates(self, bars: Bars) -> Gates:
        """The gates of these bars."""
        n = len(bars)
        mid = np.rint((bars.data["bid_c"] + bars.data["ask_c"]) * 0.5 * UNIT).astype(np.int64)
        # Means times both lengths, so that the comparison is one of whole numbers too.
        gap = _sums(mid, self.fast) * self.slow - _sums(mid, self.slow) * self.fast
        side = np.sign(gap).astype(np.int64)
        reps = np.zeros(n, np.int64)
        for age in range(1, min(self.confirm, n - self.slow) + 1):
            first = self.slow - 1 + age  # before it the slow mean has too few bars
            now = side[first:]
            crossed = (now != 0) & (side[first - age : n - age] != now)
            for back in range(1, age):
                crossed &= side[first - back : n - back] == now
            reps[first:][crossed] = age
        rows = reps > 0
        return gates_on(bars, rows, side[rows], self._hazard(mid)[rows], reps[rows])

    def _hazard(self, mid: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """1 - net move / sum of moves over ``slow`` - 1 moves; 1 where the price stood still."""
        road = _sums(np.abs(np.diff(mid, prepend=mid[:1])), self.slow - 1)
        net = np.zeros(len(mid), np.int64)
        reach = self.slow - 1
        net[reach:] = np.abs(mid[reach:] - mid[:-reach])
        hazard: npt.NDArray[np.float64] = 1.0 - net / np.maximum(road, 1)
        return np.clip(hazard, 0.0, 1.0)


def _sums(values: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Sums of the last ``length`` values up to each; of fewer at the beginning."""
    total = np.cumsum(values)
    out = total.copy()
    out[length:] -= total[:-length]
    return out


def open_store(url: str) -> GateStore:
    """The gates of ``crossover:fast=20&slow=50&confirm=3``, all with these defaults."""
    options = UrlOptions(url)
    strategy = Crossover(
        options.whole("fast", 20), options.whole("slow", 50), options.whole("confirm", 3)
    )
    return produced_gates(strategy, options)
