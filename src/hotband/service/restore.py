"""Bring a backup back: everything about it is checked before anything is touched.

Files go to a staging folder first; then each part takes the place of the old one, which is put
aside. A journal names the moves, so that a restore that was killed between two of them is undone
by ``undo_interrupted``, which every restore calls first.
"""

import gzip
import hashlib
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from pydantic import ValidationError

from hotband.artefacts.archive import archived
from hotband.artefacts.writer import ERROR, LATEST, PARTIAL, ArtefactFolder
from hotband.durable import sync_folder, unusable, write_whole
from hotband.errors import InputError
from hotband.service.backup import CHUNK, BackupFile, Manifest, damaged
from hotband.service.backup_names import INDEX, MANIFEST, OUTPUT, REPLACED, is_kept, part_of

STAGING: Final = ".restore"
JOURNAL: Final = "journal.json"
_MANIFEST_BYTES: Final = 64 << 20
_BROKEN: Final = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError)


def restore(source: Path, home: Path, output: Path, *, force: bool = False) -> Manifest:
    """Put a backup's files back into the state folder ``home`` and the artefacts ``output``.

    Every name and every hash is verified first. ``force`` replaces what is there: artefacts
    wholly; of the state folder the parts that the backup holds (index, gates, settings, bars if
    it has them). Recorded trials are never taken away: those on disk stay beside those of the
    backup. Stop the service before.

    Raises:
        StoreError: No whole backup, a member that a backup never holds, or a folder that
            cannot be written; what was there is there still.
        InputError: A target that is not empty, without ``force``.
    """
    manifest = _verified(source)
    roots = {"state": home, OUTPUT: output}
    try:
        for root in roots.values():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ArtefactFolder(output).exclusive():
            undo_interrupted(home)
            if not force:
                _require_empty(*roots.values())
            _discard_staging(*roots.values())
            _extract(source, manifest, roots)
            _keep_trials(home)
            _replace(home, _moves(manifest, roots))
            _discard_staging(*roots.values())
    except OSError as cause:
        raise unusable(Path(cause.filename or home), cause) from cause
    return manifest


def undo_interrupted(home: Path) -> bool:
    """Undo the moves of a restore that was killed between them; whether there were any."""
    journal = home / STAGING / JOURNAL
    if not journal.is_file():
        return False
    try:
        moves = [_Move.read(line) for line in json.loads(journal.read_text("utf-8"))]
        _undo(moves)
        journal.unlink()
        sync_folder(journal.parent)
        for move in moves:
            _remove(move.new)
    except OSError as cause:
        raise unusable(journal, cause) from cause
    return True


@dataclass(frozen=True, slots=True)
class _Move:
    """``target``, if ``held``, goes to ``aside``; then ``new``, if ``staged``, takes its place."""

    new: Path
    target: Path
    aside: Path
    held: bool
    staged: bool

    @classmethod
    def read(cls, line: dict[str, Any]) -> "_Move":
        """A line of the journal."""
        new, target, aside = (Path(line[name]) for name in ("new", "target", "aside"))
        return cls(new, target, aside, line["held"], line["staged"])

    def line(self) -> dict[str, Any]:
        """The same for the journal."""
        return {name: str(path) if isinstance(path, Path) else path
                for name, path in asdict(self).items()}  # fmt: skip

    def make(self) -> None:
        """Both steps."""
        if self.held:
            self.target.rename(self.aside)
        if self.staged:
            self.new.rename(self.target)

    def undo(self) -> None:
        """Back to before, from wherever it stopped; undoing twice changes nothing."""
        begun = self.aside.exists() if self.held else self.staged and not self.new.exists()
        if begun and self.target.exists():
            self.target.rename(self.new)
        if begun and self.held:
            self.aside.rename(self.target)


@contextmanager
def _members(source: Path) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    """The members of a backup with their bytes, in order; anything odd raises StoreError."""

    def walk(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
        seen: set[str] = set()
        for info in archive:
            if not info.isreg() or info.issparse():
                raise damaged(source, f"{info.name!r}, which is no plain file")
            if info.name != MANIFEST and not is_kept(info.name):
                raise damaged(source, f"{info.name!r}, which a backup never holds")
            if info.name in seen:
                raise damaged(source, f"{info.name!r} twice")
            seen.add(info.name)
            if (data := archive.extractfile(info)) is None:
                raise damaged(source, f"{info.name!r} without bytes")
            yield info, data

    try:
        with gzip.open(source) as packed, tarfile.open(fileobj=packed, mode="r:") as archive:
            yield walk(archive)
            while rest := packed.read(CHUNK):  # to its end, where gzip keeps its checksum
                if rest.strip(b"\0"):
                    raise damaged(source, "bytes behind its last member")
    except _BROKEN as cause:
        raise damaged(source, str(cause) or type(cause).__name__) from cause
    except OSError as cause:
        raise unusable(source, cause) from cause


def _verified(source: Path) -> Manifest:
    """The manifest, after a look at every byte; nothing is written."""
    found: dict[str, BackupFile] = {}
    manifest: Manifest | None = None
    with _members(source) as members:
        for info, data in members:
            if manifest is not None:
                raise damaged(source, f"{info.name!r} behind its manifest")
            if info.name != MANIFEST:
                digest = hashlib.sha256()
                while chunk := data.read(CHUNK):
                    digest.update(chunk)
                found[info.name] = BackupFile(bytes=info.size, sha256=digest.hexdigest())
                continue
            if info.size > _MANIFEST_BYTES:
                raise damaged(source, f"a manifest of {info.size:,} bytes")
            try:
                manifest = Manifest.model_validate_json(data.read())
            except ValidationError as cause:
                raise damaged(source, f"a manifest that is none ({cause.error_count()})") from cause
    if manifest is None:
        raise damaged(source, "no manifest: it was cut off, or is no backup")
    for name in sorted(found.keys() | manifest.files.keys()):
        if found.get(name) != manifest.files.get(name):
            raise damaged(source, f"{name!r} other than its manifest says")
    return manifest


def _require_empty(*roots: Path) -> None:
    """Refuse a folder with anything visible in it; locks and empty folders do not count."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if not path.is_dir() and not path.name.startswith("."):
                raise InputError(
                    "folder to restore into",
                    f"one that holds {path}",
                    "an empty one",
                    "Name other folders with HOTBAND_HOME and HOTBAND_OUTPUT, or replace what is "
                    "there with --force.",
                )


def _extract(source: Path, manifest: Manifest, roots: dict[str, Path]) -> None:
    """Write all files below the staging folders, synced; their hashes are taken again."""
    with _members(source) as members:
        for info, data in members:
            if info.name == MANIFEST:
                continue
            digest = _write_staged(_staged(info.name, roots), data)
            if info.name not in manifest.files or manifest.files[info.name].sha256 != digest:
                raise damaged(source, f"{info.name!r}, which changed meanwhile")


def _write_staged(path: Path, data: IO[bytes]) -> str:
    """Write one file, synced; the SHA-256 of what was written."""
    digest = hashlib.sha256()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while chunk := data.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except gzip.BadGzipFile:
        raise
    except OSError as cause:
        raise unusable(path, cause) from cause
    return digest.hexdigest()


def _staged(name: str, roots: dict[str, Path]) -> Path:
    top, _, rest = name.partition("/")
    return roots[top] / STAGING / "new" / rest


def _keep_trials(home: Path) -> None:
    """Add the trials on disk to the staged ones: nothing that was tried is ever forgotten."""
    staged = home / STAGING / "new" / "trials"
    if not staged.is_dir():
        return
    for path in sorted((home / "trials").glob("*/*.trials")):
        to = staged / path.parent.name / path.name
        if not to.exists():
            to.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, to)


def _moves(manifest: Manifest, roots: dict[str, Path]) -> list[_Move]:
    """What takes whose place: the backup's parts, and the artefacts that it does not have."""
    parts = {part_of(name) for name in manifest.files} | set(REPLACED)
    present = {LATEST, PARTIAL, ERROR} | {entry.path.name for entry in archived(roots[OUTPUT])}
    parts |= {f"{OUTPUT}/{name}" for name in present}
    if INDEX in parts:  # the log of another file would be read as part of this one
        parts |= {f"{INDEX}-wal", f"{INDEX}-shm"}
    found = []
    for part in sorted(parts):
        top, _, rest = part.partition("/")
        root = roots[top]
        new, target = _staged(part, roots), root / rest
        aside = root / STAGING / "old" / rest
        found.append(_Move(new, target, aside, target.exists(), new.exists()))
    return found


def _replace(home: Path, moves: list[_Move]) -> None:
    """Make all moves, or none: the journal is there from before the first to after the last."""
    for move in moves:
        move.target.parent.mkdir(parents=True, exist_ok=True)
        move.aside.parent.mkdir(parents=True, exist_ok=True)
    journal = home / STAGING / JOURNAL
    lines = json.dumps([move.line() for move in moves]).encode()
    write_whole(journal, lambda file: file.write(lines))
    try:
        for move in moves:
            move.make()
        for folder in {move.target.parent for move in moves}:
            sync_folder(folder)
    except BaseException:
        _undo(moves)
        journal.unlink()
        raise
    journal.unlink()
    sync_folder(journal.parent)


def _undo(moves: list[_Move]) -> None:
    for move in reversed(moves):
        move.undo()


def _discard_staging(*roots: Path) -> None:
    for root in roots:
        _remove(root / STAGING)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
