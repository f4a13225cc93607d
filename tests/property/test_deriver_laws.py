"""Laws of the deriver: its definition, causality, finite memory and invariances."""

from math import isnan
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.naive.naive_deriver import MINUTE, bars_of, candidates, passes, rules_of

from hotband.gates.deriver import GateDeriver, derive_gates, surprises_of
from hotband.gates.deriver_state import DeriverSettings
from hotband.gates.lambda_map import MIN_RECORDED, LambdaMap
from hotband.gates.runs import mapped
from hotband.market.bars import Bars

QUICK = settings(max_examples=60, deadline=None)


class Market(NamedTuple):
    """Ticks and the minutes before each, and how to read them."""

    ticks: list[int]
    gaps: list[int]
    how: DeriverSettings

    def bars(self, tick: float = 1.0, upto: int | None = None) -> Bars:
        return bars_of([tick * level for level in self.ticks[:upto]], self.gaps[:upto])


@st.composite
def markets(draw: st.DrawFn, size: int = 90) -> Market:
    """Random walks with standstills and holes, read with small windows and memories."""
    moves = draw(st.lists(st.sampled_from([-7, -2, -1, 0, 1, 2, 9]), min_size=2, max_size=size))
    kinds = st.sampled_from([1, 1, 1, 1, 1, 1, 2, 5, 6, 40])
    gaps = draw(st.lists(kinds, min_size=len(moves), max_size=len(moves)))
    least = draw(st.integers(1, 4))
    how = DeriverSettings(
        return_window=draw(st.integers(1, 3)),
        streak_window=draw(st.integers(1, 8)),
        min_history_runs=least,
        history_runs=draw(st.integers(least, 9)),
        max_gap_bars=draw(st.integers(1, 6)),
    )
    return Market((110_000 + np.cumsum(moves)).tolist(), gaps, how)


LOOSE = rules_of()
TIGHT = rules_of(2, (0.01, 0.09), min_coherence=0.2, min_stability=0.4, max_entropy=0.99)


@given(markets())
@QUICK
def test_the_events_are_those_of_the_definition(market: Market) -> None:
    bars = market.bars()
    got = derive_gates(bars, LOOSE, market.how)
    times = bars.data["t"].tolist()
    all_of_them = candidates(times, market.ticks, market.how)
    want = [c for c in all_of_them if not isnan(c.surprise)]
    data = got.gates.data
    assert got.counts["candidates"] == len(all_of_them)
    assert data["known"].tolist() == [times[c.bar] + MINUTE for c in want]
    assert got.run_start_ns.tolist() == [times[c.start] for c in want]
    assert data["side"].tolist() == [c.side for c in want]
    assert data["reps"].tolist() == [c.reps for c in want]
    assert data["hazard"].tolist() == [0.1 * c.surprise for c in want]
    metrics = np.array([c[5:] for c in want]).reshape(-1, 3)
    np.testing.assert_allclose(data["metrics"][:, :3], metrics, rtol=1e-9)


@given(markets())
@QUICK
def test_thresholds_select_from_the_candidates_and_lose_none(market: Market) -> None:
    bars = market.bars()
    got = derive_gates(bars, rules_of(2, (0.02, 0.08)), market.how)
    found = candidates(bars.data["t"].tolist(), market.ticks, market.how)
    want = [c for c in found if passes(c, 2, (0.02, 0.08), lambda s: 0.1 * s)]
    assert got.gates.data["reps"].tolist() == [c.reps for c in want]
    candidates_in = got.counts.pop("candidates")
    assert candidates_in == len(found) == sum(got.counts.values())


@given(markets(), st.sampled_from([LOOSE, TIGHT]))
@QUICK
def test_bar_by_bar_and_all_at_once_agree_to_the_last_bit(market: Market, rules: object) -> None:
    bars = market.bars()
    batch = derive_gates(bars, rules, market.how)
    stream = GateDeriver("EUR_USD", MINUTE, rules, market.how)
    events = [event for bar in bars.data if (event := stream.on_bar(bar)) is not None]
    assert events == batch.events()
    assert stream.counts == batch.counts


@given(markets(), st.sampled_from([-50, 0, 50]))
@settings(max_examples=25, deadline=None)
def test_nothing_after_a_bar_changes_an_event_known_by_its_close(market: Market, jump: int) -> None:
    bars = market.bars()
    whole = derive_gates(bars, LOOSE, market.how).events()
    for cut in range(1, len(bars) + 1):
        known = int(bars.known_ns[cut - 1])
        past = [event for event in whole if event["known_ns"] <= known]
        assert derive_gates(market.bars(upto=cut), LOOSE, market.how).events() == past
        other = [level + jump * (i % 3) for i, level in enumerate(market.ticks)]
        mixed = market._replace(ticks=market.ticks[:cut] + other[cut:]).bars()
        again = derive_gates(mixed, LOOSE, market.how).events()
        assert [event for event in again if event["known_ns"] <= known] == past


@given(markets(), st.integers(-12, 12))
@QUICK
def test_prices_times_a_power_of_two_give_the_same_bits(market: Market, power: int) -> None:
    plain = derive_gates(market.bars(), TIGHT, market.how)
    scaled = derive_gates(market.bars(tick=2.0**power), TIGHT, market.how)
    assert scaled.gates.content_hash == plain.gates.content_hash


@given(markets(), st.floats(1e-6, 1e3))
@QUICK
def test_prices_times_any_constant_give_the_same_events(market: Market, tick: float) -> None:
    plain = derive_gates(market.bars(), LOOSE, market.how).gates.data
    scaled = derive_gates(market.bars(tick=tick), LOOSE, market.how).gates.data
    for name in ("known", "key", "side", "reps", "hazard"):
        assert plain[name].tolist() == scaled[name].tolist()
    np.testing.assert_array_equal(plain["metrics"][:, [0, 2]], scaled["metrics"][:, [0, 2]])
    np.testing.assert_allclose(plain["metrics"][:, 1], scaled["metrics"][:, 1], rtol=1e-8)


@given(markets(), st.integers(1, 10**6))
@QUICK
def test_a_shift_in_time_shifts_the_events_and_changes_nothing_else(
    market: Market, minutes: int
) -> None:
    here, there = market.bars(), bars_of(market.ticks, market.gaps, minutes * MINUTE)
    offset = int(there.data["t"][0] - here.data["t"][0])
    first = derive_gates(here, TIGHT, market.how).gates.data
    later = derive_gates(there, TIGHT, market.how).gates.data
    assert (first["known"] + offset).tolist() == later["known"].tolist()
    for name in ("side", "reps", "hazard"):
        assert first[name].tolist() == later[name].tolist()


@given(markets())
@QUICK
def test_every_metric_keeps_its_bounds(market: Market) -> None:
    data = derive_gates(market.bars(), LOOSE, market.how).gates.data
    coherence, stability, entropy = data["metrics"][:, :3].T
    assert np.all(np.isnan(coherence) | ((coherence > 0) & (coherence <= 1)))
    assert np.all(np.isnan(entropy) | ((entropy >= 0) & (entropy <= 1)))
    assert np.array_equal(np.isnan(stability), data["reps"] < 2)
    least = 1 / data["reps"] * (1 - 1e-12)
    assert np.all(np.isnan(stability) | ((stability >= least) & (stability <= 1)))
    assert np.all((data["hazard"] >= 0) & (data["hazard"] <= 0.1))


@given(markets())
@QUICK
def test_within_a_run_the_surprise_never_falls_and_begins_at_zero(market: Market) -> None:
    got = derive_gates(market.bars(), LOOSE, market.how)
    for start in set(got.run_start_ns.tolist()):
        of_run = got.gates.data[got.run_start_ns == start]
        assert np.all(np.diff(of_run["hazard"]) >= 0)
        assert np.all(of_run["hazard"][of_run["reps"] == 1] == 0)


@given(markets(), markets(), markets(size=60))
@QUICK
def test_pasts_that_share_their_recent_part_give_the_same_bits(
    one: Market, two: Market, shared: Market
) -> None:
    """Recent = a hole, then steps enough to fill the window and runs to fill the memory."""
    how = shared.how
    wave = [120_000, 120_001, 120_002, 120_003, 120_004, 120_003, 120_002, 120_001]
    refill = wave * (how.history_runs + how.streak_window + 3)
    ends = []
    for past in (one, two):
        ticks = past.ticks + refill + shared.ticks
        minutes = sum(past.gaps)
        gaps = [*past.gaps, 10_000 - minutes, *[1] * (len(refill) - 1), *shared.gaps]
        bars = bars_of(ticks, gaps)
        since = int(bars.known_ns[len(past.ticks) + len(refill)])
        ends.append(derive_gates(bars, LOOSE, how, warm_up_until_ns=since))
    assert ends[0].gates.content_hash == ends[1].gates.content_hash
    assert ends[0].counts == ends[1].counts


@given(markets(), st.integers(0, 90))
@QUICK
def test_a_copied_state_goes_on_as_the_original_would(market: Market, cut: int) -> None:
    bars = market.bars()
    one = GateDeriver("EUR_USD", MINUTE, LOOSE, market.how)
    one.on_bars(bars.data[:cut])
    two = GateDeriver("EUR_USD", MINUTE, LOOSE, market.how, state=one.state)
    first, second = one.on_bars(bars.data[cut:]), two.on_bars(bars.data[cut:])
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tolist() == second[1].tolist()


@given(markets(), st.integers(0, 90))
@QUICK
def test_warming_up_drops_the_early_events_and_their_counts_alone(market: Market, cut: int) -> None:
    bars = market.bars()
    until = int(bars.known_ns[min(cut, len(bars) - 1)])
    whole = derive_gates(bars, TIGHT, market.how).events()
    late = derive_gates(bars, TIGHT, market.how, warm_up_until_ns=until)
    assert late.events() == [event for event in whole if event["known_ns"] >= until]
    assert late.counts["emitted"] == len(late)


@given(markets())
@QUICK
def test_the_surprises_for_a_map_are_those_behind_the_events(market: Market) -> None:
    bars = market.bars()
    known, surprises = surprises_of(bars, market.how)
    data = derive_gates(bars, LOOSE, market.how, LambdaMap.scaled(1.0)).gates.data
    assert known.tolist() == data["known"].tolist()
    assert surprises.tolist() == data["hazard"].tolist()


SHARES = st.floats(0, 1, allow_subnormal=False)
SAMPLES = st.lists(st.sampled_from([0.0, 0.0, 0.25, 0.5, 0.9, 1.0]) | SHARES, min_size=MIN_RECORDED)


@given(SAMPLES, SAMPLES, st.lists(SHARES, min_size=2, max_size=20))
@QUICK
def test_a_recorded_map_never_falls_and_stays_among_the_recorded_hazards(
    own: list[float], real: list[float], asked: list[float]
) -> None:
    levels = LambdaMap.from_recorded(own, real)
    values = [mapped(x, levels.surprises, levels.hazards) for x in sorted(asked)]
    assert values == sorted(values)
    assert min(real) - 1e-15 <= values[0]
    assert values[-1] <= max(real) + 1e-15


@given(st.lists(st.integers(0, 10**6), min_size=MIN_RECORDED, max_size=200, unique=True))
@QUICK
def test_a_recorded_map_of_a_sample_onto_itself_is_nearly_the_identity(ranks: list[int]) -> None:
    sample = np.sort(np.array(ranks) / 10**6)
    levels = LambdaMap.from_recorded(sample, sample)
    got = np.array([mapped(x, levels.surprises, levels.hazards) for x in sample])
    # The level (i + 1/2) / n lies between the quantile levels of neighbours i - 1 and i + 1.
    assert np.all(got[1:] >= sample[:-1])
    assert np.all(got[:-1] <= sample[1:])
