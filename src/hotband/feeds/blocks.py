"""Text files as blocks of whole lines, packed or not, so that size is no matter."""

import gzip
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from hotband.errors import BarsError

BLOCK_BYTES: Final = 1 << 24
"""How much text is parsed at once; with its columns it takes up about six times as much."""
HEAD_BYTES: Final = 4096
_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
_ARCHIVE: Final = b"PK\x03\x04"
_PACKED: Final = (".gz", ".zip")
_DATA: Final = (".csv", ".txt", ".json", ".bi5")
_BROKEN: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with one line feed; ``first_line`` counts from 1."""

    text: bytes
    first_line: int


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is ``.gz`` or a ``.zip`` with one data member.

    Raises:
        BarsError: It cannot be opened or unpacked, now or while it is read.
    """
    try:
        with ExitStack() as stack:
            if path.suffix.lower() == ".gz":
                yield cast("IO[bytes]", stack.enter_context(gzip.open(path)))
            elif path.suffix.lower() == ".zip":
                archive = stack.enter_context(zipfile.ZipFile(path))
                yield stack.enter_context(archive.open(_member(archive, path)))
            else:
                yield stack.enter_context(path.open("rb"))
    except _BROKEN as cause:
        raise BarsError(
            f"file {path.name}",
            " ".join(str(cause).split()) or type(cause).__name__,
            "a whole, readable file",
            "Check the path, or download the file again.",
        ) from cause


def read_head(path: Path) -> bytes:
    """The first bytes, without a byte order mark; empty for an empty file.

    Raises:
        BarsError: The file cannot be read, is in UTF-16, or is a workbook, an archive of another
            name or a web page in place of data.
    """
    with open_bytes(path) as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(_WIDE):
        raise BarsError(f"file {path.name}", "text in UTF-16", "UTF-8", "Save the file as UTF-8.")
    if head.startswith(_ARCHIVE):
        raise BarsError(
            f"file {path.name}",
            "an Excel workbook or a zip archive in place of text",
            "CSV text, or an archive named .zip",
            "Save the sheet as CSV (UTF-8), or name the archive .zip.",
        )
    head = head.removeprefix(_BOM)
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BarsError(
            f"file {path.name}",
            "a web page in place of data",
            "the vendor's file",
            "Download it again; the server answered with an error page.",
        )
    return head


def line_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The file in blocks of whole lines; Windows line ends and blank lines at its end go.

    Raises:
        BarsError: The file cannot be read or holds zero bytes.
    """
    line = 1
    with open_bytes(path) as stream:
        kept = stream.read(len(_BOM)).removeprefix(_BOM)
        while True:
            piece = stream.read(block_bytes)
            text = kept + piece
            if b"\r" in text:
                text = text.replace(b"\r\n", b"\n")
            end = text.rfind(b"\n") + 1 if piece else len(text)
            kept, text = text[end:], text[:end]
            rows = text.rstrip(b"\n")
            if piece and rows:  # blank lines wait: they only go where nothing follows
                kept = text[len(rows) + 1 :] + kept
                text = rows + b"\n"
            elif not piece:
                text = rows
            if b"\0" in text:
                at = line + text.count(b"\n", 0, text.index(b"\0"))
                raise BarsError(
                    f"file {path.name}",
                    f"a zero byte in line {at}",
                    "text",
                    "The file is damaged: download it again.",
                )
            if rows:
                yield Block(text, line)
            line += text.count(b"\n")
            if not piece:
                return


def ends_in_line(path: Path) -> bool:
    """Whether the last line has an end; a file that was cut off has none. True where empty."""
    last = b"\n"
    with open_bytes(path) as stream:
        if path.suffix.lower() not in _PACKED and path.stat().st_size:
            stream.seek(-1, os.SEEK_END)
        while piece := stream.read(BLOCK_BYTES):
            last = piece[-1:]
    return last == b"\n"


def inner_name(path: Path) -> str:
    """Name of the data that a file holds: without ``.gz``, or of the member of a ``.zip``.

    Raises:
        BarsError: An archive that cannot be read, or without exactly one file of data.
    """
    if path.suffix.lower() != ".zip":
        return path.name[:-3] if path.suffix.lower() == ".gz" else path.name
    with open_bytes(path) as stream:
        return Path(str(stream.name)).name


def _member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if name.lower().endswith(_DATA)]
    tables = [name for name in names if name.lower().endswith(".csv")] or names
    if len(tables) != 1:
        raise BarsError(
            f"archive {path.name}",
            f"{len(tables)} files of data",
            "one",
            "Unpack it and name the files to import.",
        )
    return tables[0]
