"""The kill switch: one value that stops entries, and counts as engaged whenever in doubt.

The existing stack's key ``ops:kill_switch`` on its Valkey server (``KILL_SWITCH_KEY`` names
another), or a file in the state folder where there is no server. Only "0" and "false" are off:
anything else, nothing, and a store that does not answer, are engaged.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hotband.durable import write_whole
from hotband.errors import StoreError, StoreUnavailableError
from hotband.stores.location import Locations
from hotband.stores.valkey_address import parse_valkey_url
from hotband.stores.valkey_wire import ValkeyWire

KEY: Final = "ops:kill_switch"
FILE: Final = "kill_switch"
OFF: Final = frozenset({"0", "false"})


@dataclass(frozen=True, slots=True)
class SwitchState:
    """Whether entries are stopped, and why it is taken so; ``set`` = someone wrote a value."""

    engaged: bool
    set: bool
    reason: str


class KillSwitch(Protocol):
    """Where the switch is kept."""

    def read(self) -> SwitchState:
        """The switch now; never raises: what cannot be read is engaged."""
        ...

    def write(self, *, engaged: bool) -> None:
        """Set the switch; StoreError where that fails."""
        ...


def _state(text: str | None, where: str) -> SwitchState:
    if text is None:
        return SwitchState(True, False, f"{where} holds no value: engaged until it is set")
    off = text.strip().lower() in OFF
    return SwitchState(not off, True, f"{where} says so")


class FileSwitch:
    """A file of one word in the state folder."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def read(self) -> SwitchState:
        """As the file says; without one the switch is engaged."""
        try:
            return _state(self.path.read_text("utf-8"), "the switch's file")
        except FileNotFoundError:
            return _state(None, "the switch's file")
        except (OSError, UnicodeDecodeError):
            return SwitchState(True, False, "the switch's file cannot be read: engaged")

    def write(self, *, engaged: bool) -> None:
        """Replace the file."""
        text = b"1\n" if engaged else b"0\n"
        write_whole(self.path, lambda file: file.write(text))


class ValkeySwitch:
    """A key on a server."""

    def __init__(self, wire: ValkeyWire, key: str = KEY) -> None:
        self.key = key
        self._wire = wire

    def read(self) -> SwitchState:
        """As the key says; without one, or without an answer, the switch is engaged."""
        try:
            with self._wire.operation() as operation:
                reply = operation.ask([("GET", self.key)])[0]
        except StoreUnavailableError as error:
            return SwitchState(True, False, f"the switch's server is {error.state}: engaged")
        except StoreError:
            return SwitchState(True, False, "the switch's key cannot be read: engaged")
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else None
        return _state(text, f"key {self.key}")

    def write(self, *, engaged: bool) -> None:
        """Set the key; what other programs wrote is replaced."""
        with self._wire.operation() as operation:
            operation.ask([("SET", self.key, b"1" if engaged else b"0")], writing=True)


def open_kill_switch(environment: Mapping[str, str] | None = None) -> KillSwitch:
    """The switch of the environment: on the server of ``VALKEY_URL``, else in the state folder."""
    env = os.environ if environment is None else environment
    if url := env.get("VALKEY_URL"):
        return ValkeySwitch(ValkeyWire(parse_valkey_url(url)), env.get("KILL_SWITCH_KEY") or KEY)
    return FileSwitch(Locations.from_environment(env).home)
