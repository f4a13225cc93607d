"""The structural metrics on windows small enough to work out by hand, and their laws."""

from math import isnan, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.core.codes import GUARDS
from hotband.errors import GatesError
from hotband.gates.metrics import bit_metrics, wave_table

QUICK = settings(max_examples=60, deadline=None)
WINDOWS = st.integers(3, 60).flatmap(
    lambda half: st.lists(st.integers(0, 1), min_size=2 * half, max_size=2 * half)
)
SIZES = [6, 8, 24, 448, 512, 2048]


def low_share(bits: np.ndarray) -> float:
    """The share of the low quarter from NumPy's transform."""
    power = np.abs(np.fft.rfft(bits - bits.mean())) ** 2
    bins = len(bits) // 2
    return float(power[1 : max(1, bins // 4) + 1].sum() / power[1 : bins + 1].sum())


def test_eight_bits_give_the_metrics_worked_out_by_hand() -> None:
    """11001011: five ones; flips 1-0, 0-1, 1-0, 0-1, one in the first half, two in the second.

    One of four pairs four apart agrees. X_1 = sqrt 2 - i, so the lowest bin has power 3; the
    bins 1..4 have (8 x 5 - 25 + 1) / 2 = 8.
    """
    got = bit_metrics([1, 1, 0, 0, 1, 0, 1, 1])
    entropy = -(5 / 8 * np.log2(5 / 8) + 3 / 8 * np.log2(3 / 8))
    want = {
        "coherence": 1 - entropy,
        "stability": 3 / 7,
        "entropy": entropy,
        "coherence_tau_slope": (1 / 4 - 3 / 7) / 3,
        "domain_wall_slope": 2 / 3 - 1 / 3,
        "spectral_lowf_share": 3 / 8,
        "reynolds_ratio": (4 / 7) / (1 / 3),
        "temporal_half_life": log(2) * 84 / 5,
        "spatial_corr_length": 3.0,
        "rupture": 4 / 7,
        "hazard": 4 / 7,
    }
    assert isnan(got.pop("pinned_alignment"))
    assert got == pytest.approx(want, rel=1e-6)
    assert got["stability"] == pytest.approx(3 / 7, rel=1e-15)


def test_a_wave_of_period_eight_has_all_power_in_its_two_odd_harmonics() -> None:
    """1111 0000 twice: X_2 and X_6 of 16 bits; squares 4 / sin^2 of pi/8 and of 3 pi/8."""
    got = bit_metrics([1, 1, 1, 1, 0, 0, 0, 0] * 2)
    first, third = 4 / np.sin(np.pi / 8) ** 2, 4 / np.sin(3 * np.pi / 8) ** 2
    assert got["spectral_lowf_share"] == pytest.approx(first / (first + third), rel=1e-7)
    assert got["entropy"] == 1.0
    assert got["coherence"] == 0.0
    assert got["coherence_tau_slope"] == pytest.approx((0.0 - 12 / 15) / 3, rel=1e-14)


def test_a_flip_where_the_halves_meet_belongs_to_neither() -> None:
    got = bit_metrics([1, 1, 1, 1, 0, 0, 0, 0])
    assert got["rupture"] == 1 / 7
    assert got["domain_wall_slope"] == 0.0
    assert isnan(got["reynolds_ratio"])
    assert isnan(got["spatial_corr_length"])


@pytest.mark.parametrize("bit", [0, 1])
def test_equal_bits_have_no_spectrum_no_slopes_and_full_coherence(bit: int) -> None:
    got = bit_metrics([bit] * 12)
    assert (got["coherence"], got["stability"], got["entropy"]) == (1.0, 1.0, 0.0)
    assert (got["coherence_tau_slope"], got["domain_wall_slope"]) == (0.0, 0.0)
    for name in ("spectral_lowf_share", "reynolds_ratio", "temporal_half_life"):
        assert isnan(got[name])
    assert isnan(got["spatial_corr_length"])


def test_bits_that_always_flip_have_no_stability_and_no_slow_power() -> None:
    got = bit_metrics([0, 1] * 8)
    assert (got["stability"], got["rupture"]) == (0.0, 1.0)
    assert got["spectral_lowf_share"] == pytest.approx(0.0, abs=1e-7)
    assert got["coherence_tau_slope"] == pytest.approx(1 / 3, rel=1e-15)


def test_every_metric_that_a_guard_names_is_given() -> None:
    assert {metric for _, metric in GUARDS} < set(bit_metrics([0, 1, 1, 0, 1, 0]))


def test_booleans_are_bits() -> None:
    bits = [1, 0, 0, 1, 1, 1]
    got, want = (list(bit_metrics(np.array(bits, kind)).values()) for kind in (bool, float))
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("size", SIZES)
def test_the_share_of_slow_power_is_that_of_the_transform(size: int) -> None:
    rng = np.random.default_rng(size)
    for share in (0.02, 0.3, 0.5, 0.9):
        bits = (rng.random(size) < share).astype(int)
        bits[0], bits[1] = 0, 1
        assert bit_metrics(bits)["spectral_lowf_share"] == pytest.approx(low_share(bits), abs=1e-6)


@given(WINDOWS, st.integers(0, 119))
@QUICK
def test_turning_a_ring_of_bits_leaves_its_spectrum_to_the_last_bit(
    bits: list[int], turn: int
) -> None:
    one, other = bit_metrics(bits), bit_metrics(np.roll(bits, turn))
    share = "spectral_lowf_share"
    assert one["entropy"] == other["entropy"]
    assert one[share] == other[share] or isnan(one[share])


@given(WINDOWS)
@QUICK
def test_reading_backwards_turns_the_wall_slope_and_nothing_else(bits: list[int]) -> None:
    there, back = bit_metrics(bits), bit_metrics(bits[::-1])
    assert back.pop("domain_wall_slope") == -there.pop("domain_wall_slope")
    np.testing.assert_array_equal(list(back.values()), list(there.values()))


@given(WINDOWS)
@QUICK
def test_every_metric_keeps_its_bounds(bits: list[int]) -> None:
    got = bit_metrics(bits)
    for name in ("coherence", "stability", "entropy", "hazard"):
        assert 0.0 <= got[name] <= 1.0
    assert abs(got["coherence_tau_slope"]) <= 1 / 3
    assert abs(got["domain_wall_slope"]) <= 1.0
    assert isnan(got["spectral_lowf_share"]) == (len(set(bits)) == 1)
    assert isnan(got["spectral_lowf_share"]) or 0.0 <= got["spectral_lowf_share"] <= 1.0


@pytest.mark.parametrize("size", SIZES)
def test_the_weights_are_even_and_their_sum_fits_the_accumulator(size: int) -> None:
    weights, scale = wave_table(size)
    once = weights[:size].astype(np.int64)
    assert np.abs(once).sum() < 2**31
    assert scale >= 2.0**16
    np.testing.assert_array_equal(once[1:], once[1:][::-1])
    np.testing.assert_array_equal(weights[size:], once)


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (
            [0, 1] * 2,
            r"bits: got shape \(4,\); allowed: one dimension, an even number of 6 to 2048",
        ),
        ([0, 1, 1] * 3, r"bits: got shape \(9,\); allowed: one dimension, an even number"),
        ([0, 1] * 1025, r"bits: got shape \(2050,\); allowed: one dimension"),
        ([[0, 1, 1, 0, 1, 0]], r"bits: got shape \(1, 6\); allowed: one dimension"),
        ([0, 1, 2, 0, 1, 0], "bits: got 2; allowed: 0 and 1. Turn the values into bits first."),
        ([0, 1, 0.5, 0, 1, 0], "bits: got 0.5; allowed: 0 and 1"),
    ],
)
def test_what_is_no_window_of_bits_is_refused(bits: list[float], text: str) -> None:
    with pytest.raises(GatesError, match=text):
        bit_metrics(bits)
