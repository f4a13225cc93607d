"""A simulated market, for the demo and for tests that need to know what is in the prices.

Every currency has a value that walks by itself, and a pair is the ratio of two, so all pairs
agree with each other. Each week is drawn from its own seed between levels that the seed fixes
for all weeks: the same bar comes out whatever window, granularity or set of pairs is asked for.
Every bar says ``source = "demo"``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from hotband.core.records import QUOTE, Records
from hotband.errors import InputError, InstrumentError
from hotband.market.bars import Bars, Int64Array, require_window
from hotband.market.calendar import (
    DEFAULT_HOURS,
    FIRST_NS,
    HOUR_NS,
    MINUTE_NS,
    SECOND_NS,
    parse_granularity,
)
from hotband.market.instruments import Instrument, get_instrument, load_instruments
from hotband.market.spreads import WEEK_NS, SpreadProfile, week_phase_ns

Floats: TypeAlias = npt.NDArray[np.float64]

SOURCE: Final = "demo"
VALUES_USD: Final = {
    "USD": 1.0,
    "EUR": 1.10,
    "GBP": 1.27,
    "CHF": 1.13,
    "CAD": 0.73,
    "AUD": 0.66,
    "NZD": 0.61,
    "JPY": 0.0069,
}
"""What a unit of each currency is worth around; the walks swing around these."""

STEP_NS: Final = 10 * SECOND_NS
OPEN_NS: Final = 120 * HOUR_NS
"""A trading week: always as long, as daylight time changes while the market is closed."""
STEPS: Final = OPEN_NS // STEP_NS
STEPS_A_MINUTE: Final = MINUTE_NS // STEP_NS
WEEK_SIGMA: Final = 0.0075
"""Of one currency's log value; about 7.6 % a year for a pair."""
WEEK_MEMORY: Final = 0.998
"""Levels return slowly, so that decades do not drift away."""
GAP_SHARE: Final = 0.15
"""Size of a weekend's gap against a week's move."""
TREND_STEPS: Final = 360
"""Span of the trend that ``edge`` follows: one hour."""
MAX_EDGE: Final = 0.1
"""A stronger momentum would feed itself without end."""
_ACTIVITY: Final = (
    (0, 3, 8, 10, 12, 16, 17, 20, 24),
    (0.7, 1.1, 1.5, 1.6, 1.1, 0.7, 0.4, 0.6, 0.7),
)
"""Activity by New York hour, linear in between."""


def demo_bars(
    instruments: Sequence[str],
    start_ns: int,
    end_ns: int,
    granularity: str = "M1",
    seed: int = 7,
    edge: float = 0.0,
) -> dict[str, Bars]:
    """Simulated bars of several pairs, by name; the same arguments give the same bytes.

    Bars exist where the market trades (the week less the daily closure). Volatility changes by
    hour, by a random factor within the week and from week to week; spreads are the instrument's
    table with noise; weekends have gaps; volume is a made-up number of price updates.

    Args:
        instruments: Names of pairs of the currencies in ``VALUES_USD``.
        start_ns: Bars open at or after it.
        end_ns: Bars are known by it.
        granularity: M1 to H1.
        seed: Of everything random, 0 or more.
        edge: Momentum planted in each currency: about the correlation of its next minute's
            move with its trend over the last hour, -0.1..0.1 (more than that above 0.05, as
            momentum feeds itself). 0 = none: the next move cannot be told from the past.

    Raises:
        InputError: A granularity, seed or edge outside the above.
        InstrumentError: A pair or currency that is not known.
        WindowError: The end is not after the start.
    """
    require_window(start_ns, end_ns)
    step = parse_granularity(granularity)
    if step < MINUTE_NS or HOUR_NS % step:
        raise InputError("granularity of the demo", granularity, "M1 to H1", "Choose one.")
    if seed < 0:
        raise InputError("seed", seed, "0 or more", "Choose another.")
    if not -MAX_EDGE <= edge <= MAX_EDGE:
        raise InputError("edge", edge, f"-{MAX_EDGE} to {MAX_EDGE}", "Plant a smaller one.")
    pairs = [_known(name) for name in instruments]
    opens = _week_opens(start_ns, end_ns)
    parts: dict[str, list[Records]] = {pair.name: [] for pair in pairs}
    for open_ns in opens:
        week = _Week(open_ns, seed, edge)
        values = {code: week.log_value(code) for pair in pairs for code in (pair.base, pair.quote)}
        for pair in pairs:
            log_mid = values[pair.base] - values[pair.quote]
            parts[pair.name].append(week.bars(pair, log_mid, step))
    bars = {}
    for pair in pairs:
        data = np.concatenate([*parts[pair.name], np.empty(0, dtype=QUOTE)])
        whole = Bars.from_records(pair.name, granularity, data, source=SOURCE)
        bars[pair.name] = whole.window(start_ns, end_ns)
    return bars


def _known(name: str) -> Instrument:
    pair = get_instrument(name, load_instruments())
    for code in (pair.base, pair.quote):
        if code not in VALUES_USD:
            allowed = ", ".join(VALUES_USD)
            do = "Simulate other pairs."
            raise InstrumentError(f"currency of {name}", code, allowed, do, near=VALUES_USD)
    return pair


def _week_opens(start_ns: int, end_ns: int) -> list[int]:
    opens = []
    at = start_ns
    while at < end_ns:
        at = int(DEFAULT_HOURS.next_week_close(at))
        if at - OPEN_NS < end_ns:
            opens.append(at - OPEN_NS)
    return opens


def _generator(seed: int, name: str, week: int) -> np.random.Generator:
    key = (seed, int.from_bytes(name.encode(), "big"), week)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


@lru_cache(maxsize=64)
def _weeks(seed: int, currency: str, last: int) -> tuple[Floats, Floats, Floats]:
    """Per week up to ``last``: log level at its open, its move, and the deviation of the move."""
    # Row by row, so that asking for more weeks does not change the earlier ones.
    drawn = _generator(seed, currency, 0).standard_normal((last + 1, 3))
    sigma = WEEK_SIGMA * np.exp(lfilter([0.15], [1.0, -0.85], drawn[:, 0]))
    moves = sigma * drawn[:, 1]
    gaps = GAP_SHARE * sigma * drawn[:, 2]
    closes = lfilter([1.0], [1.0, -WEEK_MEMORY], moves + gaps)
    return np.concatenate(([0.0], closes[:-1])), moves, sigma


@dataclass(frozen=True, slots=True)
class _Week:
    """One trading week of the simulated world, in steps of ten seconds."""

    open_ns: int
    seed: int
    edge: float

    @property
    def number(self) -> int:
        """Weeks since the calendar begins, 1 or more."""
        return 1 + round((self.open_ns - FIRST_NS) / WEEK_NS)

    def times(self) -> Int64Array:
        return self.open_ns + np.arange(STEPS, dtype=np.int64) * STEP_NS

    def activity(self) -> Floats:
        hour = week_phase_ns(self.times()) / HOUR_NS % 24
        return np.asarray(np.interp(hour, *_ACTIVITY), dtype=np.float64)

    def log_value(self, currency: str) -> Floats:
        """Log value in USD at the end of each step.

        A walk is tied to the week's move by a Brownian bridge in the time that variance
        measures. As the walk's variance over the week is that of the move, the path is itself
        a plain walk, in which the past says nothing about the next step (for edge 0).
        """
        levels, moves, sigmas = _weeks(self.seed, currency, self.number)
        draws = _generator(self.seed, currency, self.number)
        noise = _with_momentum(draws.standard_normal(STEPS), self.edge)
        restless = lfilter([0.08], [1.0, -0.97], draws.standard_normal(STEPS // 30))
        sigma = self.activity() * np.exp(np.repeat(restless, 30))
        sigma *= sigmas[self.number] / np.sqrt(np.sum(sigma**2))
        walk = np.cumsum(sigma * noise)
        spent = np.cumsum(sigma**2) / sigmas[self.number] ** 2
        path: Floats = levels[self.number] + walk + spent * (moves[self.number] - walk[-1])
        path += np.log(VALUES_USD[currency])
        return path

    def bars(self, pair: Instrument, log_mid: Floats, step_ns: int) -> Records:
        """The week's bars of one pair; steps inside the daily closure have no quotes."""
        t = self.times()
        draws = _generator(self.seed, pair.name, self.number)
        noise = draws.standard_normal((2, STEPS // STEPS_A_MINUTE))
        spread = SpreadProfile.from_table(pair).at(t)
        spread *= np.repeat(np.exp(0.2 * noise[0]), STEPS_A_MINUTE)
        updates = np.zeros(STEPS)
        minutes = slice(None, None, STEPS_A_MINUTE)
        updates[minutes] = 1 + np.floor(60 * self.activity()[minutes] * np.exp(0.4 * noise[1]))
        mid = np.exp(log_mid)
        bid = np.rint((mid - spread / 2) * pair.price_scale)
        # At least one point apart: a simulated market is never free.
        ask = np.maximum(np.rint((mid + spread / 2) * pair.price_scale), bid + 1)
        quoted = ~DEFAULT_HOURS.in_closure(t)
        sides = {"bid": bid[quoted] / pair.price_scale, "ask": ask[quoted] / pair.price_scale}
        return _aggregate(t[quoted], sides, updates[quoted], step_ns)


def _with_momentum(noise: Floats, edge: float) -> Floats:
    """Noise plus ``edge`` times its own trend, an exponential mean scaled to unit variance."""
    if edge == 0:
        return noise
    share = 2 / (TREND_STEPS + 1)
    pull = edge / np.sqrt(STEPS_A_MINUTE) / np.sqrt(share / (2 - share))
    trend: Floats = lfilter([share], [1.0, -(1 - share + share * pull)], noise)
    trend[1:] = pull * trend[:-1]
    trend[0] = 0.0
    return noise + trend


def _aggregate(t: Int64Array, sides: dict[str, Floats], updates: Floats, step_ns: int) -> Records:
    bucket = t // step_ns * step_ns
    first = np.flatnonzero(np.diff(bucket, prepend=-1))
    last = np.append(first[1:], len(t)) - 1
    data = np.empty(len(first), dtype=QUOTE)
    data["t"] = bucket[first]
    data["volume"] = np.add.reduceat(updates, first)
    for side, price in sides.items():
        data[f"{side}_o"], data[f"{side}_c"] = price[first], price[last]
        data[f"{side}_h"] = np.maximum.reduceat(price, first)
        data[f"{side}_l"] = np.minimum.reduceat(price, first)
    return data
