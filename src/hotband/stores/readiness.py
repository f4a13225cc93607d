"""What is wrong with a server, in one word and a sentence, and how to wait for it.

A server that is down, one that loads its data and one that takes no writes need different
hands. Whoever waits does so for a stated time, at random intervals that grow, and says what it
waits for.
"""

import errno
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, get_args

from hotband.errors import InputError, StoreUnavailableError

State: TypeAlias = Literal["ready", "down", "refusing", "loading", "read_only", "slow", "cut"]
Command: TypeAlias = tuple[str | bytes | int | float, ...]
Reply: TypeAlias = object

STATES: Final[tuple[State, ...]] = get_args(State)
WORDS: Final[dict[State, tuple[str, str]]] = {
    "ready": ("the server answers", "Go on."),
    "down": (
        "nothing answers at its address",
        "Start the server, or correct host and port.",
    ),
    "refusing": (
        "the server turns this client away",
        "Check user, password and rights, protected mode and maxclients, TLS, the database "
        "number, and that the port is that of a Valkey or Redis server.",
    ),
    "loading": (
        "the server is busy loading its data or running a script",
        "Try again when it is done; wait_s=60 in the store's URL waits for it.",
    ),
    "read_only": (
        "the server takes no writes",
        "Write to the primary; if this is the primary, mend its disk, memory or replicas.",
    ),
    "slow": (
        "the server did not answer in time",
        "Look for what blocks it, or allow more with connect_s and read_s in the store's URL.",
    ),
    "cut": (
        "the connection broke in the middle of an answer",
        "Try again, and look into the server's log; wait_s=60 in the store's URL waits for it.",
    ),
}
"""Per state: what it means, and what to do about it."""

_UNREACHABLE: Final = frozenset(
    getattr(errno, name)
    for name in ("ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "EADDRNOTAVAIL")
)
_REPLIES: Final[tuple[tuple[str, State], ...]] = (
    ("DENIED ", "refusing"),
    ("MOVED ", "refusing"),
    ("ASK ", "refusing"),
    ("CLUSTERDOWN ", "refusing"),
    ("unknown command", "refusing"),
    ("DB index is out of range", "refusing"),
    ("invalid DB index", "refusing"),
    ("Protocol error", "refusing"),
    ("BUSY ", "loading"),
    ("MASTERDOWN ", "loading"),
    ("MISCONF ", "read_only"),
    ("NOREPLICAS ", "read_only"),
)
"""How error replies begin, behind an ``ERR``, and what state they tell of."""
_FULL: Final = "max number of clients"
_PROBE: Final = ("ZADD", "gate:index:~", "XX", 0, "~")
"""A write that changes nothing, as no instrument has this name; refused like any that adds."""

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a store bears with its server.

    Attributes:
        connect_s: For a connection to stand, seconds.
        read_s: For an answer, seconds; every 100 kB that is sent or received adds one.
        wait_s: How long one operation waits for a server that is not ready before it raises;
            0 raises at once. What a broken answer left out is asked for again. Once an
            operation has waited in vain, later ones of the same store try once and raise at
            once, until one succeeds: a dead server costs the wait once, not per instrument.
    """

    connect_s: float = 1.0
    read_s: float = 5.0
    wait_s: float = 0.0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("connect_s", self.connect_s, "above 0"),
            ("read_s", self.read_s, "above 0"),
            ("wait_s", self.wait_s, "0 or more"),
        ):
            if not (0 < value < 86_400 or (value == 0 and name == "wait_s")):
                do = "Correct the time."
                raise InputError(name, value, f"seconds, {least}, less than a day", do)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a server can be used now.

    Attributes:
        state: One of ``STATES``.
        words: What the state means, a sentence's worth.
        detail: What the server or the system said; empty where nothing was said.
    """

    state: State
    words: str
    detail: str = ""

    @classmethod
    def of(cls, state: State, detail: str = "") -> "Readiness":
        """The readiness of a state, with its words."""
        return cls(state, WORDS[state][0], detail)

    @property
    def ready(self) -> bool:
        """Whether the server can be used."""
        return self.state == "ready"


class Asks(Protocol):
    """What ``probe`` needs of a client: send commands, once, and give their replies."""

    def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies; raises what went wrong, without a second try."""
        ...


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def state_of(error: BaseException) -> State | None:
    """The state that an error of the client or the system tells of.

    None where it says nothing about the server's readiness, such as a key of another type.
    """
    from valkey import exceptions as valkey  # late: it takes a tenth of a second

    if isinstance(error, valkey.BusyLoadingError):
        return "loading"
    if isinstance(error, valkey.ReadOnlyError | valkey.OutOfMemoryError):
        return "read_only"
    if isinstance(
        error,
        valkey.AuthenticationError
        | valkey.AuthorizationError
        | valkey.AuthenticationWrongNumberOfArgsError
        | valkey.NoPermissionError
        | valkey.InvalidResponse,
    ):
        return "refusing"
    if isinstance(error, valkey.ResponseError):
        return _state_of_reply(str(error).removeprefix("ERR "))
    if isinstance(error, valkey.ConnectionError | valkey.TimeoutError | OSError | UnicodeError):
        if _FULL in str(error):
            return "refusing"
        return _state_of_connection(error, valkey.TimeoutError)
    return None


def _state_of_reply(text: str) -> State | None:
    return next((state for start, state in _REPLIES if text.startswith(start)), None)


def _state_of_connection(error: BaseException, timeout: type[Exception]) -> State:
    for link in _chain(error):
        if isinstance(link, timeout | TimeoutError):
            return "slow"
        if isinstance(link, socket.gaierror | UnicodeError):
            return "down"
        if isinstance(link, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return "cut"
        if isinstance(link, ssl.SSLError):
            return "refusing"
        if isinstance(link, OSError) and link.errno in _UNREACHABLE:
            return "down"
    return "cut"


def probe(client: Asks, *, writing: bool = False) -> Readiness:
    """Ask a server whether it can be used; raises nothing that the server can cause.

    Args:
        client: Sends the questions, once.
        writing: Also ask whether it takes writes, with one that changes nothing.
    """
    from valkey.exceptions import ValkeyError

    try:
        client.ask([("PING",), _PROBE] if writing else [("PING",)])
    except (ValkeyError, OSError, UnicodeError) as error:
        return Readiness.of(state_of(error) or "refusing", str(error))
    return Readiness.of("ready")


def pauses(seed: int | None = None) -> Iterator[float]:
    """Endless pauses in seconds: random up to a bound that doubles (full jitter).

    ``seed`` None: other pauses for every caller, so that many do not come back together.
    """
    draw = random.Random(seed)  # noqa: S311 - spreads retries, keeps no secret
    bound = FIRST_PAUSE_S
    while True:
        yield draw.uniform(0.0, bound)
        bound = min(LONGEST_PAUSE_S, 2 * bound)


def wait_ready(
    check: Callable[[], Readiness],
    deadline_s: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    stopped: Callable[[], bool] = lambda: False,
    seed: int | None = None,
    on_change: Callable[[Readiness], None] | None = None,
) -> Readiness:
    """Check until the server is ready or the time is over; the last answer. Raises nothing.

    Args:
        check: Usually ``probe`` of a client; its own time counts, but is not cut short.
        deadline_s: How long to wait from now, seconds; never slept beyond.
        clock: Seconds, increasing.
        sleep: Waits for seconds.
        stopped: Whether to end the wait at once; asked after each answer and each sleep.
        seed: Of the pauses, see ``pauses``.
        on_change: Called with the first answer, and with each whose state is another one.
    """
    end = clock() + deadline_s
    waits = pauses(seed)
    seen: State | None = None
    while True:
        answer = check()
        if on_change is not None and answer.state != seen:
            on_change(answer)
        seen = answer.state
        left = end - clock()
        if answer.ready or left <= 0 or stopped():
            return answer
        sleep(min(next(waits), left))
        if stopped():
            return answer


def unavailable(server: str, answer: Readiness, remark: str = "") -> StoreUnavailableError:
    """The error for a server that is not ready.

    Args:
        server: Its name, without a password.
        answer: What is wrong.
        remark: What this means for the work at hand; put before what to do.
    """
    said = f" ({answer.detail.rstrip('.')})" if answer.detail else ""
    do = WORDS[answer.state][1]
    return StoreUnavailableError(
        f"server {server}",
        f"{answer.state}: {answer.words}{said}",
        "a Valkey or Redis server that is ready",
        f"{remark} {do}" if remark else do,
        state=answer.state,
    )
