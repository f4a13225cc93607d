"""What a check says, and what it may look at."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hotband.artefacts.writer import ArtefactFolder
from hotband.live.clock import Clock, SystemClock
from hotband.market.calendar import MarketHours
from hotband.profile.strategy import Profile, load_profile
from hotband.stores.location import Locations
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.urls import open_bar_store, open_gate_store

Status: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: a sentence with its numbers, and what to do (empty where nothing is)."""

    name: str
    status: Status
    text: str
    do: str = ""
    numbers: dict[str, float | int | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-safe values."""
        return asdict(self)


@dataclass(eq=False)
class Surroundings:
    """What all checks share; stores and profile are opened once, by the first that asks.

    Attributes:
        environment: The variables; the process's own by default.
        clock: Says what time it is.
        wait_s: How long a server may take to become ready.
        granularity: Of the bars that are looked at.
        fresh_s: Seconds of open market after which a gate is stale.
        free_bytes: Free space of the disk that holds a folder.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = field(default_factory=SystemClock)
    wait_s: float = 0.0
    granularity: str = "M1"
    fresh_s: float = 180.0
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    @cached_property
    def places(self) -> Locations:
        """Folders and URLs."""
        return Locations.from_environment(self.environment)

    @cached_property
    def bars(self) -> BarStore:
        """The bar store."""
        return open_bar_store(self.places.bars, self.wait_s)

    @cached_property
    def gates(self) -> GateStore:
        """The gate store."""
        return open_gate_store(self.places.gates, self.wait_s)

    @cached_property
    def profile(self) -> Profile:
        """The strategy profile."""
        return load_profile(self.places.profile)

    @cached_property
    def hours(self) -> MarketHours:
        """Of the profile's market."""
        return self.profile.account.market_hours()

    @property
    def folder(self) -> ArtefactFolder:
        """The artefacts."""
        return ArtefactFolder(self.places.output)


def standing(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def times(number: int, noun: str) -> str:
    """``1 bar``, ``2 bars``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def lasting(seconds: float) -> str:
    """A length of time in its two greatest units: ``45 s``, ``3 h 12 min``, ``36 d 5 h``.

    One below 0 is ``0 s``.
    """
    left, parts = max(0, round(seconds)), list[str]()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"
