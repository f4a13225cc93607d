"""What a reply of OANDA's servers means: go on, ask again later, or stop and say why.

Bodies of errors may be JSON, a page of HTML or nothing. What the API says of itself is shown,
short and without the token; pages are not.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson
import stamina
from stamina.instrumentation import set_on_retry_hooks

from hotband.errors import InputError, StoreUnavailableError
from hotband.feeds.oanda_credentials import OandaAccess

# By default retries are logged to standard output, where it is not configured otherwise: it
# would stand between the lines of --json.
set_on_retry_hooks([])

DO: Final = {
    "down": "OANDA's servers fail; try again later. What was stored before stays.",
    "refusing": "Wait, and see that no other program of this address asks too often.",
    "slow": "Check the network, or try again later. What was stored before stays.",
    "cut": "Check the network, or try again later. What was stored before stays.",
}
"""What to do, by the state of the server in ``StoreUnavailableError``."""
_REFUSED: Final = {
    400: "Correct what was asked for.",
    401: "Check the token, and that it is of the environment {environment}.",
    403: "Check that OANDA_ACCOUNT is an account of the token in the environment {environment}.",
    404: "Correct the name of the instrument or the account.",
}
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the servers are borne with.

    Attributes:
        attempts: Tries of one request, the first counted.
        first_wait_s: Before the second try, seconds; doubled for each further one, and up to
            as much again at random on top.
        longest_wait_s: Of these waits.
        longest_retry_after_s: A server that asks for a longer one is not asked again.
        connect_s: For a connection to stand.
        read_s: Between two parts of a reply.
        whole_s: For a whole reply.
    """

    attempts: int = 7
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0
    longest_retry_after_s: float = 120.0
    connect_s: float = 10.0
    read_s: float = 30.0
    whole_s: float = 120.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not 0 < value < 86_400:
                raise InputError(name, value, "above 0, below 86,400", "Correct it.")


DEFAULT_PATIENCE: Final = Patience()


class NotNowError(Exception):
    """A failure that the same request may not meet later; ``wait_s``: as the server asks."""

    def __init__(self, state: str, got: str, wait_s: float | None = None) -> None:
        super().__init__(got)
        self.state, self.got, self.wait_s = state, got, wait_s


def attempts(patience: Patience, heard: Callable[[str], None]) -> Iterator[stamina.Attempt]:
    """Context managers that try again after a ``NotNowError``, until patience ends.

    A wait that the server asks for is kept to, within ``longest_retry_after_s``.
    """
    failures = 0

    def again(error: Exception) -> bool | float:
        nonlocal failures
        failures += 1
        if not isinstance(error, NotNowError) or failures >= patience.attempts:
            return False
        if error.wait_s is None:
            heard(f"OANDA: {error.got}; trying again")
            return True
        if error.wait_s > patience.longest_retry_after_s:
            return False
        heard(f"OANDA: {error.got}; trying again in {error.wait_s:.0f} s as it asks")
        return error.wait_s

    yield from stamina.retry_context(
        on=again,
        attempts=patience.attempts,
        timeout=None,
        wait_initial=patience.first_wait_s,
        wait_max=patience.longest_wait_s,
        wait_jitter=min(1.0, patience.first_wait_s),
    )


def unavailable(error: NotNowError, shown: str, patience: Patience) -> StoreUnavailableError:
    """The error once patience has ended."""
    asked = "" if error.wait_s is None else f", which asks to wait {error.wait_s:.0f} s"
    return StoreUnavailableError(
        f"OANDA's reply to {shown}",
        f"{error.got}{asked}",
        f"a whole reply within {patience.attempts} tries",
        DO[error.state],
        state=error.state,
    )


def check_status(
    status: int, headers: Mapping[str, str], body: bytes, shown: str, access: OandaAccess
) -> None:
    """Nothing for status 200.

    Raises:
        NotNowError: 408, 429 and 5xx.
        InputError: Any other; it shows what the API says.
    """
    if status == 200:
        return
    said = access.token.hidden_in(_message(body))  # also where JSON escapes had split it
    got = f"HTTP {status}{f' ({said})' if said else ''}"
    if status == 429:
        raise NotNowError("refusing", got, retry_after_s(headers))
    if status == 408 or status >= 500:
        raise NotNowError("down", got, retry_after_s(headers))
    do = _REFUSED.get(status, "Check OANDA_URL and what was asked for.")
    raise InputError(
        f"OANDA's reply to {shown}",
        got,
        "HTTP 200",
        do.format(environment=access.environment),
    )


def decoded(body: bytes) -> Any:
    """The JSON of a reply; NotNowError where it is none, as of a reply that was cut."""
    try:
        return orjson.loads(body)
    except ValueError:
        got = f"{len(body)} bytes that are no JSON"
    raise NotNowError("cut", got)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of the header Retry-After, a number or a date; None where there is none of use.

    A date counts from the server's own, else from this machine's clock; one that is past is 0.
    """
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    until = _date_s(given)
    if until is None:
        return None
    now = _date_s(headers.get("date", ""))
    return max(0.0, until - (time.time() if now is None else now))


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def _message(body: bytes) -> str:
    try:
        document = orjson.loads(body)
    except ValueError:
        return ""
    said = document.get("errorMessage") if isinstance(document, dict) else None
    if not isinstance(said, str):
        return ""
    line = " ".join(said.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
