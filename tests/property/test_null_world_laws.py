"""Laws of the null worlds, over drawn windows, signs and shifts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.null_markets import REAL_FROM, START, gates_at, history

from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, HOUR_NS
from hotband.research.nullworlds import World, null_bars
from hotband.research.worlds_resampled import flipped_quotes, shifted_gates, span_weeks

DRAWN: st.SearchStrategy[World] = st.sampled_from(["N1", "N2"])
SOME = st.integers(0, 2**32 - 1)


@settings(max_examples=25, deadline=None)
@given(DRAWN, SOME, st.integers(0, 40), st.integers(2 * 24, 200))
def test_any_window_with_trading_gives_valid_bars_inside_it(
    world: World, seed: int, start: int, hours: int
) -> None:
    start_ns = START + start * DAY_NS - HOUR_NS // 2
    end_ns = start_ns + (hours + 48) * HOUR_NS
    bars = null_bars(
        world, seed, instrument="USD_JPY", start_ns=start_ns, end_ns=end_ns, granularity="M15"
    )
    t = bars.data["t"]
    assert t[0] >= start_ns
    assert bars.known_ns[-1] <= end_ns
    assert DEFAULT_HOURS.in_week(t).all()


@settings(max_examples=25, deadline=None)
@given(SOME, st.integers(0, 4000), st.integers(1, 500))
def test_flipping_twice_gives_the_bars_back(seed: int, first: int, size: int) -> None:
    quotes = history().data[first : first + size]
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), len(quotes))
    once = flipped_quotes(quotes, signs)
    Bars.from_records("EUR_USD", "M5", once, source="flipped")
    twice = flipped_quotes(once, signs)
    for name in quotes.dtype.names or ():
        np.testing.assert_allclose(twice[name], quotes[name], rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(SOME)
def test_resampled_days_of_any_seed_are_valid_bars_of_the_week(seed: int) -> None:
    bars = null_bars(
        "N4", seed, instrument="EUR_USD", start_ns=REAL_FROM, end_ns=REAL_FROM + 14 * DAY_NS,
        granularity="M5", base=history(),
    )  # fmt: skip
    assert DEFAULT_HOURS.in_week(bars.data["t"]).all()


@settings(max_examples=25, deadline=None)
@given(SOME, st.integers(2, 60), st.integers(-80, 80), st.integers(-80, 80))
def test_shifts_add_up(seed: int, weeks: int, one: int, two: int) -> None:
    span = (REAL_FROM, REAL_FROM + (7 * weeks - 2) * DAY_NS)
    draws = np.random.default_rng(seed)
    t = np.unique(draws.integers(span[0] // HOUR_NS, span[1] // HOUR_NS, 50)) * HOUR_NS
    known = t[DEFAULT_HOURS.in_week(t)]
    gates = gates_at(known, draws.choice(np.array([-1, 1]), len(known)))
    assert span_weeks(span) == weeks
    in_turn = shifted_gates(gates, one, span)
    at_once = shifted_gates(gates, one + two, span)
    assert shifted_gates(in_turn, two, span).content_hash == at_once.content_hash
