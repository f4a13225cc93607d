"""Worlds without an edge: what the whole pipeline must not promote anything from.

A false-promotion rate is measured, not claimed: campaigns over bars in which, by construction,
nothing can be earned before costs. Each world keeps some of what makes a market hard to tell
from noise and destroys the rest; ``WORLDS`` says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from hotband.core.records import Records
from hotband.errors import BarsError, InputError, WindowError
from hotband.feeds.demo import VALUES_USD
from hotband.gates.events import Gates
from hotband.market.bars import Bars, SideOrigin
from hotband.market.calendar import DAY_NS
from hotband.market.instruments import Instrument, get_instrument, load_instruments
from hotband.market.spreads import SpreadProfile
from hotband.research.sharpe import DAYS_PER_YEAR
from hotband.research.world_clock import (
    HOURS,
    WorldClock,
    default_curve,
    end_after_days,
    mid_moves,
    null_granularity,
    time_of_day_curve,
    world_clock,
)
from hotband.research.worlds_resampled import (
    bar_signs,
    flipped_quotes,
    resampled_quotes,
    shifted_gates,
    span_weeks,
)
from hotband.research.worlds_synthetic import Shape, drawn_quotes

__all__ = [
    "WORLDS", "NullSettings", "World", "drawn_shift", "end_after_days", "null_bars", "null_gates",
    "shifted_gates", "time_of_day_curve",
]  # fmt: skip

World: TypeAlias = Literal["N1", "N2", "N3", "N4", "N5"]
Floats: TypeAlias = npt.NDArray[np.float64]

WORLDS: Final[Mapping[World, str]] = {
    "N1": "martingale with hourly stochastic volatility, t innovations and the clock's shape",
    "N2": "martingale with GARCH(1,1) volatility, t innovations and the clock's shape",
    "N3": "real bars, the direction of each drawn anew; volatility, spreads and gaps kept",
    "N4": "real days without their mean move, drawn in blocks: null for an edge between days",
    "N5": "real bars; the gates shifted by whole weeks against them",
}
"""What each world is, in one line."""
_NAMES: Final[tuple[World, ...]] = get_args(World)


@dataclass(frozen=True, slots=True)
class NullSettings:
    """What may be chosen about a null world; impossible values raise InputError.

    Attributes:
        annual_vol: deviation of a year's move (260 days of 24 hours) in N1 and N2 without a
            base; with one, the base's.
        spread_noise: deviation of the log spread around its profile, N1 and N2.
        weekend_gap: deviation of a weekend's gap over that of a week's move, N1 and N2.
        flip: what N3 draws a sign for. ``day`` keeps intraday autocorrelation: a null for
            drift only, not for momentum.
        block: whose draws N3 and N4 take; pairs of one block are flipped and resampled alike.
            All pairs are one block unless named otherwise, as triangles tie them together.
        block_days: mean length of N4's blocks.
    """

    annual_vol: float = 0.08
    spread_noise: float = 0.2
    weekend_gap: float = 0.15
    flip: Literal["bar", "day"] = "bar"
    block: str = "all"
    block_days: float = 5.0

    def __post_init__(self) -> None:
        rules = (
            ("annual_vol", 0 < self.annual_vol <= 1, "above 0, at most 1"),
            ("spread_noise", 0 <= self.spread_noise <= 1, "0 to 1"),
            ("weekend_gap", 0 <= self.weekend_gap <= 1, "0 to 1"),
            ("flip", self.flip in ("bar", "day"), "bar, day"),
            ("block_days", 1 <= self.block_days < np.inf, "1 or more"),
        )
        for name, holds, allowed in rules:
            if not holds:
                what = f"{name} of a null world"
                raise InputError(what, getattr(self, name), allowed, "Choose another.")


DEFAULT: Final = NullSettings()


def null_bars(
    world: World,
    seed: int,
    *,
    instrument: str,
    start_ns: int,
    end_ns: int,
    granularity: str = "M1",
    base: Bars | None = None,
    settings: NullSettings = DEFAULT,
) -> Bars:
    """Bars of one null world; the same arguments give the same bytes.

    All chance comes from PCG64 streams seeded by (world, seed, instrument), in N3 and N4 by
    (world, seed, block). Pairs of N1 and N2 are independent of one another.

    Args:
        world: ``N1`` to ``N4``; see ``WORLDS``. N5 moves gates: ``null_gates``.
        seed: 0 or more.
        instrument: such as ``EUR_USD``.
        start_ns: bars open at or after it.
        end_ns: bars are known by it; ``end_after_days`` counts trading days.
        granularity: S5 to H1; in N3 and N4 the base's.
        base: real bars of the instrument. N3 flips its bars inside the window, N4 draws days
            from all of it. N1 and N2 take their curve, volatility, spread by hour and first
            price from it where given; hours with too few bars take the built-in curve and
            table, and a note says so.
        settings: what else may be chosen.

    Returns:
        Validated bars with ``source`` = ``null-N1`` and so on.

    Raises:
        InputError: An unknown world, N5, or a seed below 0.
        BarsError: No base for N3 and N4, or one of another instrument or granularity.
        InstrumentError: A pair that the built-in table lacks.
        WindowError: A reversed window, or one without trading.
    """
    if world not in _NAMES:
        raise InputError("world", world, ", ".join(_NAMES), "Name one of them.", near=_NAMES)
    if world == "N5":
        raise InputError("world", world, "N1 to N4", "N5 keeps the bars: shift gates, null_gates.")
    pair = get_instrument(instrument, load_instruments())
    if base is not None and base.instrument != instrument:
        raise BarsError("base", base.instrument, instrument, "Use the pair's own history.")
    window = (start_ns, end_ns)
    if world in ("N1", "N2"):
        draws = np.random.Generator(np.random.PCG64(_sequence(world, seed, instrument)))
        clock = world_clock(start_ns, end_ns, granularity)
        shape, notes = _shape(pair, clock, granularity, base, settings)
        data = drawn_quotes(world, clock, shape, settings.spread_noise, draws)
        side: SideOrigin = "ba"
    else:
        real = _real(world, granularity, base)
        data, side, notes = _undone(world, seed, real, window, settings), real.side_origin, ()
    bars = Bars.from_records(
        instrument, granularity, data, source=f"null-{world}", side_origin=side
    )  # fmt: skip
    return replace(bars, notes=notes)


def _undone(
    world: World, seed: int, real: Bars, window: tuple[int, int], settings: NullSettings
) -> Records:
    """The quotes of N3 or N4."""
    if world == "N4":
        draws = np.random.Generator(np.random.PCG64(_sequence(world, seed, settings.block)))
        return resampled_quotes(real, window, settings.block_days, draws)
    held = real.window(*window)
    if not len(held):
        raise WindowError("window of N3", "no bars of the base", "some", "Widen the window.")
    entropy = _entropy(world, seed, settings.block)
    return flipped_quotes(held.data, bar_signs(held, settings.flip, entropy))


def drawn_shift(seed: int, span: tuple[int, int]) -> int:
    """The weeks that N5 shifts by: 1 to weeks of the span - 1, each as likely; one for all pairs.

    Raises:
        InputError: A seed below 0.
        WindowError: A span of less than two weeks, or reversed.
    """
    weeks = span_weeks(span)
    if weeks < 2:
        do = "A shift by all of the span changes nothing: use a longer one."
        raise WindowError("span of N5", f"{weeks} weeks", "2 weeks or more", do)
    return int(np.random.Generator(np.random.PCG64(_sequence("N5", seed, ""))).integers(1, weeks))


def null_gates(gates: Gates, seed: int, span: tuple[int, int]) -> Gates:
    """World N5: ``shifted_gates`` by ``drawn_shift`` weeks."""
    return shifted_gates(gates, drawn_shift(seed, span), span)


def _entropy(world: World, seed: int, name: str) -> tuple[int, ...]:
    if seed < 0:
        raise InputError("seed", seed, "0 or more", "Choose another.")
    return (_NAMES.index(world) + 1, seed, int.from_bytes(name.encode(), "big"))


def _sequence(world: World, seed: int, name: str) -> np.random.SeedSequence:
    return np.random.SeedSequence(_entropy(world, seed, name))


def _real(world: World, granularity: str, base: Bars | None) -> Bars:
    what = f"base of {world}"
    if base is None or not len(base):
        raise BarsError(what, "no bars", "real bars of the instrument", "Pass a history.")
    if base.granularity != granularity:
        raise BarsError(what, base.granularity, granularity, "Ask for the base's granularity.")
    return base


def _shape(
    pair: Instrument,
    clock: WorldClock,
    granularity: str,
    base: Bars | None,
    settings: NullSettings,
) -> tuple[Shape, tuple[str, ...]]:
    """What N1 and N2 look like, and what was not known of the base."""
    step, t, slot = null_granularity(granularity), clock.t, clock.slot
    table = SpreadProfile.from_table(pair)
    notes: list[str] = []
    if base is None:
        curve, annual, spread = default_curve(), settings.annual_vol, table.at(t)
        start = VALUES_USD[pair.base] / VALUES_USD[pair.quote]
    else:
        _, moves = mid_moves(base)
        curve = time_of_day_curve(base)
        annual = float(np.sqrt(np.mean(moves**2) * DAYS_PER_YEAR * DAY_NS / base.granularity_ns))
        spread = table.at(t)
        if base.side_origin == "ba":
            seen = SpreadProfile.from_bars(base, int(base.known_ns[-1])).at(t)
            spread = np.where(np.isnan(seen), spread, seen)
        else:
            notes.append("spreads of the instrument's table: the base has one side only")
        start = float(base.data["bid_o"][0] + base.data["ask_o"][0]) / 2
        unknown = np.isnan(curve)
        missing = np.unique(slot[unknown[slot]])
        if len(missing):
            notes.append(f"{len(missing)} of {HOURS} hours of the built-in curve: too few bars")
        curve = np.where(unknown, default_curve(), curve)
    sigma = annual * np.sqrt(step / (DAYS_PER_YEAR * DAY_NS)) * curve[slot]
    week_sigma = annual * np.sqrt(5 / DAYS_PER_YEAR)
    gap = settings.weekend_gap * week_sigma
    return Shape(sigma, spread / 2, float(pair.price_scale), start, gap), tuple(notes)
