"""The whole pipeline for one instrument as a trader would tell it: objects, floats, no records.

Written from the design page, one bar after the other, without skipping, masks or counters:
every gate keeps its own story and the funnel is counted from the stories at the end.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from hotband.core import codes
from hotband.core import records as r
from tests.naive.naive_gating import (
    ADMITTED,
    PLANNED,
    SEEN,
    SIZED,
    Row,
    Story,
    clock_failures,
    side_to_trade,
    threshold_failures,
)
from tests.naive.naive_measures import drawdowns
from tests.naive.naive_sizing import market, size


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
class Order:
    side: int
    units: float
    due: int
    gate: Row
    limit: int


@dataclass
class NaivePipeline:
    rules: Row
    limits: Row
    balance: float
    start: float = 0.0
    side: int = 0
    tickets: list[Ticket] = field(default_factory=list)
    order: Order | None = None
    stories: list[Story] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    last_fill: float = -math.inf
    fills: list[Row] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    days: dict[int, float] = field(default_factory=dict)
    costs: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    ambiguous: int = 0
    unrealised: float = 0.0
    margin: float = 0.0
    nav_at_mid: float = 0.0

    def __post_init__(self) -> None:
        self.start = self.balance

    @property
    def nav(self) -> float:
        return self.balance + self.unrealised

    # One bar -------------------------------------------------------------------------------

    def take(self, bar: Row, gate: Row | None) -> None:
        self.pay_financing(bar)
        self.value(bar, "o")
        self.close_out_if_due()
        self.leave_where_due(bar)
        self.leave_where_gapped(bar)
        story = self.story_of(gate, bar) if gate else None
        failing = (
            story.failing + clock_failures(bar, gate, self.rules, self.limits)
            if story and gate
            else []
        )
        admitted = story is not None and not failing
        if story and failing:
            story.reach(SEEN, min(failing))
        reversing = False
        if admitted and story and gate:
            story.reach(ADMITTED)
            reversing = self.meet_position(bar, gate, story)
        self.plan_exits(bar, gate)
        self.leave_where_due(bar)
        self.fill_order(bar)
        if admitted and story and gate:
            self.plan_entry(bar, gate, story, reversing)
            self.fill_order(bar)
        self.live_through(bar)
        self.value(bar, "c")
        self.close_out_if_due()
        self.equity.append(self.nav)
        self.days[bar["day"]] = self.nav

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
        self.value(bar, when)
        if not self.tickets:
            self.side = 0

    # Gates ---------------------------------------------------------------------------------

    def story_of(self, gate: Row, bar: Row) -> Story:
        if not self.stories or self.stories[-1].known != gate["known"]:
            side = side_to_trade(gate, bar, self.rules)
            failing = threshold_failures(gate, side, self.rules)
            self.stories.append(Story(gate["known"], side, failing, gate["skipped"]))
        return self.stories[-1]

    # Planning ------------------------------------------------------------------------------

    def send_exits(self, reason: int, due: int) -> None:
        for ticket in self.tickets:
            if ticket.leaves_at == math.inf:
                ticket.leaves_at, ticket.leaves_for = due, reason

    def meet_position(self, bar: Row, gate: Row, story: Story) -> bool:
        """What an admitted gate does to the open position; True where it reverses it."""
        if not self.tickets or story.used:
            return False
        due = bar["t"] + self.rules["latency"]
        if story.side != self.side:
            if self.rules["opposite"] == r.OPPOSITE_CLOSE:
                self.send_exits(codes.OPPOSITE_GATE, due)
                story.used = True
                story.reach(SIZED, codes.OPPOSITE_SIDE_CLOSED)
            elif self.rules["opposite"] == r.OPPOSITE_REVERSE:
                free = self.order is None and not self.is_duplicate(gate)
                if free and not self.is_cooling(bar):
                    self.send_exits(codes.OPPOSITE_GATE, due)
                    return True
        elif len(self.tickets) >= self.rules["max_stack"] and self.rules["rearm"]:
            for ticket in self.tickets:
                ticket.hold_from = bar["t"]
            story.used = True
            story.reach(SIZED, codes.HOLD_REARMED)
        return False

    def plan_exits(self, bar: Row, gate: Row | None) -> None:
        rules, now = self.rules, bar["t"]
        due = now + rules["latency"]
        if rules["flat_weekend"] and bar["marks"] & r.FLATTEN:
            self.send_exits(codes.WEEKEND_FLAT, due)
        limit = rules["hazard_exit"]
        if gate and not math.isnan(limit) and now <= gate["known"] + rules["max_age"]:
            above = rules["hazard_exit_above"]
            if gate["hazard"] >= limit if above else gate["hazard"] <= limit:
                self.send_exits(codes.HAZARD_EXIT, due)
        for ticket in self.tickets:
            over = rules["hold"] > 0 and now >= ticket.hold_from + rules["hold"]
            if over and ticket.leaves_at == math.inf:
                ticket.leaves_at, ticket.leaves_for = due, codes.HOLD_EXPIRY

    def is_duplicate(self, gate: Row) -> bool:
        return gate["key"] != 0 and gate["key"] in self.keys[-r.MAX_KEYS :]

    def is_cooling(self, bar: Row) -> bool:
        return bool(bar["t"] < self.last_fill + self.rules["cooldown"])

    def refusal(self, bar: Row, gate: Row, story: Story) -> int | None:
        if story.used:
            return codes.GATE_USED
        if self.order:
            return codes.ORDER_PENDING
        if self.is_duplicate(gate):
            return codes.DUPLICATE_SIGNAL
        if self.is_cooling(bar):
            return codes.COOLDOWN_ACTIVE
        if len(self.tickets) >= self.limits["max_positions"]:
            return codes.MAX_TOTAL_POSITIONS
        if self.tickets and self.side != story.side:
            return codes.OPPOSITE_SIDE_BLOCKED
        if self.tickets and len(self.tickets) >= self.rules["max_stack"]:
            return codes.MAX_STACK_LIMIT
        return None

    def plan_entry(self, bar: Row, gate: Row, story: Story, reversing: bool) -> None:
        refused = None if reversing else self.refusal(bar, gate, story)
        if refused is not None:
            story.reach(SIZED, refused)
            return
        units, limit = self.size(bar, story.side, as_if_flat=reversing)
        if units <= 0:
            story.reach(ADMITTED, limit)
            return
        story.reach(PLANNED)
        story.used = True
        if gate["key"] != 0:
            self.keys.append(gate["key"])
        self.order = Order(story.side, units, bar["t"] + self.rules["latency"], gate, limit)

    def size(self, bar: Row, side: int, *, as_if_flat: bool) -> tuple[float, int]:
        held = 0.0 if as_if_flat else self.side * sum(ticket.units for ticket in self.tickets)
        used = 0.0 if as_if_flat else self.margin
        return size(self.rules, self.limits, bar, side, self.nav, held, used)

    def fill_order(self, bar: Row) -> None:
        order = self.order
        if order is None or order.due > bar["t"]:
            return
        self.order, self.side, self.last_fill = None, order.side, bar["t"]
        side, rules, units = order.side, self.rules, order.units
        price = self.market(bar["bid_o"], bar["ask_o"], side)
        distance = rules["stop_frac"] * price + rules["stop_abs"]
        aim = rules["target_frac"] * price + rules["target_abs"]
        stop = self.on_grid(price - side * distance) if distance > 0 else None
        target = self.on_grid(price + side * aim) if aim > 0 else None
        closing = bar["bid_o"] if side > 0 else bar["ask_o"]
        commission = units * bar["base_o"] * rules["half_commission"]
        middle = (bar["gain_o"] + bar["loss_o"]) / 2
        quoted = bar["ask_o"] if side > 0 else bar["bid_o"]
        now = bar["t"]
        self.tickets.append(
            Ticket(
                now, now, order.gate, units, price, stop, target, closing, closing, commission, stop
            )
        )
        self.balance -= commission
        self.costs["commission"] += commission
        self.costs["slippage"] += units * abs(price - quoted) * middle
        self.costs["spread"] += units * (bar["ask_o"] - bar["bid_o"]) / 2 * middle
        self.costs["turnover"] += units * bar["base_o"]
        self.fills.append(
            {
                "t": now, "kind": 1, "side": side, "reason": order.limit,
                "synthetic": order.gate["synthetic"], "intrabar": 0, "key": order.gate["key"],
                "gate": order.gate["known"], "units": units, "price": price, "entry_t": now,
                "entry_price": price, "gross": 0.0, "commission": commission, "financing": 0.0,
                "best": closing, "worst": closing, "stop": stop, "rate": middle,
            }
        )  # fmt: skip
        self.value(bar, "o")

    # What is told at the end ------------------------------------------------------------------

    def funnel(self) -> tuple[dict[str, int], dict[int, int]]:
        """Gates by stage, and the refused by reason, of a window that has ended."""
        skipped = sum(story.skipped for story in self.stories)
        stages = {
            "gates": len(self.stories) + skipped,
            "admitted": sum(story.stage >= ADMITTED for story in self.stories),
            "sized": sum(story.stage >= SIZED for story in self.stories),
            "planned": sum(story.stage >= PLANNED for story in self.stories),
            "filled": sum(row["kind"] == 1 for row in self.fills),
        }
        lost: Counter[int] = Counter()
        for story in self.stories:
            if story.stage < PLANNED and story.reason is not None:
                lost[story.reason] += 1
        lost[codes.GATE_SUPERSEDED] += skipped
        lost[codes.WINDOW_ENDED] += self.order is not None
        return stages, {code: count for code, count in lost.items() if count}

    def drawdown(self) -> tuple[float, float]:
        """(largest fall of equity, largest fall over its peak)."""
        return drawdowns(self.start, self.equity)
