"""A profile as numbers: the records that the pipeline reads."""

import math
from typing import Final

from hotband.core.codes import GUARDS
from hotband.core.records import (
    LIMITS,
    MEAN_REVERSION,
    MOMENTUM,
    OPPOSITE_CLOSE,
    OPPOSITE_IGNORE,
    OPPOSITE_REVERSE,
    REGIMES,
    RULES,
    Records,
    empty,
)
from hotband.errors import InstrumentError, ProfileError
from hotband.market.calendar import MINUTE_NS, SECOND_NS
from hotband.market.instruments import Instrument
from hotband.profile.inherit import Effective
from hotband.profile.strategy import Profile, effective

_OPPOSITE: Final = {
    "ignore": OPPOSITE_IGNORE,
    "close": OPPOSITE_CLOSE,
    "reverse": OPPOSITE_REVERSE,
}


def hazard_factor(settings: Effective) -> float:
    """What the profile's hazard limits are multiplied by to be on the scale of lambda."""
    least, scale = settings.hazard_min, settings.lambda_scale
    raw = settings.hazard_scale == "hazard" or (
        settings.hazard_scale is None and least is not None and least > scale
    )
    return scale if raw else 1.0


def _gating(settings: Effective) -> dict[str, object]:
    low = [-math.inf] * len(GUARDS)
    high = [math.inf] * len(GUARDS)
    on = 0
    for slot, (limit, _) in enumerate(GUARDS):
        value = getattr(settings.guards, limit)
        if value is not None:
            (low if limit.startswith("min_") else high)[slot] = value
            on |= 1 << slot
    factor = hazard_factor(settings)
    return {
        "hazard_min": -math.inf if settings.hazard_min is None else settings.hazard_min * factor,
        "hazard_max": math.inf if settings.hazard_max is None else settings.hazard_max * factor,
        "guard_min": low,
        "guard_max": high,
        "guards_on": on,
        "min_reps": settings.min_repetitions,
        "regimes_on": sum(1 << 1 + REGIMES.index(label) for label in set(settings.regime_filter)),
        "direction": MOMENTUM if settings.direction == "momentum" else MEAN_REVERSION,
        "missing_direction": int(settings.missing_direction == "last_move"),
        "regime_confidence_min": settings.min_regime_confidence,
        "max_age": round(settings.gate_max_age_minutes * MINUTE_NS),
    }


def _planning(settings: Effective, pip: float) -> dict[str, object]:
    exit_at = settings.hazard_exit.threshold
    values: dict[str, object] = {
        "hold": round(settings.hold_minutes * MINUTE_NS),
        "cooldown": round(settings.cooldown_minutes * MINUTE_NS),
        "latency": round(settings.latency_seconds * SECOND_NS),
        "rearm": int(settings.exit.hold_rearm),
        "max_stack": settings.max_stack,
        "opposite": _OPPOSITE[settings.opposite],
        "flat_weekend": int(settings.flat_before_weekend),
        "hazard_exit": math.nan if exit_at is None else exit_at * hazard_factor(settings),
        "hazard_exit_above": int(settings.hazard_exit.when == "above"),
    }
    for level, fraction, pips in (
        ("stop", settings.stop_loss_pct, settings.stop_loss_pips),
        ("target", settings.take_profit_pct, settings.take_profit_pips),
        ("breakeven", settings.breakeven_trigger_pct, settings.breakeven_pips),
        ("trail", settings.trailing_stop_pct, settings.trailing_pips),
    ):
        values[f"{level}_frac"] = fraction or 0.0
        values[f"{level}_abs"] = (pips or 0.0) * pip
    return values


def _sizing(
    settings: Effective, instrument: Instrument, currencies: tuple[str, ...]
) -> dict[str, object]:
    for currency in (instrument.base, instrument.quote):
        if currency not in currencies:
            raise InstrumentError(
                f"currency of {instrument.name}",
                currency,
                f"one of the account's: {', '.join(currencies)}",
                "Build the list with market.instruments.currencies over all instruments traded.",
            )
    return {
        "base_ccy": currencies.index(instrument.base),
        "quote_ccy": currencies.index(instrument.quote),
        "risk_frac": settings.nav_risk_pct or 0.0,
        "exposure": settings.exposure,
        "vol_target": settings.vol_target_pct or 0.0,
        "vol_scale_min": settings.vol_scale_min,
        "vol_scale_max": settings.vol_scale_max,
        "margin_rate": instrument.margin_rate,
        "min_units": instrument.min_units,
        "max_units": instrument.max_order_units,
        "max_position": instrument.max_position_units,
        "unit_step": instrument.unit_step,
        "price_scale": instrument.price_scale,
    }


def _bps(name: str, given: float | None, of_account: float) -> float:
    value = of_account if given is None else given
    if not 0 <= value <= 1000:
        raise ProfileError(name, value, "basis points, 0..1000", "Write 1.5 for 0.015 %.")
    return value / 1e4


def _filled(record: Records, values: dict[str, object]) -> Records:
    """Every field of the layout from ``values``: a field added there cannot stay 0 unseen."""
    for name in record.dtype.names or ():
        if not name.startswith("_"):
            record[name] = values[name]
    return record


def compile_rules(
    profile: Profile,
    instrument: Instrument,
    currencies: tuple[str, ...],
    cost_bps: float | None = None,
    slippage_bps: float | None = None,
) -> Records:
    """One ``records.RULES``, shape (1,), of ``instrument`` under ``profile``.

    Args:
        profile: as loaded.
        instrument: the broker's figures; pips become prices by its ``pip``.
        currencies: the account's list; base and quote become indices into it.
        cost_bps: round-trip commission, of entry notional; half at each side. None = the
            account's, 1.5 by default.
        slippage_bps: of price, on market and stop fills. None = the account's.

    Raises:
        ProfileError: contradicting settings, or costs outside 0..1000 bps.
        InstrumentError: a currency that the account does not list.
    """
    settings = effective(profile, instrument.name)
    account = profile.account
    values = {
        **_gating(settings),
        **_planning(settings, instrument.pip),
        **_sizing(settings, instrument, currencies),
        "half_commission": _bps("cost_bps", cost_bps, account.cost_bps) / 2,
        "slippage": _bps("slippage_bps", slippage_bps, account.slippage_bps),
    }
    return _filled(empty(RULES, 1), values)


def compile_limits(profile: Profile) -> Records:
    """One ``records.LIMITS``, shape (1,), of the account; the kill switch is not engaged."""
    account = profile.account
    values: dict[str, object] = {
        "margin_budget": account.margin_budget_pct / 100,
        "total_exposure": math.inf if account.total_exposure is None else account.total_exposure,
        "currency_cap": math.inf if account.currency_cap is None else account.currency_cap,
        "closeout": account.closeout,
        "max_positions": account.max_total_positions,
        "halts": 0,
    }
    return _filled(empty(LIMITS, 1), values)
