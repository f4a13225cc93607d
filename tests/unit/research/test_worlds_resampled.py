"""N3 keeps everything but direction, N4 everything within a day, N5 everything but alignment."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.naive import naive_worlds
from tests.unit.research.null_markets import (
    REAL_FROM,
    REAL_TO,
    Floats,
    gates_at,
    history,
    log_mid,
    moves,
    resampled,
)

from hotband.errors import GatesError, WindowError
from hotband.feeds.files import read_bars
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, HOUR_NS
from hotband.market.spreads import week_phase_ns
from hotband.research.nullworlds import NullSettings, drawn_shift, null_bars, null_gates
from hotband.research.world_clock import DAY_CURVE, day_curve
from hotband.research.worlds_resampled import (
    bar_signs,
    block_signs,
    bootstrap_days,
    flipped_quotes,
    mean_growth,
    shifted_gates,
    span_weeks,
)

LETTERS = "ohlc"
FOUR_WEEKS = (REAL_FROM, REAL_TO)


def spread(bars: Bars, letter: str) -> Floats:
    """Log of ask over bid."""
    ratio: Floats = np.log(bars.data[f"ask_{letter}"] / bars.data[f"bid_{letter}"])
    return ratio


def flip(bars: Bars, signs: np.ndarray) -> Bars:
    data = flipped_quotes(bars.data, signs)
    return Bars.from_records(bars.instrument, bars.granularity, data, source="flipped")


# N3 ----------------------------------------------------------------------------------------------


def test_a_flipped_world_keeps_the_size_of_every_move() -> None:
    size, before = np.abs(moves(resampled("N3"))), np.abs(moves(history()))
    np.testing.assert_allclose(size, before, atol=1e-14)


def test_a_flipped_world_keeps_times_and_volumes() -> None:
    world, base = resampled("N3").data, history().data
    np.testing.assert_array_equal(world["t"], base["t"])
    np.testing.assert_array_equal(world["volume"], base["volume"])


def test_a_flipped_world_keeps_the_spread_at_open_and_close() -> None:
    world, base = resampled("N3"), history()
    for letter in "oc":
        np.testing.assert_allclose(spread(world, letter), spread(base, letter), atol=1e-14)


def test_a_flipped_bar_takes_its_high_from_the_low_that_was() -> None:
    base = history()
    world = flip(base, -np.ones(len(base), np.int8))
    for ours, theirs in ("hl", "lh"):
        np.testing.assert_allclose(
            log_mid(world, ours) - log_mid(world, "o"),
            -(log_mid(base, theirs) - log_mid(base, "o")),
            atol=1e-14,
        )
        np.testing.assert_allclose(spread(world, ours), spread(base, theirs), atol=1e-14)


def test_half_of_the_directions_change() -> None:
    same = np.sign(moves(resampled("N3"))) == np.sign(moves(history()))
    assert abs(same.mean() - 0.5) < 4 * 0.5 / len(same) ** 0.5


def test_no_flip_changes_not_one_bit() -> None:
    base = history()
    world = flip(base, np.ones(len(base), np.int8))
    assert world.data.tobytes() == base.data.tobytes()


def test_flipped_bars_are_their_definition_in_logs() -> None:
    base = history().data[:300]
    signs = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), 300)
    bars = [
        {f"{s}_{x}": float(q[f"{s}_{x}"]) for s in ("bid", "ask") for x in LETTERS} for q in base
    ]
    world = flipped_quotes(base, signs)
    for row, expected in zip(world, naive_worlds.flipped(bars, signs.tolist()), strict=True):
        for name, price in expected.items():
            assert row[name] == pytest.approx(price, rel=1e-13)


def test_pairs_of_one_block_flip_together() -> None:
    base, other = history("EUR_USD"), history("GBP_USD")
    one, two = resampled("N3"), resampled("N3", name="GBP_USD")
    shared, i, j = np.intersect1d(base.data["t"], other.data["t"], return_indices=True)
    assert len(shared) > 5000
    before = np.corrcoef(moves(base)[i], moves(other)[j])[0, 1]
    after = np.corrcoef(moves(one)[i], moves(two)[j])[0, 1]
    assert before > 0.3
    # Signs square to 1, so that only the means (of a few 1e-7) differ.
    assert after == pytest.approx(before, abs=0.01)


def test_triangles_of_one_block_still_close() -> None:
    world = {name: resampled("N3", name=name) for name in ("EUR_USD", "GBP_USD", "EUR_GBP")}
    logs = {name: moves(bars) for name, bars in world.items()}
    base = {name: moves(history(name)) for name in world}
    missed = np.abs(logs["EUR_USD"] - logs["GBP_USD"] - logs["EUR_GBP"])
    was = np.abs(base["EUR_USD"] - base["GBP_USD"] - base["EUR_GBP"])
    np.testing.assert_allclose(missed, was, atol=1e-13)


def test_pairs_of_two_blocks_flip_apart() -> None:
    one, two = (np.sign(moves(resampled("N3", settings=NullSettings(block=name)))) for name in "ab")
    assert abs(np.mean(one == two) - 0.5) < 0.05


def test_a_bar_has_the_same_sign_in_any_window() -> None:
    base = history()
    later = base.window(REAL_FROM + 5 * DAY_NS, REAL_FROM + 25 * DAY_NS)
    at = np.isin(base.data["t"], later.data["t"])
    np.testing.assert_array_equal(
        bar_signs(base, "bar", (3, 1, 2))[at], bar_signs(later, "bar", (3, 1, 2))
    )


def test_flipping_days_gives_all_bars_of_a_day_one_sign() -> None:
    base = history()
    signs = bar_signs(base, "day", (3, 1, 2))
    days = DEFAULT_HOURS.trading_day(base.data["t"])
    assert all(len(set(signs[days == day])) == 1 for day in np.unique(days))
    assert set(signs) == {-1, 1}


def test_signs_are_as_often_one_as_the_other_and_forget_the_one_before() -> None:
    signs = block_signs(np.arange(-1000, 99_000), (3, 7, 1)).astype(float)
    assert abs(signs.mean()) < 4 / len(signs) ** 0.5
    assert abs(np.mean(signs[1:] * signs[:-1])) < 4 / len(signs) ** 0.5


def test_a_sign_is_one_bit_of_the_seeded_stream() -> None:
    words = np.random.PCG64(np.random.SeedSequence((3, 7, 1))).random_raw(4)
    bits = [int(words[i // 64]) >> (i % 64) & 1 for i in range(256)]
    np.testing.assert_array_equal(
        block_signs(np.arange(256), (3, 7, 1)), [2 * bit - 1 for bit in bits]
    )


def test_a_window_before_the_base_is_refused() -> None:
    before = REAL_FROM - 20 * DAY_NS
    with pytest.raises(WindowError, match="window of N3: got no bars of the base"):
        null_bars(
            "N3", 1, instrument="EUR_USD", start_ns=before, end_ns=before + DAY_NS,
            granularity="M5", base=history(),
        )  # fmt: skip


@pytest.mark.real_data
def test_a_real_month_is_flipped_without_a_fault(real_data: Path) -> None:
    base, _ = read_bars(real_data / "GBP_USD.M1.dukascopy.20250401_20250418.parquet")
    world = null_bars(
        "N3", 1, instrument="GBP_USD", start_ns=int(base.data["t"][0]),
        end_ns=int(base.known_ns[-1]), base=base,
    )  # fmt: skip
    np.testing.assert_allclose(np.abs(moves(world)), np.abs(moves(base)), atol=1e-14)


# N4 ----------------------------------------------------------------------------------------------


def steps_by_day(bars: Bars) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Per trading day: (time to its end, log move of the mid), bars of the week only."""
    t = bars.data["t"]
    ends = DEFAULT_HOURS.next_roll(t)
    return {int(end): (end - t[ends == end], moves(bars)[ends == end]) for end in np.unique(ends)}


def test_every_day_of_a_resampled_world_is_a_day_of_the_base_without_the_mean_move() -> None:
    base = steps_by_day(history())
    mean = np.log(mean_growth(history().data))
    world = steps_by_day(resampled("N4"))
    for end, (clock, made) in world.items():
        # What lies before the first bar of all cannot be seen, so its step starts at its open.
        seen = slice(1 if end == min(world) else 0, None)
        sources = [
            source
            for source, (times, was) in base.items()
            if len(times) == len(clock)
            and np.array_equal(times, clock)
            and np.allclose((was - mean)[seen], made[seen], rtol=0, atol=1e-13)
        ]
        assert len(sources) == 1


def test_a_resampled_world_has_a_day_for_each_day_of_the_window() -> None:
    assert len(steps_by_day(resampled("N4"))) == 20


def test_bars_within_a_resampled_day_are_untouched() -> None:
    base, world = history(), resampled("N4")

    def insides(bars: Bars) -> set[tuple[float, ...]]:
        data = bars.data
        ratios = [np.round(data[name] / data["bid_o"], 9) for name in ("bid_h", "bid_l", "ask_c")]
        return set(zip(*(column.tolist() for column in ratios), strict=True))

    assert len(insides(world) - insides(base)) < len(insides(world)) // 100


def test_the_mean_simple_move_that_a_resampled_world_draws_from_is_zero() -> None:
    simple = np.exp(moves(history()))
    assert abs(np.mean(simple / mean_growth(history().data) - 1)) < 1e-16


def test_a_window_that_cuts_a_day_cuts_the_drawn_day() -> None:
    whole = resampled("N4")
    cut = null_bars(
        "N4", 1, instrument="EUR_USD", start_ns=REAL_FROM + 3 * HOUR_NS,
        end_ns=REAL_TO, granularity="M5", base=history(),
    )  # fmt: skip
    assert cut.data["t"][0] == REAL_FROM + 3 * HOUR_NS
    np.testing.assert_allclose(moves(cut)[1:], moves(whole)[-len(cut) + 1 :], atol=1e-13)


def test_pairs_of_one_block_draw_the_same_days() -> None:
    one, two = resampled("N4"), resampled("N4", name="GBP_USD")
    before = np.corrcoef(moves(history()), moves(history("GBP_USD")))[0, 1]
    after = np.corrcoef(moves(one), moves(two))[0, 1]
    assert after == pytest.approx(before, abs=0.1)
    assert before > 0.3


def test_blocks_of_days_have_the_mean_length_asked_for() -> None:
    chosen = bootstrap_days(1_000_003, 200_000, 5.0, np.random.default_rng(1))
    blocks = 1 + np.sum(np.diff(chosen) % 1_000_003 != 1)
    assert 200_000 / blocks == pytest.approx(5.0, rel=0.02)


def test_every_day_is_drawn_as_often_as_any_other() -> None:
    chosen = bootstrap_days(20, 200_000, 5.0, np.random.default_rng(2))
    # Draws of one block depend on one another: five times the variance at most 10.
    assert np.all(np.abs(np.bincount(chosen) - 10_000) < 5 * (10_000 * 10) ** 0.5)


# N5 ----------------------------------------------------------------------------------------------


def some_gates() -> tuple[np.ndarray, np.ndarray]:
    inside = history().data["t"]
    known = np.sort(np.random.default_rng(1).choice(inside[:-12], 200, replace=False))
    return known, np.random.default_rng(2).choice(np.array([-1, 0, 1]), 200)


def test_a_shift_by_all_weeks_of_the_span_changes_nothing() -> None:
    gates = gates_at(*some_gates())
    assert span_weeks(FOUR_WEEKS) == 4
    for weeks in (0, 4, -8):
        assert shifted_gates(gates, weeks, FOUR_WEEKS).content_hash == gates.content_hash


def test_a_shift_there_and_back_changes_nothing() -> None:
    gates = gates_at(*some_gates())
    moved = shifted_gates(gates, 3, FOUR_WEEKS)
    assert moved.content_hash != gates.content_hash
    assert shifted_gates(moved, -3, FOUR_WEEKS).content_hash == gates.content_hash


def test_shifted_gates_keep_their_weekday_and_time_of_day_over_a_change_of_the_clock() -> None:
    gates = gates_at(*some_gates())
    moved = shifted_gates(gates, 1, FOUR_WEEKS)
    phase = dict(zip(gates.data["hazard"], week_phase_ns(gates.data["known"]), strict=True))
    for hazard, after in zip(moved.data["hazard"], week_phase_ns(moved.data["known"]), strict=True):
        assert phase[hazard] == after


def test_shifted_gates_keep_their_marginals() -> None:
    gates = gates_at(*some_gates())
    moved = shifted_gates(gates, 2, FOUR_WEEKS)
    for field in ("side", "hazard", "reps", "key"):
        np.testing.assert_array_equal(np.sort(moved.data[field]), np.sort(gates.data[field]))
    assert DEFAULT_HOURS.in_week(moved.data["known"]).all()


def test_details_move_with_their_gate() -> None:
    known, side = some_gates()
    plain = gates_at(known, side)
    names = pl.DataFrame({"signature": [f"{hazard:.6f}" for hazard in plain.data["hazard"]]})
    frame = plain.to_frame().drop("signature").hstack(names)
    gates = type(plain).from_frame(frame, "EUR_USD", source="memory")
    moved = shifted_gates(gates, 1, FOUR_WEEKS).to_frame()
    assert moved["signature"].to_list() == [f"{x:.6f}" for x in moved["hazard"].to_list()]


def test_a_gate_outside_the_span_is_refused() -> None:
    gates = gates_at(*some_gates())
    with pytest.raises(GatesError, match=r"outside the span, first at .*Gates\.window"):
        shifted_gates(gates, 1, (REAL_FROM + DAY_NS, FOUR_WEEKS[1]))


def test_a_drawn_shift_is_never_the_identity() -> None:
    drawn = {drawn_shift(seed, FOUR_WEEKS) for seed in range(60)}
    assert drawn == {1, 2, 3}


def test_n5_shifts_the_gates_by_the_drawn_weeks() -> None:
    gates = gates_at(*some_gates())
    weeks = drawn_shift(5, FOUR_WEEKS)
    expected = shifted_gates(gates, weeks, FOUR_WEEKS)
    assert null_gates(gates, 5, FOUR_WEEKS).content_hash == expected.content_hash


def test_a_span_of_one_week_cannot_be_shifted() -> None:
    with pytest.raises(WindowError, match="span of N5: got 1 weeks; allowed: 2 weeks or more"):
        drawn_shift(1, (REAL_FROM, REAL_FROM + 5 * DAY_NS))


# The clock's curve -------------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_built_in_curve_is_the_one_of_three_real_pairs(real_data: Path) -> None:
    squares = []
    for name in ("EUR_USD", "GBP_USD", "USD_JPY"):
        bars, _ = read_bars(real_data / f"{name}.M5.oanda.20250504_20250829.parquet")
        squares.append(day_curve(bars) ** 2)
    np.testing.assert_allclose(np.sqrt(np.mean(squares, axis=0)), DAY_CURVE, atol=0.0051)
