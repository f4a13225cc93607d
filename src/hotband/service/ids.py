"""Names of runs' attempts: they sort by time and are never given twice."""

import hashlib
import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32."""
PATTERN: Final = f"[0-7][{ALPHABET}]{{25}}"


def new_id(unix_s: float, after: str | None = None) -> str:
    """A ULID: 48 bits of milliseconds since 1970, then 80 random bits; 26 characters.

    It sorts behind ``after``, also within its millisecond or where a clock was set back.
    """
    made = _text(int(unix_s * 1000), secrets.randbits(80))
    return made if after is None or made > after else _spelt(_number(after) + 1)


def id_from(unix_s: float, content: str) -> str:
    """The same form with bits that hang on ``content``: the same arguments, the same id."""
    digest = hashlib.sha256(content.encode()).digest()
    return _text(int(unix_s * 1000), int.from_bytes(digest[:10], "big"))


def _text(milliseconds: int, low: int) -> str:
    return _spelt(milliseconds << 80 | low)


def _number(text: str) -> int:
    return sum(ALPHABET.index(sign) << 5 * k for k, sign in enumerate(reversed(text)))


def _spelt(number: int) -> str:
    return "".join(ALPHABET[number >> 5 * k & 31] for k in range(25, -1, -1))
