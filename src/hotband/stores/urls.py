"""Stores by URL: the one place that knows which schemes exist."""

from pathlib import Path
from typing import Final

from hotband.errors import StoreError
from hotband.stores.memory import memory_bars, memory_gates
from hotband.stores.parquet import parquet_bars, parquet_gates
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.valkey_address import VALKEY_SCHEMES, parse_valkey_url, without_password

SCHEMES: Final = ("memory", "parquet", *VALKEY_SCHEMES)
FORMS: Final = (
    "memory://NAME, parquet:///absolute/path or parquet:relative/path, "
    "or valkey://HOST:PORT/DB (redis://, and with TLS valkeys:// or rediss://)"
)


def open_bar_store(url: str, wait_s: float = 0.0) -> BarStore:
    """The bar store of a URL; relative paths start at the working directory.

    ``wait_s``: how long an operation waits for a server that is not ready, where the URL does
    not say.

    Raises:
        StoreError: An unknown scheme, or a URL without a name or path.
    """
    scheme, rest = _split(url)
    if scheme in VALKEY_SCHEMES:
        from hotband.stores.valkey_bars import valkey_bars  # late: the client is slow to import

        return valkey_bars(parse_valkey_url(url, wait_s))
    return memory_bars(rest) if scheme == "memory" else parquet_bars(Path(rest).absolute())


def open_gate_store(url: str, wait_s: float = 0.0) -> GateStore:
    """The gate store of a URL; relative paths start at the working directory.

    ``wait_s``: how long an operation waits for a server that is not ready, where the URL does
    not say.

    Raises:
        StoreError: An unknown scheme, or a URL without a name or path.
    """
    scheme, rest = _split(url)
    if scheme in VALKEY_SCHEMES:
        from hotband.stores.valkey import valkey_gates

        return valkey_gates(parse_valkey_url(url, wait_s))
    return memory_gates(rest) if scheme == "memory" else parquet_gates(Path(rest).absolute())


def _split(url: str) -> tuple[str, str]:
    scheme, colon, rest = url.partition(":")
    shown = without_password(url)
    if not colon:
        do = f"For a folder write parquet:{'//' if url.startswith('/') else ''}{shown}."
        raise StoreError("store URL", repr(shown), FORMS, do)
    if scheme not in SCHEMES:
        do = "Use one of these schemes."
        raise StoreError(f"scheme of store URL {shown}", scheme, FORMS, do, near=SCHEMES)
    if scheme in VALKEY_SCHEMES:
        return scheme, rest
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
