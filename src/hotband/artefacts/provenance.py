"""What identifies a run: canonical bytes of its inputs, a hash of them, and the code's version."""

import hashlib
import json
import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from hotband.errors import InputError

RUN_ID_DIGITS: Final = 16
_SHOWING: Final = frozenset({"cli", "live", "report", "service"})
"""Folders that no published number depends on; a new one decides until it is named here."""
_PACKAGE: Final = Path(__file__).resolve().parent.parent


def canonical_json(value: object) -> bytes:
    """One spelling of a JSON value: sorted keys, no spaces, shortest floats, UTF-8.

    Tuples are lists. 1 and 1.0 differ, as do 0.0 and -0.0. NaN, infinity, keys that are not
    text and anything that JSON has no form for raise InputError with the place.
    """
    _require_json(value, "inputs")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _require_json(value: object, place: str) -> None:
    do = "Convert it to text, a number, true, false, null, a list or a mapping."
    match value:
        case Mapping():
            for key, inner in value.items():
                if type(key) is not str:
                    raise InputError(f"key in {place}", repr(key), "text", do)
                _require_text(key, f"key in {place}")
                _require_json(inner, f"{place}.{key}")
        case list() | tuple():
            for i, inner in enumerate(value):
                _require_json(inner, f"{place}[{i}]")
        case float():
            if not math.isfinite(value):
                raise InputError(place, value, "finite numbers", "Say null where it is undefined.")
        case str():
            _require_text(value, place)
        case None | bool() | int():
            pass
        case _:
            raise InputError(place, type(value).__name__, "JSON values", do)


def _require_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(place, ascii(text), "text that UTF-8 can hold", "Correct it.") from error


def run_id_of(inputs: Mapping[str, object]) -> str:
    """16 hex digits of the SHA-256 of the canonical JSON of all ``inputs``."""
    return sha256_of(canonical_json(inputs))[:RUN_ID_DIGITS]


def sha256_of(data: bytes) -> str:
    """The SHA-256 of ``data`` in hex."""
    return hashlib.sha256(data).hexdigest()


def code_version() -> str:
    """``VERSION+HASH``: the package's version and 16 hex digits over what decides a result.

    The hash covers every source and data file of the package but those that only show or drive:
    the files of ``core.jit.source_hash``, and profiles, instrument tables, stores and the
    shapes of artefacts besides.
    """
    digest = hashlib.sha256()
    for path in sorted(_deciding_files()):
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{version('hotband')}+{digest.hexdigest()[:16]}"


def _deciding_files() -> list[Path]:
    return [
        path
        for path in _PACKAGE.rglob("*")
        if path.suffix in {".py", ".yaml"} and path.relative_to(_PACKAGE).parts[0] not in _SHOWING
    ]
