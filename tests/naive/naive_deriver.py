"""The deriver read from its definition: every bar looks at all bars up to it, in plain lists.

Beside the twin stand the makers of its inputs, so that both forms are fed the same.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from math import inf, log2, nan
from statistics import fmean, pvariance
from typing import NamedTuple

import numpy as np

from hotband.core.codes import GUARDS
from hotband.core.records import RULES, Record, empty
from hotband.gates.deriver_state import DeriverSettings
from hotband.market.bars import PRICES, Bars

MINUTE = 60_000_000_000
SUNDAY = 1_743_973_200_000_000_000  # 2025-04-06T21:00Z


class Candidate(NamedTuple):
    """What the definition says of one bar that closes inside a run."""

    bar: int
    start: int
    side: int
    reps: int
    surprise: float
    coherence: float
    stability: float
    entropy: float


def bars_of(mids: Sequence[float], gaps: Sequence[int] | None = None, first: int = SUNDAY) -> Bars:
    """M1 bars of the given mid closes, ``gaps[i]`` minutes after the bar before (default 1)."""
    steps = [1] * len(mids) if gaps is None else gaps
    times = first + np.cumsum(np.array(steps, np.int64)) * MINUTE
    columns = dict.fromkeys(PRICES, np.array(mids, dtype=float))
    return Bars.from_columns("EUR_USD", "M1", {"time": times, **columns}, source="demo")


def rules_of(
    min_reps: int = 1, hazard: tuple[float, float] = (-inf, inf), **guards: float
) -> Record:
    """Gating rules with the given limits and no other; guards by their profile names."""
    rules = empty(RULES, 1)
    rules["min_reps"], rules["direction"] = min_reps, 1
    rules["hazard_min"], rules["hazard_max"] = hazard
    rules["guard_min"], rules["guard_max"] = -inf, inf
    names = [limit for limit, _ in GUARDS]
    for name, limit in guards.items():
        side = "guard_min" if name.startswith("min_") else "guard_max"
        rules[side][0, names.index(name)] = limit
        rules["guards_on"] |= 1 << names.index(name)
    return rules[0]


def _segments(times: Sequence[int], mids: Sequence[float], far: int) -> list[list[int]]:
    segments: list[list[int]] = []
    for i in range(len(mids)):
        if i == 0 or times[i] - times[i - 1] > far:
            segments.append([])
        segments[-1].append(i)
    return segments


def _labels(segment: list[int], mids: Sequence[float], w: int) -> list[tuple[int, int]]:
    pairs = zip(segment[w:], segment, strict=False)
    return [(now, (mids[now] > mids[then]) - (mids[now] < mids[then])) for now, then in pairs]


def candidate_at(
    bar: int, times: Sequence[int], mids: Sequence[float], settings: DeriverSettings
) -> Candidate | None:
    """The candidate at the close of ``bar``, from the bars up to it and no others."""
    w = settings.return_window
    upto, granularity = mids[: bar + 1], MINUTE
    segments = _segments(times, upto, settings.max_gap_bars * granularity)
    labels = [_labels(segment, upto, w) for segment in segments]
    grouped = [[list(g) for _, g in groupby(part, key=lambda step: step[1])] for part in labels]
    if not grouped[-1] or grouped[-1][-1][-1][1] == 0:
        return None
    run = grouped[-1][-1]
    completed = [len(g) for groups in grouped for g in groups[:-1] if g[0][1] != 0]
    memory = completed[-settings.history_runs :]
    known = len(completed) >= settings.min_history_runs
    window = [label for part in labels for _, label in part][-settings.streak_window :]
    full = len(window) == settings.streak_window
    moves = [upto[i] / upto[i - w] - 1.0 for i, _ in run]
    return Candidate(
        bar,
        run[0][0],
        run[0][1],
        len(run),
        sum(length < len(run) for length in memory) / len(memory) if known else nan,
        min(1.0, len(run) / len(window)) if full else nan,
        1 / (1 + pvariance(moves) / fmean(moves) ** 2) if len(run) > 1 else nan,
        shannon([label for label in window if label != 0]) if full else nan,
    )


def shannon(labels: Sequence[int]) -> float:
    """Entropy in bits of the shares of each label."""
    shares = [labels.count(label) / len(labels) for label in set(labels)]
    return sum(-share * log2(share) for share in shares)


def candidates(
    times: Sequence[int], mids: Sequence[float], settings: DeriverSettings
) -> list[Candidate]:
    """All candidates, in order."""
    found = (candidate_at(i, times, mids, settings) for i in range(len(mids)))
    return [candidate for candidate in found if candidate is not None]


def passes(
    one: Candidate, min_reps: int, hazard: tuple[float, float], of: Callable[[float], float]
) -> bool:
    """Whether hazard and repetitions are within bounds; an undefined hazard is not."""
    return one.reps >= min_reps and hazard[0] <= of(one.surprise) <= hazard[1]
