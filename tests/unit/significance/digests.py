"""The bytes of both searches on one small grid, for comparing compiled and uncompiled kernels."""

import hashlib

import numpy as np

from hotband.research.significance.bootstrap import seed_of, stationary_counts
from hotband.research.significance.overfitting import cscv
from hotband.research.significance.stepm import step_down


def grid(days: int, columns: int, seed: int = 1) -> np.ndarray:
    """Correlated daily profit of different scales, many days flat."""
    rng = np.random.default_rng(seed)
    x = 0.5 * rng.standard_normal((days, 1)) + rng.standard_normal((days, columns))
    return x * (rng.random((days, columns)) < 0.7) * np.geomspace(0.01, 100.0, columns) + 0.0


def digest() -> str:
    pnl = grid(48, 9)
    step = step_down(pnl, stationary_counts(48, 40, 2.0, seed_of("digest")), alpha=0.3)
    over = cscv(pnl, 6)
    arrays = (step.p, step.t, over.best, over.is_sharpe, over.oos_sharpe, over.logits)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
