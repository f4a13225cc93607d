"""How many units an admitted gate may open: the least of all limits, floored.

Risk, notional, margin, net currency exposure, gross exposure and the broker's unit limits are
different constraints with different denominators; the one that bound is named in the answer.
Margin uses the instrument's own rate, never a common leverage.
"""

import math

from hotband.core import codes
from hotband.core.fills import market_price
from hotband.core.jit import constant, kernel
from hotband.core.records import Record, Records

_ROUNDING = 1e-6
"""Units are quantised to this before flooring, so that 59999.999999999 is 60000."""
_NAV_NOT_POSITIVE = constant(codes.NAV_NOT_POSITIVE)
_VOLATILITY_UNKNOWN = constant(codes.VOLATILITY_UNKNOWN)
_RISK = constant(codes.RISK_BUDGET)
_EXPOSURE = constant(codes.EXPOSURE_CAP)
_MARGIN = constant(codes.MARGIN_BUDGET)
_CURRENCY = constant(codes.CURRENCY_CAP)
_TOTAL = constant(codes.TOTAL_EXPOSURE)
_BROKER = constant(codes.BROKER_MAX_UNITS)


@kernel
def stop_distance(price: float, rules: Record) -> float:
    """Distance from entry to stop in price; 0 = no stop."""
    return rules.stop_frac * price + rules.stop_abs


@kernel
def volatility_scale(volatility: float, rules: Record) -> float:
    """Factor on exposure that makes equal notionals carry equal volatility; NaN = unknown."""
    if rules.vol_target <= 0.0:
        return 1.0
    if not volatility > 0.0:
        return math.nan
    scale = rules.vol_target / volatility
    return min(max(scale, rules.vol_scale_min), rules.vol_scale_max)


@kernel
def net_exposure(books: Records, currency: int, skip: int) -> float:
    """Signed exposure to one currency over all books but ``skip``, in home currency at mid.

    Entry orders on their way count as if they were filled.
    """
    net = 0.0
    for j in range(len(books)):
        if j != skip:
            signed = books[j].side * books[j].notional
            signed += books[j].order_side * books[j].order_notional
            if books[j].base_ccy == currency:
                net += signed
            elif books[j].quote_ccy == currency:
                net -= signed
    return net


@kernel
def ordered_margin(books: Records) -> float:
    """Margin that entry orders on their way will need, in home currency."""
    margin = 0.0
    for j in range(len(books)):
        margin += books[j].order_margin
    return margin


@kernel
def _currency_room(
    books: Records, skip: int, side: int, nav: float, rules: Record, limits: Record
) -> float:
    cap = limits.currency_cap * nav
    base_room = cap - side * net_exposure(books, rules.base_ccy, skip)
    quote_room = cap + side * net_exposure(books, rules.quote_ccy, skip)
    return min(base_room, quote_room)


@kernel
def gross_exposure(books: Records, skip: int) -> float:
    """Sum of notionals, ordered ones included, over all books but ``skip``, in home at mid."""
    gross = 0.0
    for j in range(len(books)):
        if j != skip:
            gross += books[j].notional + books[j].order_notional
    return gross


@kernel
def entry_units(
    account: Record,
    books: Records,
    k: int,
    bar: Record,
    side: int,
    flat: bool,
    rules: Record,
    limits: Record,
) -> tuple[float, int]:
    """Units for one entry at this bar's open and the code of the limit that bound.

    ``flat`` sizes as if the instrument's own position were closed already (a reversal). NAV
    and margin are those marked at this open. 0 units means refused by that limit.
    """
    own = books[k]
    skip = k if flat else -1
    nav = account.nav
    if not nav > 0.0:
        return 0.0, _NAV_NOT_POSITIVE
    scale = volatility_scale(bar.vol, rules)
    if math.isnan(scale):
        return 0.0, _VOLATILITY_UNKNOWN
    base_rate = bar.base_o
    price = market_price(bar.bid_o, bar.ask_o, side, rules.slippage)
    # In home notional first: these limits then share one division.
    notional, bound = rules.exposure * scale * nav, _EXPOSURE
    used = account.margin - (own.margin if flat else 0.0) + ordered_margin(books)
    by_margin = (min(nav, limits.margin_budget * nav) - used) / rules.margin_rate
    if by_margin < notional:
        notional, bound = by_margin, _MARGIN
    if limits.currency_cap < math.inf:
        by_currency = _currency_room(books, skip, side, nav, rules, limits)
        if by_currency < notional:
            notional, bound = by_currency, _CURRENCY
    if limits.total_exposure < math.inf:
        by_total = limits.total_exposure * nav - gross_exposure(books, skip)
        if by_total < notional:
            notional, bound = by_total, _TOTAL
    units = notional / base_rate
    distance = stop_distance(price, rules)
    if rules.risk_frac > 0.0 and distance > 0.0:
        # A stop inside the spread costs the spread: it is through the market from the start.
        distance = max(distance, bar.ask_o - bar.bid_o)
        loss = (distance + price * rules.slippage) * bar.loss_o
        loss += 2.0 * rules.half_commission * base_rate
        at_risk = nav * rules.risk_frac / loss
        if at_risk <= units:
            units, bound = at_risk, _RISK
    by_broker = min(rules.max_units, rules.max_position - (0.0 if flat else own.units))
    if by_broker < units:
        units, bound = by_broker, _BROKER
    units = math.floor(units / rules.unit_step + _ROUNDING) * rules.unit_step
    if units < rules.min_units:
        return 0.0, bound
    return units, bound
