"""Stores by URL: the one place that knows which schemes exist."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from hotband.errors import StoreError
from hotband.market.bars import Bars
from hotband.stores.memory import fixed_bars, memory_bars, memory_gates
from hotband.stores.parquet import parquet_bars, parquet_gates
from hotband.stores.plugins import open_plugin, plugin_schemes, refuse_override
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.produced import ProducedGates
from hotband.stores.valkey_address import VALKEY_SCHEMES, parse_valkey_url, without_password

SCHEMES: Final = ("memory", "parquet", *VALKEY_SCHEMES)
FORMS: Final = (
    "memory://NAME, parquet:///absolute/path or parquet:relative/path, "
    "or valkey://HOST:PORT/DB (redis://, and with TLS valkeys:// or rediss://)"
)


def open_bar_store(
    url: str,
    wait_s: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> BarStore:
    """The bar store of a URL; relative paths start at the working directory.

    Args:
        url: Of one of ``FORMS``.
        wait_s: How long an operation waits for a server that is not ready, where the URL does
            not say; see ``Patience``.
        on_wait: Called with a plain line when such a wait begins, when the server's state
            changes meanwhile, and when it ends.
        stop: Once set, nothing waits any more: an operation that does raises
            StoreUnavailableError at once.

    Raises:
        StoreError: An unknown scheme, or a URL without a name or path.
    """
    scheme, rest = _split(url)
    if scheme in VALKEY_SCHEMES:
        from hotband.stores.valkey_bars import valkey_bars  # late: the client is slow to import

        return valkey_bars(parse_valkey_url(url, wait_s), on_wait, stop)
    return memory_bars(rest) if scheme == "memory" else parquet_bars(Path(rest).absolute())


def open_gate_store(
    url: str,
    wait_s: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> GateStore:
    """The gate store of a URL; relative paths start at the working directory.

    Args:
        url: Of one of ``FORMS``, or of a scheme that an installed package adds; such a store
            is made from the URL alone, and the other arguments do not reach it.
        wait_s: How long an operation waits for a server that is not ready, where the URL does
            not say; see ``Patience``.
        on_wait: Called with a plain line when such a wait begins, when the server's state
            changes meanwhile, and when it ends.
        stop: Once set, nothing waits any more: an operation that does raises
            StoreUnavailableError at once.

    Raises:
        StoreError: An unknown scheme, a URL without a name or path, a plug-in that is broken,
            or one that claims a scheme of hotband's own.
    """
    scheme = url.partition(":")[0]
    if scheme in SCHEMES:
        refuse_override(scheme)
    elif ":" in url and scheme in plugin_schemes():
        return open_plugin(url)
    scheme, rest = _split(url, plugin_schemes())
    if scheme in VALKEY_SCHEMES:
        from hotband.stores.valkey import valkey_gates

        return valkey_gates(parse_valkey_url(url, wait_s), on_wait, stop)
    return memory_gates(rest) if scheme == "memory" else parquet_gates(Path(rest).absolute())


def open_gates_of_run(
    url: str, bars: BarStore | Mapping[str, Bars], granularity: str, wait_s: float = 0.0
) -> GateStore:
    """``open_gate_store`` for a run: a producer's gates are made of ``bars``, the run's own.

    What the URL says of bars and granularity comes first.
    """
    store = open_gate_store(url, wait_s)
    if not isinstance(store, ProducedGates):
        return store
    held = fixed_bars(bars.values()) if isinstance(bars, Mapping) else bars
    return store.in_run(held, granularity)


def _split(url: str, plugins: tuple[str, ...] = ()) -> tuple[str, str]:
    """Scheme and rest of a URL of a built-in scheme; ``plugins`` are named beside these."""
    forms = f"{FORMS}, or of a plug-in: {', '.join(plugins)}" if plugins else FORMS
    scheme, colon, rest = url.partition(":")
    shown = without_password(url)
    if not colon:
        do = f"For a folder write parquet:{'//' if url.startswith('/') else ''}{shown}."
        raise StoreError("store URL", repr(shown), forms, do)
    if scheme not in SCHEMES:
        do = "Use one of these schemes."
        raise StoreError(
            f"scheme of store URL {shown}", scheme, forms, do, near=(*SCHEMES, *plugins)
        )
    if scheme in VALKEY_SCHEMES:
        return scheme, rest
    if scheme == "memory":
        name = rest.removeprefix("//")
        if not rest.startswith("//") or not name or "/" in name:
            raise StoreError("store URL", shown, forms, "Give the store a name without slashes.")
        return scheme, name
    if rest.startswith("//") and not rest.startswith("///"):
        do = "Write three slashes before an absolute path, none before a relative one."
        raise StoreError("store URL", shown, forms, do)
    path = rest.removeprefix("//")
    if not path:
        raise StoreError("store URL", shown, forms, "Name the folder.")
    return scheme, path
