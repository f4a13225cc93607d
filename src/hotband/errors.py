"""The errors that hotband raises, and how to read them.

    HotbandError
    ├── InputError            what the caller gave is not usable
    │   ├── BarsError         times or prices of bars
    │   ├── GatesError        gate events
    │   ├── ProfileError      a strategy profile
    │   ├── InstrumentError   an unknown instrument, or one without a field it needs
    │   └── WindowError       a time window that is empty, naive or reversed
    ├── ConversionError       no price to convert one currency to another at a time
    ├── StoreError            a store that cannot be opened, read or written
    │   └── StoreUnavailableError  a server that does not answer as it should, now
    ├── ExecutorError         workers that cannot be reached, or were lost too often
    ├── CancelledRunError     a run that was asked to stop before its end
    └── IntegrityError        an invariant of our own does not hold: a defect, never the user's

Every message has four parts: which parameter, what was received, what is allowed and what to
do. Near misses of a name add "did you mean".
"""

import copyreg
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from enum import IntEnum


class ErrorSeverity(IntEnum):
    """What a driver does with an error of the class."""

    USER = 1
    """The call is wrong; a corrected call can succeed."""
    RETRY = 2
    """The surroundings failed; the same call may succeed later."""
    DEFECT = 3
    """hotband is wrong; the result must not be used."""


class HotbandError(Exception):
    """Base of all errors; ``what``, ``got``, ``allowed`` and ``do`` are its four parts."""

    severity = ErrorSeverity.USER

    def __init__(
        self, what: str, got: object, allowed: str, do: str, *, near: Iterable[str] = ()
    ) -> None:
        self.what = what
        self.got = got
        self.allowed = allowed
        self.do = do
        matches = get_close_matches(str(got), list(near), n=1, cutoff=0.6)
        self.suggestion = matches[0] if matches else None
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        super().__init__(f"{what}: got {got}; allowed: {allowed}.{hint} {do}")

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
        """Errors travel between processes: made without __init__, all parts kept."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined] # not in typeshed


class InputError(HotbandError):
    """What the caller gave is not usable."""


class BarsError(InputError):
    """Times or prices of bars break a rule."""


class GatesError(InputError):
    """Gate events break a rule."""


class ProfileError(InputError):
    """A strategy profile holds an unknown key or an impossible value."""


class InstrumentError(InputError):
    """An unknown instrument, or one that lacks a field the work needs."""


class WindowError(InputError):
    """A time window that is empty, naive, reversed or outside the data."""


class ConversionError(HotbandError):
    """No price to convert one currency to another at the time it is needed."""


class StoreError(HotbandError):
    """A store that cannot be opened, read or written."""

    severity = ErrorSeverity.RETRY


class StoreUnavailableError(StoreError):
    """A store's server that is down, loading, slow or otherwise not ready.

    ``state`` is the word for it, one of ``stores.readiness.STATES``.
    """

    def __init__(self, what: str, got: object, allowed: str, do: str, *, state: str) -> None:
        super().__init__(what, got, allowed, do)
        self.state = state


class ExecutorError(HotbandError):
    """Workers of a run that cannot be reached, or were lost too often."""

    severity = ErrorSeverity.RETRY


class CancelledRunError(HotbandError):
    """A run that was asked to stop; ``done`` holds the indices of the finished tasks, sorted."""

    def __init__(
        self, what: str, got: object, allowed: str, do: str, *, done: tuple[int, ...]
    ) -> None:
        super().__init__(what, got, allowed, do)
        self.done = done


class IntegrityError(HotbandError):
    """An invariant of hotband's own does not hold; the result must not be used."""

    severity = ErrorSeverity.DEFECT
