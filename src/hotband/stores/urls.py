"""Stores by URL: the one place that knows which schemes exist."""

from pathlib import Path
from typing import Final

from hotband.errors import StoreError
from hotband.stores.memory import memory_bars, memory_gates
from hotband.stores.parquet import parquet_bars, parquet_gates
from hotband.stores.ports import BarStore, GateStore

SCHEMES: Final = ("memory", "parquet")
FORMS: Final = "memory://NAME, parquet:///absolute/path or parquet:relative/path"


def open_bar_store(url: str) -> BarStore:
    """The bar store of a URL; relative paths start at the working directory.

    Raises:
        StoreError: An unknown scheme, or a URL without a name or path.
    """
    scheme, rest = _split(url)
    return memory_bars(rest) if scheme == "memory" else parquet_bars(Path(rest).absolute())


def open_gate_store(url: str) -> GateStore:
    """The gate store of a URL; relative paths start at the working directory.

    Raises:
        StoreError: An unknown scheme, or a URL without a name or path.
    """
    scheme, rest = _split(url)
    return memory_gates(rest) if scheme == "memory" else parquet_gates(Path(rest).absolute())


def _split(url: str) -> tuple[str, str]:
    scheme, colon, rest = url.partition(":")
    if not colon:
        do = f"For a folder write parquet:{'//' if url.startswith('/') else ''}{url}."
        raise StoreError("store URL", repr(url), FORMS, do)
    if scheme not in SCHEMES:
        do = "Use one of these schemes."
        raise StoreError(f"scheme of store URL {url}", scheme, FORMS, do, near=SCHEMES)
    if scheme == "memory":
        name = rest.removeprefix("//")
        if not rest.startswith("//") or not name or "/" in name:
            raise StoreError("store URL", url, FORMS, "Give the store a name without slashes.")
        return scheme, name
    if rest.startswith("//") and not rest.startswith("///"):
        do = "Write three slashes before an absolute path, none before a relative one."
        raise StoreError("store URL", url, FORMS, do)
    path = rest.removeprefix("//")
    if not path:
        raise StoreError("store URL", url, FORMS, "Name the folder.")
    return scheme, path
