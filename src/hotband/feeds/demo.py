"""A simulated market, for the demo and for tests that need to know what is in the prices.

Every currency has a value that walks and jumps by itself, and a pair is the ratio of two: all
pairs agree with each other, and those that share a currency move together. Each week is drawn
from its own seed between levels that the seed fixes for all weeks: the same bar comes out
whatever window, granularity or set of pairs is asked for. Every bar says ``source = "demo"``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter
from scipy.special import ndtri

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
JUMPS: Final = 3
"""News that a week may bring for a currency; each comes with the chance of one in three."""
JUMP_SHARE: Final = 0.3
"""Size of a jump (a standard deviation) against a week's move: a quarter of a per cent."""
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
    hour, by a random factor within the week and from week to week; prices jump about once a
    week and currency, mostly in busy hours; spreads are the instrument's table with noise;
    weekends have gaps; volume is a made-up number of price updates.

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


class _Weeks(NamedTuple):
    """What every week is drawn between, by week: (n,) but for the jumps, (n, JUMPS).

    ``level``: log value at its open. ``move``: by its close, without jumps. ``sigma``: the
    deviation of that move. ``jump``: sizes, 0 where there is none. ``jump_at``: when, 0..1, by
    the share of the week's activity that is over.
    """

    level: Floats
    move: Floats
    sigma: Floats
    jump: Floats
    jump_at: Floats


@lru_cache(maxsize=64)
def _weeks(seed: int, currency: str, last: int) -> _Weeks:
    """The weeks up to ``last``."""
    # Row by row, so that asking for more weeks does not change the earlier ones.
    drawn = _generator(seed, currency, 0).standard_normal((last + 1, 3))
    news = _generator(seed, f"{currency} news", 0).random((last + 1, 3, JUMPS))
    sigma = WEEK_SIGMA * np.exp(lfilter([0.15], [1.0, -0.85], drawn[:, 0]))
    move = sigma * drawn[:, 1]
    gaps = GAP_SHARE * sigma * drawn[:, 2]
    # The chance is 1 / JUMPS, so that one is expected; up and down are as likely, whatever was.
    size = JUMP_SHARE * sigma[:, np.newaxis] * ndtri(np.clip(news[:, 1], 1e-9, 1.0))
    jump = np.where(news[:, 0] < 1 / JUMPS, size, 0.0)
    closes = lfilter([1.0], [1.0, -WEEK_MEMORY], move + jump.sum(axis=1) + gaps)
    return _Weeks(np.concatenate(([0.0], closes[:-1])), move, sigma, jump, news[:, 2])


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
        a plain walk, in which the past says nothing about the next step (for edge 0). Jumps
        come on top, each at its own time.
        """
        weeks = _weeks(self.seed, currency, self.number)
        level, move, deviation, jumps, jumps_at = (column[self.number] for column in weeks)
        draws = _generator(self.seed, currency, self.number)
        noise = _with_momentum(draws.standard_normal(STEPS), self.edge)
        restless = lfilter([0.08], [1.0, -0.97], draws.standard_normal(STEPS // 30))
        sigma = self.activity() * np.exp(np.repeat(restless, 30))
        sigma *= deviation / np.sqrt(np.sum(sigma**2))
        walk = np.cumsum(sigma * noise)
        spent = np.cumsum(sigma**2) / deviation**2
        path: Floats = level + walk + spent * (move - walk[-1])
        path += np.log(VALUES_USD[currency])
        busy = np.cumsum(self.activity())
        for jump, at in zip(jumps, jumps_at, strict=True):
            path[np.searchsorted(busy, at * busy[-1]) :] += jump
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
