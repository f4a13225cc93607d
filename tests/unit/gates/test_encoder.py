"""The encoder: streams, batches and restarts agree, and what each part of a gate says."""

import os
import subprocess
import sys
from itertools import pairwise
from math import nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.gates.simulated_bars import MINUTE, SMALL, bars_of, digest, encoder, flat, quotes

from hotband.core.codes import GUARDS
from hotband.core.records import REGIMES, Records
from hotband.gates.encoder import encode_gates, producer_of, settings_for, warm_up_bars
from hotband.gates.encoder_state import EncoderSettings, EncoderState
from hotband.gates.keys import key_of
from hotband.gates.metrics import bit_metrics

QUICK = settings(max_examples=30, deadline=None)
METRICS = [metric for _, metric in GUARDS]
NO_VOLUME = EncoderSettings(
    window_bars=6, atr_bars=20, stride_bars=3, repetition_minutes=45.5, hazard_percentile=None,
    volume_bit=False,
)  # fmt: skip


def spoiled(seed: int, n: int = 160) -> Records:
    """Bars with standstills, a short and a long gap, and a jump of a half."""
    data = quotes(n, seed)
    data[30:45] = data[30]
    data["t"][30:45] = data["t"][29] + np.arange(1, 16) * MINUTE
    data["t"][70:] += 60 * MINUTE
    data["t"][110:] += 7 * MINUTE
    for name in (data.dtype.names or ())[1:9]:
        data[name][130:] *= 1.5
    return data


def codes_of(state: EncoderState) -> list[int]:
    """The bits per bar of the window, oldest first."""
    return [int(code) for code in np.roll(state.slots["code"], -int(state.record["at"][0]))]


@given(st.integers(0, 50), st.sampled_from([SMALL, NO_VOLUME]))
@QUICK
def test_bar_by_bar_and_all_at_once_agree_to_the_last_bit(seed: int, how: EncoderSettings) -> None:
    data = spoiled(seed)
    whole = encode_gates(bars_of(data), how)
    stream = encoder(how)
    gates = [gate for bar in data if (gate := stream.on_bar(bar)) is not None]
    assert len(gates) > 20
    assert np.array(gates).tobytes() == whole.gates.data.tobytes()
    assert stream.state.record.tobytes() == whole.state.record.tobytes()


@given(st.integers(0, 50), st.lists(st.integers(0, 160), max_size=4).map(sorted))
@QUICK
def test_any_split_into_parts_gives_the_gates_of_the_whole(seed: int, cuts: list[int]) -> None:
    data = spoiled(seed)
    whole = encode_gates(bars_of(data), SMALL)
    state, parts, limits = None, [], []
    for first, last in zip([0, *cuts], [*cuts, len(data)], strict=True):
        got = encode_gates(bars_of(data[first:last]), SMALL, state=state)
        state = got.state
        parts.append(got.gates.data.tobytes())
        limits.append(got.thresholds)
    assert b"".join(parts) == whole.gates.data.tobytes()
    np.testing.assert_array_equal(np.concatenate(limits), whole.thresholds)


@pytest.mark.parametrize(
    "how", [SMALL, NO_VOLUME, EncoderSettings(atr_bars=90, hazard_memory=100, stride_bars=4)]
)
def test_a_restart_from_a_warm_up_gives_the_gates_of_an_uninterrupted_run(
    how: EncoderSettings,
) -> None:
    data, split = quotes(1700, 3), 1300
    whole = encoder(how).on_bars(data)
    since = data["t"][split] + MINUTE
    late = encoder(how)
    late.on_bars(data[split - warm_up_bars(how, MINUTE) : split])
    assert late.state.settled
    assert late.on_bars(data[split:]).tobytes() == whole[whole["known"] >= since].tobytes()


def test_across_gaps_a_run_that_is_settled_goes_on_as_one_from_the_beginning() -> None:
    data = quotes(1200, 4)
    data["t"] += np.arange(1200) // 100 * 600 * MINUTE
    whole, late, at = encoder().on_bars(data), encoder(), 550
    while not late.state.settled:
        late.on_bars(data[at : at + 1])
        at += 1
    assert 600 < at < 700
    rest = late.on_bars(data[at:])
    assert rest.tobytes() == whole[-len(rest) :].tobytes()


def test_an_encoder_is_not_settled_before_its_memory_is_full() -> None:
    late = encoder()
    data = quotes(200)
    need = warm_up_bars(SMALL, MINUTE)
    late.on_bars(data[: need - 1])
    assert not late.state.settled
    late.on_bars(data[need - 1 : need])
    assert late.state.settled


def test_nothing_after_a_bar_changes_a_gate_known_by_its_close() -> None:
    one, other = quotes(120, 5), quotes(120, 6)
    mixed = np.concatenate((one[:80], other[80:]))
    first, second = encoder().on_bars(one), encoder().on_bars(mixed)
    known = one["t"][79] + MINUTE
    past = int((first["known"] <= known).sum())
    assert past > 60
    assert first[:past].tobytes() == second[:past].tobytes()
    assert first.tobytes() != second.tobytes()


def test_the_first_gate_comes_when_all_bars_of_the_window_have_bits() -> None:
    """The range needs three steps, the window eight bars with bits: the eleventh bar."""
    data = quotes(40)
    assert encoder().on_bars(data)["known"][0] == data["t"][10] + MINUTE


@pytest.mark.parametrize(("gap", "missing"), [(60, 0), (61, 10)])
def test_a_bar_after_more_than_the_gap_starts_the_window_anew(gap: int, missing: int) -> None:
    data = quotes(60)
    data["t"][30:] += (gap - 1) * MINUTE
    known = encoder().on_bars(data)["known"] - MINUTE
    assert known.tolist() == [t for t in data["t"][10:] if t not in data["t"][30 : 30 + missing]]


def test_after_a_gap_metrics_are_those_of_a_new_start_and_hazards_are_remembered() -> None:
    data = quotes(240)
    data["t"][120:] += 61 * MINUTE
    for letter in "ohlc":  # wider spreads, larger volumes: no median of before would do
        data[f"ask_{letter}"][120:] += 1e-3
    data["volume"][120:] += 100
    run = encode_gates(bars_of(data), SMALL)
    fresh = encode_gates(bars_of(data[120:]), SMALL)
    n = len(fresh)
    for name in ("metrics", "hazard", "regime", "regime_confidence", "side"):
        np.testing.assert_array_equal(run.gates.data[name][-n:], fresh.gates.data[name])
    assert np.isfinite(run.thresholds[-n])
    assert np.isnan(fresh.thresholds[0])


def test_the_phase_of_the_stride_does_not_depend_on_where_the_bars_begin() -> None:
    how = EncoderSettings(window_bars=8, stride_bars=7)
    data = quotes(200)
    opens = [encoder(how).on_bars(data[first:])["known"] - MINUTE for first in (0, 3, 50)]
    for found in opens:
        assert len(found) > 15
        assert np.all(found // MINUTE % 7 == 0)
        assert set(found.tolist()) <= set(opens[0].tolist())


def test_bits_stand_in_the_order_written() -> None:
    """One bar of range: m = 7 min(1, |r| / tr), q = 3.

    From 100: down 1 in a range of 4 (m = 2), up 2 in a range of 2 (m = 7), up 0.1 in a range
    of 1 (m = 1). Spreads 1, 3, 2, 4: median of 1, 3 is 2; of 1, 3, 2 is 2; of all is 2.5.
    Volumes 5, ?, 5, 6: medians of what is known 5, 5, 5.
    """
    data = flat(4, 100.0)
    shape = [(100, 100, 100), (102, 98, 99), (101, 99, 101), (101.6, 100.6, 101.1)]
    for row, ((high, low, close), spread) in enumerate(zip(shape, (1, 3, 2, 4), strict=True)):
        for letter, price in zip("ohlc", (close, high, low, close), strict=True):
            data[f"bid_{letter}"][row] = price - spread / 2
            data[f"ask_{letter}"][row] = price + spread / 2
    data["volume"] = [5, nan, 5, 6]
    run = encoder(EncoderSettings(window_bars=4, atr_bars=1))
    run.on_bars(data)
    assert codes_of(run.state)[1:] == [0b0_010_11_0_0, 0b1_111_11_1_1, 0b1_001_11_0_1]


def test_the_metrics_of_a_gate_are_those_of_the_bits_of_its_window() -> None:
    run = encoder()
    run.on_bars(quotes(90, 8)[:-1])
    gate = run.on_bar(quotes(90, 8)[-1])
    assert gate is not None
    bits = [int(bit) for code in codes_of(run.state) for bit in f"{code:08b}"]
    want = bit_metrics(bits)
    np.testing.assert_array_equal(gate["metrics"], [want[name] for name in METRICS])
    assert gate["hazard"] == 0.1 * want["rupture"]


@pytest.mark.parametrize("window", [8, 256])
def test_sums_are_those_of_the_window_even_where_every_bar_leaps(window: int) -> None:
    data = quotes(3 * window)
    leaps = np.where(np.random.default_rng(2).random(len(data)) < 0.6, 1.5, 1 / 1.5)
    for name in (data.dtype.names or ())[1:9]:
        data[name] *= np.cumprod(leaps)
    run = encoder(EncoderSettings(window_bars=window))
    run.on_bars(data)
    now = run.state.record[0]
    r = np.roll(run.state.slots["r"], -int(now["at"])).tolist()
    assert set(map(abs, r)) == {round(0.08 * 2**31)}
    assert now["r_sum"] == sum(r)
    assert now["r_once"] == sum(j * x for j, x in enumerate(r))
    assert now["r_twice"] == sum(j * j * x for j, x in enumerate(r))
    assert now["r_squares"] == sum(x * x for x in r)
    assert now["r_lagged"] == sum(x * y for x, y in pairwise(r))


def test_an_unknown_volume_gives_a_bit_of_zero() -> None:
    data = quotes(80)
    data["volume"][60:] = nan
    run = encoder()
    run.on_bars(data)
    assert [code & 1 for code in codes_of(run.state)] == [0] * 8


def test_constant_prices_leave_what_divides_by_a_slope_undefined() -> None:
    how = EncoderSettings(window_bars=8, spread_bit=False, volume_bit=False)
    gate = encoder(how).on_bars(flat(60))[-1]
    named = dict(zip(METRICS, gate["metrics"].tolist(), strict=True))
    undefined = {name for name, value in named.items() if np.isnan(value)}
    assert undefined == {"reynolds_ratio", "spatial_corr_length", "pinned_alignment"}
    # A period of six bits has its power in bins 8, 16 and 24 of 24, none of the lowest six.
    assert named["spectral_lowf_share"] == 0.0
    assert (gate["side"], REGIMES[gate["regime"] - 1]) == (0, "neutral")
    assert gate["regime_confidence"] == 0.5
    assert gate["hazard"] == pytest.approx(0.1 * 15 / 47, rel=1e-15)


@pytest.mark.parametrize(("drift", "side"), [(3e-5, 1), (-3e-5, -1)])
def test_the_side_is_that_of_the_slope(drift: float, side: int) -> None:
    gates = encoder(EncoderSettings()).on_bars(quotes(300, drift=drift, sigma=1e-5))
    assert set(gates["side"].tolist()) == {side}


def test_a_drift_whose_moves_persist_is_a_trend_and_one_that_ticks_evenly_is_not() -> None:
    rng = np.random.default_rng(3)
    wave = np.repeat(rng.choice([0.0, 2e-4], 100), 3)
    labels = []
    for moves in (wave, np.full(300, 1e-4)):
        data = flat(300)
        for name in (data.dtype.names or ())[1:9]:
            data[name] *= np.exp(np.cumsum(moves))
        gates = encoder(EncoderSettings()).on_bars(data)
        labels.append({REGIMES[code - 1] for code in gates["regime"]})
    assert labels[0] == {"trend_bull"}
    assert labels[1] == {"neutral"}


@pytest.mark.parametrize(("window", "sigma"), [(32, 2e-4), (64, 1e-5), (64, 3e-3), (128, 2e-4)])
def test_a_random_walk_has_a_regime_in_at_most_two_of_a_hundred_windows(
    window: int, sigma: float
) -> None:
    how = EncoderSettings(window_bars=window)
    regime = encoder(how).on_bars(quotes(60_000, window, sigma, fine=60))["regime"]
    shares = {name: (regime == 1 + i).mean() for i, name in enumerate(REGIMES)}
    assert 0.0 < shares["trend_bull"] + shares["trend_bear"] <= 0.02
    assert shares["mean_revert"] <= 0.02
    assert shares["chaotic"] <= 0.02


def test_prices_that_fall_back_within_the_bar_are_a_mean_reverting_regime() -> None:
    data = quotes(300)
    for side in ("bid", "ask"):
        data[f"{side}_h"] *= 1.001
        data[f"{side}_l"] /= 1.001
    gates = encoder(EncoderSettings()).on_bars(data)
    assert np.mean(gates["regime"] == 1 + REGIMES.index("mean_revert")) > 0.8


def test_a_threshold_is_the_order_statistic_of_the_hazards_before() -> None:
    run = encode_gates(bars_of(spoiled(7, 400)), SMALL)
    hazard = run.gates.data["hazard"]
    for i, threshold in enumerate(run.thresholds):
        past = np.sort(hazard[max(0, i - 64) : i])
        want = past[int(0.8 * 63)] if len(past) == 64 else nan
        assert threshold == want or (np.isnan(threshold) and np.isnan(want))
        assert run.gates.data["admit"][i] == (not hazard[i] > want)
    assert 0 < run.gates.data["admit"].mean() < 1


def test_without_a_percentile_every_gate_is_admitted() -> None:
    run = encode_gates(bars_of(quotes(200)), NO_VOLUME)
    assert run.gates.data["admit"].all()
    assert np.isnan(run.thresholds).all()


def test_repetitions_count_the_signature_within_the_span_and_texts_say_why() -> None:
    run = encode_gates(bars_of(spoiled(3)), SMALL, details=True)
    data, details = run.gates.data, run.gates.details
    assert details is not None
    signatures = details["signature"].to_list()
    for i, (known, name) in enumerate(zip(data["known"], signatures, strict=True)):
        within = data["known"] > known - 10 * MINUTE
        assert data["reps"][i] == sum(
            s == name and within[j] for j, s in enumerate(signatures[: i + 1])
        )
        c, s, e = data["metrics"][i][:3]
        assert name == f"c{c:.1f}_s{s:.1f}_e{e:.1f}"
    assert data["reps"].max() > 2
    refused = [[] if admit else ["hazard_exceeds_adaptive_threshold"] for admit in data["admit"]]
    assert details["reasons"].to_list() == refused
    assert details["hazard_threshold"].to_list() == [
        None if np.isnan(x) else x for x in run.thresholds
    ]
    assert set(details["granularity"]) == {"M1"}
    assert set(details["producer"]) == {producer_of(run.state.settings, MINUTE)}


def test_a_gate_is_keyed_by_the_open_of_its_bar_and_calls_itself_real() -> None:
    run = encode_gates(bars_of(quotes(40)), SMALL, details=True)
    texts = [f"gate:EUR_USD:{(known - MINUTE) // 10**6}" for known in run.gates.data["known"]]
    assert run.gates.data["key"].tolist() == [key_of(text) for text in texts]
    assert run.gates.details is not None
    assert run.gates.details["signal_key"].to_list() == texts
    assert run.gates.source == "memory"
    assert not run.gates.data["synthetic"].any()
    assert not run.gates.data["blocked"].any()


def test_details_are_made_only_where_they_are_asked_for() -> None:
    assert encode_gates(bars_of(quotes(40)), SMALL).gates.details is None


def test_encoding_on_leaves_the_state_it_began_from_alone() -> None:
    data = quotes(120)
    state = encode_gates(bars_of(data[:60]), SMALL).state
    ends = [encode_gates(bars_of(data[60:]), SMALL, state=state) for _ in range(2)]
    assert ends[0].gates.content_hash == ends[1].gates.content_hash


def test_no_bars_give_no_gates() -> None:
    run = encode_gates(bars_of(quotes(40)[:0]), SMALL, details=True)
    assert (len(run), len(run.thresholds)) == (0, 0)
    assert not run.state.settled


def test_bits_that_the_bars_cannot_give_are_switched_off() -> None:
    data = quotes(60)
    assert settings_for(bars_of(data), SMALL) == SMALL
    data["volume"] = nan
    one_sided = type(bars_of(data))("EUR_USD", "M1", MINUTE, data, "bid", "demo")
    chosen = settings_for(one_sided)
    assert (chosen.spread_bit, chosen.volume_bit, chosen.bits_per_bar) == (False, False, 6)
    assert encode_gates(one_sided).state.settings == chosen


def test_uncompiled_kernels_give_the_same_bytes() -> None:
    root = Path(__file__).resolve().parents[3]
    plain = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.unit.gates.simulated_bars import digest; print(digest(140))",
        ],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.strip() == digest(140)
