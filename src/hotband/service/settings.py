"""What the HTTP service may do and who may reach it: one object, which refuses unsafe mixes."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, cast

from hotband.errors import InputError
from hotband.stores.location import Locations

Auth = Literal["auto", "token"]

OWN_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
_AUTHS: Final = ("auto", "token")
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"0", "false", "no", "off"})
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)
_ORIGIN: Final = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class ServiceSettings:
    """Address, names, and modes of the service.

    ``allowed_hosts`` are names that a Host header may hold beside localhost, 127.0.0.1 and
    [::1]; ``allowed_origins`` are exact origins that may write beside those of the service's own
    hosts with its port. ``auth`` "auto" asks for the token only where the address is not
    loopback, "token" always. ``port`` 0 takes a free one; ``with_port`` then says which.

    Raises:
        InputError: A value is impossible, or an address that others can reach comes without a
            token or without allowed hosts.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    auth: Auth = "auto"
    read_only: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            do = "Choose a port; 0 takes a free one."
            raise InputError("HOTBAND_PORT", self.port, "0 to 65535", do)
        if self.auth not in _AUTHS:
            allowed = " or ".join(_AUTHS)
            raise InputError("HOTBAND_AUTH", self.auth, allowed, "Choose one.", near=_AUTHS)
        for name in self.allowed_hosts:
            _require_host(name)
        for origin in self.allowed_origins:
            _require_origin(origin)
        self._require_safe()

    def _require_safe(self) -> None:
        if _is_loopback(self.host):
            return
        if self.auth != "token":
            do = "Set HOTBAND_AUTH=token, or bind 127.0.0.1."
            raise InputError(
                "HOTBAND_HOST", repr(self.host), "only loopback where no token is asked for", do
            )
        if not self.allowed_hosts:
            do = "Set HOTBAND_ALLOWED_HOSTS to the names that browsers use, or bind 127.0.0.1."
            raise InputError(
                "HOTBAND_HOST", repr(self.host), "only loopback where no hosts are allowed", do
            )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **overrides: object
    ) -> "ServiceSettings":
        """Read the variables, each named ``HOTBAND_`` and its field in capitals.

        Lists have commas between their parts; ``HOTBAND_READ_ONLY`` is yes or no. An empty
        variable counts as not set; None of ``environment`` reads ``os.environ``.
        ``overrides`` are fields by name, which win; None = not given.

        Raises:
            InputError: A value is impossible or unsafe, or ``overrides`` names no field.
        """
        env = os.environ if environment is None else environment
        fields = tuple(cls.__dataclass_fields__)
        for name in overrides:
            if name not in fields:
                do = "Name a field."
                raise InputError("setting", name, ", ".join(fields), do, near=fields)
        given: dict[str, object] = {
            "home": Locations.from_environment(env).home,
            "host": env.get("HOTBAND_HOST") or None,
            "port": _port(env.get("HOTBAND_PORT") or None),
            "allowed_hosts": _listed(env.get("HOTBAND_ALLOWED_HOSTS", "")) or None,
            "allowed_origins": _listed(env.get("HOTBAND_ALLOWED_ORIGINS", "")) or None,
            "auth": env.get("HOTBAND_AUTH") or None,
            "read_only": _flag("HOTBAND_READ_ONLY", env.get("HOTBAND_READ_ONLY") or None),
        }
        given |= {name: value for name, value in overrides.items() if value is not None}
        return cls(**cast("Any", {k: value for k, value in given.items() if value is not None}))

    def with_port(self, port: int) -> "ServiceSettings":
        """The same with the port that was really bound."""
        return replace(self, port=port)

    @property
    def token_required(self) -> bool:
        """Whether every route that is not public asks for the token or a sign-in."""
        return self.auth == "token" or not _is_loopback(self.host)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Names that a Host header may hold, without port, in lower case."""
        return frozenset({*OWN_HOSTS, *self.allowed_hosts})

    @cached_property
    def origins(self) -> frozenset[str]:
        """Origins that may write: the service's own, and those that are listed."""
        ports = (f":{self.port}", "") if self.port == 80 else (f":{self.port}",)
        own = {f"http://{name}{port}" for name in self.hosts for port in ports}
        return frozenset(own | set(self.allowed_origins))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False  # another name: where it leads is not known here


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise InputError("HOTBAND_PORT", repr(text), "0 to 65535", "Give a whole number.")
    return int(text)


def _flag(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() not in _YES | _NO:
        raise InputError(name, repr(text), "yes or no", "Write yes or no.")
    return text.lower() in _YES


def _require_host(name: str) -> None:
    plain = name.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        if not _HOST_NAME.fullmatch(name):
            do = "Write the name as browsers send it: no scheme, port, wildcard or capital."
            raise InputError("HOTBAND_ALLOWED_HOSTS", repr(name), "host names", do) from None
        return
    wanted = f"[{address}]" if address.version == 6 else str(address)
    if name != wanted:
        do = f"Write {wanted}, as browsers send it."
        raise InputError("HOTBAND_ALLOWED_HOSTS", repr(name), "host names", do)


def _require_origin(origin: str) -> None:
    allowed = "origins such as https://desk.example"
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        do = "Write scheme, name and port only: no path, wildcard, capital or null."
        raise InputError("HOTBAND_ALLOWED_ORIGINS", repr(origin), allowed, do)
    scheme, name, port = found.groups()
    if port == _DEFAULT_PORTS[scheme] or int(port or 1) > 65_535:
        do = "Leave out the scheme's own port, as browsers do; others end at 65535."
        raise InputError("HOTBAND_ALLOWED_ORIGINS", repr(origin), allowed, do)
    _require_host(name)
