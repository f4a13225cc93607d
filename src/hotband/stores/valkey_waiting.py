"""One wait for a server: it ends in time or when told to, and says what it waits for."""

import math
from collections.abc import Callable
from typing import Final, NoReturn, Protocol

from hotband.stores.readiness import (
    Asks,
    Patience,
    Readiness,
    State,
    pauses,
    probe,
    unavailable,
    wait_ready,
)

CUT_SHORT: Final = "The wait was cut short."


class Waiter(Asks, Protocol):
    """What a wait needs of the connections to a server."""

    name: str
    patience: Patience
    spent: bool
    clock: Callable[[], float]
    sleep: Callable[[float], object]

    @property
    def stopped(self) -> bool:
        """Whether nobody wants to wait any more."""
        ...

    def tell(self, line: str) -> None:
        """Pass a line to whoever listens."""
        ...


class Waiting:
    """From the first failure of what was asked until it succeeds or is given up.

    Args:
        wire: To the server. Where its ``spent`` is set, nothing is waited for.
        writing: Wait for a server that takes writes.
        end: On the wire's clock, when to give up if that is before the patience is over.
    """

    def __init__(self, wire: Waiter, *, writing: bool, end: float = math.inf) -> None:
        self._wire = wire
        self._writing = writing
        self._begin = wire.clock()
        self._allowed_s = 0.0 if wire.spent else wire.patience.wait_s
        self._end = min(end, self._begin + self._allowed_s)
        self._pauses = pauses()
        self._seen: State | None = None

    def after(self, answer: Readiness) -> Readiness:
        """Wait after a failure until it is worth asking again; the last answer.

        Raises:
            StoreUnavailableError: The time is over, or the wait was cut short.
        """
        wire = self._wire
        end = self._end
        if (now := wire.clock()) >= end or wire.stopped:
            self.give_up(answer)
        self._hear(answer)
        wire.sleep(min(next(self._pauses), end - now))
        if not wire.stopped:
            answer = wait_ready(
                lambda: probe(wire, writing=self._writing),
                max(0.0, end - wire.clock()),
                clock=wire.clock,
                sleep=wire.sleep,
                stopped=lambda: wire.stopped,
                on_change=self._hear,
            )
        if wire.stopped and not answer.ready:
            self.give_up(answer)
        return answer

    def give_up(self, answer: Readiness) -> NoReturn:
        """End the wait without success; raises StoreUnavailableError."""
        wire = self._wire
        if self._seen is not None:
            how = "was cut short" if wire.stopped else "is given up"
            wire.tell(f"the wait for {wire.name} {how} after {self._waited()}: {answer.state}")
        if self._allowed_s and not wire.stopped:
            wire.spent = True
        raise unavailable(wire.name, answer, CUT_SHORT if wire.stopped else "") from None

    def over(self) -> None:
        """End the wait with success."""
        if self._seen is not None:
            self._wire.tell(f"{self._wire.name} answers again after {self._waited()}")

    def _waited(self) -> str:
        return f"{self._wire.clock() - self._begin:.1f} s"

    def _hear(self, answer: Readiness) -> None:
        """Tell a state that is another one; ready is told when what was asked succeeds."""
        if answer.ready or answer.state == self._seen:
            return
        said = f"{answer.state}, {answer.words}"
        self._wire.tell(
            f"waiting up to {self._allowed_s:g} s for {self._wire.name}: {said}"
            if self._seen is None
            else f"{self._wire.name} is now {said}"
        )
        self._seen = answer.state
