"""The whole pipeline for one instrument as a trader would tell it: objects, floats, no records.

Written from the design page, one bar after the other, without skipping, masks or counters:
every gate keeps its own story and the funnel is counted from the stories at the end.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

from hotband.core import codes
from hotband.core import records as r
from tests.naive.naive_account import NaiveAccount, Ticket
from tests.naive.naive_gating import (
    ADMITTED,
    PLANNED,
    SEEN,
    SIZED,
    Row,
    Story,
    clock_failures,
    halted_by,
    side_to_trade,
    threshold_failures,
)
from tests.naive.naive_sizing import size


@dataclass
class Order:
    side: int
    units: float
    due: int
    gate: Row
    limit: int
    decided: int


def barred(account: NaiveAccount, order: Order, bar: Row) -> list[int]:
    """What stands against filling an order that was decided before this bar."""
    clock = clock_failures(bar, order.gate, account.rules, account.limits)
    needed = order.units * bar["base_o"] * account.rules["margin_rate"]
    return [
        *(code for code in clock if code != codes.GATE_STALE),
        *([codes.NAV_NOT_POSITIVE] if account.nav <= 0 else []),
        *([codes.MARGIN_CLOSEOUT] if account.closed_out_at == bar["t"] else []),
        *([codes.MARGIN_BUDGET] if needed > account.nav - account.margin else []),
    ]


@dataclass
class NaivePipeline(NaiveAccount):
    order: Order | None = None
    stories: list[Story] = field(default_factory=list)
    cancelled: Counter[int] = field(default_factory=Counter)
    equity: list[float] = field(default_factory=list)
    days: dict[int, float] = field(default_factory=dict)

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
        if admitted and story and not story.used:
            story.reach(ADMITTED)
        if story and gate and not story.failing and codes.GATE_STALE not in failing:
            reversing = self.meet_position(bar, gate, story, admitted)
        if self.limits["halts"] and self.order:
            self.order = None
            self.cancelled[halted_by(self.limits["halts"])] += 1
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

    # Gates ---------------------------------------------------------------------------------

    def story_of(self, gate: Row, bar: Row) -> Story:
        if not self.stories or self.stories[-1].known != gate["known"]:
            side = side_to_trade(gate, bar, self.rules)
            failing = threshold_failures(gate, side, self.rules)
            self.stories.append(Story(gate["known"], side, failing, gate["skipped"]))
        return self.stories[-1]

    # Planning ------------------------------------------------------------------------------

    def meet_position(self, bar: Row, gate: Row, story: Story, admitted: bool) -> bool:
        """What a gate that may trade does to the open position; True where it reverses it."""
        if not self.tickets or story.used:
            return False
        due = bar["t"] + self.rules["latency"]
        if story.side != self.side:
            reverse = self.rules["opposite"] == r.OPPOSITE_REVERSE
            if self.rules["opposite"] == r.OPPOSITE_CLOSE or (reverse and not admitted):
                self.send_exits(codes.OPPOSITE_GATE, due)
                story.used = True
                if admitted:
                    story.reach(SIZED, codes.OPPOSITE_SIDE_CLOSED)
            elif self.rules["opposite"] == r.OPPOSITE_REVERSE:
                free = self.order is None and not self.is_duplicate(gate)
                if free and not self.is_cooling(bar):
                    self.send_exits(codes.OPPOSITE_GATE, due)
                    return True
        elif admitted and len(self.tickets) >= self.rules["max_stack"] and self.rules["rearm"]:
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

    def refusal(self, bar: Row, gate: Row, story: Story) -> int | None:
        if story.used:
            return codes.GATE_USED
        if self.order:
            return codes.ORDER_PENDING
        if self.is_duplicate(gate):
            return codes.DUPLICATE_SIGNAL
        if self.is_cooling(bar):
            return codes.COOLDOWN_ACTIVE
        if self.closed_out_at == bar["t"]:
            return codes.MARGIN_CLOSEOUT
        if len(self.tickets) >= self.limits["max_positions"]:
            return codes.MAX_TOTAL_POSITIONS
        if self.tickets and self.side != story.side:
            return codes.OPPOSITE_SIDE_BLOCKED
        if self.tickets and len(self.tickets) >= self.rules["max_stack"]:
            return codes.MAX_STACK_LIMIT
        return None

    def plan_entry(self, bar: Row, gate: Row, story: Story, reversing: bool) -> None:
        refused = None if reversing else self.refusal(bar, gate, story)
        if refused == codes.GATE_USED:
            return
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
        due = bar["t"] + self.rules["latency"]
        self.order = Order(story.side, units, due, gate, limit, bar["t"])

    def size(self, bar: Row, side: int, *, as_if_flat: bool) -> tuple[float, int]:
        held = 0.0 if as_if_flat else self.side * sum(ticket.units for ticket in self.tickets)
        used = 0.0 if as_if_flat else self.margin
        return size(self.rules, self.limits, bar, side, self.nav, held, used)

    def fill_order(self, bar: Row) -> None:
        order = self.order
        if order is None or order.due > bar["t"]:
            return
        if order.decided < bar["t"] and (against := barred(self, order, bar)):
            self.order = None
            self.cancelled[against[0]] += 1
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
        lost.update(self.cancelled)
        lost[codes.WINDOW_ENDED] += self.order is not None
        return stages, {code: count for code, count in lost.items() if count}
