"""Bars, gates, rules and a desk to trade them on, small enough to compute by hand.

The default desk trades EUR_USD in a USD account without costs, levels or limits; each test
switches on what it is about. ``Desk.step`` is the real ``core.step.step``.
"""

import math

import numpy as np

from hotband.core import records as r
from hotband.core.records import Record, Records
from hotband.core.step import finish, step
from hotband.market.calendar import parse_time

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
T0 = parse_time("2026-03-02T12:00:00Z")
"""A Monday."""

Prices = float | tuple[float, float, float, float]


def at(minute: float) -> int:
    """Open time ``minute`` minutes after ``T0``."""
    return T0 + round(minute * MINUTE)


def bar(
    t: int,
    bid: Prices,
    ask: Prices | None = None,
    *,
    spread: float = 0.0,
    rates: tuple[float, float, float] | None = None,
    **fields: float,
) -> Records:
    """One BAR record: bid as open, high, low, close, or one price for all four.

    ``rates`` are (quote -> home gain, loss, base -> home) at open and close; None is an account
    in the quote currency, where the base is worth its mid.
    """
    out = r.empty(r.BAR, 1)
    lows = bid if isinstance(bid, tuple) else (bid,) * 4
    highs = ask if isinstance(ask, tuple) else (ask,) * 4
    for i, name in enumerate("ohlc"):
        high = highs[i]
        out[f"bid_{name}"] = lows[i]
        out[f"ask_{name}"] = round(lows[i] + spread, 9) if high is None else high
    for name in "oc":
        mid = 0.5 * (out[f"bid_{name}"][0] + out[f"ask_{name}"][0])
        gain, loss, base = (1.0, 1.0, mid) if rates is None else rates
        out[f"gain_{name}"], out[f"loss_{name}"], out[f"base_{name}"] = gain, loss, base
    out["t"] = t
    out["day"] = t // (24 * HOUR)
    out["marks"] = r.IN_SESSION
    out["vol"] = math.nan
    for name, value in fields.items():
        out[name] = value
    return out


def gate(known: int, side: int = 1, **fields: float) -> Records:
    """One admitted GATE record with every metric at 0.5."""
    out = r.empty(r.GATE, 1)
    out["known"], out["side"], out["admit"], out["reps"] = known, side, 1, 5
    out["hazard"] = out["regime_confidence"] = out["metrics"] = 0.5
    for name, value in fields.items():
        out[name] = value
    return out


def rules(**fields: float) -> Records:
    """RULES that admit every gate and trade 10,000 units until told otherwise."""
    out = r.empty(r.RULES, 1)
    out["hazard_min"], out["hazard_max"] = -math.inf, math.inf
    out["guard_min"], out["guard_max"] = -math.inf, math.inf
    out["direction"] = out["max_stack"] = 1
    out["max_age"] = 60 * MINUTE
    out["hazard_exit"] = math.nan
    out["exposure"] = 1e9
    out["vol_scale_min"], out["vol_scale_max"] = 0.25, 2.0
    out["base_ccy"], out["quote_ccy"] = 0, 1
    out["margin_rate"] = 0.02
    out["min_units"] = out["unit_step"] = 1.0
    out["max_units"], out["max_position"] = 10_000.0, math.inf
    out["price_scale"] = 1e5
    for name, value in fields.items():
        out[name] = value
    return out


def limits(**fields: float) -> Records:
    """LIMITS that bind nothing but margin above NAV."""
    out = r.empty(r.LIMITS, 1)
    out["margin_budget"] = 1.0
    out["total_exposure"] = out["currency_cap"] = math.inf
    out["max_positions"] = 8
    for name, value in fields.items():
        out[name] = value
    return out


class Desk:
    """An account whose events a test hands over one by one."""

    def __init__(
        self,
        *books: Records,
        balance: float = 10_000.0,
        limit: Records | None = None,
    ) -> None:
        self.rules = books or (rules(),)
        self.limits = limits() if limit is None else limit
        self.rows = r.new_account(balance)
        self.books = r.new_books(
            [int(one["base_ccy"][0]) for one in self.rules],
            [int(one["quote_ccy"][0]) for one in self.rules],
        )
        self.log, self.day_log = r.empty(r.FILL, 200), r.empty(r.DAY, 50)

    def step(
        self, event: Records, live: Records | None = None, k: int = 0
    ) -> tuple[int, int, float]:
        """One bar of book ``k`` with its live gate: (mask, code, units planned)."""
        seen = gate(-r.NEVER) if live is None else live
        return step(
            self.rows[0], self.books, k, event[0], seen[0], self.rules[k][0], self.limits[0],
            self.log, self.day_log,
        )  # fmt: skip

    def enter(self, price: float, side: int = 1, *, spread: float = 0.0, t: int = T0) -> None:
        """Open a ticket with a flat bar at ``price`` and a fresh gate."""
        _, _, units = self.step(bar(t, price, spread=spread), gate(t, side))
        assert units > 0

    def end(self) -> None:
        """End the window."""
        finish(self.rows[0], self.books, self.day_log)

    @property
    def account(self) -> Record:
        return self.rows[0]

    @property
    def book(self) -> Record:
        return self.books[0]

    @property
    def fills(self) -> Records:
        found: Records = self.log[: int(self.account.fills)]
        return found

    @property
    def trades(self) -> Records:
        """The closing fills: one whole trade each."""
        found: Records = self.fills[self.fills["kind"] == -1]
        return found

    @property
    def opened(self) -> Records:
        found: Records = self.fills[self.fills["kind"] == 1]
        return found

    @property
    def trade(self) -> Record:
        """The only trade."""
        assert len(self.trades) == 1
        return self.trades[0]

    def closeout_percent(self) -> float:
        """OANDA's figure: half the margin over NAV at mid."""
        mid = float(self.account.nav) + float(np.sum(self.books["mid_gap"]))
        return 0.5 * float(self.account.margin) / mid
