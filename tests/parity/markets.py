"""Random markets, gates, rules and limits as record arrays, for the parity laws."""

from dataclasses import dataclass

import numpy as np

from hotband.core import records as r
from hotband.core.records import Records
from hotband.core.shared import Shared, share

MINUTE = 60_000_000_000
START = 1_743_541_200_000_000_000  # 2025-04-01T21:00:00Z, a roll in US summer


@dataclass(frozen=True)
class Case:
    """One instrument's arrays, ready for ``path`` and for ``step``."""

    shared: Shared
    rules: Records
    limits: Records


def random_bars(rng: np.random.Generator, n: int, *, price: float = 1.1) -> Records:
    """Bars with gaps, moving spreads, weekends' flags, rolls and moving conversion rates."""
    bars = r.empty(r.BAR, n)
    steps = 1 + (rng.random(n) < 0.1) + 600 * (rng.random(n) < 0.004)
    bars["t"] = START + np.cumsum(steps) * MINUTE
    bars["day"] = (bars["t"] - START) // (1440 * MINUTE) + 20_179
    tick = price * 1e-5
    opens = price + tick * np.cumsum(rng.integers(-15, 16, n) + 40 * (rng.random(n) < 0.02))
    shape = tick * rng.integers(-12, 13, (n, 3))
    closes = opens + shape[:, 0]
    highs = np.maximum(opens, closes) + np.abs(shape[:, 1])
    lows = np.minimum(opens, closes) - np.abs(shape[:, 2])
    spread = tick * rng.integers(0, 25, n)
    for name, values in (("o", opens), ("h", highs), ("l", lows), ("c", closes)):
        bars[f"bid_{name}"] = np.round(values, 5)
        bars[f"ask_{name}"] = np.round(values + spread, 5)
    rate = 0.8 + 0.0005 * np.cumsum(rng.standard_normal(n)).clip(-300, 300)
    fee = 0.005 * (rng.random() < 0.5)
    for name in ("o", "c"):
        bars[f"gain_{name}"] = rate * (1 - fee)
        bars[f"loss_{name}"] = rate * (1 + fee)
        bars[f"base_{name}"] = rate * opens
    flags = np.full(n, r.IN_SESSION, np.int32)
    flags[rng.random(n) < 0.1] = 0
    flags[rng.random(n) < 0.05] |= r.SESSION_EXIT
    flags[rng.random(n) < 0.01] |= r.WEEK_END | r.FLATTEN
    flags[rng.random(n) < 0.01] |= r.HOLIDAY_BAR
    flags[rng.random(n) < 0.02] |= r.CLOSED_BAR
    flags[rng.random(n) < 0.4] |= r.UP_MOVE
    flags[(rng.random(n) < 0.4) & ((flags & r.UP_MOVE) == 0)] |= r.DOWN_MOVE
    bars["marks"] = flags
    bars["vol"] = np.where(rng.random(n) < 0.05, np.nan, rng.uniform(0.002, 0.02, n))
    rolled = np.r_[False, bars["day"][1:] != bars["day"][:-1]]
    bars["fin_long"] = np.where(rolled, rng.choice([-0.03 / 365, 0.0], n), 0.0)
    bars["fin_short"] = np.where(rolled, 0.01 / 365, 0.0)
    return bars


def random_gates(rng: np.random.Generator, bars: Records, every: int) -> Records:
    """Gates at about every ``every``-th bar, some with undefined or missing fields."""
    n = len(bars) // every
    gates = r.empty(r.GATE, n)
    at = np.sort(rng.choice(len(bars), n, replace=False))
    gates["known"] = bars["t"][at] + rng.choice([0, 0, 0, MINUTE // 3, -MINUTE // 3], n)
    gates["key"] = np.where(rng.random(n) < 0.3, 0, rng.integers(1, max(2, n // 2), n))
    gates["skipped"] = rng.random(n) < 0.1
    gates["reps"] = rng.integers(1, 12, n)
    gates["side"] = rng.choice([1, 1, 1, -1, -1, 0], n)
    gates["admit"] = rng.random(n) < 0.95
    gates["blocked"] = rng.random(n) < 0.02
    gates["synthetic"] = rng.random(n) < 0.5
    gates["regime"] = rng.integers(0, 6, n)
    gates["hazard"] = np.where(rng.random(n) < 0.02, np.nan, rng.random(n))
    gates["regime_confidence"] = np.where(rng.random(n) < 0.1, np.nan, rng.random(n))
    metrics = rng.random((n, 10))
    metrics[rng.random((n, 10)) < 0.02] = np.nan
    gates["metrics"] = metrics
    return gates


def random_rules(rng: np.random.Generator) -> Records:
    """Rules with every switch on in some draws and off in others."""

    def some(value: float, share: float = 0.5) -> float:
        return value if rng.random() < share else 0.0

    rules = r.empty(r.RULES, 1)
    rules["hazard_min"] = -np.inf if rng.random() < 0.7 else 0.1
    rules["hazard_max"] = np.inf if rng.random() < 0.4 else rng.uniform(0.3, 1)
    rules["guard_min"] = -np.inf
    rules["guard_max"] = np.inf
    if rng.random() < 0.5:
        rules["guards_on"] = 0b0000100101
        rules["guard_min"][0, 0] = 0.1
        rules["guard_max"][0, 2] = 0.95
        rules["guard_min"][0, 5] = 0.05
    rules["min_reps"] = rng.integers(0, 4)
    rules["regimes_on"] = 0 if rng.random() < 0.7 else 0b11110
    rules["regime_confidence_min"] = some(0.2, 0.2)
    rules["direction"] = rng.choice([1, -1])
    rules["missing_direction"] = rng.integers(0, 2)
    rules["max_age"] = rng.integers(1, 60) * MINUTE
    rules["hold"] = int(some(rng.uniform(1, 90))) * MINUTE
    rules["cooldown"] = int(some(rng.uniform(1, 20), 0.3)) * MINUTE
    rules["latency"] = int(some(rng.uniform(1, 3), 0.25)) * MINUTE
    rules["rearm"] = rng.random() < 0.3
    rules["max_stack"] = rng.choice([1, 1, 2, 4])
    rules["opposite"] = rng.integers(0, 3)
    rules["flat_weekend"] = rng.random() < 0.5
    for level, size in (("stop", 12), ("target", 16), ("breakeven", 5), ("trail", 7)):
        if rng.random() < 0.6:
            in_pips = rng.random() < 0.5
            rules[f"{level}_{'abs' if in_pips else 'frac'}"] = size * rng.uniform(0.5, 2) * 1e-4
    rules["hazard_exit"] = np.nan if rng.random() < 0.7 else rng.uniform(0.1, 0.9)
    rules["hazard_exit_above"] = rng.integers(0, 2)
    rules["base_ccy"], rules["quote_ccy"] = 0, 1
    rules["risk_frac"] = some(rng.uniform(0.001, 0.02))
    rules["exposure"] = rng.choice([0.02, 1.0, 12.0, 28.0])
    rules["vol_target"] = some(0.006, 0.3)
    rules["vol_scale_min"], rules["vol_scale_max"] = 0.25, 2.0
    rules["margin_rate"] = rng.choice([0.02, 0.0333, 0.05])
    rules["min_units"] = rng.choice([1, 5000])
    rules["max_units"] = rng.choice([np.inf, 40_000])
    rules["max_position"] = np.inf
    rules["unit_step"] = 1.0
    rules["price_scale"] = 1e5
    rules["half_commission"] = some(0.75e-4)
    rules["slippage"] = some(0.2e-4)
    return rules


def random_limits(rng: np.random.Generator) -> Records:
    """Account limits, each binding in some draws."""
    limits = r.empty(r.LIMITS, 1)
    limits["margin_budget"] = rng.choice([0.1, 0.5, 0.99])
    limits["total_exposure"] = rng.choice([np.inf, 2.0])
    limits["currency_cap"] = rng.choice([np.inf, 1.5])
    limits["closeout"] = rng.choice([0.5, 0.5, 0.0])
    limits["max_positions"] = rng.choice([1, 3, 8])
    limits["halts"] = rng.integers(1, 8) if rng.random() < 0.03 else 0
    return limits


def random_case(seed: int, n: int = 1500, every: int = 7) -> Case:
    """A whole case from one seed."""
    from hotband.gates.events import align

    rng = np.random.default_rng(seed)
    bars = random_bars(rng, n)
    gates = random_gates(rng, bars, every)
    live, judged, _ = align(np.ascontiguousarray(bars["t"]), gates["known"], gates)
    return Case(
        shared=share(bars, live + 1, r.with_sentinel(judged)),
        rules=random_rules(rng),
        limits=random_limits(rng),
    )
