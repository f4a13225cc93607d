"""What may be forgotten: archives, tables of old runs, checkpoints of dead ones, old logs.

What ``latest.json`` or a kept archive names stays, with one exception that is the purpose: an
old archive loses its tables and remains as a document. ``ArtefactFolder.find`` takes such a run
for one that must be made again.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hotband.artefacts.archive import ArchiveEntry
from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.durable import remove, unusable
from hotband.errors import InputError
from hotband.live.clock import Clock, SystemClock
from hotband.market.calendar import DAY_NS, parse_time

RUNS: Final = "runs"
SPANS: Final = "spans"
_RUN: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What is kept.

    Attributes:
        keep_weeks: Archives of so many weeks, the newest that are archived; all versions.
        keep_run_tables: Parquet tables of so many archived runs: the newest by week, and as
            many by when they were made.
        keep_spans_days: What a run that never finished left, for so many days since it wrote.
        keep_logs_days: Log files, for so many days since their last line.
    """

    keep_weeks: int = 104
    keep_run_tables: int = 26
    keep_spans_days: int = 14
    keep_logs_days: int = 90

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or value < 1:
                do = "Keep at least one; a service needs its newest result."
                raise InputError(name, value, "a whole number above 0", do)


@dataclass(frozen=True, slots=True)
class Removed:
    """What went, or with ``dry_run`` what would go; names, and bytes in all."""

    dry_run: bool
    archives: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Runs whose Parquet tables went."""
    unfinished: tuple[str, ...] = ()
    """Runs that never finished, whose checkpoints went."""
    logs: tuple[str, ...] = ()
    bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-safe values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Plan:
    archives: list[Path] = field(default_factory=list)
    tables: dict[str, list[Path]] = field(default_factory=dict)
    unfinished: dict[str, list[Path]] = field(default_factory=dict)
    logs: list[Path] = field(default_factory=list)

    def removed(self, *, dry_run: bool) -> Removed:
        parts = [path for paths in (*self.tables.values(), *self.unfinished.values())
                 for path in paths]  # fmt: skip
        return Removed(
            dry_run=dry_run,
            archives=tuple(path.name for path in self.archives),
            tables=tuple(self.tables),
            unfinished=tuple(self.unfinished),
            logs=tuple(path.name for path in self.logs),
            bytes=sum(_size(path) for path in (*self.archives, *parts, *self.logs)),
        )


def retain(
    root: Path,
    policy: RetentionPolicy | None = None,
    clock: Clock | None = None,
    *,
    logs: Path | None = None,
    dry_run: bool = False,
) -> Removed:
    """Remove from the folder of artefacts ``root``, and from ``logs``, what may go.

    All is decided before anything is removed; doing it twice removes nothing more. ``policy``
    None = the defaults; ``logs`` None = none are looked at. ``dry_run`` needs no lock and
    changes nothing. A folder that is not there has nothing to remove and is not made.

    Raises:
        StoreError: A run is on, a document cannot be read, or a file cannot be removed.
    """
    kept, now = policy or RetentionPolicy(), (clock or SystemClock()).now_ns()
    folder = ArtefactFolder(root)
    if dry_run or not root.is_dir():
        return _planned(folder, kept, now, logs).removed(dry_run=dry_run)
    with folder.exclusive():
        plan = _planned(folder, kept, now, logs)
        done = plan.removed(dry_run=False)
        # Documents first: a kill in between leaves tables without a name, never the reverse.
        for path in (*plan.archives, *plan.logs):
            remove(path)
        for run, paths in (*plan.tables.items(), *plan.unfinished.items()):
            for path in paths:
                _remove_part(path)
            _remove_empty(root / RUNS / run)
    return done


def _planned(
    folder: ArtefactFolder, policy: RetentionPolicy, now_ns: int, logs: Path | None
) -> _Plan:
    latest = folder.read_latest()
    own = {latest.run_id} if latest else set()
    held = [(entry, folder.read_archive(entry.week, entry.version))
            for entry in folder.list_archive()]  # fmt: skip
    weeks = set(sorted({entry.week for entry, _ in held})[-policy.keep_weeks :])
    staying = [(e, doc) for e, doc in held if e.week in weeks or doc.run_id in own]
    named = own | {doc.run_id for _, doc in staying}
    with_tables = own | _newest_runs(staying, policy.keep_run_tables)
    plan = _Plan(archives=[e.path for e, doc in held if (e, doc) not in staying])
    archived = {doc.run_id for _, doc in held}
    for run in _runs(folder.root):
        tables, spans = sorted(run.glob("*.parquet")), run / SPANS
        old = _newest_write(run) < now_ns - policy.keep_spans_days * DAY_NS
        if run.name in (named | archived) - with_tables and tables:
            plan.tables[run.name] = tables
        dead = [spans] if spans.is_dir() else []
        dead += tables if run.name not in named | archived else []
        if old and dead:
            plan.unfinished[run.name] = dead
    if logs is not None and logs.is_dir():
        oldest = now_ns - policy.keep_logs_days * DAY_NS
        plan.logs.extend(
            path
            for path in sorted(logs.glob("*.log*"))
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime_ns < oldest
        )
    return plan


def _newest_runs(held: Sequence[tuple[ArchiveEntry, Latest]], count: int) -> set[str]:
    """Runs of the newest weeks and the runs made last: a week may be run again years later."""
    by_week = sorted(held, key=lambda pair: (pair[0].week, pair[0].version), reverse=True)
    by_time = sorted(held, key=lambda pair: parse_time(pair[1].generated_at), reverse=True)
    found: set[str] = set()
    for ordered in (by_week, by_time):
        found |= set(list(dict.fromkeys(doc.run_id for _, doc in ordered))[:count])
    return found


def _runs(root: Path) -> list[Path]:
    """Folders of runs; links and other names are not ours to remove."""
    return sorted(
        path
        for path in (root / RUNS).glob("*")
        if _RUN.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    )


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for inner in path.iterdir():
        yield from _files(inner)


def _newest_write(run: Path) -> int:
    """When anything below was written last, ns."""
    return max((path.lstat().st_mtime_ns for path in (run, *_files(run))), default=0)


def _size(path: Path) -> int:
    return sum(inner.lstat().st_size for inner in _files(path))


def _remove_part(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        remove(path)
        return
    try:
        shutil.rmtree(path)
    except OSError as cause:
        raise unusable(path, cause) from cause


def _remove_empty(run: Path) -> None:
    try:
        if not any(run.iterdir()):
            run.rmdir()
    except OSError as cause:
        raise unusable(run, cause) from cause
