"""Fields of OANDA's replies: numbers that come as text, times in two forms, keys that may lack.

Every function names the field in its error, so that a reply of another shape is refused where
it differs and never read as zero.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from hotband.errors import BarsError, InputError, WindowError
from hotband.market.calendar import FIRST_NS, LAST_NS, SECOND_NS, parse_time

Document: TypeAlias = Mapping[str, Any]

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_PLAIN: Final = re.compile(r"\d{1,15}\.\d{1,15}", re.ASCII)
_UNIX: Final = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?", re.ASCII)


def mapping(value: object, what: str) -> Document:
    """``value`` if it is a JSON object; BarsError names ``what``."""
    if not isinstance(value, Mapping):
        raise _refused(what, value, "a JSON object")
    return value


def listed(document: Document, key: str, what: str) -> list[Any]:
    """The list at ``key``; BarsError where there is none."""
    value = document.get(key)
    if not isinstance(value, list):
        raise _refused(f"{key} of {what}", "none" if value is None else value, "a list")
    return value


def text(document: Document, key: str, what: str) -> str:
    """The text at ``key``, not empty; BarsError where there is none."""
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise _refused(f"{key} of {what}", "none" if value is None else value, "text")
    return value


def number(value: object, what: str) -> float:
    """A finite number that is text ("1.08470") or a JSON number; BarsError for anything else.

    Text becomes the float nearest to its decimals, which is the one that they stand for.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return _finite(float(value), value, what)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value), value, what)
    raise _refused(what, "none" if value is None else repr(value), "a number, also as text")


def is_plain(value: str) -> bool:
    """Whether text is decimals with a point, of which ``float`` makes a finite number."""
    return _PLAIN.fullmatch(value) is not None


def optional_number(document: Document, key: str, what: str) -> float | None:
    """The number at ``key``; None where the key lacks or is null."""
    value = document.get(key)
    return None if value is None else number(value, f"{key} of {what}")


def whole(document: Document, key: str, what: str) -> int:
    """The whole number at ``key``, also as text; BarsError for anything else."""
    value = number(document.get(key), f"{key} of {what}")
    if value != int(value):
        raise _refused(f"{key} of {what}", document[key], "a whole number")
    return int(value)


def time_ns(value: object, what: str) -> int:
    """Nanoseconds UTC of a time as the API writes it: RFC 3339, or seconds since 1970 as text.

    Up to nine decimals count. BarsError for anything else and outside 1971..2099.
    """
    allowed = "RFC 3339 such as 2026-03-02T14:31:00.000000000Z, or seconds since 1970 as text"
    if not isinstance(value, str):
        raise _refused(what, "none" if value is None else repr(value), allowed)
    unix = _UNIX.fullmatch(value)
    if unix:
        at = int(unix[1]) * SECOND_NS + int((unix[2] or "").ljust(9, "0"))
        if not FIRST_NS <= at < LAST_NS:
            raise _refused(what, value, allowed)
        return at
    try:
        return parse_time(value)
    except WindowError as cause:
        raise _refused(what, repr(value), allowed) from cause


def _finite(value: float, shown: object, what: str) -> float:
    if abs(value) < float("inf"):
        return value
    raise _refused(what, shown, "a finite number")


def _refused(what: str, got: object, allowed: str) -> InputError:
    shown = str(got)
    return BarsError(
        what,
        shown if len(shown) <= 80 else f"{shown[:80]}...",
        allowed,
        "Check that the reply is OANDA's v20 API's, and that the file is whole.",
    )
