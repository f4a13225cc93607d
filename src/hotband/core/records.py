"""The layouts of everything the pipeline reads and writes, field by field.

Records, not bundles of arrays: a compiled call copies and reference-counts every array it is
handed, but passes a record by address. Prices are in quote currency per unit of base, money
is in the account's home currency unless a name says otherwise, times are int64 nanoseconds
UTC, fractions are of one (0.01 = 1 %).
"""

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.codes import N_CODES, N_GUARDS
from hotband.core.jit import constant

Record: TypeAlias = Any
"""One element of a structured array. NumPy has no static type for its fields."""
Records: TypeAlias = npt.NDArray[np.void]
"""A one-dimensional structured array."""

MAX_TICKETS: Final = 8
"""The most tickets one instrument can hold; the upper bound of ``max_stack``."""
MAX_KEYS: Final = 8
"""How many used signal keys an instrument remembers."""
N_CURRENCIES: Final = 16
"""How many currencies one account can be exposed to."""
NEVER: Final = 2**62
"""A time that does not come; its negative is a time before all others."""

# Bar flags.
IN_SESSION: Final = 1
SESSION_EXIT: Final = 2
WEEK_END: Final = 4
"""Too close to the weekly close: no entries."""
FLATTEN: Final = 8
"""The last bars before the weekly close: positions are closed where the profile says so."""
HOLIDAY_BAR: Final = 16
CLOSED_BAR: Final = 32
"""Outside the trading week or inside the daily closure: no entries."""
UP_MOVE: Final = 64
DOWN_MOVE: Final = 128
"""Sign of the last complete mid-close change, known at the bar's open."""

QUOTE: Final = np.dtype(
    [
        ("t", "i8"),
        ("bid_o", "f8"),
        ("bid_h", "f8"),
        ("bid_l", "f8"),
        ("bid_c", "f8"),
        ("ask_o", "f8"),
        ("ask_h", "f8"),
        ("ask_l", "f8"),
        ("ask_c", "f8"),
        ("volume", "f8"),
    ]
)
"""A bar as a store holds it: ``t`` is its open time; ``volume`` is NaN where unknown."""

BAR: Final = np.dtype(
    [
        # what a held position reads at every bar, together in one cache line
        ("bid_h", "f8"),
        ("bid_l", "f8"),
        ("bid_c", "f8"),
        ("gain_c", "f8"),  # quote -> home for a gain, known at the close
        ("loss_c", "f8"),  # quote -> home for a loss, known at the close
        ("ask_c", "f8"),
        ("ask_l", "f8"),
        ("ask_h", "f8"),
        ("t", "i8"),  # open time, ns
        ("day", "i4"),  # trading day (rolls 17:00 New York), days since 1970-01-01
        ("marks", "i4"),  # bits above
        ("bid_o", "f8"),
        ("ask_o", "f8"),
        ("gain_o", "f8"),  # the rates known at the open
        ("loss_o", "f8"),
        ("base_o", "f8"),  # base -> home at mid, known at the open (margin, notional)
        ("base_c", "f8"),  # the same, known at the close
        ("vol", "f8"),  # volatility of the mid per day as a fraction, known at the open; or NaN
        ("fin_long", "f8"),  # financing due at this open per unit and price, long; 0 = no roll
        ("fin_short", "f8"),  # the same, short; positive = received
        ("_pad", "f8", (5,)),  # to a whole number of cache lines
    ]
)
"""A bar as the pipeline reads it: a quote with what the calendar and conversion add."""

GATE: Final = np.dtype(
    [
        ("known", "i8"),  # when it is known: ts + granularity, ns
        ("key", "i8"),  # signal key as a number; 0 = none
        ("skipped", "i4"),  # gates replaced between the previous judged gate and this one
        ("reps", "i4"),  # repetitions
        ("side", "i4"),  # +1 buy, -1 sell, 0 flat or missing
        ("admit", "i4"),  # the producer's verdict
        ("blocked", "i4"),  # 1 = the producer blocked it hard
        ("synthetic", "i4"),  # 1 = derived from bars, 0 = real
        ("regime", "i4"),  # 0 = missing, else 1 + index in REGIMES
        ("_pad", "i4"),
        ("hazard", "f8"),  # lambda on the scale 0..1; NaN = missing
        ("regime_confidence", "f8"),  # 0..1; NaN = missing
        ("metrics", "f8", (N_GUARDS,)),  # in the order of codes.GUARDS; NaN = missing
    ]
)
"""A gate event as the pipeline judges it."""

REGIMES: Final = (
    "trend_bull",
    "trend_bear",
    "mean_revert",
    "chaotic",
    "neutral",
    "insufficient",
    "long_ok",
    "short_ok",
)

# Values of rule fields.
MOMENTUM: Final = constant(1)
MEAN_REVERSION: Final = constant(-1)
OPPOSITE_IGNORE: Final = constant(0)
OPPOSITE_CLOSE: Final = constant(1)
OPPOSITE_REVERSE: Final = constant(2)

RULES: Final = np.dtype(
    [
        # gating
        ("hazard_min", "f8"),  # -inf = none
        ("hazard_max", "f8"),  # +inf = none
        ("guard_min", "f8", (N_GUARDS,)),  # -inf = none, in the order of codes.GUARDS
        ("guard_max", "f8", (N_GUARDS,)),  # +inf = none
        ("guards_on", "i8"),  # bit g set = guard g has a limit
        ("min_reps", "i8"),
        ("regimes_on", "i8"),  # bit r set = regime code r may trade; 0 = no filter
        ("direction", "i8"),  # MOMENTUM = the gate's side, MEAN_REVERSION = the other
        ("missing_direction", "i8"),  # 0 = refuse, 1 = side of the last bar's move
        ("regime_confidence_min", "f8"),
        ("max_age", "i8"),  # ns a gate stays live
        # planning
        ("hold", "i8"),  # ns until the time exit; 0 = none
        ("cooldown", "i8"),  # ns after the last fill without entries
        ("latency", "i8"),  # ns from decision to order at the market
        ("rearm", "i8"),  # 1 = a new admitted gate on the same side restarts the hold
        ("max_stack", "i8"),  # tickets on one side, 1..MAX_TICKETS
        ("opposite", "i8"),  # OPPOSITE_*
        ("flat_weekend", "i8"),  # 1 = close at FLATTEN bars
        ("stop_frac", "f8"),  # distances from the entry: frac x price + abs; both 0 = off
        ("stop_abs", "f8"),
        ("target_frac", "f8"),
        ("target_abs", "f8"),
        ("breakeven_frac", "f8"),
        ("breakeven_abs", "f8"),
        ("trail_frac", "f8"),
        ("trail_abs", "f8"),
        ("hazard_exit", "f8"),  # NaN = off
        ("hazard_exit_above", "i8"),  # 1 = exit at or above, 0 = at or below
        # sizing
        ("base_ccy", "i8"),  # index of the base currency in the account's list
        ("quote_ccy", "i8"),
        ("risk_frac", "f8"),  # loss at the stop, of NAV; 0 = off
        ("exposure", "f8"),  # notional of one entry, of NAV
        ("vol_target", "f8"),  # volatility per day that gets a scale of 1; 0 = off
        ("vol_scale_min", "f8"),
        ("vol_scale_max", "f8"),
        ("margin_rate", "f8"),
        ("min_units", "f8"),
        ("max_units", "f8"),  # of one order; inf = none
        ("max_position", "f8"),  # of one instrument; inf = none
        ("unit_step", "f8"),
        ("price_scale", "f8"),  # 10 ** display precision
        # costs
        ("half_commission", "f8"),  # of entry notional, at each side
        ("slippage", "f8"),  # of price, on market and stop fills
    ],
    align=True,
)
"""A profile compiled for one instrument, costs and broker fields included."""

# What stops all entries of an account.
HALT_SWITCH: Final = 1
HALT_STALE: Final = 2
HALT_LOSS: Final = 4

LIMITS: Final = np.dtype(
    [
        ("margin_budget", "f8"),  # of NAV
        ("total_exposure", "f8"),  # gross notional, of NAV; inf = none
        ("currency_cap", "f8"),  # net exposure of one currency, of NAV; inf = none
        ("closeout", "f8"),  # margin x closeout >= NAV closes all; 0.5 at OANDA, 0 = off
        ("max_positions", "i8"),  # open tickets of the account
        ("halts", "i8"),  # bits of HALT_*: any of them = no entries
    ],
    align=True,
)
"""What bounds the whole account."""

BOOK: Final = np.dtype(
    [
        # the gate now judged
        ("gate", "i8"),  # its known time, the gate's identity; -NEVER = none yet
        ("gate_mask", "i8"),  # failing thresholds, fixed for its life
        ("gate_side", "i8"),  # side after the direction policy; 0 = none
        ("gate_stage", "i8"),  # furthest stage it reached, STAGE_*
        ("gate_code", "i8"),  # why not further
        ("gate_used", "i8"),
        # the order on its way
        ("order_side", "i8"),  # side of the entry; 0 = none on its way
        ("order_due", "i8"),
        ("order_units", "f8"),
        ("order_gate", "i8"),
        ("order_key", "i8"),
        ("order_synthetic", "i8"),
        ("order_limit", "i8"),  # sizing limit that bound
        ("order_notional", "f8"),  # home, when it was sized
        ("order_margin", "f8"),
        # memory
        ("last_fill", "i8"),
        ("keys", "i8", (MAX_KEYS,)),
        ("key_at", "i8"),
        # the position
        ("side", "i8"),  # of all its tickets; 0 = flat
        ("n", "i8"),  # open tickets
        ("base_ccy", "i8"),
        ("quote_ccy", "i8"),
        ("exits_due", "i8"),  # tickets with an exit on its way
        ("units", "f8"),  # sum over tickets, unsigned
        ("unrealised", "f8"),  # at the side that closes, in home currency
        ("notional", "f8"),  # at mid, in home currency
        ("margin", "f8"),
        ("mid_gap", "f8"),  # unrealised at mid less unrealised at the closing side, home
        ("tk_open", "i8", (MAX_TICKETS,)),
        ("tk_hold", "i8", (MAX_TICKETS,)),  # when its hold began
        ("tk_due", "i8", (MAX_TICKETS,)),  # when its market exit executes; NEVER = none
        ("tk_key", "i8", (MAX_TICKETS,)),
        ("tk_gate", "i8", (MAX_TICKETS,)),
        ("tk_units", "f8", (MAX_TICKETS,)),
        ("tk_entry", "f8", (MAX_TICKETS,)),
        ("tk_stop", "f8", (MAX_TICKETS,)),  # NaN = none
        ("tk_stop_first", "f8", (MAX_TICKETS,)),  # the stop at entry; NaN = none
        ("tk_target", "f8", (MAX_TICKETS,)),  # NaN = none
        ("tk_best", "f8", (MAX_TICKETS,)),  # extremes seen on the closing side
        ("tk_worst", "f8", (MAX_TICKETS,)),
        ("tk_commission", "f8", (MAX_TICKETS,)),  # half the round trip, home
        ("tk_financing", "f8", (MAX_TICKETS,)),  # home, so far
        ("tk_stop_code", "i8", (MAX_TICKETS,)),
        ("tk_exit_code", "i8", (MAX_TICKETS,)),
        ("tk_synthetic", "i8", (MAX_TICKETS,)),
        # the funnel
        ("gates", "i8"),
        ("admitted", "i8"),
        ("sized", "i8"),
        ("planned", "i8"),
        ("filled", "i8"),
        ("refusals", "i8", (N_CODES,)),  # gates lost, by the code that stopped them
        ("ambiguous", "i8"),  # bars that touched stop and target
    ],
    align=True,
)
"""One instrument's side of the state."""

STAGE_ADMITTED: Final = constant(1)
STAGE_SIZED: Final = constant(2)
STAGE_PLANNED: Final = constant(3)

ACCOUNT: Final = np.dtype(
    [
        ("t", "i8"),  # open time of the last event
        ("day", "i8"),  # trading day of the last event; -NEVER = none yet
        ("closeout_t", "i8"),  # open at which the last margin closeout was filled
        ("balance", "f8"),
        ("unrealised", "f8"),
        ("nav", "f8"),  # balance + unrealised at the last mark
        ("margin", "f8"),
        ("peak", "f8"),
        ("max_dd", "f8"),  # home currency, positive
        ("max_dd_frac", "f8"),  # of the peak
        ("commission", "f8"),  # costs so far, home, positive = paid
        ("slippage", "f8"),
        ("spread", "f8"),
        ("conversion", "f8"),
        ("financing", "f8"),  # positive = received
        ("turnover", "f8"),  # notional traded, home
        ("positions", "i4"),  # open tickets of all books
        ("orders", "i4"),  # entry orders on their way
        ("_pad", "i4"),
        ("ruined", "i4"),  # 1 = NAV has been 0 or less
        ("days", "i8"),  # rows written (or due) in the logs
        ("fills", "i8"),
        ("decisions", "i8"),
    ],
    align=True,
)
"""The money side of the state, shared by all instruments."""

FILL: Final = np.dtype(
    [
        ("t", "i8"),  # open time of the bar it happened in
        ("instrument", "i4"),
        ("kind", "i4"),  # +1 opens a ticket, -1 closes one
        ("side", "i4"),  # of the ticket
        ("reason", "i4"),  # exit code; for an opening the sizing limit that bound
        ("synthetic", "i4"),
        ("intrabar", "i4"),  # 1 = at a level inside the bar, 0 = at its open (or close)
        ("key", "i8"),
        ("gate", "i8"),
        ("units", "f8"),
        ("price", "f8"),
        ("entry_t", "i8"),
        ("entry_price", "f8"),
        ("gross", "f8"),  # home, before commission and financing
        ("commission", "f8"),  # home, both sides, positive = paid
        ("financing", "f8"),  # home, positive = received
        ("best", "f8"),  # extremes on the closing side while open
        ("worst", "f8"),
        ("stop", "f8"),  # stop at entry; NaN = none
        ("rate", "f8"),  # quote -> home used for the gross
    ],
    align=True,
)
"""One row of the fill log; a closing row is a whole trade."""

DECISION: Final = np.dtype(
    [
        ("t", "i8"),  # when judged
        ("gate", "i8"),  # known time of the gate
        ("mask", "i8"),  # failing reasons
        ("instrument", "i4"),
        ("side", "i4"),
        ("stage", "i4"),
        ("code", "i4"),  # of planning or sizing; codes.OK = none
        ("synthetic", "i4"),
        ("_pad", "i4"),
        ("units", "f8"),
    ],
    align=True,
)
"""One row of the decision log, written when a verdict or its reasons change."""

EQUITY: Final = np.dtype(
    [("t", "i8"), ("equity", "f8"), ("balance", "f8"), ("units", "f8")], align=True
)
"""One row of the equity curve: at the close of the bar that opened at ``t``; ``units`` is the
sum of signed units over instruments."""

DAY: Final = np.dtype([("day", "i8"), ("equity", "f8")], align=True)
"""Equity at the last mark of one trading day."""


def empty(dtype: np.dtype[np.void], size: int) -> Records:
    """A zeroed record array that reads the same compiled and uncompiled."""
    return np.zeros(size, dtype).view(np.recarray)


def readable(array: Records) -> Records:
    """The same memory as a record array with fields as attributes."""
    return array.view(np.recarray)


def new_books(bases: list[int], quotes: list[int]) -> Records:
    """Flat books, one per instrument, with the indices of their two currencies."""
    books = empty(BOOK, len(bases))
    books["gate"] = -NEVER
    books["last_fill"] = -NEVER
    books["order_due"] = NEVER
    books["gate_code"] = -1
    books["tk_due"] = NEVER
    books["base_ccy"] = bases
    books["quote_ccy"] = quotes
    return books


def new_account(balance: float) -> Records:
    """An account of one row that holds ``balance`` and has seen nothing."""
    account = empty(ACCOUNT, 1)
    account["t"] = -NEVER
    account["day"] = -NEVER
    account["closeout_t"] = -NEVER
    for field in ("balance", "nav", "peak"):
        account[field] = balance
    return account


def with_sentinel(gates: Records) -> Records:
    """``gates`` behind a first row that means "no gate", as the drivers index them."""
    out = empty(GATE, len(gates) + 1)
    out[1:] = gates
    out["known"][0] = -NEVER
    return out
