"""The probability of backtest overfitting as its definition reads: rows, not sums of blocks."""

import itertools
import math
from typing import NamedTuple

import numpy as np


class Found(NamedTuple):
    pbo: float
    best: list[int]
    inside: list[float]
    outside: list[float]
    logits: list[float]


def sharpe(x: np.ndarray) -> float:
    return 0.0 if np.ptp(x) == 0.0 else float(x.mean() / x.std(ddof=1))


def cscv(pnl: np.ndarray, blocks: int) -> Found:
    """Of columns that all vary and all differ; a column that is flat in a half has 0 there."""
    rows = pnl[len(pnl) % blocks :]
    pieces = np.split(rows, blocks)
    found = Found(0.0, [], [], [], [])
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([pieces[k] for k in chosen])
        outside = np.concatenate([pieces[k] for k in range(blocks) if k not in chosen])
        scores = [sharpe(inside[:, j]) for j in range(rows.shape[1])]
        others = [sharpe(outside[:, j]) for j in range(rows.shape[1])]
        best = scores.index(max(scores))
        below = sum(x < others[best] for x in others)
        equal = sum(x == others[best] for x in others)
        w = (below + (equal + 1) / 2) / (len(others) + 1)
        found.best.append(best)
        found.inside.append(scores[best])
        found.outside.append(others[best])
        found.logits.append(math.log(w / (1 - w)))
    return found._replace(pbo=sum(x <= 0.0 for x in found.logits) / len(found.logits))
