"""How far derived gates stand for recorded ones, on the stretches that have both.

The same window is run twice through the pipeline, once on recorded gates alone and once on
derived ones alone, and compared in what matters to a trade: which minutes had an admitted gate
and on which side, how far apart in time they came, and what they earned. Only the real
stretches of the window count (``gates.reader`` states the rule).
"""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.gating import threshold_mask, trade_side
from hotband.core.records import DOWN_MOVE, UP_MOVE, Records
from hotband.errors import WindowError
from hotband.gates.reader import in_spans
from hotband.gates.runs import IntArray
from hotband.market.calendar import MarketHours, format_time
from hotband.market.instruments import currencies
from hotband.profile.rules import compile_rules
from hotband.research.feed import Feed
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator

Sides = npt.NDArray[np.int64]
LEAST_DAYS: Final = 3
"""Fewer days of profit and loss than this have no correlation worth a number."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Agreement of derived with recorded gates for one instrument.

    Minutes are bars; ``None`` = undefined, as a share of nothing is.

    Attributes:
        instrument: Such as ``EUR_USD``.
        minutes: Bars in real stretches of the window, in minutes.
        real_admitted: Of them, those with an admitted recorded gate live.
        synthetic_admitted: The same of derived gates.
        both_admitted: Those with both.
        jaccard: both / (real or synthetic), 0..1.
        same_side: Of both, the share on the same side.
        chance_jaccard: What independent gates as frequent as these would reach.
        lag_minutes: Median distance from an admitted recorded gate to the nearest admitted
            derived gate of its side.
        real_trades, synthetic_trades: Trades entered in real stretches and closed.
        real_pnl, synthetic_pnl: Their profit and loss, home currency, costs included.
        daily_correlation: Of daily profit and loss (Pearson).
    """

    instrument: str
    minutes: float
    real_admitted: float
    synthetic_admitted: float
    both_admitted: float
    jaccard: float | None
    same_side: float | None
    chance_jaccard: float | None
    lag_minutes: float | None
    real_trades: int
    synthetic_trades: int
    real_pnl: float
    synthetic_pnl: float
    daily_correlation: float | None

    def to_dict(self) -> dict[str, object]:
        """The figures as JSON-safe values."""
        return asdict(self)


def admitted_sides(feed: Feed, rules: Records) -> Sides:
    """Per bar the side of the live gate that clears all thresholds; 0 = none does.

    The clock (session, weekend) is left out: it is the same for both kinds of gates.
    """
    bars = feed.bars
    of_gate = np.zeros((len(feed.gates), 3), np.int64)
    # A gate without a side of its own takes that of the last move, which hangs on the bar.
    up, down = bars["marks"] & UP_MOVE != 0, bars["marks"] & DOWN_MOVE != 0
    for kind, probe in enumerate((bars[~up & ~down], bars[up], bars[down])):
        for row in range(1, len(feed.gates) if len(probe) else 0):
            side = trade_side(probe[0], feed.gates[row], rules[0])
            admitted = threshold_mask(feed.gates[row], side, rules[0]) == 0
            of_gate[row, kind] = side if admitted else 0
    move = np.where(up, 1, np.where(down, 2, 0))
    sides = of_gate[feed.gate_of_bar, move]
    age = bars["t"] - feed.gates["known"][feed.gate_of_bar]
    live = (feed.gate_of_bar > 0) & (age <= int(rules["max_age"][0]))
    return np.where(live, sides, 0)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _lag(real: Sides, derived: Sides, t_ns: npt.NDArray[np.int64]) -> float | None:
    """Median minutes from each bar where a recorded side begins to the nearest derived one."""
    gaps = []
    for side in (1, -1):
        begins = np.flatnonzero((real == side) & (np.r_[0, real[:-1]] != side))
        there = t_ns[np.flatnonzero(derived == side)]
        if len(begins) and len(there):
            at = np.searchsorted(there, t_ns[begins])
            after = there[np.minimum(at, len(there) - 1)]
            before = there[np.maximum(at - 1, 0)]
            gaps.append(np.minimum(abs(after - t_ns[begins]), abs(t_ns[begins] - before)))
    return float(np.median(np.concatenate(gaps))) / 60e9 if gaps else None


def _inside(result: SimulationResult, spans: IntArray) -> pl.DataFrame:
    """The trades that were entered in a real stretch."""
    entered = result.trades["entry_time"].to_physical().to_numpy()
    return result.trades.filter(pl.Series(in_spans(entered, spans)))


def _correlation(real: pl.DataFrame, derived: pl.DataFrame, hours: MarketHours) -> float | None:
    """Of profit and loss per trading day on which either closed a trade."""
    daily = []
    for trades in (real, derived):
        days = hours.trading_day(trades["exit_time"].to_physical().to_numpy())
        daily.append(dict.fromkeys(days.tolist(), 0.0))
        for day, pnl in zip(days.tolist(), trades["pnl"].to_list(), strict=True):
            daily[-1][day] += pnl
    either = sorted(daily[0].keys() | daily[1].keys())
    moves = [np.array([each.get(day, 0.0) for day in either]) for each in daily]
    if len(either) < LEAST_DAYS or not all(np.ptp(move) > 0 for move in moves):
        return None
    return float(np.corrcoef(moves[0], moves[1])[0, 1])


def _compare(
    name: str,
    real: SimulationResult,
    derived: SimulationResult,
    rules: Records,
    hours: MarketHours,
) -> Fidelity:
    parts = (real.parts[name], derived.parts[name])
    bars, spans = parts[0].feed.bars, parts[0].chosen.real_spans
    inside = in_spans(np.ascontiguousarray(bars["t"]), spans)
    trades = (_inside(real, spans), _inside(derived, spans))
    t_ns = np.ascontiguousarray(bars["t"])[inside]
    one, other = (admitted_sides(part.feed, rules)[inside] for part in parts)
    per_bar = parts[0].feed.granularity_ns / 60e9
    n, n_real, n_derived = len(t_ns), int((one != 0).sum()), int((other != 0).sum())
    both = int(((one != 0) & (other != 0)).sum())
    expected = n_real * n_derived / n if n else 0.0
    return Fidelity(
        instrument=name,
        minutes=per_bar * n,
        real_admitted=per_bar * n_real,
        synthetic_admitted=per_bar * n_derived,
        both_admitted=per_bar * both,
        jaccard=_share(both, n_real + n_derived - both),
        same_side=_share(int(((one == other) & (one != 0)).sum()), both),
        chance_jaccard=_share(expected, n_real + n_derived - expected),
        lag_minutes=_lag(one, other, t_ns),
        real_trades=trades[0].height,
        synthetic_trades=trades[1].height,
        real_pnl=float(trades[0]["pnl"].sum()),
        synthetic_pnl=float(trades[1]["pnl"].sum()),
        daily_correlation=_correlation(*trades, hours),
    )


def fidelity(simulator: BacktestSimulator) -> list[Fidelity]:
    """Compare derived with recorded gates, one instrument at a time.

    Args:
        simulator: Says instruments, window, profile, costs, bars and gate store; each
            instrument is run alone, twice.

    Raises:
        WindowError: No instrument has a recorded gate in the window.
        StoreUnavailableError: The gate store's server does not answer.
    """
    found = []
    for name in simulator.names:
        real = simulator.alone(name, recorded=True).run()
        spans = real.parts[name].chosen.real_spans
        if not len(spans):
            continue
        derived = simulator.alone(name, recorded=False).run()
        pair = simulator.table[name]
        money = currencies([pair], simulator.profile.account.home)
        rules = compile_rules(simulator.profile, pair, money, cost_bps=simulator.cost_bps)
        found.append(_compare(name, real, derived, rules, simulator.reader.hours))
    if not found:
        start, end = (format_time(t) for t in simulator.window)
        raise WindowError(
            f"window of {', '.join(simulator.names)}",
            f"{start} to {end}, without a recorded gate",
            "a window with recorded gates",
            "Encode some with 'hotband gates encode', or choose another window.",
        )
    return found
