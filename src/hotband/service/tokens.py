"""The service's token, and the sign-ins that browsers exchange it for.

The token is 256 random bits in a file that only its owner reads; no default can exist. A browser
gives it once and gets a cookie; scripts send it as ``Authorization: Bearer``.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Final, NamedTuple

from hotband.errors import StoreError
from hotband.service.problems import Problem

COOKIE: Final = "hotband_session"
SIGN_IN_SECONDS: Final = 12 * 3_600
_MOST_SIGN_INS: Final = 256
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST: Final = 256
_DO: Final = "Run chmod 600 on the file, or remove it: the next start makes another token."


class TokenFile:
    """The token under ``home``: ``service/token``, mode 0600 in a folder of mode 0700.

    Several processes may read, make and rotate it at once: the file appears whole, and each
    reader sees the token that is current. Every method raises StoreError for a file that cannot
    be read or written, that others can read, or that holds no token.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "service" / "token"

    def read_or_create(self) -> str:
        """The token; a new one where there is none."""
        try:
            return self._read()
        except FileNotFoundError:
            draft = self._draft()
        try:
            with suppress(FileExistsError):  # another process was first: its token counts
                os.link(draft, self.path)
            return self._read()
        except OSError as cause:
            raise self._unusable(cause) from cause
        finally:
            draft.unlink(missing_ok=True)

    def rotate(self) -> str:
        """Replace the token: the old one and all sign-ins made with it end at once."""
        draft = self._draft()
        try:
            draft.replace(self.path)
            return self._read()
        except OSError as cause:
            draft.unlink(missing_ok=True)
            raise self._unusable(cause) from cause

    def matches(self, given: str) -> bool:
        """Whether ``given`` is the token, in a time that does not depend on what it holds."""
        return hmac.compare_digest(_digest(self.current()), _digest(given))

    def mark(self) -> bytes:
        """What stands for the current token where the token itself need not be kept."""
        return _digest(self.current())

    def current(self) -> str:
        """The token as it is now, which another process may have rotated."""
        try:
            return self._read()
        except FileNotFoundError as cause:
            raise self._unusable(cause) from cause

    def _read(self) -> str:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as cause:
            raise self._unusable(cause) from cause
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode) or state.st_mode & 0o077:
                mode = f"mode {stat.S_IMODE(state.st_mode):04o}"
                raise StoreError(f"file {self.path}", mode, "a file of mode 0600", _DO)
            text = file.read(_LONGEST).decode("ascii", "replace").strip()
        if not _TOKEN.fullmatch(text):
            raise StoreError(f"file {self.path}", "no token", "one made by hotband", _DO)
        return text

    def _draft(self) -> Path:
        folder = self.path.parent
        draft = folder / f".token.{secrets.token_hex(8)}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"="))
                file.flush()
                os.fsync(file.fileno())
        except OSError as cause:
            draft.unlink(missing_ok=True)
            raise self._unusable(cause) from cause
        return draft

    def _unusable(self, cause: OSError) -> StoreError:
        got = os.strerror(cause.errno) if cause.errno else str(cause)
        return StoreError(f"file {self.path}", got, "a file that its owner reads and writes", _DO)


class FailureLimit:
    """Counts wrong tokens: after ``most`` within ``window_s`` none is looked at for a while."""

    def __init__(
        self, most: int = 5, window_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._times: deque[float] = deque(maxlen=most)
        self._window_s = window_s
        self._clock = clock

    def wait_s(self) -> float:
        """Seconds until a token is looked at again; 0 = now."""
        if len(self._times) < (self._times.maxlen or 0):
            return 0.0
        return max(0.0, self._times[0] + self._window_s - self._clock())

    def count(self) -> None:
        """Note a failure now."""
        self._times.append(self._clock())


class _SignIn(NamedTuple):
    ends: float
    mark: bytes


class SignIns:
    """Who is signed in, kept in memory: a restart or a rotated token ends all of them.

    A token counts as wrong at most five times a minute; until that minute is over even the right
    one is answered 429. Cookies are not counted: their ids cannot be guessed, and a browser goes
    on sending one that has ended.
    """

    def __init__(self, tokens: TokenFile, clock: Callable[[], float] = time.monotonic) -> None:
        self.tokens = tokens
        self._clock = clock
        self._failures = FailureLimit(clock=clock)
        self._held: OrderedDict[bytes, _SignIn] = OrderedDict()
        self._turn = threading.Lock()

    def accepts_token(self, given: str) -> bool:
        """Whether ``given`` is the token; a wrong one is counted.

        Raises:
            Problem: 429, too many were wrong.
            StoreError: The token's file cannot be used.
        """
        with self._turn:
            if wait_s := ceil(self._failures.wait_s()):
                raise Problem(
                    "too-many-failures",
                    "Too many wrong tokens",
                    429,
                    f"Tokens are looked at again in {wait_s} s.",
                    headers={"Retry-After": str(wait_s)},
                )
            right = self.tokens.matches(given)
            if not right:
                self._failures.count()
            return right

    def exchange(self, token: str) -> str:
        """The id of a new sign-in, for a cookie.

        Raises:
            Problem: 401, the token is wrong; 429, too many were.
            StoreError: The token's file cannot be used.
        """
        if not self.accepts_token(token):
            raise wrong_token()
        made = secrets.token_urlsafe(32)
        mark = self.tokens.mark()
        with self._turn:
            now = self._clock()
            for key in [key for key, held in self._held.items() if held.ends <= now]:
                del self._held[key]
            while len(self._held) >= _MOST_SIGN_INS:
                self._held.popitem(last=False)
            self._held[_digest(made)] = _SignIn(now + SIGN_IN_SECONDS, mark)
        return made

    def holds(self, given: str) -> bool:
        """Whether a cookie's id is of a sign-in that has not ended."""
        with self._turn:
            held = self._held.get(_digest(given))
        if held is None or held.ends <= self._clock():
            return False
        return hmac.compare_digest(held.mark, self.tokens.mark())

    def end(self, given: str) -> None:
        """End a sign-in; one that is not there has ended already."""
        with self._turn:
            self._held.pop(_digest(given), None)


def wrong_token() -> Problem:
    """The refusal of a request without a valid token or sign-in."""
    return Problem(
        "not-signed-in",
        "Not signed in",
        401,
        "Send the token as Authorization: Bearer, or sign in.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def set_cookie(made: str, *, secure: bool) -> str:
    """The Set-Cookie value of a new sign-in; ``secure`` where the page came over HTTPS."""
    end = "; Secure" if secure else ""
    return f"{COOKIE}={made}; Path=/; Max-Age={SIGN_IN_SECONDS}; HttpOnly; SameSite=Strict{end}"


def clear_cookie(*, secure: bool) -> str:
    """The Set-Cookie value that removes a sign-in's cookie."""
    end = "; Secure" if secure else ""
    return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{end}"


def cookie_ids(headers: Iterable[str]) -> list[str]:
    """Ids in the Cookie headers of a request: others on the same host may have set some too."""
    parts = (part.strip() for header in headers for part in header.split(";"))
    pairs = (part.partition("=") for part in parts)
    return [value for name, _, value in pairs if name == COOKIE and value][:8]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
