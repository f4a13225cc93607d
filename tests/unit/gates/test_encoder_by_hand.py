"""Windows small enough to be worked out on paper, given to the encoder and to its twin.

No price here has a spread unless a test says so, so that mid, bid and ask are one number.
"""

from collections.abc import Callable, Sequence
from math import isnan, log, nan
from typing import NamedTuple

import numpy as np
import pytest
from tests.naive.naive_encoder import Emission, Reading, encode

from hotband.core.codes import GUARDS
from hotband.core.records import QUOTE, REGIMES, Records
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.market.bars import Bars

MINUTE = 60_000_000_000
START = 1_743_973_200_000_000_000  # 2025-04-06T21:00Z
METRICS = [metric for _, metric in GUARDS]
PLAIN = Reading(window_bars=4, atr_bars=1, spread_bit=False, volume_bit=False)


class Seen(NamedTuple):
    """What both forms say of one gate."""

    minute: int  # of the open of its bar
    hazard: float
    metrics: dict[str, float]
    side: int
    label: str
    confidence: float
    reps: int
    admit: int
    signature: str
    threshold: float | None
    reasons: tuple[str, ...]


def _quotes(rows: Sequence[tuple[float, float, float]], minutes: Sequence[int] | None) -> Records:
    data = np.zeros(len(rows), QUOTE)
    data["t"] = START + MINUTE * np.array(range(len(rows)) if minutes is None else minutes)
    data["volume"] = nan
    for side in ("bid", "ask"):
        for letter, column in zip("hlc", zip(*rows, strict=True), strict=True):
            data[f"{side}_{letter}"] = column
        data[f"{side}_o"] = data[f"{side}_c"]
    return data


def _seen_by_twin(data: Records, how: Reading) -> list[Seen]:
    def seen(one: Emission) -> Seen:
        metrics = dict(zip(METRICS, one.metrics, strict=True))
        minute = (one.t - START) // MINUTE
        return Seen(minute, one.hazard, metrics, one.side, *one[5:])

    return [seen(one) for one in encode(data, MINUTE, how)]


def _seen_by_encoder(data: Records, how: Reading) -> list[Seen]:
    bars = Bars.from_records("EUR_USD", "M1", data, source="demo")
    gates = encode_gates(bars, EncoderSettings(**how._asdict()), details=True).gates
    assert gates.details is not None
    return [
        Seen(
            (int(gate["known"]) - START) // MINUTE - 1,
            float(gate["hazard"]),
            dict(zip(METRICS, gate["metrics"].tolist(), strict=True)),
            int(gate["side"]),
            REGIMES[gate["regime"] - 1],
            float(gate["regime_confidence"]),
            int(gate["reps"]),
            int(gate["admit"]),
            told["signature"],
            told["hazard_threshold"],
            tuple(told["reasons"]),
        )
        for gate, told in zip(gates.data, gates.details.iter_rows(named=True), strict=True)
    ]


Encoder = Callable[[Records, Reading], list[Seen]]


@pytest.fixture(params=[_seen_by_twin, _seen_by_encoder], ids=["twin", "compiled"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    """The slow form or the compiled one."""
    chosen: Encoder = request.param
    return chosen


def still(bars: int) -> list[tuple[float, float, float]]:
    """Bars that do not move."""
    return [(1.0, 1.0, 1.0)] * bars


# high, low, close; one bar of ATR, so the range is always "11" and the move is |r| / tr in 7ths.
#   1: 1.00 -> 1.01 , TR 0.01: up,   .00995/.01  x 7 = 6.97 -> 7 = 111    1 111 11
#   2: 1.01 -> 1.00 , TR 0.02: down, .00995/.0198 x 7 = 3.52 -> 4 = 100   0 100 11
#   3: 1.00 -> 1.00 , TR 0.02: not down, 0                                1 000 11
#   4: 1.00 -> .995 , TR 0.02: down, .00501/.02  x 7 = 1.75 -> 2 = 010    0 010 11
FOUR = [
    (1.0, 1.0, 1.0),
    (1.01, 1.0, 1.01),
    (1.01, 0.99, 1.0),
    (1.01, 0.99, 1.0),
    (1.0, 0.98, 0.995),
]
# 111111 010011 | 100011 001011: 6 + 3 + 3 + 3 = 15 ones of 24, H(15/24) = 0.954434
# flips: 4 in the first half (after bits 6, 7, 8, 10), 6 in the second (13, 16, 18, 20, 21, 22),
# none between bits 12 and 13
# equal to the bit 4 before: bits 5, 6, 8, 12, 14, 17, 19, 20, 21 = 9 of 20


def test_the_bits_of_four_bars_give_the_metrics_counted_on_paper(encoder: Encoder) -> None:
    (gate,) = encoder(_quotes(FOUR, None), PLAIN)
    entropy = 0.9544340029249649
    slope = (9 / 20 - 13 / 23) / 3
    want = {
        "coherence": 1 - entropy,
        "stability": 13 / 23,
        "entropy": entropy,
        "coherence_tau_slope": slope,
        "domain_wall_slope": 6 / 11 - 4 / 11,
        "reynolds_ratio": 55 / 23,
        "temporal_half_life": log(2) * 1380 / 53,
        "spatial_corr_length": 11 / 2,
    }
    assert gate.minute == 4
    assert gate.hazard == pytest.approx(0.1 * 10 / 23, rel=1e-14)
    assert {name: gate.metrics[name] for name in want} == pytest.approx(want, rel=1e-12)
    assert isnan(gate.metrics["pinned_alignment"])
    assert gate.signature == "c0.05_s0.57_e0.95"
    assert (gate.reps, gate.admit, gate.threshold, gate.reasons) == (1, 1, None, ())


def test_the_side_is_that_of_the_slope_of_the_levels(encoder: Encoder) -> None:
    """Levels a, 0, 0, b with a = ln 1.01, b = ln .995 weigh -3, -1, 1, 3: -3a + 3b < 0."""
    (down,) = encoder(_quotes(FOUR, None), PLAIN)
    (up,) = encoder(_quotes([(1 / low, 1 / high, 1 / c) for high, low, c in FOUR], None), PLAIN)
    assert (down.side, up.side) == (-1, 1)
    assert down.label == "neutral"  # lag-1 autocorrelation -.52: no trend, no reversion, no chaos


def test_spread_and_volume_are_compared_with_medians_of_the_bars_so_far(encoder: Encoder) -> None:
    """ATR of two bars: bits from bar 2 on. The mid stays, so each bar begins 1 000 00.

    spreads 2 4 6 4 1 3: medians 4 (of 2 4 6), 4 (2 4 6 4), 4 (4 6 4 1), 3.5 (6 4 1 3)
                         bits 0 (6), 1 (4), 1 (1), 1 (3)
    volumes 10 ? 10 30 ? 20: medians 10 (10 10), 10 (10 10 30), -, 20 (10 30 20)
                         bits 1, 1, 0 (unknown), 1
    10000001 10000011 | 10000010 10000011: 10 ones of 32; flips 4 of 15 | 6 of 15, 10 of 31
    """
    data = _quotes(still(6), None)
    half = np.array([2, 4, 6, 4, 1, 3]) / 1024
    for letter in "ohlc":
        data[f"bid_{letter}"] -= half
        data[f"ask_{letter}"] += half
    data["volume"] = [10, nan, 10, 30, nan, 20]
    how = PLAIN._replace(atr_bars=2, spread_bit=True, volume_bit=True)
    (gate,) = encoder(data, how)
    p = 10 / 32
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    assert gate.minute == 5
    assert gate.metrics["entropy"] == pytest.approx(entropy, rel=1e-14)
    assert gate.metrics["stability"] == pytest.approx(21 / 31, rel=1e-14)
    assert gate.metrics["domain_wall_slope"] == pytest.approx(2 / 15, rel=1e-14)
    assert (gate.label, gate.side) == ("neutral", 0)


# Bars that do not move: 100000 each, no two halves differ, 4 flips inside and 3 between, of 23.
# Period 6 in 24 bits: all power in bins 4, 8, 12 (the low ones are 1, 2, 3).
STILL_HAZARD = 7 / 23


def test_a_market_at_rest_has_undefined_lengths_and_no_low_frequency(encoder: Encoder) -> None:
    (gate,) = encoder(_quotes(still(5), None), PLAIN)
    assert gate.hazard == pytest.approx(0.1 * STILL_HAZARD, rel=1e-14)
    assert gate.metrics["domain_wall_slope"] == 0.0
    assert gate.metrics["spectral_lowf_share"] == pytest.approx(0.0, abs=1e-6)
    assert isnan(gate.metrics["reynolds_ratio"])
    assert isnan(gate.metrics["spatial_corr_length"])
    assert (gate.label, gate.side) == ("neutral", 0)


def test_bits_that_are_all_ones_have_no_entropy_and_no_spectrum(encoder: Encoder) -> None:
    """Each bar rises by all of its range: 1 111 11. Nothing flips, so 0 and not -0."""
    rows = [(1.0 + 0.01 * i, 0.99 + 0.01 * i, 1.0 + 0.01 * i) for i in range(5)]
    (gate,) = encoder(_quotes(rows, None), PLAIN)
    assert (gate.metrics["coherence"], gate.metrics["stability"]) == (1.0, 1.0)
    assert gate.signature == "c1.00_s1.00_e0.00"
    assert gate.hazard == 0.0
    for name in ("spectral_lowf_share", "reynolds_ratio", "temporal_half_life"):
        assert isnan(gate.metrics[name]), name


def test_returns_that_are_all_equal_are_no_trend_but_have_a_side(encoder: Encoder) -> None:
    """Doubling: each return counts as the most there is, their deviation is 0."""
    rows = [(2.0**i, 2.0**i * 0.9, 2.0**i) for i in range(7)]
    how = PLAIN._replace(window_bars=6)
    (gate,) = encoder(_quotes(rows, None), how)
    assert (gate.label, gate.side) == ("neutral", 1)


# Six returns in units of u; with N = 6 the slope is sum j(6 - j) r_j, weights 0 5 8 9 8 5, and
# z = that / (sigma x sqrt(6 x (6^4 - 1) / 30)), the root being 16.0935; V = 1.66511 sigma / range.
#   0 0 1 1 1 0:   sigma 1/2, a = .25/1.5 = .167, z = 25 / 8.0467 = 3.1069 -> / 3.92 = .79257
#   1 1 -1 -1 1 -1: sigma 1, a = -1/6, z = -9 / 16.09; range 4: V = .41628 -> 1 - V = .58372
#   1 0 0 -1 0 0:  sigma .57735, a = 0, z = -9 / 9.29; range 1/2: V = 1.92269 -> V/3 = .64090
#   1 0 0 -1 0 0:  no range at all: neither calm nor wild
# Either side of V = .75 and V = 1.5: .74501, .75503, 1.50493 and 1.49510.
@pytest.mark.parametrize(
    ("returns", "reach", "label", "confidence", "side"),
    [
        ((0, 0, 1, 1, 1, 0), 1.0, "trend_bull", 0.79257, 1),
        ((0, 0, -1, -1, -1, 0), 1.0, "trend_bear", 0.79257, -1),
        ((0, 0, 1, 1, 1, 0), 0.0, "trend_bull", 0.79257, 1),
        ((1, 1, -1, -1, 1, -1), 4.0, "mean_revert", 0.58372, -1),
        ((1, 0, 0, -1, 0, 0), 0.5, "chaotic", 0.64090, -1),
        ((1, 0, 0, -1, 0, 0), 0.0, "neutral", 0.5, -1),
        ((1, 1, -1, -1, 1, -1), 2.235, "mean_revert", 0.25499, -1),
        ((1, 1, -1, -1, 1, -1), 2.20535, "neutral", 0.5, -1),
        ((1, 0, 0, -1, 0, 0), 0.6388, "chaotic", 0.50164, -1),
        ((1, 0, 0, -1, 0, 0), 0.643, "neutral", 0.5, -1),
    ],
)
def test_six_returns_and_their_ranges_make_the_label(
    encoder: Encoder,
    returns: tuple[int, ...],
    reach: float,
    label: str,
    confidence: float,
    side: int,
) -> None:
    unit = 2.0**-10
    closes = np.exp(unit * np.cumsum([0, *returns]))
    rows = [(c * np.exp(reach * unit / 2), c * np.exp(-reach * unit / 2), c) for c in closes]
    (gate,) = encoder(_quotes(rows, None), PLAIN._replace(window_bars=6))
    assert (gate.label, gate.side) == (label, side)
    assert gate.confidence == pytest.approx(confidence, abs=1e-5)


def test_repetitions_count_the_same_signature_after_the_minute_that_is_too_old(
    encoder: Encoder,
) -> None:
    """Gates each minute from minute 4 on; of three minutes, the one 3 minutes ago is out."""
    gates = encoder(_quotes(still(9), None), PLAIN._replace(repetition_minutes=3))
    assert [gate.reps for gate in gates] == [1, 2, 3, 3, 3]


def test_a_hazard_is_judged_by_64_before_it_and_not_by_itself(encoder: Encoder) -> None:
    """After two bars of ATR: TR .01, ln(.9964) = -.0036 -> .72 x 7 = 5.05 -> 0 101 11.

    100000 100000 | 100000 010111: 3 + 2 inside and between, none before the last, 3 in it = 8.
    """
    fall = (1.0, 0.99, 0.9964)
    how = PLAIN._replace(atr_bars=2)
    (*_, early) = encoder(_quotes([*still(68), fall], None), how)
    (*before, late) = encoder(_quotes([*still(69), fall], None), how)
    assert (len(before), early.threshold, early.admit) == (64, None, 1)
    assert late.threshold == before[-1].hazard
    assert late.hazard == pytest.approx(0.1 * 8 / 23, rel=1e-14)
    assert (late.admit, late.reasons) == (0, ("hazard_exceeds_adaptive_threshold",))
    assert {gate.admit for gate in before} == {1}


def test_a_gap_longer_than_allowed_starts_the_window_anew_and_keeps_the_counts(
    encoder: Encoder,
) -> None:
    """The bar after a gap has no bar before it; four more fill the window."""
    how = PLAIN._replace(max_gap_minutes=5)
    whole = encoder(_quotes(still(10), [0, 1, 2, 3, 4, 9, 10, 11, 12, 13]), how)
    cut = encoder(_quotes(still(10), [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]), how)
    assert [gate.minute for gate in whole] == [4, 9, 10, 11, 12, 13]
    assert [gate.minute for gate in cut] == [4, 14]
    assert cut[-1].reps == 2


def test_a_stride_is_counted_from_the_epoch_and_not_from_the_first_bar(encoder: Encoder) -> None:
    """The first bar opens at minute 29,066,220 since 1970, a multiple of 3."""
    how = PLAIN._replace(stride_bars=3)
    assert START // MINUTE == 29_066_220
    assert [gate.minute for gate in encoder(_quotes(still(14), None), how)] == [6, 9, 12]
    late = encoder(_quotes(still(14)[1:], range(1, 14)), how)
    assert [gate.minute for gate in late] == [6, 9, 12]
