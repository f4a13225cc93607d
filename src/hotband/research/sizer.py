"""Sizing and planning as objects: what would be bought, and what would be ordered.

Thin over the compiled functions of the pipeline: nothing here decides anything of its own.
"""

import math
from dataclasses import dataclass

import numpy as np

from hotband.core import codes
from hotband.core.path import walk_events
from hotband.core.records import (
    BAR,
    GATE,
    NEVER,
    Records,
    empty,
    new_account,
    new_books,
)
from hotband.core.sizing import entry_units
from hotband.errors import InputError
from hotband.research.decisions import GateDecision, decision_of
from hotband.research.portfolio import Logs


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices and rates at one moment.

    ``loss_rate`` converts a loss in quote currency to home, ``base_rate`` base to home at mid;
    ``volatility`` is per day as a fraction, NaN = unknown.
    """

    bid: float
    ask: float
    loss_rate: float
    base_rate: float
    volatility: float = math.nan


@dataclass(frozen=True, slots=True)
class Sized:
    """Units for one entry and the name of the limit that bound; 0 units = refused by it."""

    units: float
    limit: str


class RiskSizer:
    """Units for an entry: the least of all limits of ``rules`` and ``limits``, floored.

    Args:
        rules: one RULES record, shape (1,).
        limits: one LIMITS record, shape (1,).
    """

    def __init__(self, rules: Records, limits: Records) -> None:
        self.rules = rules
        self.limits = limits

    def target_units(
        self, quote: Quote, side: int, *, nav: float, margin_used: float = 0.0
    ) -> Sized:
        """Units to open on ``side`` (+1 buy, -1 sell) by an account with nothing in this pair.

        ``nav`` and ``margin_used`` (by other instruments) are in home currency.

        Raises:
            InputError: A side other than +1 or -1, or prices that are not usable.
        """
        if side not in {1, -1}:
            raise InputError("side", side, "+1 or -1", "Give the side of the entry.")
        rates = (quote.loss_rate, quote.base_rate)
        if not (0 < quote.bid <= quote.ask < math.inf and all(0 < x < math.inf for x in rates)):
            raise InputError(
                "quote", quote, "0 < bid <= ask, rates above 0, all finite", "Check the quote."
            )
        if not (math.isfinite(nav) and 0 <= margin_used < math.inf):
            raise InputError(
                "nav and margin_used", (nav, margin_used), "finite amounts", "Check the account."
            )
        account = new_account(max(nav, 0.0))
        account["margin"] = margin_used
        books = new_books([int(self.rules["base_ccy"][0])], [int(self.rules["quote_ccy"][0])])
        bar = empty(BAR, 1)
        bar["bid_o"], bar["ask_o"] = quote.bid, quote.ask
        bar["gain_o"] = bar["loss_o"] = quote.loss_rate
        bar["base_o"], bar["vol"] = quote.base_rate, quote.volatility
        units, code = entry_units(
            account[0], books, 0, bar[0], side, False, self.rules[0], self.limits[0]
        )
        return Sized(float(units), codes.name_of(int(code)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What one event would lead to: the verdict, orders filled at its open, tickets left."""

    decision: GateDecision | None
    fills: Records
    open_tickets: int


class TradePlanner:
    """What the pipeline would do with a state and one event, on copies of the state.

    Args:
        names: instruments in the order of ``rules``.
        rules: RULES records, shape (len(names),).
        limits: one LIMITS record, shape (1,).
    """

    def __init__(self, names: tuple[str, ...], rules: Records, limits: Records) -> None:
        self.names = names
        self.rules = rules
        self.limits = limits

    def plan(
        self, account: Records, books: Records, name: str, bar: Records, gate: Records | None
    ) -> Plan:
        """One BAR (and the live GATE or None), shape (1,), against account and books.

        Raises:
            InputError: An instrument that is not among the names.
        """
        if name not in self.names:
            raise InputError(
                "instrument", name, ", ".join(self.names), "Use one of them.", near=self.names
            )
        account, books = account.copy(), books.copy()
        account["fills"] = account["decisions"] = account["days"] = 0
        gates = empty(GATE, 2)
        gates["known"][0] = -NEVER
        live = np.zeros(1, np.int64)
        if gate is not None:
            gates[1] = gate[0]
            live[0] = 1
        one_bar = empty(BAR, 1)
        one_bar[0] = bar[0]
        for array in (one_bar, gates):
            array.setflags(write=False)
        event_bar = np.full((1, len(self.names)), -1, np.int64)
        k = self.names.index(name)
        event_bar[0, k] = 0
        logs = Logs.sized(64, 1, 1, 1)
        memo = np.full((len(self.names), 3), -NEVER, np.int64)
        walk_events(
            account[0], books, event_bar, one_bar, live, gates, self.rules, self.limits[0],
            logs.bundle(), memo,
        )  # fmt: skip
        decision = None
        if account[0].decisions:
            decision = decision_of(
                logs.decisions[0], gates[1], name, int(self.rules["min_reps"][k])
            )
        return Plan(decision, logs.fills[: int(account[0].fills)].copy(), int(books["n"][k]))
