"""The boot-t step-down as its definition reads: one resample after another, one set at a time."""

import math

import numpy as np


def star(x: np.ndarray, w: np.ndarray) -> float:
    """The re-studentised t of one column in one resample of multiplicities ``w``."""
    days = len(x)
    drawn = np.repeat(x, w)
    above = math.fsum(drawn) / days - math.fsum(x) / days
    if np.ptp(drawn) == 0.0:
        return math.inf if above >= 0.0 else -math.inf
    centred = drawn - math.fsum(drawn) / days
    deviation = math.sqrt(math.fsum(centred**2) / (days - 1))
    return math.sqrt(days) * above / deviation


def t_of(x: np.ndarray) -> float:
    return math.sqrt(len(x)) * float(x.mean()) / float(x.std(ddof=1))


def adjusted_p(pnl: np.ndarray, counts: np.ndarray) -> list[float]:
    """Step-down adjusted p-values (Romano and Wolf 2005) of columns that all vary."""
    columns = list(range(pnl.shape[1]))
    t = [t_of(pnl[:, j]) for j in columns]
    stars = [[star(pnl[:, j], w) for j in columns] for w in counts]
    p: dict[int, float] = {}
    floor = 0.0
    remaining = sorted(columns, key=lambda j: -t[j])
    while remaining:
        j = remaining[0]
        reached = sum(max(row[k] for k in remaining) >= t[j] for row in stars)
        floor = max(floor, (1 + reached) / (len(counts) + 1))
        p[j] = floor
        remaining = remaining[1:]
    return [p[j] for j in columns]
