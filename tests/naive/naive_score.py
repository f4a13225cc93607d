"""The score of a row and the plateau score of a cell as their definitions read."""

import itertools
import math
from collections.abc import Mapping, Sequence

Row = Mapping[str, float | None]


def _sig(x: float | None) -> float:
    if x is None:
        return 0.0
    return (1.0 + x / math.sqrt(1.0 + x * x)) / 2.0


def _below(value: float | None, least: float) -> bool:
    return value is None or value < least


def caps(row: Row) -> dict[str, float]:
    """The caps of the raised tags."""
    pnl, maxdd, sharpe = row["pnl"], row["maxdd"], row["sharpe"]
    churn, days, trades, real = row["churn"], row["days"], row["trades"], row["real_frac"]
    assert pnl is not None
    assert maxdd is not None
    raised = {
        "negative_pnl": (pnl < 0, 25.0),
        "profit_factor_below_one": (_below(row["pf"], 1.0), 30.0),
        "negative_sharpe": (sharpe is not None and sharpe < 0, 30.0),
        "sharpe_undefined": (sharpe is None, 30.0),
        "insufficient_trades": (_below(trades, 20), 40.0),
        "synthetic_heavy": (_below(real, 0.5), 40.0),
        "insufficient_days": (_below(days, 60), 45.0),
        "drawdown_exceeds_pnl": (pnl >= 0 and maxdd > pnl, 50.0),
        "churn_heavy": (churn is None or churn > 0.5, 50.0),
        "not_significant": (_below(row["psr"], 0.95), 60.0),
        "selection_unproven": (_below(row["dsr"], 0.95), 70.0),
    }
    return {tag: cap for tag, (up, cap) in raised.items() if up}


def score(row: Row) -> float | None:
    """None without trades."""
    n, days, real, sharpe = row["trades"], row["days"], row["real_frac"], row["sharpe"]
    if not n:
        return None
    assert days is not None
    assert real is not None
    shrunk = None if sharpe is None else sharpe * math.sqrt(days / (days + 60)) / 1.5
    returned, of_nav, pf, fall = (row[k] for k in ("return_pct", "pnl_nav_pct", "pf", "maxdd_pct"))
    quality = (
        0.30 * _sig(shrunk)
        + 0.15 * _sig(None if returned is None else returned / 10)
        + 0.10 * _sig(None if of_nav is None else of_nav / 10)
        + 0.20 * (0.0 if pf is None else pf**2 / (1 + pf**2))
        + 0.25 * (0.0 if fall is None else 2.0 ** (-fall / 5))
    )
    raw = 100 * quality * (0.25 + 0.75 * n / (n + 30)) * (0.4 + 0.6 * real)
    return min([raw, *caps(row).values()])


def neighbours(cell: Sequence[int], shape: Sequence[int]) -> list[tuple[int, ...]]:
    """All cells within one step along each axis, but the cell itself."""
    ranges = [range(max(k - 1, 0), min(k + 2, n)) for k, n in zip(cell, shape, strict=True)]
    return [other for other in itertools.product(*ranges) if other != tuple(cell)]


def plateau(
    scores: Mapping[tuple[int, ...], float], cell: tuple[int, ...], shape: Sequence[int]
) -> float:
    """Mean over the neighbours of the lesser score, NaN as 0; its own where there are none."""
    around = [0.0 if math.isnan(scores[c]) else scores[c] for c in neighbours(cell, shape)]
    if not around:
        return scores[cell]
    return math.fsum(min(scores[cell], s) for s in around) / len(around)
