"""What stops entries by itself: kill switch, stale prices, losses; the same live and replayed."""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from hotband.core.records import HALT_LOSS, HALT_STALE, HALT_SWITCH
from hotband.live.spec import Breakers

Halt: TypeAlias = Literal["kill_switch", "feed_stale", "max_drawdown", "daily_loss"]
_BITS: Final[dict[Halt, int]] = {
    "kill_switch": HALT_SWITCH,
    "feed_stale": HALT_STALE,
    "max_drawdown": HALT_LOSS,
    "daily_loss": HALT_LOSS,
}


def halt_bits(halts: Iterable[Halt]) -> int:
    """The halts as ``LIMITS.kill_switch`` has them: 0 = entries are allowed."""
    bits = 0
    for halt in halts:
        bits |= _BITS[halt]
    return bits


class Halts:
    """The breakers of one account, from its NAV at each open time.

    Args:
        breakers: What may be lost.
        balance: At the start.
    """

    def __init__(self, breakers: Breakers, balance: float) -> None:
        self._breakers = breakers
        self._peak = balance
        self._day: int | None = None
        self._day_nav = balance

    def at(self, day: int, nav: float, *, engaged: bool, stale: bool = False) -> tuple[Halt, ...]:
        """What stops entries at an open time of a trading day, by the NAV known before it."""
        if day != self._day:
            self._day, self._day_nav = day, nav
        found: list[Halt] = ["kill_switch"] if engaged else []
        if stale:
            found.append("feed_stale")
        drawdown, loss = self._breakers.max_drawdown, self._breakers.daily_loss
        if drawdown is not None and nav <= self._peak * (1 - drawdown):
            found.append("max_drawdown")
        if loss is not None and nav <= self._day_nav * (1 - loss):
            found.append("daily_loss")
        return tuple(found)

    def mark(self, nav: float) -> None:
        """The NAV after an open time."""
        self._peak = max(self._peak, nav)
