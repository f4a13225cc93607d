"""Checks of the machine: settings, folders, disk, clock."""

import stat
import tempfile
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from hotband.errors import StoreError
from hotband.market.calendar import SECOND_NS, format_time, parse_granularity, zone_clock
from hotband.market.instruments import get_instrument, load_instruments
from hotband.research.grid_settings import load_grid
from hotband.roster.settings import load_roster
from hotband.service.checkup.check import Check, Surroundings, lasting, standing, times
from hotband.service.request import RunSettings
from hotband.service.restore import JOURNAL, STAGING
from hotband.service.settings import ServiceSettings

PREFIX: Final = "HOTBAND_"
KNOWN: Final = (
    "HOME", "OUTPUT", "BARS", "GATES", "PROFILE", "PAIRS", "ROSTER", "CACHE", "GRID",
    "GRANULARITY", "BALANCE", "COST_BPS", "WORKERS", "HOST", "PORT", "ALLOWED_HOSTS",
    "ALLOWED_ORIGINS", "AUTH", "READ_ONLY", "SCHEDULE", "TEST_DATA",
)  # fmt: skip
"""The environment variables that something in hotband reads, behind their prefix."""
LEAST_FREE: Final = 1 << 30
"""Bytes on the disk of the artefacts below which the service is not ready."""
FEW_FREE: Final = 5 << 30
APART_S: Final = 5.0
"""So far may the machine's clock be behind the newest bar or gate."""
_GIB: Final = float(1 << 30)


def settings(around: Surroundings) -> Check:
    """Variables are known, and their values can be used together."""
    given = sorted(
        name.removeprefix(PREFIX) for name in around.environment if name.startswith(PREFIX)
    )
    numbers: dict[str, float | int | None] = {"set": len(given)}
    if unknown := [name for name in given if name not in KNOWN]:
        near = {name: get_close_matches(name, KNOWN, 1) for name in unknown}
        said = ", ".join(
            PREFIX + name + (f" (did you mean {PREFIX}{near[name][0]}?)" if near[name] else "")
            for name in unknown
        )
        return Check(
            "settings",
            "failed" if any(near.values()) else "warning",
            f"Of {times(len(given), 'variable')} set, hotband does not read {said}.",
            "Correct the name, or unset it.",
            numbers | {"unknown": len(unknown)},
        )
    places, table = around.places, load_instruments()
    for name in places.pairs:
        get_instrument(name, table)
    load_roster(places.roster)
    load_grid(RunSettings.from_environment(around.environment).grid)
    served = ServiceSettings.from_environment(around.environment)
    return Check(
        "settings",
        "ok",
        f"{times(len(given), 'variable')} set, all known; the service is on {served.host} port "
        f"{served.port} and keeps what it makes in {places.home}.",
        numbers=numbers,
    )


def folders(around: Surroundings) -> Check:
    """State folder and artefacts can be made and written, by this user alone."""
    places = around.places
    if (places.home / STAGING / JOURNAL).exists():
        return Check(
            "folders",
            "failed",
            f"A restore into {places.home} was interrupted half way.",
            "Run 'hotband state restore SOURCE --force' again: it first undoes the half.",
        )
    missing = 0
    for folder in (places.home, places.output):
        there = standing(folder)
        missing += there != folder
        if (trouble := _unwritable(there)) is not None:
            return Check(
                "folders",
                "failed",
                f"{there} cannot be written: {trouble}.",
                "Give this user the right to write there, or name other folders with "
                "HOTBAND_HOME and HOTBAND_OUTPUT.",
            )
        mode = stat.S_IMODE(there.stat().st_mode)
        if there == folder and mode & stat.S_IWOTH:
            return Check(
                "folders",
                "failed",
                f"Any user of this machine may write to {folder} (mode {mode:o}).",
                f"Run 'chmod o-w {folder}'.",
                {"mode": mode},
            )
    words = {0: "are there", 1: "are there or will be made", 2: "will be made at first use"}
    return Check(
        "folders",
        "ok",
        f"{places.home} and {places.output} {words[missing]}.",
        numbers={"missing": missing},
    )


def _unwritable(folder: Path) -> str | None:
    """Why no file can be made there; None where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def disk(around: Surroundings) -> Check:
    """There is room for results."""
    spaces = {
        folder: around.free_bytes(standing(folder))
        for folder in (around.places.home, around.places.output)
    }
    folder, free = min(spaces.items(), key=lambda item: item[1])
    text = f"{free / _GIB:,.1f} GiB are free for {folder}"
    numbers: dict[str, float | int | None] = {"free_bytes": free}
    if free > FEW_FREE:
        return Check("disk", "ok", f"{text}.", numbers=numbers)
    return Check(
        "disk",
        "warning" if free > LEAST_FREE else "failed",
        f"{text}, {'little' if free > LEAST_FREE else 'too little'}: more than "
        f"{FEW_FREE / _GIB:.0f} GiB are comfortable, {LEAST_FREE / _GIB:.0f} GiB is the least.",
        "Run 'hotband state retention', or free some space.",
        numbers,
    )


def clock(around: Surroundings) -> Check:
    """The time is not behind what is known already, and goes forward; zones are known."""
    zone_clock("America/New_York")
    before = time.monotonic_ns(), around.clock.now_ns()
    newest, unasked = _newest_known(around)
    after = time.monotonic_ns(), around.clock.now_ns()
    drift_s = abs((after[0] - before[0]) - (after[1] - before[1])) / 1e9
    now, ahead_s = after[1], None
    if newest is not None:
        ahead_s = (newest - now) / 1e9
    numbers: dict[str, float | int | None] = {"ahead_seconds": ahead_s, "drift_seconds": drift_s}
    do = "Set the machine's clock (UTC) and keep it with NTP: 'timedatectl set-ntp true'."
    if ahead_s is not None and newest is not None and ahead_s > APART_S:
        text = f"now is {format_time(now)}, {lasting(ahead_s)} before the newest data"
        text += f" became known ({format_time(newest)})"
        return Check("clock", "failed", f"By this machine {text}.", do, numbers)
    if drift_s > APART_S:
        text = f"The clock jumped by {drift_s:,.1f} s while it was read."
        return Check("clock", "warning", text, do, numbers)
    compared = f"; not compared with {' and '.join(unasked)}" if unasked else ""
    said = format_time(now // SECOND_NS * SECOND_NS)
    text = f"It is {said}; America/New_York is known{compared}."
    return Check("clock", "ok", text, numbers=numbers)


def _newest_known(around: Surroundings) -> tuple[int | None, list[str]]:
    """When the newest bar or gate became known, and which stores could not say.

    A store that cannot be read has a check of its own, which tells why.
    """
    found: list[int] = []
    unasked = []
    try:
        step = parse_granularity(around.granularity)
        found += [
            extent[1] + step
            for name in around.bars.instruments(around.granularity)
            if (extent := around.bars.extent(name, around.granularity)) is not None
        ]
    except StoreError:
        unasked.append("the bars")
    try:
        found += [
            int(gate.data["known"][0])
            for name in around.gates.instruments()
            if (gate := around.gates.latest(name)) is not None
        ]
    except StoreError:
        unasked.append("the gates")
    return max(found, default=None), unasked
