"""The measures as their definitions read, one number at a time."""

from collections.abc import Sequence


def sharpe(returns: Sequence[float]) -> float:
    """Mean over standard deviation with T - 1."""
    mean = sum(returns) / len(returns)
    variance = sum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    return float(mean / variance**0.5)


def hac_variance(values: Sequence[float], lag: int) -> float:
    """Newey-West: all pairs up to ``lag`` apart, weighted by Bartlett."""
    n = len(values)
    total = 0.0
    for i in range(n):
        for j in range(n):
            if abs(i - j) <= lag:
                total += (1.0 - abs(i - j) / (lag + 1.0)) * values[i] * values[j]
    return total / n


def lo_eta_ar1(q: int, rho: float) -> float:
    """Closed form of the factor for an AR(1) process."""
    inner = 1.0 + 2.0 * rho / (1.0 - rho) * (1.0 - (1.0 - rho**q) / (q * (1.0 - rho)))
    return float(q**0.5 * inner**-0.5)


def drawdowns(start: float, equity: Sequence[float]) -> tuple[float, float]:
    """(largest fall, largest fall over its peak), each with the peak of its own moment."""
    peak, deepest, deepest_frac = start, 0.0, 0.0
    for value in equity:
        peak = max(peak, value)
        deepest = max(deepest, peak - value)
        deepest_frac = max(deepest_frac, (peak - value) / peak)
    return deepest, deepest_frac


def profit_factor(net: Sequence[float], floor: float) -> float:
    """Sum of wins over sum of losses, at least ``floor``."""
    won = sum(x for x in net if x > 0.0)
    lost = -sum(x for x in net if x < 0.0)
    return won / max(lost, floor)


def market_minutes_open(
    tickets: Sequence[tuple[int, int]], market: Sequence[tuple[int, int]]
) -> int:
    """Whole units of time inside a market span and any ticket, counted one by one."""
    return sum(
        any(a <= t < b for a, b in tickets) for first, last in market for t in range(first, last)
    )


def daily(
    rows: dict[int, float], start: float, days: Sequence[int], eligible: Sequence[bool]
) -> tuple[list[float], int]:
    """(compounding returns of eligible days, how many days were left out)."""
    equity, returns, excluded = start, [], 0
    for day in sorted({*rows, *days}):
        now = rows.get(day, equity)
        if day in days and eligible[list(days).index(day)]:
            returns.append((now - equity) / equity)
        else:
            excluded += 1
        equity = now
    return returns, excluded
