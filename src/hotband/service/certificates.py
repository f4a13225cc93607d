"""The parity certificates of a folder of artefacts: the newest in short form, and each whole."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from hotband.artefacts.certificates import (
    FOLDER,
    Cause,
    Certificate,
    Match,
    Stage,
    read_certificate,
)
from hotband.artefacts.values import Instant, Window
from hotband.errors import HotbandError
from hotband.service.held import Held, Stamp, stamp_of
from hotband.service.problems import Problem, redacted
from hotband.service.results.replies import Reply

SESSION: Final = r"^[0-9]{8}T[0-9]{6}(\.[0-9]{1,9})?Z-[0-9a-f]{8}$"
"""Ids of paper sessions, ``live.recording.Recording.session_id``: names, never paths."""
MOST_LISTED: Final = 50
LARGEST: Final = 4 << 20
"""Bytes of a certificate that is read; what ``hotband replay`` writes is far smaller."""


class CertificateShort(Reply):
    """What a certificate says, without its events."""

    session: str
    produced: Instant
    window: Window
    instruments: tuple[str, ...]
    proven: bool
    """Reproduced, and both sides agree on every event."""
    reproduced: bool
    match_pct: float
    """Same events over all, in percent."""
    stages: dict[Stage, Match]
    mismatch_counts: dict[Cause, int]
    restarts: int
    code: str
    """The version that the session was replayed with; of other code it proves nothing."""


class Unreadable(Reply):
    """A file or folder that cannot be shown."""

    name: str
    reason: str


class Certificates(Reply):
    """The newest certificates first, by when they were made."""

    items: tuple[CertificateShort, ...]
    total: Annotated[int, Field(ge=0)]
    """Files that there are, those that cannot be read among them."""
    unreadable: tuple[Unreadable, ...]


class CertificateShelf:
    """Reads the certificates under a folder of artefacts, each again only where it was replaced."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        self._held: Held[Path, Certificate] = Held(MOST_LISTED)

    def stamps(self) -> dict[Path, Stamp]:
        """All files with what changes when one is replaced."""
        found = ((path, stamp_of(path)) for path in self._folder.glob("*.json"))
        return {path: stamp for path, stamp in found if stamp is not None}

    def newest(self, limit: int) -> Certificates:
        """So many at most, those that were written last."""
        stamps = self.stamps()
        latest = sorted(stamps, key=lambda path: (stamps[path], path.name), reverse=True)[:limit]
        items, unreadable = list[CertificateShort](), list[Unreadable]()
        for path in latest:
            try:
                items.append(_short(self._read(path, stamps[path])))
            except Problem as problem:
                unreadable.append(Unreadable(name=path.stem[:80], reason=problem.detail))
        items.sort(key=lambda each: (each.produced, each.session), reverse=True)
        return Certificates(items=tuple(items), total=len(stamps), unreadable=tuple(unreadable))

    def of_session(self, session: str) -> Certificate:
        """The whole document of a session's id.

        Raises:
            Problem: 404 where there is none, 503 where it cannot be read.
        """
        path = self._folder / f"{session}.json"
        stamp = stamp_of(path) if re.fullmatch(SESSION, session) else None
        if stamp is None:
            detail = "No certificate of such a session is kept."
            raise Problem("unknown-certificate", "Unknown certificate", 404, detail)
        return self._read(path, stamp)

    def _read(self, path: Path, stamp: Stamp) -> Certificate:
        return self._held.get(path, stamp, lambda: _sound(path, stamp[1]))


def _sound(path: Path, size: int) -> Certificate:
    """The certificate of a file, without paths in its words."""
    if not re.fullmatch(SESSION, path.stem):
        raise _unreadable("its name is not the id of a session")
    if size > LARGEST:
        raise _unreadable(f"it has {size} bytes; at most {LARGEST} are read")
    try:
        found = read_certificate(path)
    except HotbandError as error:
        raise _unreadable(f"{error.got}; {error.do}") from error
    if found.session != path.stem:
        raise _unreadable(f"it is of session {found.session}")
    return found.model_copy(
        update={
            "mismatches": tuple(
                each.model_copy(update={"why": redacted(each.why)}) for each in found.mismatches
            ),
            "disturbances": tuple(
                each.model_copy(update={"why": redacted(each.why)}) for each in found.disturbances
            ),
        }
    )


def _unreadable(reason: str) -> Problem:
    detail = f"The certificate cannot be read: {redacted(reason)}"
    return Problem("certificate-unreadable", "Unreadable certificate", 503, detail)


def _short(found: Certificate) -> CertificateShort:
    return CertificateShort(
        session=found.session,
        produced=found.produced,
        window=found.window,
        instruments=found.instruments,
        proven=found.proven,
        reproduced=found.reproduced,
        match_pct=found.match_pct,
        stages=found.stages,
        mismatch_counts=found.mismatch_counts,
        restarts=found.restarts,
        code=found.code["replayed"],
    )
