"""The money side of the plain twin: tickets, marks, fills at levels and at the market."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from hotband.core import codes
from hotband.core import records as r
from tests.naive.naive_gating import Row
from tests.naive.naive_sizing import market


@dataclass
class Ticket:
    opened: int
    hold_from: int
    gate: Row
    units: float
    entry: float
    stop: float | None
    target: float | None
    best: float
    worst: float
    commission: float
    first_stop: float | None = None
    stop_reason: int = codes.STOP_LOSS
    financing: float = 0.0
    leaves_at: float = math.inf
    leaves_for: int = 0


@dataclass
class NaiveAccount:
    rules: Row
    limits: Row
    balance: float
    start: float = 0.0
    side: int = 0
    tickets: list[Ticket] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    last_fill: float = -math.inf
    fills: list[Row] = field(default_factory=list)
    costs: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    ambiguous: int = 0
    unrealised: float = 0.0
    margin: float = 0.0
    nav_at_mid: float = 0.0
    closed_out_at: float = -math.inf

    def __post_init__(self) -> None:
        self.start = self.balance

    @property
    def nav(self) -> float:
        return self.balance + self.unrealised

    # Money ---------------------------------------------------------------------------------

    def pay_financing(self, bar: Row) -> None:
        rate = bar["fin_long"] if self.side > 0 else bar["fin_short"]
        middle = 0.5 * (bar["bid_o"] + bar["ask_o"])
        for ticket in self.tickets:
            quote = ticket.units * middle * rate
            home = quote * (bar["gain_o"] if quote > 0 else bar["loss_o"])
            ticket.financing += home
            self.costs["financing"] += home
            self.balance += home

    def value(self, bar: Row, when: str) -> None:
        """Mark at the closing side; ``when`` is "o" or "c"."""
        bid, ask = bar[f"bid_{when}"], bar[f"ask_{when}"]
        gain, loss = bar[f"gain_{when}"], bar[f"loss_{when}"]
        price = bid if self.side > 0 else ask
        self.unrealised = 0.0
        for ticket in self.tickets:
            quote = self.side * (price - ticket.entry) * ticket.units
            self.unrealised += quote * (gain if quote > 0 else loss)
        units = sum(ticket.units for ticket in self.tickets)
        self.margin = units * bar[f"base_{when}"] * self.rules["margin_rate"]
        half_spread = units * (ask - bid) / 2 * (gain + loss) / 2
        self.nav_at_mid = self.nav + half_spread

    def close_out_if_due(self) -> None:
        needed = self.limits["closeout"] * self.margin
        if needed > 0 and needed >= self.nav_at_mid:
            for ticket in self.tickets:
                ticket.leaves_at, ticket.leaves_for = -math.inf, codes.MARGIN_CLOSEOUT

    # Leaving -------------------------------------------------------------------------------

    def market(self, bid: float, ask: float, side: int) -> float:
        return market(bid, ask, side, self.rules["slippage"])

    def leave_where_due(self, bar: Row) -> None:
        for ticket in list(self.tickets):
            if ticket.leaves_at <= bar["t"]:
                price = self.market(bar["bid_o"], bar["ask_o"], -self.side)
                self.close(ticket, bar, price, ticket.leaves_for, "o")

    def leave_where_gapped(self, bar: Row) -> None:
        price = bar["bid_o"] if self.side > 0 else bar["ask_o"]
        for ticket in list(self.tickets):
            if ticket.stop is not None and self.side * (price - ticket.stop) <= 0:
                out = self.market(bar["bid_o"], bar["ask_o"], -self.side)
                self.close(ticket, bar, out, ticket.stop_reason, "o")
            elif ticket.target is not None and self.side * (price - ticket.target) >= 0:
                self.close(ticket, bar, ticket.target, codes.TAKE_PROFIT, "o")

    def live_through(self, bar: Row) -> None:
        """Inside the bar: the stop first, else the target, else levels move for later bars."""
        long = self.side > 0
        good, bad = (bar["bid_h"], bar["bid_l"]) if long else (bar["ask_l"], bar["ask_h"])
        opened = bar["bid_o"] if long else bar["ask_o"]
        for ticket in list(self.tickets):
            stopped = ticket.stop is not None and self.side * (bad - ticket.stop) <= 0
            reached = ticket.target is not None and self.side * (good - ticket.target) >= 0
            if stopped and ticket.stop is not None:
                self.ambiguous += reached
                # A ticket of this bar may have been past its stop from the start.
                raw = min(ticket.stop, opened) if long else max(ticket.stop, opened)
                out = self.market(raw, raw, -self.side)
                self.close(ticket, bar, out, ticket.stop_reason, "c")
            elif reached and ticket.target is not None:
                self.close(ticket, bar, ticket.target, codes.TAKE_PROFIT, "c")
            else:
                ticket.best = max(ticket.best, good) if long else min(ticket.best, good)
                ticket.worst = min(ticket.worst, bad) if long else max(ticket.worst, bad)
                self.move_stop(ticket)

    def on_grid(self, price: float) -> float:
        """A level on the price grid: up for longs, down for shorts."""
        scale = self.rules["price_scale"]
        if self.side > 0:
            return float(math.ceil(price * scale - 1e-6) / scale)
        return float(math.floor(price * scale + 1e-6) / scale)

    def move_stop(self, ticket: Ticket) -> None:
        gained = self.side * (ticket.best - ticket.entry)
        trigger = self.rules["breakeven_frac"] * ticket.entry + self.rules["breakeven_abs"]
        trail = self.rules["trail_frac"] * ticket.best + self.rules["trail_abs"]
        wanted = []
        if trigger > 0 and gained >= trigger:
            wanted.append((self.on_grid(ticket.entry), codes.BREAKEVEN_STOP))
        if trail > 0 and gained > 0:
            wanted.append((self.on_grid(ticket.best - self.side * trail), codes.TRAILING_STOP))
        for level, reason in wanted:
            if ticket.stop is None or self.side * (level - ticket.stop) > 0:
                ticket.stop, ticket.stop_reason = level, reason

    def close(self, ticket: Ticket, bar: Row, price: float, reason: int, when: str) -> None:
        side, slip = self.side, self.rules["slippage"]
        gain, loss = bar[f"gain_{when}"], bar[f"loss_{when}"]
        quote = side * (price - ticket.entry) * ticket.units
        rate = gain if quote > 0 else loss
        middle = (gain + loss) / 2
        half_spread = (bar[f"ask_{when}"] - bar[f"bid_{when}"]) / 2
        self.balance += quote * rate - ticket.commission
        self.costs["commission"] += ticket.commission
        self.costs["conversion"] += quote * (middle - rate)
        self.costs["spread"] += ticket.units * half_spread * middle
        self.costs["turnover"] += ticket.units * bar[f"base_{when}"]
        if reason != codes.TAKE_PROFIT:
            raw = price / (1 - side * slip)
            self.costs["slippage"] += ticket.units * raw * slip * middle
        better, worse = (max, min) if side > 0 else (min, max)
        self.fills.append(
            {
                "t": bar["t"], "kind": -1, "side": side, "reason": reason,
                "synthetic": ticket.gate["synthetic"], "intrabar": int(when == "c"),
                "key": ticket.gate["key"], "gate": ticket.gate["known"], "units": ticket.units,
                "price": price, "entry_t": ticket.opened, "entry_price": ticket.entry,
                "gross": quote * rate, "commission": 2 * ticket.commission,
                "financing": ticket.financing, "best": better(ticket.best, price),
                "worst": worse(ticket.worst, price), "stop": ticket.first_stop, "rate": rate,
            }
        )  # fmt: skip
        self.tickets.remove(ticket)
        self.last_fill = bar["t"]
        if reason == codes.MARGIN_CLOSEOUT:
            self.closed_out_at = bar["t"]
        self.value(bar, when)
        if not self.tickets:
            self.side = 0

    def send_exits(self, reason: int, due: int) -> None:
        for ticket in self.tickets:
            if ticket.leaves_at == math.inf:
                ticket.leaves_at, ticket.leaves_for = due, reason

    def is_duplicate(self, gate: Row) -> bool:
        return gate["key"] != 0 and gate["key"] in self.keys[-r.MAX_KEYS :]

    def is_cooling(self, bar: Row) -> bool:
        return bool(bar["t"] < self.last_fill + self.rules["cooldown"])
