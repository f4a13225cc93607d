"""The files of the trial ledger: named by the hash of what is in them, whole or not there.

A file is one line of JSON (``Header``) and then the sorted 16-byte keys of its trials.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.durable import sync_folder
from hotband.errors import IntegrityError, StoreError

KEY_BYTES: Final = 16
FORMAT: Final = 1
SUFFIX: Final = ".trials"
LOCK: Final = ".lock"
_NAME: Final = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}")
_DRAFTS: Final = f".*{SUFFIX}.new"

Keys: TypeAlias = npt.NDArray[np.uint64]
"""(n, 2): the two big-endian halves of each key; ascending and without repeats in a file."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the trials of one file have in common, and how many there are."""

    instrument: str
    start_ns: int
    end_ns: int
    inputs: str
    trials: int

    @property
    def common(self) -> tuple[int, int, str]:
        """Trials of two files can be the same only where these are."""
        return self.start_ns, self.end_ns, self.inputs


def cell_keys(header: Header, rows: npt.NDArray[np.void]) -> Keys:
    """The distinct keys, sorted, of ``rows`` (n,): BLAKE2b over the common part and a row."""
    base = hashlib.blake2b(_canonical({**asdict(header), "trials": 0}), digest_size=KEY_BYTES)
    digests = bytearray()
    data, size = rows.tobytes(), rows.dtype.itemsize
    for start in range(0, len(data), size):
        one = base.copy()
        one.update(data[start : start + size])
        digests += one.digest()
    return distinct([_keys(digests)])


def distinct(parts: list[Keys]) -> Keys:
    """The union of keys, sorted."""
    keys = np.concatenate(parts)
    ordered = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    fresh = np.ones(len(ordered), np.bool_)
    fresh[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    return ordered[fresh]


def content_of(header: Header, keys: Keys) -> bytes:
    """The bytes of a file."""
    return _canonical(asdict(header)) + keys.astype(">u8").tobytes()


def name_of(content: bytes) -> str:
    """The name of the file that holds ``content``."""
    return hashlib.sha256(content).hexdigest() + SUFFIX


def ledger_files(folder: Path) -> list[Path]:
    """The files of an instrument's folder by name; hidden ones, such as drafts, are none.

    Raises IntegrityError for a visible file of another name: it may be one that was renamed.
    """
    found = visible(folder)
    for path in found:
        if not _NAME.fullmatch(path.name):
            raise _damaged(path, "a name that is no SHA-256 followed by .trials")
    return found


def visible(folder: Path) -> list[Path]:
    """What is in a folder, sorted, without hidden names; nothing where there is no folder."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as cause:
        raise unusable(folder, cause) from cause


def read_file(path: Path) -> tuple[Header, Keys]:
    """A file with everything about it checked; IntegrityError where it is not as written."""
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise unusable(path, cause) from cause
    if name_of(content) != path.name:
        raise _damaged(path, f"{len(content)} bytes whose SHA-256 is not its name")
    line, _, body = content.partition(b"\n")
    header = _header(path, line)
    if header.instrument != path.parent.name:
        raise _damaged(path, f"trials of {header.instrument} in the folder of another")
    if len(body) != header.trials * KEY_BYTES:
        raise _damaged(path, f"{len(body)} bytes of keys for {header.trials} trials")
    keys = _keys(body)
    if not _ascending(keys):
        raise _damaged(path, "keys out of order or repeated")
    return header, keys


def read_header(path: Path) -> Header:
    """The first line of a file, without a look at the rest."""
    try:
        with path.open("rb") as file:
            line = file.readline(65_536)
    except OSError as cause:
        raise unusable(path, cause) from cause
    return _header(path, line)


def write_file(path: Path, content: bytes) -> None:
    """Put a new file there, synced, wholly or not at all; StoreError where that is refused.

    What a failure leaves of the draft is swept by the next one who writes.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as cause:
        raise unusable(path, cause) from cause


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Have an instrument's folder alone, made where missing, without what killed writers left.

    The lock dies with its holder. Readers need none: files appear whole and stay.
    """
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            sync_folder(made.parent)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as cause:
        raise unusable(folder, cause) from cause
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _sweep(folder)
        yield
    finally:
        os.close(handle)


def unusable(path: Path, cause: OSError) -> StoreError:
    """The error for what cannot be read or written."""
    return StoreError(
        f"trial ledger {path}",
        os.strerror(cause.errno) if cause.errno else str(cause),
        "a file in a folder that can be read and written, with room on its disk",
        "Check the folder, its rights and the free space; what was recorded is untouched.",
    )


def _damaged(path: Path, got: str) -> IntegrityError:
    return IntegrityError(
        f"trial ledger {path}",
        got,
        "a file as hotband wrote it",
        "Restore it from a backup: without it the number of trials would be too small.",
    )


def _header(path: Path, line: bytes) -> Header:
    try:
        values = json.loads(line)
        if values.pop("format") != FORMAT:
            raise ValueError(line)
        header = Header(**values)
        numbers = (header.start_ns, header.end_ns, header.trials)
        whole = all(type(number) is int for number in numbers)
        if not whole or _canonical(asdict(header)) != line.rstrip(b"\n") + b"\n":
            raise ValueError(line)
    except (ValueError, TypeError, KeyError, AttributeError) as cause:
        raise _damaged(path, f"a first line that is no header, {line[:80]!r}") from cause
    return header


def _canonical(values: Mapping[str, object]) -> bytes:
    ordered = json.dumps({**values, "format": FORMAT}, sort_keys=True, separators=(",", ":"))
    return ordered.encode("ascii") + b"\n"


def _ascending(keys: Keys) -> bool:
    high, low = keys[:, 0], keys[:, 1]
    above = (high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] > low[:-1]))
    return bool(above.all())


def _keys(data: bytes | bytearray) -> Keys:
    return np.frombuffer(data, ">u8").reshape(-1, 2).astype(np.uint64)


def _sweep(folder: Path) -> None:
    for draft in folder.glob(_DRAFTS):
        try:
            draft.unlink(missing_ok=True)
        except OSError as cause:
            raise unusable(draft, cause) from cause
