"""The missing side of bars that have only one: a spread per time of the trading week.

Fills happen at bid and ask, so one-sided history needs a spread. The best estimate is what the
same instrument cost at the same New York time, from bars known before; failing that, the
instrument's typical spread on a fixed curve. Bars completed here keep saying so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.records import Records
from hotband.errors import BarsError
from hotband.market.bars import SIDES, Bars, Column, Int64Array, quotes_from
from hotband.market.calendar import DAY_NS, HOUR_NS, MINUTE_NS, format_time, zone_clock
from hotband.market.instruments import Instrument

OneSide: TypeAlias = Literal["bid", "ask", "mid"]
Floats: TypeAlias = npt.NDArray[np.float64]

ZONE: Final = "America/New_York"
WEEK_NS: Final = 7 * DAY_NS
CURVE_SLOT_NS: Final = 5 * MINUTE_NS
"""The table's curve has steps at 16:55; estimated medians have one slot per hour."""
LEAST_BARS: Final = 5
"""Fewer bars than this in an hour of the week say nothing about its median."""
ONE_SIDE_COLUMNS: Final = ("time", "o", "h", "l", "c", "volume")
ONE_SIDES: Final[tuple[OneSide, ...]] = ("bid", "ask", "mid")

ASIA_CURRENCIES: Final = frozenset({"JPY", "AUD", "NZD"})
ASIA_FACTOR: Final = 1.3
ROLL_FACTOR: Final = 2.5
SUNDAY_FACTOR: Final = 3.0
FRIDAY_FACTOR: Final = 2.0


def week_phase_ns(t_ns: Int64Array) -> Int64Array:
    """Nanoseconds since Monday 00:00 on the New York wall clock."""
    local = zone_clock(ZONE).to_local(t_ns)
    phase: Int64Array = (local - 4 * DAY_NS) % WEEK_NS  # 1970-01-05 was a Monday
    return phase


def _curve(instrument: Instrument) -> Floats:
    """Factors on the typical spread per 5 minutes of the New York week.

    A step curve after OANDA's hourly spreads: 1 in London and New York hours (03:00-16:55),
    1.3 in Asian ones (pairs with JPY, AUD or NZD: 1), 2.5 from 16:55 to 18:00, 3 in the first
    hour after Sunday's open, 2 from Friday 16:00. The largest factor that applies counts.
    """
    minutes = np.arange(WEEK_NS // CURVE_SLOT_NS) * 5
    day, minute = minutes // 1440, minutes % 1440
    asia = (minute >= 18 * 60) | (minute < 3 * 60)
    quiet = 1.0 if {instrument.base, instrument.quote} & ASIA_CURRENCIES else ASIA_FACTOR
    roll = (minute >= 16 * 60 + 55) & (minute < 18 * 60)
    sunday_open = (day == 6) & (minute >= 17 * 60) & (minute < 18 * 60)
    friday_end = (day == 4) & (minute >= 16 * 60)
    curve = np.where(asia, quiet, 1.0)
    for where, factor in (
        (friday_end, FRIDAY_FACTOR),
        (roll, ROLL_FACTOR),
        (sunday_open, SUNDAY_FACTOR),
    ):
        curve = np.where(where, np.maximum(curve, factor), curve)
    return curve


@dataclass(frozen=True, eq=False, slots=True)
class SpreadProfile:
    """Spread by time of the New York week.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        spread: In quote currency, one per equal slot from Monday 00:00; NaN = not known.
        origin: ``bars`` = medians (168 slots of an hour), ``table`` = the instrument's typical
            spread on the default curve (2016 slots of five minutes, all known).
        known_ns: From when the profile may be used; None = always.
    """

    instrument: str
    spread: Floats
    origin: Literal["bars", "table"]
    known_ns: int | None = None

    @classmethod
    def from_table(cls, instrument: Instrument) -> Self:
        """The instrument's ``spread_pips`` on the default curve."""
        base = instrument.spread_pips * instrument.pip
        return cls(instrument.name, base * _curve(instrument), "table")

    @classmethod
    def from_bars(cls, bars: Bars, before_ns: int) -> Self:
        """Median spread per hour of the week over the bars known at ``before_ns``.

        A bar counts with the mean of its open and close spreads, at its open. Hours with fewer
        than ``LEAST_BARS`` bars are NaN.

        Raises:
            BarsError: One-sided bars, or none known by then.
        """
        if bars.side_origin != "ba":
            raise BarsError(
                "bars for a spread profile",
                f"side_origin {bars.side_origin}",
                "bars whose source had both sides",
                "A derived spread teaches nothing; use SpreadProfile.from_table.",
            )
        known = bars.data[bars.known_ns <= before_ns]
        if not len(known):
            raise BarsError(
                f"bars of {bars.instrument} {bars.granularity} for a spread profile",
                f"none known before {format_time(before_ns)}",
                "at least one",
                "Estimate from earlier bars, or use SpreadProfile.from_table.",
            )
        spreads = (known["ask_o"] - known["bid_o"] + known["ask_c"] - known["bid_c"]) / 2
        hours = week_phase_ns(known["t"]) // HOUR_NS
        medians = np.full(168, np.nan)
        for hour in np.unique(hours):
            of_hour = spreads[hours == hour]
            if len(of_hour) >= LEAST_BARS:
                medians[hour] = np.median(of_hour)
        return cls(bars.instrument, medians, "bars", before_ns)

    def at(self, t_ns: Int64Array) -> Floats:
        """The spread in quote currency at each time; NaN where the profile knows none."""
        values: Floats = self.spread[week_phase_ns(t_ns) // (WEEK_NS // len(self.spread))]
        return values


def complete_sides(
    columns: Mapping[str, Column],
    side: OneSide,
    profile: SpreadProfile,
    instrument: Instrument,
    *,
    granularity: str,
    source: str,
) -> Bars:
    """Bars with both sides from bars with one, marked with ``side_origin`` = ``side``.

    Each bar is shifted by one spread, that of its open time, so that highs and lows keep their
    order (from the mid by half of it each way); derived prices are rounded to the instrument's
    display precision. Where the profile knows no spread, the instrument's table does.

    Args:
        columns: ``time``, ``o``, ``h``, ``l``, ``c`` and, where known, ``volume``.
        side: What the four prices are.
        profile: The spread by time of the week.
        instrument: For its table and its precision.
        granularity: Of the bars.
        source: Of the bars.

    Raises:
        BarsError: A profile of another instrument or of a later time, a wrong side, or
            columns that cannot be used.
    """
    _check_profile(profile, instrument)
    if side not in ONE_SIDES:
        raise BarsError(
            "side", side, ", ".join(ONE_SIDES), "Name the side of the prices.", near=ONE_SIDES
        )
    given = _one_side(columns, f"{instrument.name} {granularity}")
    if profile.known_ns is not None and len(given) and given["t"][0] < profile.known_ns:
        raise BarsError(
            f"profile for bars of {instrument.name} from {format_time(int(given['t'][0]))}",
            f"one known at {format_time(profile.known_ns)}",
            "a profile known before the first bar",
            "Estimate it from earlier bars, or use SpreadProfile.from_table.",
        )
    spread = profile.at(given["t"])
    unknown = np.isnan(spread)
    spread[unknown] = SpreadProfile.from_table(instrument).at(given["t"])[unknown]
    bid_shift, ask_shift = {"bid": (0.0, 1.0), "ask": (-1.0, 0.0), "mid": (-0.5, 0.5)}[side]
    data = given.copy()
    for letter in "ohlc":
        price = given[f"bid_{letter}"]
        bid, ask = (
            np.round(price + shift * spread, instrument.display_precision) if shift else price
            for shift in (bid_shift, ask_shift)
        )
        # A given price finer than the precision must not end up behind its rounded twin.
        data[f"bid_{letter}"] = np.minimum(bid, price)
        data[f"ask_{letter}"] = np.maximum(ask, price)
    return Bars.from_records(instrument.name, granularity, data, source=source, side_origin=side)


def _check_profile(profile: SpreadProfile, instrument: Instrument) -> None:
    if profile.instrument != instrument.name:
        raise BarsError(
            "profile", profile.instrument, instrument.name, "Use the instrument's own profile."
        )


def _one_side(columns: Mapping[str, Column], what: str) -> Records:
    """Quotes with the one side given on both."""
    for name in columns:
        if name not in ONE_SIDE_COLUMNS:
            raise BarsError(
                f"columns of {what}",
                name,
                ", ".join(ONE_SIDE_COLUMNS),
                "Rename it.",
                near=ONE_SIDE_COLUMNS,
            )
    missing = [name for name in ONE_SIDE_COLUMNS[:-1] if name not in columns]
    if missing:
        got = f"no {', '.join(missing)}"
        raise BarsError(f"columns of {what}", got, ", ".join(ONE_SIDE_COLUMNS), "Add them.")
    doubled = {f"{side}_{letter}": columns[letter] for side in SIDES for letter in "ohlc"}
    others = {name: columns[name] for name in ("time", "volume") if name in columns}
    return quotes_from(others | doubled, what)
