"""Where a Valkey server is and how to use it, read from a store's URL.

    valkey://[user:password@]host:port/db?granularity=M1&lambda_scale=0.1&retention=5000

The password is known to the connection only: no name, error or repr shows it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from hotband.errors import InputError, StoreError
from hotband.market.calendar import parse_granularity
from hotband.stores.readiness import Patience

VALKEY_SCHEMES: Final = ("valkey", "redis", "valkeys", "rediss")
"""The last two are those with TLS."""
FORM: Final = "valkey://USER:PASSWORD@HOST:PORT/DB?granularity=M1"
DEFAULT_PORT: Final = 6379
_HOST: Final = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?"
)


@dataclass(frozen=True, slots=True)
class Retention:
    """What an index keeps when something is added; older members are removed.

    Attributes:
        newest: So many of the newest members; None = all.
        days: Members not older than this before the newest one; None = all.
    """

    newest: int | None = None
    days: float | None = None


@dataclass(frozen=True, slots=True)
class ValkeyAddress:
    """A server's database, and how its payloads are to be understood.

    Attributes:
        scheme: One of ``VALKEY_SCHEMES``.
        host: Name or address.
        port: TCP port.
        db: Number of the database.
        user: Of the server's access list; None = the default one.
        password: None = none.
        granularity: Of the producer's bars, where a payload does not say.
        lambda_scale: lambda per raw hazard of the producer.
        retention: What appends keep; all by default.
        patience: How long to bear with the server.
    """

    scheme: str
    host: str
    port: int = DEFAULT_PORT
    db: int = 0
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    granularity: str = "M1"
    lambda_scale: float = 0.1
    retention: Retention = field(default_factory=Retention)
    patience: Patience = field(default_factory=Patience)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in VALKEY_SCHEMES[2:]

    @property
    def name(self) -> str:
        """The URL without user, password and settings."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.db}"


def without_password(url: str) -> str:
    """The URL with whatever stands before the last ``@`` left out, for messages."""
    head, at, rest = url.rpartition("@")
    if not at:
        return url
    scheme, slashes, _ = head.partition("://")
    return f"{scheme}{slashes}***@{rest}" if slashes else f"***@{rest}"


def parse_valkey_url(url: str, wait_s: float = 0.0) -> ValkeyAddress:
    """The address that a URL names.

    Settings behind ``?``: ``granularity`` and ``lambda_scale`` of the producer (M1, 0.1),
    ``retention`` (newest members kept) and ``retention_days`` (both: all), ``connect_s``,
    ``read_s`` and ``wait_s`` of ``Patience``; the argument is the ``wait_s`` of a URL without.

    Raises:
        StoreError: A part that cannot be understood; the message does not hold the password.
    """
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise _refused(shown, "password", "a /, ? or # as it is", "%2F, %3F and %23 for them")
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise _refused(shown, "port or host", "unreadable", FORM) from error
    if not host or not _HOST.fullmatch(host):
        raise _refused(shown, "host", host or "nothing", "a host's name or address")
    path = parts.path.strip("/")
    if path and not re.fullmatch(r"\d{1,9}", path):
        raise _refused(shown, "database", path, "a whole number, such as /0")
    if parts.fragment:
        raise _refused(shown, "end", f"#{parts.fragment}", FORM)
    given: dict[str, object] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _SETTINGS:
            raise StoreError(
                f"setting of store URL {shown}",
                name,
                ", ".join(_SETTINGS),
                "Correct or remove it.",
                near=_SETTINGS,
            )
        if name in given:
            raise _refused(shown, name, "given twice", "one value")
        read, allowed = _SETTINGS[name]
        try:
            given[name] = read(text)
        except (ValueError, InputError) as error:
            raise _refused(shown, name, text or "nothing", allowed) from error
    return _address(
        ValkeyAddress(
            parts.scheme,
            host,
            DEFAULT_PORT if port is None else port,
            int(path or 0),
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        ),
        {"wait_s": wait_s, **given},
    )


def _refused(shown: str, part: str, got: str, allowed: str) -> StoreError:
    return StoreError(f"{part} of store URL {shown}", got, allowed, "Correct the URL.")


def _whole(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,11}", text):
        raise ValueError(text)
    return int(text)


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and 0 < number <= 1e6):
        raise ValueError(text)
    return number


def _scale(text: str) -> float:
    number = float(text)
    if not 1e-6 <= number <= 1:
        raise ValueError(text)
    return number


def _granularity(text: str) -> str:
    parse_granularity(text)
    return text


def _seconds(text: str) -> float:
    return Patience(read_s=float(text)).read_s


def _seconds_or_none(text: str) -> float:
    return Patience(wait_s=float(text)).wait_s


_SETTINGS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "granularity": (_granularity, "a length of bars, such as S5, M1, H1 or D"),
    "lambda_scale": (_scale, "a number from 0.000001 to 1"),
    "retention": (_whole, "a whole number above 0"),
    "retention_days": (_positive, "a number of days above 0"),
    "connect_s": (_seconds, "seconds above 0"),
    "read_s": (_seconds, "seconds above 0"),
    "wait_s": (_seconds_or_none, "seconds, 0 or more"),
}


def _address(plain: ValkeyAddress, given: Mapping[str, object]) -> ValkeyAddress:
    """The address with its settings; each was read by its entry of ``_SETTINGS``."""
    numbers = {name: value for name, value in given.items() if isinstance(value, int | float)}
    newest = given.get("retention")
    standard = Patience()
    return ValkeyAddress(
        plain.scheme,
        plain.host,
        plain.port,
        plain.db,
        plain.user,
        plain.password,
        granularity=str(given.get("granularity", plain.granularity)),
        lambda_scale=numbers.get("lambda_scale", plain.lambda_scale),
        retention=Retention(
            newest if isinstance(newest, int) else None, numbers.get("retention_days")
        ),
        patience=Patience(
            numbers.get("connect_s", standard.connect_s),
            numbers.get("read_s", standard.read_s),
            numbers.get("wait_s", standard.wait_s),
        ),
    )
