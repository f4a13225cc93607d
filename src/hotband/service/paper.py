"""The paper sessions recorded under the state folder: what their files say, and no more."""

import threading
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from hotband.artefacts.lock import FolderLock
from hotband.durable import unusable
from hotband.errors import HotbandError
from hotband.live.recording import FILE, Recording
from hotband.live.spec import SessionSpec
from hotband.market.calendar import format_time
from hotband.service.certificates import Unreadable
from hotband.service.journals import LONGEST_LINE, Heard, Journal
from hotband.service.problems import clipped, redacted
from hotband.service.results.replies import Reply

FOLDER: Final = "recordings"
"""Where ``hotband paper`` puts a recording unless it is told another place."""
MOST_LISTED: Final = 20
BUDGET: Final = 8 << 20
"""Bytes of journals that one reply reads on, all sessions together."""
MOST_TEXT: Final = 400


class Closing(Reply):
    """The last open time that was done."""

    time: str
    """Open time of its bars."""
    equity: float
    balance: float
    halts: tuple[str, ...]
    """Why no entry was allowed."""
    unpriced: tuple[str, ...]
    """Instruments left out because a currency had no price."""


class LastDecision(Reply):
    """The last verdict on a gate."""

    time: str
    instrument: str
    admit: bool
    direction: str
    reasons: tuple[str, ...]


class Position(Reply):
    """What is open in one instrument."""

    instrument: str
    direction: Literal["long", "short", "flat"]
    units: float
    tickets: Annotated[int, Field(ge=1)]


class PaperSession(Reply):
    """One recording."""

    name: str
    """Its folder."""
    session: str
    """Its id, as certificates name it."""
    running: bool
    """A process writes it now."""
    start: str
    """Bars that open at or after it are traded."""
    updated: str
    """When its journal was last written."""
    instruments: tuple[str, ...]
    granularity: str
    balance: float
    """At the start."""
    currency: str
    closing: Closing | None
    """Null = nothing was closed yet, or nothing in what was read of a long journal."""
    decision: LastDecision | None
    positions: tuple[Position, ...] | None
    """Null while a long journal was not read to its end."""
    fills: int | None
    restarts: int | None
    kill_switch: bool | None
    """As the session last took it in."""
    last_bars: dict[str, str]
    """By pair the open time of its last bar."""
    stale: bool
    """The last closing came too late for entries."""
    trouble: str | None
    """Noted behind the last closing: a store that did not answer, and the like."""
    journal_bytes: Annotated[int, Field(ge=0)]
    journal_read_bytes: Annotated[int, Field(ge=0)]
    """Below `journal_bytes` a next reply knows more."""


class PaperReply(Reply):
    """The newest sessions first, by when their journals were written."""

    items: tuple[PaperSession, ...]
    total: Annotated[int, Field(ge=0)]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True)
class _Known:
    """What the first line of a journal decides."""

    inode: int
    session: str
    spec: SessionSpec
    journal: Journal


class PaperShelf:
    """Reads recordings for many readers at once, each journal on from where the last look ended."""

    def __init__(self, home: Path) -> None:
        self._root = home / FOLDER
        self._known: dict[Path, _Known] = {}
        self._turn = threading.Lock()

    def read(self) -> PaperReply:
        """The sessions whose journals were written last."""
        with self._turn:
            return self._read()

    def _read(self) -> PaperReply:
        written = _written(self._root)
        folders = sorted(written, key=lambda folder: (written[folder], folder.name), reverse=True)
        shown, left = folders[:MOST_LISTED], BUDGET
        self._known = {folder: self._known[folder] for folder in shown if folder in self._known}
        items, unreadable = list[PaperSession](), list[Unreadable]()
        for folder in shown:
            try:
                known = self._of(folder)
                left -= known.journal.look(left if left >= LONGEST_LINE else 0)
                items.append(_told(folder, known, written[folder]))
            except HotbandError as error:
                unreadable.append(self._given_up(folder, f"{error.got}; {error.do}"))
            except (ValueError, KeyError, TypeError, IndexError) as fault:
                text = f"it holds what no paper session wrote: {fault!r}"
                unreadable.append(self._given_up(folder, text))
        return PaperReply(items=tuple(items), total=len(folders), unreadable=tuple(unreadable))

    def _given_up(self, folder: Path, reason: str) -> Unreadable:
        self._known.pop(folder, None)
        name = clipped(redacted(folder.name))
        return Unreadable(name=name, reason=clipped(redacted(reason), MOST_TEXT))

    def _of(self, folder: Path) -> _Known:
        inode = _stat(folder / FILE).st_ino
        known = self._known.get(folder)
        if known is None or known.inode != inode:
            recording = Recording(folder)
            known = _Known(inode, recording.session_id, recording.spec(), Journal(folder))
            self._known[folder] = known
        return known


def _written(root: Path) -> dict[Path, int]:
    """When each recording's journal was last written, in ns since 1970."""
    found = {}
    for path in root.glob(f"*/{FILE}"):
        try:
            found[path.parent] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found


def _stat(path: Path) -> stat_result:
    try:
        return path.stat()
    except OSError as cause:
        raise unusable(path, cause) from cause


def _told(folder: Path, known: _Known, written_ns: int) -> PaperSession:
    spec, journal = known.spec, known.journal
    heard, whole = journal.newest(), journal.complete
    return PaperSession(
        name=clipped(redacted(folder.name)),
        session=known.session,
        running=not FolderLock(folder / ".lock").is_free(),
        start=format_time(spec.start_ns),
        updated=format_time(written_ns),
        instruments=spec.instruments,
        granularity=spec.granularity,
        balance=spec.balance,
        currency=spec.home,
        closing=None if heard.step is None else _closing(heard.step),
        decision=None if heard.decision is None else _decision(heard.decision),
        positions=_positions(heard, spec.instruments) if whole else None,
        fills=heard.fills if whole else None,
        restarts=heard.restarts if whole else None,
        kill_switch=heard.engaged,
        last_bars={pair: format_time(t) for pair, t in sorted(heard.bar_times().items())},
        stale=heard.step is not None and "feed_stale" in heard.step["halts"],
        trouble=None if heard.trouble is None else clipped(redacted(heard.trouble), MOST_TEXT),
        journal_bytes=journal.size,
        journal_read_bytes=journal.read_to,
    )


def _closing(step: dict[str, Any]) -> Closing:
    return Closing(
        time=format_time(step["t"]),
        equity=step["nav"],
        balance=step["balance"],
        halts=tuple(step["halts"]),
        unpriced=tuple(step["unpriced"]),
    )


def _decision(told: dict[str, Any]) -> LastDecision:
    return LastDecision(
        time=told["timestamp"],
        instrument=told["instrument"],
        admit=told["admit"],
        direction=told["direction"],
        reasons=tuple(told["reasons"]),
    )


def _positions(heard: Heard, names: tuple[str, ...]) -> tuple[Position, ...]:
    return tuple(
        Position(
            instrument=names[at],
            direction="long" if units > 0 else "short" if units < 0 else "flat",
            units=abs(units),
            tickets=count,
        )
        for at, (count, units) in sorted(heard.tickets.items())
    )
