"""Random demo markets, profiles, gates and grids, and how a row differs from a simulation."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from hotband.core.codes import GUARDS
from hotband.core.records import REGIMES
from hotband.feeds.demo import demo_bars
from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.market.calendar import format_time, parse_time
from hotband.market.financing import load_financing
from hotband.profile.strategy import load_profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.result import SimulationResult
from hotband.research.series import daily_returns, trading_window
from hotband.research.sharpe import is_constant, moments, psr, sharpe_ratio
from hotband.research.simulator import BacktestSimulator
from hotband.research.sweep import EXITS

DAY: Final = 86_400_000_000_000
BEGIN: Final = parse_time("2024-01-03T00:00:00Z")
SPANS: Final = (
    ("M1", 1, 1),
    ("M1", 3, 1),
    ("M1", 6, 2),
    ("M15", 40, 10),
    ("H1", 210, 30),
    ("H1", 400, 60),
)
"""Granularity, days of the window and days before it: every reason of a null is in reach."""
PAIRS: Final = ("EUR_USD", "USD_JPY", "AUD_USD")

FINANCED: Final = {
    "rates": {pair: [{"from": "2010-01-01", "long": -0.031, "short": 0.012}] for pair in PAIRS}
}


class World(NamedTuple):
    """A simulator of one instrument and the grid to sweep it with."""

    simulator: BacktestSimulator
    grid: GridSettings


@lru_cache(maxsize=64)
def demo(pair: str, granularity: str, days: int, seed: int) -> Mapping[str, Bars]:
    return demo_bars([pair], BEGIN, BEGIN + days * DAY, granularity, seed=seed, edge=0.05)


def with_holes(rng: np.random.Generator, bars: Bars) -> dict[str, Bars]:
    """So few of the bars that most days, or all, have too little data to count."""
    kept = bars.data[rng.random(len(bars.data)) < rng.choice([0.6, 0.8])]
    name = bars.instrument
    return {name: Bars.from_records(name, bars.granularity, kept, source="demo")}


def random_gates(rng: np.random.Generator, bars: Bars, share: float) -> Gates:
    """Recorded gates at a share of the closes, with undefined fields and keys that repeat."""
    n = max(1, int(share * len(bars.data)))
    at = np.sort(rng.choice(len(bars.data), n, replace=False))
    undefined = np.where(rng.random((n, len(GUARDS))) < 0.02, np.nan, rng.random((n, len(GUARDS))))
    return Gates.from_columns(
        bars.instrument,
        bars.known_ns[at],
        rng.choice([1, 1, -1, -1, 0], n),
        np.where(rng.random(n) < 0.02, np.nan, rng.uniform(0.02, 0.2, n)),
        rng.integers(0, 9, n),
        {metric: undefined[:, slot] for slot, (_, metric) in enumerate(GUARDS)},
        synthetic=False,
        key=np.where(rng.random(n) < 0.5, 0, rng.integers(1, n + 1, n)),
        admit=(rng.random(n) < 0.97).astype(np.int64),
        blocked=(rng.random(n) < 0.02).astype(np.int64),
        regime=[REGIMES[i] for i in rng.integers(0, len(REGIMES), n)],
        regime_confidence=rng.random(n),
    )


def random_profile(rng: np.random.Generator, pair: str) -> dict[str, Any]:
    """Settings with every switch on in some draws and off in others."""

    def maybe(value: Any, share: float = 0.5) -> Any:
        return value if rng.random() < share else None

    stop = maybe(float(rng.integers(5, 40)))
    shared = {
        "hazard_max": maybe(round(float(rng.uniform(0.05, 0.16)), 4), 0.8),
        "min_repetitions": int(rng.integers(0, 4)),
        "guards": {"min_stability": maybe(0.2, 0.2), "max_entropy": maybe(0.999, 0.2)},
        "direction": str(rng.choice(["momentum", "mean_reversion"])),
        "missing_direction": str(rng.choice(["refuse", "last_move"])),
        "gate_max_age_minutes": float(rng.choice([15.0, 90.0, 600.0])),
        "exit": {
            "hold_minutes": float(rng.choice([5.0, 30.0, 300.0, 3000.0])),
            "hold_rearm": bool(rng.random() < 0.3),
        },
        "cooldown_minutes": float(rng.choice([0.0, 0.0, 45.0])),
        "latency_seconds": float(rng.choice([0.0, 0.0, 150.0])),
        "max_stack": int(rng.choice([1, 1, 2, 4])),
        "opposite": str(rng.choice(["ignore", "close", "reverse"])),
        "stop_loss_pips": stop,
        "take_profit_pips": maybe(25.0),
        "breakeven_pips": maybe(6.0, 0.3),
        "trailing_stop_pct": maybe(0.001, 0.3),
        "hazard_exit": {"threshold": maybe(0.12, 0.3), "when": "above"},
        "nav_risk_pct": None if stop is None else maybe(0.01),
        "exposure": float(rng.choice([0.1, 1.0, 8.0, 28.0])),
        "flat_before_weekend": bool(rng.random() < 0.5),
    }
    account = {
        "home": str(rng.choice(pair.split("_"))),
        "cost_bps": float(rng.choice([0.0, 1.5, 30.0, 400.0])),  # the last one ruins
        "margin_budget_pct": float(rng.choice([30.0, 100.0])),
        "closeout": float(rng.choice([0.0, 0.5, 1.0])),
    }
    return {"global": shared, "account": account}


def random_grid(rng: np.random.Generator) -> dict[str, Any]:
    """A few axes of two or three values each, the optional ones in some draws."""
    axes: dict[str, Any] = {
        "hazard": {"points": int(rng.integers(2, 4)), "widen_from": float(rng.choice([0.0, 0.7]))},
        "min_reps_add": [0, 3],
        "hold_minutes": [20.0, 200.0] if rng.random() < 0.7 else None,
        "exposure_x": [0.5, 1.0] if rng.random() < 0.3 else None,
    }
    optional: dict[str, Any] = {
        "stop_loss_pips": [None, 12.0],
        "take_profit_pips": [None, 18.0],
        "trailing_pips": [None, 8.0],
        "breakeven_pips": [None, 5.0],
        "guards": {"min_stability": [0.1, 0.4], "max_entropy": [0.9, 1.0]},
        "direction": ["momentum", "mean_reversion"],
    }
    for name in rng.choice(list(optional), 2, replace=False).tolist():
        axes[name] = optional[name]
    return {"default": axes, "min_trades": int(rng.choice([1, 10]))}


def random_world(seed: int) -> World:
    """Everything from one seed: gates are recorded, derived, or both by turns."""
    rng = np.random.default_rng(seed)
    granularity, days, before = SPANS[int(rng.integers(len(SPANS)))]
    pair = str(rng.choice(PAIRS))
    bars = demo(pair, granularity, days + before, int(rng.integers(3)))
    if rng.random() < 0.2:
        bars = with_holes(rng, bars[pair])
    kind = str(rng.choice(["recorded", "derived", "mixed"]))
    gates: dict[str, Gates] = {}
    if kind != "derived":
        # Sparse in minutes, dense in hours, so that both trade and neither is slow.
        share = 0.2 if granularity == "M1" else 0.5
        found = random_gates(rng, bars[pair], share)
        half = BEGIN + (before + days // 2) * DAY
        gates = {pair: found if kind == "recorded" else found.window(0, half)}
    simulator = BacktestSimulator(
        pair,
        format_time(BEGIN + before * DAY),
        format_time(BEGIN + (before + days) * DAY),
        profile=load_profile(random_profile(rng, pair)),
        balance=float(rng.choice([2_000.0, 100_000.0])),
        granularity=granularity,
        bars=bars,
        gates=gates,
        financing=load_financing(FINANCED if rng.random() < 0.5 else None),
        fallback=kind != "recorded",
    )
    return World(simulator, load_grid(random_grid(rng)))


# What a row must say of a simulation --------------------------------------------------------------


def expected_row(result: SimulationResult, simulator: BacktestSimulator) -> dict[str, object]:
    """What the row of a cell must hold, from a fresh simulation of that cell."""
    found: dict[str, object] = {}
    for name, metric in result.metrics.items():
        found[name] = metric.value
        found[f"{name}_null"] = metric.reason
    trades, (part,) = result.trades, result.parts.values()
    funnel, account = part.funnel, result.account[0]
    refused = funnel.refusals
    most = max(refused.values(), default=0)
    derived = int((trades["source"] == "synthetic").sum())
    days = trading_window(
        simulator.profile.account.market_hours(),
        *result.window, part.feed.bars["t"], part.feed.granularity_ns,
    )  # fmt: skip
    log = result.logs.days[: int(account["days"])]
    returns = daily_returns(log, result.balance, days).returns
    held = np.mean([result.balance, *log["equity"].tolist()])
    found |= {
        "gates": funnel.gates, "admitted": funnel.admitted, "sized": funnel.sized,
        "planned": funnel.planned, "filled": funnel.filled, "open": int(account["positions"]),
        "stopped_count": most, "synthetic_trades": derived,
        "best_trade": trades["pnl"].max(), "worst_trade": trades["pnl"].min(),
        "best_trade_null": None if trades.height else "no_trades",
        "worst_trade_null": None if trades.height else "no_trades",
        "psr_null": result.metrics["sharpe"].reason,
        "psr": None,
        "real_fraction": 1.0 - derived / trades.height if trades.height else 0.0,
        "pnl_nav_pct": 100.0 * (account["nav"] - result.balance) / held if held > 0 else -100.0,
    }  # fmt: skip
    if result.metrics["sharpe"].value is not None and not is_constant(returns):
        found["psr"] = psr(sharpe_ratio(returns), len(returns), *moments(returns))
    reasons = trades["exit_reason"].value_counts()
    counts = dict(zip(reasons["exit_reason"], reasons["count"], strict=True))
    found |= {name: counts.get(REASON_OF[name], 0) for name, _ in EXITS}
    return found


REASON_OF: Final = {
    "exits_stop": "stop_loss_hit", "exits_target": "take_profit_hit",
    "exits_breakeven": "breakeven_stop_hit", "exits_trailing": "trailing_stop_hit",
    "exits_hold": "hold_expiry", "exits_hazard": "hazard_exit",
    "exits_opposite": "opposite_gate", "exits_weekend": "weekend_flat",
    "exits_closeout": "margin_closeout",
}  # fmt: skip


def differences(row: Mapping[str, Any], expected: Mapping[str, Any], scale: float) -> list[str]:
    """Columns of a row that differ by more than 1e-9 of the value; ``scale`` is the balance.

    Sums of money carry the rounding of numbers as large as the balance; nothing else may.
    """
    wrong = []
    for name, due in expected.items():
        if name not in row:
            # A metric that can never be missing has no column of reasons.
            if not name.endswith("_null") or due is not None:
                wrong.append(f"{name}: no such column, due {due}")
            continue
        got = row[name]
        if isinstance(due, str) or due is None or got is None:
            same = got == due
        else:
            small = 1e-14 * scale if name in MONEY else 1e-14
            same = math.isclose(got, due, rel_tol=1e-9, abs_tol=small)
        if not same:
            wrong.append(f"{name}: row {got}, simulation {due}")
    return wrong


MONEY: Final = ("pnl", "expectancy", "median_trade_pnl", "best_trade", "worst_trade", "max_dd")


def unfit(rows: pl.DataFrame) -> list[str]:
    """Columns of numbers that hold a NaN or an infinity."""
    numbers = [name for name, kind in rows.schema.items() if kind == pl.Float64]
    return [name for name in numbers if not rows[name].drop_nulls().is_finite().all()]
