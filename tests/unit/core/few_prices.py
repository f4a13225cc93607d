"""Small random markets of few prices, few rates and few values: what is compared is often equal.

Prices, levels and hazards lie on one coarse binary grid, so that stops and targets are met to
the point, gates stand at their limits, and drawdowns and peaks come back exactly. Quiet
stretches are long enough for whole blocks of bars.
"""

import numpy as np
from tests.parity.markets import Case
from tests.unit.core.builders import HOUR, MINUTE, T0

from hotband.core import records as r
from hotband.core.records import Records
from hotband.core.shared import share
from hotband.gates.events import align

TICK = 2.0**-9
BARS = 72
_MOVES: tuple[dict[str, int], ...] = (
    {}, {}, {}, {"trail_abs": 2}, {"trail_frac": 1, "trail_abs": 1}, {"breakeven_abs": 1},
    {"trail_abs": 2, "breakeven_frac": 2}, {"breakeven_frac": 1, "breakeven_abs": 1},
    {"trail_frac": 3}, {"breakeven_frac": 2},
)  # fmt: skip


def _bars(rng: np.random.Generator) -> Records:
    n = BARS
    bars = r.empty(r.BAR, n)
    gap = 1 + 3 * (rng.random(n) < 0.05)
    bars["t"] = T0 + np.cumsum(gap) * MINUTE
    bars["day"] = (bars["t"] - T0) // (HOUR * int(rng.choice([1, 24])))
    base = int(rng.choice([0.75, 1.25]) / TICK)
    walk = np.cumsum(rng.choice([-1, 0, 1], n, p=[0.25, 0.5, 0.25]))
    wide = int(rng.choice([2, 5, 30]))
    closes = base + np.abs((walk + wide) % (4 * wide) - 2 * wide) - wide
    opens = np.r_[base, closes[:-1]] + rng.choice([-3, 0, 3], n, p=[0.05, 0.9, 0.05])
    highs = np.maximum(opens, closes) + rng.choice([0, 1], n, p=[0.7, 0.3])
    lows = np.minimum(opens, closes) - rng.choice([0, 1], n, p=[0.7, 0.3])
    spread = int(rng.choice([0, 1]))
    for name, values in (("o", opens), ("h", highs), ("l", lows), ("c", closes)):
        bars[f"bid_{name}"] = values * TICK
        bars[f"ask_{name}"] = (values + spread) * TICK
    steps = rng.random(n) < rng.choice([0.0, 0.1, 0.6])
    rate = rng.choice([0.25, 1.0, 2.0]) * np.cumprod(
        np.where(steps, rng.choice([0.9375, 1.0625], n), 1)
    )
    fee = float(rng.choice([0.0, 0.0625]))
    for name, mid in (("o", np.r_[rate[0], rate[:-1]]), ("c", rate)):
        bars[f"gain_{name}"], bars[f"loss_{name}"] = mid * (1 - fee), mid * (1 + fee)
        bars[f"base_{name}"] = mid * bars[f"bid_{name}"]
    bars["marks"] = r.IN_SESSION
    barred = rng.random(n) < rng.choice([0.0, 0.1, 0.5])
    kinds = [0, r.IN_SESSION | r.SESSION_EXIT, r.IN_SESSION | r.WEEK_END,
             r.IN_SESSION | r.HOLIDAY_BAR, r.IN_SESSION | r.CLOSED_BAR]  # fmt: skip
    bars["marks"][barred] = rng.choice(kinds, int(barred.sum()))
    bars["marks"][rng.random(n) < 0.02] |= r.FLATTEN
    bars["marks"] |= rng.choice([0, r.UP_MOVE, r.DOWN_MOVE], n).astype(np.int32)
    bars["vol"] = 0.01
    bars["fin_long"] = np.where(rng.random(n) < 0.02, -0.001, 0.0)
    return bars


def _gates(rng: np.random.Generator, bars: Records) -> Records:
    at = bars["t"][rng.choice(BARS, BARS // int(rng.choice([1, 2, 4, 12])))]
    known = np.unique(at - rng.choice([0, MINUTE // 3, MINUTE // 2], len(at), p=[0.7, 0.2, 0.1]))
    n = len(known)
    gates = r.empty(r.GATE, n)
    gates["known"] = known
    gates["key"] = np.where(rng.random(n) < 0.8, 0, rng.integers(1, 4, n))
    gates["reps"] = rng.choice([1, 2, 3], n, p=[0.1, 0.2, 0.7])
    gates["side"] = rng.choice([1, -1, 0], n, p=[0.6, 0.35, 0.05])
    gates["admit"] = rng.random(n) < 0.95
    gates["blocked"] = rng.random(n) < 0.05
    gates["regime"] = rng.choice([0, 1, 2], n, p=[0.1, 0.6, 0.3])
    gates["hazard"] = rng.choice([0.25, 0.5, 0.75, np.nan], n, p=[0.2, 0.58, 0.2, 0.02])
    gates["regime_confidence"] = rng.choice([0.25, 0.5, 0.75], n)
    gates["metrics"] = rng.choice([0.25, 0.5, 0.75], (n, 10), p=[0.1, 0.8, 0.1])
    return gates


def _rules(rng: np.random.Generator, shut: bool) -> Records:
    rules = r.empty(r.RULES, 1)
    rules["hazard_min"] = rng.choice([-np.inf, 0.25, 0.5])
    rules["hazard_max"] = rng.choice([np.inf, 0.75, 0.5])
    rules["guard_min"], rules["guard_max"] = -np.inf, np.inf
    rules["min_reps"] = rng.choice([0, 2])
    odd = int(rng.choice([0, 0, 0, 0, 0, 0, 1, 2, 3, 4]))
    if odd == 1:
        rules["guards_on"], rules["guard_min"][0, 0] = 1, 0.5
    if odd == 2:
        rules["regimes_on"] = 0b10
    if odd == 3:
        rules["regime_confidence_min"] = 0.5
    if odd == 4:
        rules["cooldown"] = rng.choice([2, 3, 10]) * MINUTE
    rules["direction"] = rng.choice([1, 1, -1])
    rules["missing_direction"] = rng.integers(0, 2)
    rules["max_age"] = rng.choice([0, 1, 3, 30]) * MINUTE
    rules["hold"] = rng.choice([0, 0, 0, 0, 1, 3 * MINUTE, 12 * MINUTE, 20 * MINUTE])
    rules["latency"] = rng.choice([0, 0, 0, MINUTE])
    rules["max_stack"], rules["hazard_exit"] = 1, np.nan
    doors = rng.random(4) < (0.0 if shut else rng.choice([0.25, 0.6]))
    if doors[0]:
        rules["max_stack"] = 2
    if doors[1]:
        rules["rearm"] = 1
    if doors[2]:
        rules["opposite"] = rng.choice([r.OPPOSITE_CLOSE, r.OPPOSITE_REVERSE])
    if doors[3]:
        rules["hazard_exit"] = rng.choice([0.25, 0.75, 2.0])
        rules["hazard_exit_above"] = rng.integers(0, 2)
    lasting = rng.random() < 0.4
    if lasting:
        rules["hold"] = 0
    rules["flat_weekend"] = rng.random() < 0.3
    if not lasting and rng.random() < 0.6:
        rules["stop_abs"] = rng.choice([2, 3, 6, 12]) * TICK
    if not lasting and rng.random() < 0.6:
        rules["target_abs"] = rng.choice([2, 3, 6]) * TICK
    for name, ticks in _MOVES[int(rng.integers(len(_MOVES)))].items():
        rules[name] = ticks * TICK
    rules["base_ccy"], rules["quote_ccy"] = 0, 1
    rules["exposure"] = rng.choice([1.0, 20.0, 22.0])
    rules["vol_scale_min"], rules["vol_scale_max"] = 0.25, 2.0
    rules["margin_rate"] = 0.03125
    rules["max_position"] = np.inf
    rules["max_units"] = np.inf
    rules["min_units"] = rules["unit_step"] = 2.0**-6
    rules["price_scale"] = 1 / TICK
    rules["half_commission"] = rng.choice([0.0, 1e-4])
    return rules


def few_prices(seed: int) -> tuple[Case, float]:
    """A case and the balance it starts with, from one seed."""
    rng = np.random.default_rng(seed)
    bars = _bars(rng)
    gates = _gates(rng, bars)
    live, judged, _ = align(np.ascontiguousarray(bars["t"]), gates["known"], gates)
    limits = r.empty(r.LIMITS, 1)
    limits["margin_budget"] = 0.99
    limits["total_exposure"] = limits["currency_cap"] = np.inf
    limits["closeout"] = rng.choice([0.0, 0.5, 1.3, 1.4])
    limits["max_positions"] = rng.choice([1, 2, 8, 8])
    rules = _rules(rng, shut=rng.random() < 0.5)
    case = Case(share(bars, live + 1, r.with_sentinel(judged)), rules, limits)
    return case, float(rng.choice([10_000.0, 4096.0, 0.5]))
