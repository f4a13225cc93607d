"""A finished run in the few facts that lists show, and the archived file that holds it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from hotband.artefacts.archive import archive_name, week_of
from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import HotbandError
from hotband.service.ids import id_from
from hotband.service.jobs import Job


def summary_of(latest: Latest) -> dict[str, Any]:
    """Counts over instruments: qualified, promoted, failed, trades; the share of real gates."""
    done = [entry for entry in latest.instruments.values() if isinstance(entry, Instrument)]
    minutes = sum(entry.gate_coverage.minutes for entry in done)
    real = sum(entry.gate_coverage.real_minutes for entry in done)
    return {
        "week": week_of(latest.window),
        "instruments": len(latest.instruments),
        "failed": len(latest.instruments) - len(done),
        "qualified": sum(entry.qualified for entry in done),
        "promoted": sum(entry.judgement.promotion.promoted for entry in done),
        "trades": int(sum(entry.metrics["trades"] or 0 for entry in done)),
        "best_score": max((e.score for e in done if e.score is not None), default=None),
        "real_fraction": real / minutes if minutes else None,
        "sources": sorted({entry.source for entry in done}),
    }


def archive_of(folder: ArtefactFolder, latest: Latest) -> str | None:
    """The name of the archived file of a result; None where it is not archived."""
    week = week_of(latest.window)
    for entry in folder.list_archive():
        if entry.week == week and _same(folder, entry.week, entry.version, latest):
            return archive_name(entry.week, entry.version)
    return None


def _same(folder: ArtefactFolder, week: str, version: int, latest: Latest) -> bool:
    return folder.read_archive(week, version).run_id == latest.run_id


def unknown_archives(
    folder: ArtefactFolder, known: Iterable[str], unreadable: Callable[[HotbandError], None]
) -> list[Job]:
    """Jobs for archived results that no job of the index has made: run by other programs.

    ``unreadable`` is told of each archive that cannot be read; it hides no other.
    """
    seen = set(known)
    found = []
    for entry in folder.list_archive():
        name = archive_name(entry.week, entry.version)
        if name in seen:
            continue
        try:
            found.append(_adopted(name, folder.read_archive(entry.week, entry.version)))
        except HotbandError as error:
            unreadable(error)
    return found


def _adopted(name: str, latest: Latest) -> Job:
    at = datetime.fromisoformat(latest.generated_at).timestamp()
    return Job(
        job_id=id_from(at, name),
        run_id=latest.run_id,
        state="completed",
        origin="archive",
        request={},
        window=(latest.window.start, latest.window.end),
        instruments=tuple(latest.instruments),
        created_at=at,
        started_at=None,
        finished_at=at,
        heartbeat_at=None,
        process=None,
        cancel_at=None,
        progress=None,
        error=None,
        summary=summary_of(latest),
        archive=name,
        reused=False,
        seq=1,
    )
