"""Where a Valkey server is and how to use it, read from a store's URL.

    valkey://[user:password@]host:port/db?granularity=M1&lambda_scale=0.1&retention=5000

The password is known to the connection only: no name, error or repr shows it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from hotband.errors import InputError, StoreError
from hotband.market.calendar import parse_granularity
from hotband.stores.readiness import Patience

VALKEY_SCHEMES: Final = ("valkey", "redis", "valkeys", "rediss")
"""The last two are those with TLS."""
HIDDEN: Final = "***"
"""What stands in messages for what may be a secret."""
FORM: Final = "valkey://USER:PASSWORD@HOST:PORT/DB?granularity=M1"
DEFAULT_PORT: Final = 6379
_HOST: Final = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?"
)

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_OF_PATHS: Final = ("memory", "parquet")
_PARTS: Final = re.compile(
    r"(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(\?(?P<query>[^#]*))?(?P<end>#.*)?", re.DOTALL
)
_DATABASE: Final = re.compile(r"/*[0-9]{0,9}/*")
_PLAIN: Final = re.compile(r"[+-]?[A-Za-z]?[\d.]{0,12}(e[+-]?\d{1,3})?|nan|inf|-inf")
"""A value of a setting that is a number or the length of a bar, if maybe a wrong one."""
_ELSEWHERE: Final = ("password", "username", "user", "db", "ssl", "timeout", "protocol")


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
    """The URL for messages: what may be a secret is replaced by ``***``.

    Shown are a host and port that can be read, the number of the database, and settings that
    we have or that look like one of ours, those that we have with a plain value. Of a path to
    a folder all is shown that stands behind the last ``@``.
    """
    scheme, colon, rest = url.partition(":")
    slashes = "//" if rest.startswith("//") else ""
    near_path = get_close_matches(scheme.lower(), _OF_PATHS, 1, 0.75)
    if not colon or (near_path and (not slashes or rest.startswith("///"))):
        _, at, shown = url.rpartition("@")
        return f"{HIDDEN}@{shown}" if at else url
    parts = _PARTS.fullmatch(rest[2:])
    if not slashes:
        return f"{scheme}:{HIDDEN}" if scheme in VALKEY_SCHEMES else HIDDEN
    start = f"{scheme}://" if _SCHEME.fullmatch(scheme) else ""
    if parts is None or "@" in f"{parts['path']}{parts['query']}{parts['end']}":
        return start + HIDDEN
    user, at, place = parts["authority"].rpartition("@")
    shown = f"{HIDDEN}@" if at else ""
    shown += place if not (user or place) or _is_place(place) else HIDDEN
    path, query, end = parts["path"] or "", parts["query"], parts["end"]
    shown += path if _DATABASE.fullmatch(path) else f"/{HIDDEN}"
    if query is not None:
        shown += "?" + "&".join(_shown_setting(each) for each in query.split("&"))
    return start + shown + (f"#{HIDDEN}" if end else "")


def _is_place(text: str) -> bool:
    match = re.fullmatch(r"(\[(?P<six>[^\]]*)\]|(?P<name>[^:\[\]]*))(:(?P<port>\d{1,5}))?", text)
    host = (match["six"] or match["name"]) if match else ""
    port = int(match["port"] or 1) if match else 0
    return bool(host) and _HOST.fullmatch(host) is not None and 0 <= port < 65_536


def _shown_setting(text: str) -> str:
    name, _, value = text.partition("=")
    shown = HIDDEN if name not in _SETTINGS or not _PLAIN.fullmatch(value) else value
    return f"{_shown_name(name)}={shown}"


def _shown_name(name: str) -> str:
    """The name of a setting where it is one of ours, near one, or usual elsewhere."""
    known = name in _ELSEWHERE or get_close_matches(name, _SETTINGS, 1, 0.75)
    return name if known else HIDDEN


def parse_valkey_url(url: str, wait_s: float = 0.0) -> ValkeyAddress:
    """The address that a URL names.

    Settings behind ``?``: ``granularity`` and ``lambda_scale`` of the producer (M1, 0.1),
    ``retention`` (newest members kept) and ``retention_days`` (both: all), ``connect_s``,
    ``read_s`` and ``wait_s`` of ``Patience``; the argument is the ``wait_s`` of a URL without.

    Raises:
        StoreError: A part that cannot be understood; the message holds
            nothing that may be a secret.
    """
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise _refused(shown, "password", "a /, ? or # as it is", "%2F, %3F and %23 for them")
        port, host = parts.port, parts.hostname
    except ValueError:  # its text may hold the password
        raise _refused(shown, "port or host", "unreadable", FORM) from None
    if not host or not _HOST.fullmatch(host):
        got = "an unreadable one" if host else "nothing"
        raise _refused(shown, "host", got, "a host's name or address")
    if not _DATABASE.fullmatch(parts.path):
        raise _refused(shown, "database", "no number", "a whole number, such as /0")
    if parts.fragment:
        raise _refused(shown, "end", f"#{HIDDEN}", FORM)
    given: dict[str, object] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _SETTINGS:
            raise StoreError(
                f"setting of store URL {shown}",
                _shown_name(name),
                ", ".join(_SETTINGS),
                "Correct or remove it.",
                near=_SETTINGS,
            )
        if name in given:
            raise _refused(shown, name, "given twice", "one value")
        read, allowed = _SETTINGS[name]
        try:
            given[name] = read(text)
        except (ValueError, InputError):
            got = text if _PLAIN.fullmatch(text) else HIDDEN
            raise _refused(shown, name, got or "nothing", allowed) from None
    return _address(
        ValkeyAddress(
            parts.scheme,
            host,
            DEFAULT_PORT if port is None else port,
            int(parts.path.strip("/") or 0),
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
