"""The null worlds' recursions as their definitions read, one bar at a time."""

import math
from collections.abc import Sequence

Prices = dict[str, float]


def ar1(noise: Sequence[float], memory: float, deviation: float) -> list[float]:
    """Stationary first-order autoregression from standard normal noise."""
    path = [deviation * noise[0]]
    for z in noise[1:]:
        path.append(memory * path[-1] + deviation * (1 - memory**2) ** 0.5 * z)
    return path


def garch(noise: Sequence[float], omega: float, alpha: float, beta: float) -> list[float]:
    """Variances of GARCH(1,1) from its long-run variance on; noise of variance 1."""
    variances = [omega / (1 - alpha - beta)]
    for z in noise[:-1]:
        move = z * variances[-1] ** 0.5
        variances.append(omega + alpha * move**2 + beta * variances[-1])
    return variances


def bridge_extremes(end: float, sigma: float, up: float, down: float) -> tuple[float, float]:
    """(highest, lowest) level whose chance to be passed, given the end, is exp(-up), exp(-down).

    The chance that a Brownian bridge from 0 to x passes m > max(0, x) is
    exp(-2 m (m - x) / sigma^2); solved by halving, not by its root.
    """

    def level(x: float, exponent: float) -> float:
        low, high = max(0.0, x), max(0.0, x) + 100 * sigma
        for _ in range(200):
            middle = (low + high) / 2
            passed = 2 * middle * (middle - x) / sigma**2
            low, high = (middle, high) if passed < exponent else (low, middle)
        return low

    return level(end, up), -level(-end, down)


def flipped(bars: Sequence[Prices], signs: Sequence[int]) -> list[Prices]:
    """Log moves of bid and ask from the last geometric mid, times the sign; sides keep apart."""
    out: list[Prices] = []
    before = after = (math.log(bars[0]["bid_o"]) + math.log(bars[0]["ask_o"])) / 2
    for bar, sign in zip(bars, signs, strict=True):
        mid = {x: (math.log(bar[f"bid_{x}"]) + math.log(bar[f"ask_{x}"])) / 2 for x in "ohlc"}
        half = {x: (math.log(bar[f"ask_{x}"]) - math.log(bar[f"bid_{x}"])) / 2 for x in "ohlc"}
        made: Prices = {}
        for x in "ohlc":
            taken = {"h": "l", "l": "h"}.get(x, x) if sign < 0 else x
            level = after + sign * (mid[taken] - before)
            made[f"bid_{x}"] = math.exp(level - half[taken])
            made[f"ask_{x}"] = math.exp(level + half[taken])
        out.append(made)
        before = mid["c"]
        after = (math.log(made["bid_c"]) + math.log(made["ask_c"])) / 2
    return out


def held(
    opens: Sequence[int], gates: Sequence[tuple[int, int]], hold_ns: int
) -> list[int]:  # fmt: skip
    """Side per open time: of the last (known, side) with a side, while it is held."""
    sides = []
    for t in opens:
        known = [(at, side) for at, side in gates if at <= t and side != 0]
        at, side = max(known, default=(0, 0))
        sides.append(side if known and t - at < hold_ns else 0)
    return sides
