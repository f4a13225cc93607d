"""The one home of compile flags and of the compiled-code cache.

Numba does not see a change in a function imported from another file: a cached caller keeps
the old callee. The cache folder is therefore keyed by a hash of every source file of
the folders that hold kernels, so that any edit there starts cold.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba.core import config as numba_config

P = ParamSpec("P")
R = TypeVar("R")

_PACKAGE = Path(__file__).resolve().parent.parent


def source_hash() -> str:
    """Hash of all sources that compiled functions may call, 16 hex digits."""
    digest = hashlib.sha256()
    for folder in ("core", "gates", "market", "research", "research/significance"):
        for path in sorted((_PACKAGE / folder).glob("*.py")):
            digest.update(f"{folder}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled code is kept: ``HOTBAND_CACHE``, else the user's cache folder."""
    base = os.environ.get("HOTBAND_CACHE")
    if base is None:
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        base = str(Path(root) / "hotband")
    return Path(base) / "compiled" / source_hash()


_CACHE = str(cache_folder())
config: Any = numba_config
_FLAGS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "fastmath": False,
    "error_model": "numpy",
    # Kernels allocate nothing, so arrays need no reference counts: see
    # docs/decisions/0003-kernels.md.
    "_nrt": False,
    "forceinline": True,
}


def constant(value: int) -> int:
    """``value`` with the one integer type that all kernels share.

    Numba types a plain constant as that very literal and compiles every function it is handed
    to once more for it: close to half of the compile time, before.
    """
    return cast("int", np.int64(value))


ZERO = constant(0)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` without the GIL, cached on disk, in strict IEEE arithmetic.

    No fast-math: a backtest and a live session must agree to the last bit. Division by zero
    follows IEEE as NumPy does, so kernels test their divisors instead of raising.
    ``NUMBA_DISABLE_JIT=1`` runs the same functions uncompiled.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = _CACHE
    try:
        compiled: Callable[P, R] = numba.njit(**_FLAGS)(function)
    finally:
        config.CACHE_DIR = before
    return compiled
