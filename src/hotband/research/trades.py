"""From the fill log to trades, and the measures that are about trades rather than days.

A closing row of the log is a whole trade. Money is in home currency, net of commission and
financing; fills are stamped with the open of their bar, so times held are up to a bar short.
Formulas: reference/statistics.md, 1.2.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hotband.core.records import Record, Records
from hotband.errors import IntegrityError
from hotband.market.calendar import MINUTE_NS, Times
from hotband.research.metric import Metric, undefined
from hotband.research.series import FloatArray, TradingWindow
from hotband.research.sharpe import Z90, long_run_variance

FEW_TRADES: Final = 20
FEW_OUTCOMES: Final = 5
SCRATCH: Final = 1e-12
"""An outcome up to so much of the largest one is what is left of two equal sums."""


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Closed trades in the order of their closing, arrays (n,).

    ``net`` = gross - commission + financing. ``mae`` and ``mfe`` are how far the price that
    would have closed the trade went against it and for it, never below 0, in home currency
    and in pips. ``notional`` is the entry's, at the rate of the close.
    """

    net: FloatArray
    entry_ns: Times
    exit_ns: Times
    hold_minutes: FloatArray
    mae: FloatArray
    mfe: FloatArray
    mae_pips: FloatArray
    mfe_pips: FloatArray
    notional: FloatArray

    def __len__(self) -> int:
        return len(self.net)


def closed_trades(fills: Records, pip_sizes: FloatArray) -> Trades:
    """The closing rows of ``FILL`` records as trades.

    ``pip_sizes`` (instruments,) is the price of one pip by the rows' instrument number. Raises
    IntegrityError for a number outside it or a pip that is not positive.
    """
    rows = fills[fills["kind"] == -1]
    which = rows["instrument"]
    if np.any((which < 0) | (which >= len(pip_sizes))) or not np.all(pip_sizes > 0.0):
        raise IntegrityError(
            "pip sizes",
            f"{pip_sizes.tolist()} for instruments {np.unique(which).tolist()}",
            "one positive pip per instrument",
            "Pass the pip of every instrument of the run.",
        )
    side, entry = rows["side"], rows["entry_price"]
    against = np.maximum(side * (entry - rows["worst"]), 0.0)
    towards = np.maximum(side * (rows["best"] - entry), 0.0)
    home, pip = rows["units"] * rows["rate"], pip_sizes[which]
    return Trades(
        net=rows["gross"] - rows["commission"] + rows["financing"],
        entry_ns=rows["entry_t"].astype(np.int64),
        exit_ns=rows["t"].astype(np.int64),
        hold_minutes=(rows["t"] - rows["entry_t"]) / MINUTE_NS,
        mae=against * home,
        mfe=towards * home,
        mae_pips=against / pip,
        mfe_pips=towards / pip,
        notional=home * entry,
    )


def open_spans(fills: Records, end_ns: int) -> tuple[Times, Times]:
    """(starts, ends) in ns of every ticket; those still open last until ``end_ns``.

    Tickets are matched by instrument and opening time. A closing row without an opening one
    raises IntegrityError.
    """
    opens, closes = fills[fills["kind"] == 1], fills[fills["kind"] == -1]
    opened = np.stack((opens["instrument"].astype(np.int64), opens["t"]), axis=1)
    closed = np.stack((closes["instrument"].astype(np.int64), closes["entry_t"]), axis=1)
    tickets, inverse = np.unique(np.concatenate((opened, closed)), axis=0, return_inverse=True)
    balance = np.zeros(len(tickets), np.int64)
    np.add.at(balance, inverse.ravel(), np.repeat([1, -1], [len(opened), len(closed)]))
    if np.any(balance < 0):
        orphan = tickets[balance < 0][0].tolist()
        raise IntegrityError(
            "fill log",
            f"a close of instrument {orphan[0]} opened at {orphan[1]} ns, which never opened",
            "closing rows of logged tickets",
            "Pass the whole log.",
        )
    still = tickets[balance > 0, 1]
    starts = np.concatenate((closes["entry_t"].astype(np.int64), still))
    ends = np.concatenate((closes["t"].astype(np.int64), np.full(len(still), end_ns, np.int64)))
    return starts, ends


def exposure_time(fills: Records, end_ns: int, window: TradingWindow) -> Metric:
    """Share of the eligible market time with any position open, 0..1."""
    if window.market_ns == 0:
        return undefined("data_gap", period="window")
    value = window.market_time_in(*open_spans(fills, end_ns)) / window.market_ns
    n = int(np.count_nonzero(window.eligible))
    return Metric(value=value, n=n, period="window", method="union of open tickets")


def round_trip_cost(trades: Trades, account: Record) -> float:
    """What one trade of median size costs at the run's own cost per notional traded; or 0."""
    if not len(trades) or account["turnover"] <= 0.0:
        return 0.0
    costs = sum(float(account[name]) for name in ("commission", "slippage", "spread", "conversion"))
    return max(0.0, costs / float(account["turnover"]) * 2.0 * float(np.median(trades.notional)))


def outcomes(net: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(wins, losses as positive numbers); a net of 0 up to rounding is neither (scratch)."""
    least = SCRATCH * float(np.abs(net).max(initial=0.0))
    return net[net > least], -net[net < -least]


def _flags(net: FloatArray, *more: str) -> tuple[str, ...]:
    wins, losses = outcomes(net)
    few = len(net) < FEW_TRADES or min(len(wins), len(losses)) < FEW_OUTCOMES
    return (("few_trades",) if few else ()) + more


def profit_factor(net: FloatArray, floor: float) -> Metric:
    """Sum of wins over sum of losses of trades (n,), the losses at least ``floor``.

    Null without trades (no_trades), where all are scratch (no_wins), and without losses where
    ``floor`` is 0 (no_losses).
    """
    wins, losses = outcomes(net)
    if not len(net):
        return undefined("no_trades", n=0, period="trade")
    if not len(wins) and not len(losses):
        return undefined("no_wins", n=len(net), period="trade")
    lost = float(losses.sum())
    if max(lost, floor) <= 0.0:
        return undefined("no_losses", n=len(net), period="trade")
    flags = _flags(net, *(("pf_loss_floored",) if lost < floor else ()))
    value = float(wins.sum()) / max(lost, floor)
    return Metric(value=value, n=len(net), period="trade", flags=flags)


def profit_factor_shrunk(net: FloatArray) -> Metric:
    """Profit factor with five average trades added to both sums, for ranking.

    A handful of trades cannot move it far from 1. Null as profit_factor, but never no_losses.
    """
    wins, losses = outcomes(net)
    if not len(net):
        return undefined("no_trades", n=0, period="trade")
    if not len(wins) and not len(losses):
        return undefined("no_wins", n=len(net), period="trade")
    prior = 5.0 * float(np.abs(net).mean())
    value = (float(wins.sum()) + prior) / (float(losses.sum()) + prior)
    return Metric(value=value, n=len(net), period="trade", method="shrunk", flags=_flags(net))


def win_rate(net: FloatArray) -> Metric:
    """Wins over wins and losses, 0..1, with Wilson's interval; null where there are neither."""
    wins, losses = (len(side) for side in outcomes(net))
    if not len(net):
        return undefined("no_trades", n=0, period="trade")
    n = wins + losses
    if n == 0:
        return undefined("no_wins", n=len(net), period="trade")
    p, z2 = wins / n, Z90**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z90 * float(np.sqrt(p * (1 - p) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return Metric(
        value=p,
        n=n,
        se=float(np.sqrt(p * (1 - p) / n)),
        ci90=(max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))),
        period="trade",
        method="wilson",
        flags=_flags(net),
    )


def win_loss_ratio(net: FloatArray) -> Metric:
    """Mean win over mean loss (payoff); null without a win or without a loss."""
    wins, losses = outcomes(net)
    for missing, reason in ((net, "no_trades"), (wins, "no_wins"), (losses, "no_losses")):
        if not len(missing):
            return undefined(reason, n=len(net), period="trade")
    value = float(wins.mean() / losses.mean())
    return Metric(value=value, n=len(net), period="trade", flags=_flags(net))


def expectancy(trades: Trades) -> Metric:
    """Mean net profit per trade in home currency.

    The standard error is the larger of the plain one and Newey-West's over trades in the order
    of their entries, with as many lags as tickets were ever open beside a new one. One trade
    has no error.
    """
    n, net = len(trades), trades.net
    if n == 0:
        return undefined("no_trades", n=0, period="trade")
    value, flags = float(net.mean()), _flags(net)
    if n < 2:
        return Metric(value=value, n=n, period="trade", flags=flags)
    order = np.argsort(trades.entry_ns, kind="stable")
    entries = trades.entry_ns[order]
    ended = np.searchsorted(np.sort(trades.exit_ns), entries, side="right")
    lag = min(max(int((np.arange(n) - ended).max()), 0), n - 1)
    plain = float(net.std(ddof=1)) / n**0.5
    se = max(plain, (long_run_variance((net - net.mean())[order], lag) / n) ** 0.5)
    ci90 = (value - Z90 * se, value + Z90 * se)
    method = f"newey-west, {lag} lags"
    return Metric(value=value, n=n, se=se, ci90=ci90, period="trade", method=method, flags=flags)


def per_trade(values: FloatArray, *, median: bool = False) -> Metric:
    """Mean or median of one number per trade; null without trades."""
    if not len(values):
        return undefined("no_trades", n=0, period="trade")
    value = float(np.median(values) if median else values.mean())
    method = "median" if median else "mean"
    return Metric(value=value, n=len(values), period="trade", method=method)
