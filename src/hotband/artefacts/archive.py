"""The archive of results: one name per ISO week of the window's end, versions beside it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hotband.artefacts.values import Window
from hotband.errors import InputError
from hotband.market.calendar import SECOND_NS, parse_time

_NAME: Final = re.compile(r"(\d{4}-W(?:0[1-9]|[1-4]\d|5[0-3]))(?:\.([2-9]|[1-9]\d+))?\.json")


@dataclass(frozen=True, slots=True, order=True)
class ArchiveEntry:
    """One archived result; later versions of a week have other contents."""

    week: str
    version: int
    path: Path


def week_of(window: Window) -> str:
    """The ISO week, such as ``2025-W16``, of the last instant inside the window.

    The instant is taken in UTC. A window that ends with the trading week (Friday 17:00 New York)
    belongs to that week, one that ends on Monday 00:00 UTC to the week before.
    """
    last_ns = parse_time(window.end) - 1
    year, week, _ = datetime.fromtimestamp(last_ns // SECOND_NS, UTC).isocalendar()
    return f"{year:04d}-W{week:02d}"


def archive_name(week: str, version: int) -> str:
    """``2025-W16.json``, then ``2025-W16.2.json`` and so on; InputError for no week."""
    name = f"{week}.json" if version == 1 else f"{week}.{version}.json"
    if not _NAME.fullmatch(name):
        allowed = "an ISO week such as 2025-W16, and a version from 1"
        raise InputError("week", f"{week}, version {version}", allowed, "Name an archived week.")
    return name


def archived(root: Path) -> list[ArchiveEntry]:
    """Every archived result in ``root`` by week and version; other files do not count."""
    return sorted(
        ArchiveEntry(match[1], int(match[2] or 1), path)
        for path in root.glob("*.json")
        if (match := _NAME.fullmatch(path.name))
    )
