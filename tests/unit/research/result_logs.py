"""Results of simulations written by hand: logs and accounts that agree with one another."""

from collections.abc import Sequence

import numpy as np

from hotband.core.records import ACCOUNT, DAY, FILL, Records
from hotband.research.measures import MetricInputs
from hotband.research.series import FloatArray, ReturnMode, TradingWindow

DAY_NS = 86_400_000_000_000
MINUTE = 60_000_000_000
START = 100_000.0

V20 = np.array(
    [
        *(0.010, -0.020, 0.015, -0.005, 0.025, 0.000, -0.012, 0.008, 0.004, -0.007),
        *(0.011, -0.003, 0.006, 0.009, -0.016, 0.002, 0.013, -0.008, 0.005, 0.001),
    ]
)


def plain_window(n: int, eligible: Sequence[bool] | None = None) -> TradingWindow:
    """Days 0..n-1, each one civil day of market time."""
    day = np.arange(n, dtype=np.int64)
    mask = np.ones(n, np.bool_) if eligible is None else np.array(eligible, np.bool_)
    return TradingWindow(
        day, (day + 1) * DAY_NS, mask, day[mask] * DAY_NS, (day[mask] + 1) * DAY_NS
    )


def day_rows(equity: Sequence[float] | FloatArray, labels: Sequence[int] | None = None) -> Records:
    """DAY rows of equities, one per day from day 0 on."""
    rows = np.zeros(len(equity), DAY)
    rows["day"] = range(len(equity)) if labels is None else labels
    rows["equity"] = equity
    return rows


def compounded(returns: FloatArray) -> FloatArray:
    """Equity after each of the daily returns, from START."""
    path: FloatArray = np.cumprod(1.0 + returns) * np.float64(START)
    return path


def round_trips(
    gross: Sequence[float] | FloatArray, entry_ns: Sequence[int], exit_ns: Sequence[int]
) -> Records:
    """An opening and a closing row per trade: 1000 units at 1.25, long, instrument 0."""
    rows = np.zeros(2 * len(gross), FILL)
    opens, closes = rows[0::2], rows[1::2]
    opens["kind"], closes["kind"] = 1, -1
    opens["t"], closes["t"] = entry_ns, exit_ns
    closes["gross"] = gross
    rows["side"], rows["units"], rows["rate"] = 1, 1000.0, 1.0
    rows["entry_t"] = np.repeat(np.asarray(entry_ns, np.int64), 2)
    for price in ("price", "entry_price", "best", "worst"):
        rows[price] = 1.25
    return rows


def account_of(fills: Records, days: Records, **fields: float) -> Records:
    """The account at the end: its drawdown and NAV follow from the day rows."""
    account = np.zeros(1, ACCOUNT)
    path = np.concatenate(([START], days["equity"]))
    peak = np.maximum.accumulate(path)
    account["balance"] = account["nav"] = path[-1]
    account["max_dd"] = (peak - path).max()
    account["max_dd_frac"] = ((peak - path) / peak).max()
    account["ruined"] = path.min() <= 0.0
    account["fills"], account["days"] = len(fills), len(days)
    for name, value in fields.items():
        account[name] = value
    return account


def result(
    equity: Sequence[float] | FloatArray,
    fills: Records | None = None,
    *,
    window: TradingWindow | None = None,
    mode: ReturnMode = ReturnMode.COMPOUNDING,
    **fields: float,
) -> MetricInputs:
    """Inputs of a result with these equities; one trade where ``fills`` is left out."""
    days = day_rows(equity)
    log = round_trips([1.0], [0], [MINUTE]) if fills is None else fills
    return MetricInputs(
        fills=log,
        days=days,
        account=account_of(log, days, **fields),
        start_balance=START,
        window=plain_window(len(days)) if window is None else window,
        end_ns=len(days) * DAY_NS,
        pip_sizes=np.array([0.0001]),
        mode=mode,
    )
