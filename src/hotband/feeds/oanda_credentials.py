"""Who asks OANDA, and where: the token, the account and the addresses, from the environment.

The token is read from a variable or from a file that only its owner can read, and nothing here
shows it: not a repr, not a message.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from hotband.errors import InputError

HOSTS: Final = {
    "practice": ("https://api-fxpractice.oanda.com", "https://stream-fxpractice.oanda.com"),
    "live": ("https://api-fxtrade.oanda.com", "https://stream-fxtrade.oanda.com"),
}
"""Addresses for replies and for streams, by environment."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


class Secret:
    """A text that is shown as ``***`` wherever it is printed, and that does not pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def hidden_in(self, text: str) -> str:
        """``text`` with the secret blotted out."""
        return text.replace(self._text, "***")

    def hidden_in_bytes(self, body: bytes) -> bytes:
        """``body`` with the secret blotted out."""
        return body.replace(self._text.encode(), b"***")

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


@dataclass(frozen=True, slots=True)
class OandaAccess:
    """What a client needs to ask.

    Attributes:
        environment: ``practice`` or ``live``.
        token: Of the account's owner.
        account: Such as 101-004-1234567-001; None = none, enough for candles.
        url: Where replies come from, without a slash at its end.
        stream_url: Where streams come from.
    """

    environment: str
    token: Secret
    account: str | None
    url: str
    stream_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "OandaAccess":
        """Read the variables; an empty one counts as not set. ``None`` reads ``os.environ``.

        ``OANDA_ENVIRONMENT`` (practice), ``OANDA_TOKEN`` or ``OANDA_TOKEN_FILE`` (one of them;
        the file is the user's and nobody else can read or write it), ``OANDA_ACCOUNT``,
        ``OANDA_URL`` and ``OANDA_STREAM_URL`` (another address, for a proxy or a stub: https,
        or http on this machine; the stream's is by default ``OANDA_URL`` where that is set).

        Raises:
            InputError: A variable that cannot be used; the message never holds the token.
        """
        env = os.environ if environment is None else environment
        name = env.get("OANDA_ENVIRONMENT") or "practice"
        if name not in HOSTS:
            allowed = " or ".join(HOSTS)
            raise InputError("OANDA_ENVIRONMENT", name, allowed, "Choose one.", near=HOSTS)
        account = env.get("OANDA_ACCOUNT") or None
        if account is not None and not _ACCOUNT.fullmatch(account):
            allowed = "an account such as 101-004-1234567-001"
            raise InputError("OANDA_ACCOUNT", "something else", allowed, "Correct it.")
        other = env.get("OANDA_URL")
        url = _address("OANDA_URL", other or HOSTS[name][0])
        stream_url = _address(
            "OANDA_STREAM_URL", env.get("OANDA_STREAM_URL") or other or HOSTS[name][1]
        )
        return cls(name, _token(env), account, url, stream_url)

    def require_account(self) -> str:
        """The account; InputError where none was named."""
        if self.account is None:
            allowed = "an account such as 101-004-1234567-001"
            raise InputError("OANDA_ACCOUNT", "nothing", allowed, "Set it, and ask again.")
        return self.account


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _address(variable: str, url: str) -> str:
    allowed = "https://HOST[:PORT][/PATH], or http:// on this machine (127.0.0.1, localhost)"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as cause:
        raise InputError(variable, "no address", allowed, "Correct it.") from cause
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        got = "an address with a user, password, query or fragment"
        raise InputError(variable, got, allowed, "Leave them out.")
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
    ):
        do = "Use https: anybody on the way could read the token."
        raise InputError(variable, url, allowed, do)
    return url.rstrip("/")


def _token(env: Mapping[str, str]) -> Secret:
    given, file = env.get("OANDA_TOKEN"), env.get("OANDA_TOKEN_FILE")
    if given and file:
        got = "OANDA_TOKEN and OANDA_TOKEN_FILE"
        raise InputError("OANDA token", got, "one of the two", "Unset one of them.")
    if not given and not file:
        raise InputError(
            "OANDA token",
            "nothing in OANDA_TOKEN or OANDA_TOKEN_FILE",
            "a personal access token of the account",
            "Make one in OANDA's account pages and name a file with it in OANDA_TOKEN_FILE.",
        )
    text, where = (given, "OANDA_TOKEN") if given else (_read_token(Path(file or "")), str(file))
    if not _TOKEN.fullmatch(text or ""):
        allowed = "one token of letters, digits and - . _ ~ + / ="
        got = "empty text" if not text else "text with other characters"
        raise InputError(f"token in {where}", got, allowed, "Copy the token again.")
    return Secret(text or "")


def _read_token(path: Path) -> str:
    allowed = "a file of the user that nobody else can read or write (mode 0600)"
    do = f"Run: chmod 600 {path}"
    try:
        # Looked at and read through one handle, so that no other file slips in between.
        with path.open("rb") as file:
            held = os.fstat(file.fileno())
            if not stat.S_ISREG(held.st_mode):
                raise InputError("OANDA_TOKEN_FILE", f"{path}, not a file", allowed, "Name a file.")
            if held.st_uid != os.geteuid():
                got = f"{path} of another user"
                raise InputError("OANDA_TOKEN_FILE", got, allowed, "Make a copy of your own.")
            mode = stat.S_IMODE(held.st_mode)
            if mode & 0o177:
                raise InputError("OANDA_TOKEN_FILE", f"{path} with mode {mode:04o}", allowed, do)
            return file.read(4096).decode("ascii", "replace").strip()
    except OSError as cause:
        got = f"{path} ({os.strerror(cause.errno) if cause.errno else cause})"
        raise InputError("OANDA_TOKEN_FILE", got, allowed, "Correct the path.") from cause
