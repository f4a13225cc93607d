"""Every limit on the size of an entry, side by side, and the least of them."""

import math

from hotband.core import codes
from tests.naive.naive_gating import Row


def market(bid: float, ask: float, side: int, slippage: float) -> float:
    """Price of an order at the market."""
    return ask * (1 + slippage) if side > 0 else bid * (1 - slippage)


def size(
    rules: Row, limits: Row, bar: Row, side: int, nav: float, held: float, used: float
) -> tuple[float, int]:
    """Units and the limit that bound; ``held`` signed units and ``used`` margin, both held on."""
    if nav <= 0:
        return 0.0, codes.NAV_NOT_POSITIVE
    scale = 1.0
    if rules["vol_target"] > 0:
        if math.isnan(bar["vol"]) or bar["vol"] <= 0:
            return 0.0, codes.VOLATILITY_UNKNOWN
        wanted = rules["vol_target"] / bar["vol"]
        scale = min(max(wanted, rules["vol_scale_min"]), rules["vol_scale_max"])
    base = bar["base_o"]
    # Alone in the account, base and quote are exposed alike: to what is held on the same side.
    notional = {
        codes.EXPOSURE_CAP: rules["exposure"] * scale * nav,
        codes.MARGIN_BUDGET: (min(nav, limits["margin_budget"] * nav) - used)
        / rules["margin_rate"],
        codes.CURRENCY_CAP: limits["currency_cap"] * nav - side * held * base,
        codes.TOTAL_EXPOSURE: limits["total_exposure"] * nav - abs(held) * base,
    }
    room = {code: home / base for code, home in notional.items()}
    price = market(bar["bid_o"], bar["ask_o"], side, rules["slippage"])
    distance = rules["stop_frac"] * price + rules["stop_abs"]
    if rules["risk_frac"] > 0 and distance > 0:
        distance = max(distance, bar["ask_o"] - bar["bid_o"])
        per_unit = (distance + price * rules["slippage"]) * bar["loss_o"]
        per_unit += 2.0 * rules["half_commission"] * base
        # First, so that it is the one named where it equals another.
        room = {codes.RISK_BUDGET: nav * rules["risk_frac"] / per_unit, **room}
    room[codes.BROKER_MAX_UNITS] = min(rules["max_units"], rules["max_position"] - abs(held))
    bound = min(room, key=lambda code: room[code])
    units = math.floor(room[bound] / rules["unit_step"] + 1e-6) * rules["unit_step"]
    return (units, bound) if units >= rules["min_units"] else (0.0, bound)
