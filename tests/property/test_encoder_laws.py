"""Laws of the encoder: its definition, causality, invariances, and what its labels claim."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.naive.naive_encoder import Emission, Reading, encode
from tests.property.encoder_markets import (
    MINUTE,
    Market,
    Stretch,
    bars_of,
    markets,
    random_walk,
    with_data,
)

from hotband.core.codes import GUARDS
from hotband.core.records import REGIMES, Records
from hotband.gates.encoder import EncodedGates, GateEncoder, encode_gates, producer_of
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.keys import key_of
from hotband.market.bars import PRICES, Bars, bar_faults, quotes_from

QUICK = settings(max_examples=60, deadline=None)
METRICS = [metric for _, metric in GUARDS]
SPECTRAL = METRICS.index("spectral_lowf_share")
EXACT = [slot for slot in range(len(METRICS)) if slot != SPECTRAL]


def encoded(bars: Bars, how: Reading, *, details: bool = True) -> EncodedGates:
    return encode_gates(bars, EncoderSettings(**how._asdict()), details=details)


def assert_equal(got: EncodedGates, want: list[Emission], bars: Bars) -> None:
    """Every field to the last bit, but for the spectral share and the label's confidence."""
    data = got.gates.data
    assert data["known"].tolist() == [one.known for one in want]
    keys = [f"gate:{bars.instrument}:{one.t // 1_000_000}" for one in want]
    assert data["key"].tolist() == [key_of(key) for key in keys]
    for name in ("hazard", "side", "reps", "admit"):
        assert data[name].tolist() == [getattr(one, name) for one in want], name
    assert data["regime"].tolist() == [1 + REGIMES.index(one.label) for one in want]
    sure = [one.confidence for one in want]
    np.testing.assert_allclose(data["regime_confidence"], sure, rtol=0, atol=1e-12)
    metrics = np.array([one.metrics for one in want]).reshape(-1, len(METRICS))
    for slot in EXACT:
        np.testing.assert_array_equal(data["metrics"][:, slot], metrics[:, slot], METRICS[slot])
    np.testing.assert_allclose(
        data["metrics"][:, SPECTRAL], metrics[:, SPECTRAL], rtol=0, atol=1e-6
    )
    for name in ("blocked", "synthetic", "skipped"):
        assert not data[name].any()
    details = got.gates.details
    assert details is not None
    assert details.to_dict(as_series=False) == {
        "granularity": [bars.granularity] * len(want),
        "signal_key": keys,
        "signature": [one.signature for one in want],
        "reasons": [list(one.reasons) for one in want],
        "hazard_threshold": [one.threshold for one in want],
        "producer": [producer_of(got.state.settings, bars.granularity_ns)] * len(want),
    }


@given(markets())
@settings(max_examples=150, deadline=None)
def test_the_gates_are_those_of_the_definition(market: Market) -> None:
    bars, how = market
    assert_equal(encoded(bars, how), encode(bars.data, bars.granularity_ns, how), bars)


@pytest.mark.parametrize("kind", ["walk", "trend", "ticks", "wild", "line", "drift", "holes"])
@pytest.mark.parametrize("window", [64, 128, 256])
def test_the_gates_of_long_windows_are_those_of_the_definition(kind: str, window: int) -> None:
    weather = [Stretch("walk", 30, 1), Stretch(kind, 350, window), Stretch("wide", 120, 2)]
    bars, how = bars_of(weather), Reading(window_bars=window, hazard_memory=128)
    assert_equal(encoded(bars, how), encode(bars.data, bars.granularity_ns, how), bars)


def test_the_settings_that_nobody_changed_are_those_of_the_definition() -> None:
    plain = EncoderSettings()
    assert {name: getattr(plain, name) for name in Reading._fields} == Reading()._asdict()


@given(markets(stretches=4))
@settings(max_examples=30, deadline=None)
def test_cutting_the_bars_anywhere_leaves_the_gates_known_by_then(market: Market) -> None:
    bars, how = market
    whole = encoded(bars, how, details=False).gates.data
    for cut in range(1, len(bars) + 1):
        known = bars.known_ns[cut - 1]
        part = encoded(with_data(bars, bars.data[:cut]), how, details=False).gates.data
        assert part.tobytes() == whole[whole["known"] <= known].tobytes()


@given(markets(stretches=4), st.floats(0.01, 100), st.integers(0, 200))
@QUICK
def test_other_bars_after_a_time_leave_the_gates_known_by_then(
    market: Market, factor: float, cut: int
) -> None:
    bars, how = market
    cut = min(cut, len(bars) - 1)
    other = scaled(bars.data, factor)
    other["volume"] += 3.0
    other[:cut] = bars.data[:cut]
    gates = [encoded(b, how, details=False).gates.data for b in (bars, with_data(bars, other))]
    early = [data[data["known"] <= bars.data["t"][cut]].tobytes() for data in gates]
    assert early[0] == early[1]


def scaled(data: Records, factor: float) -> Records:
    """A copy with all prices times ``factor``."""
    data = data.copy()
    for name in PRICES:
        data[name] *= factor
    return data


@given(markets(), st.integers(-12, 12))
@QUICK
def test_prices_times_a_power_of_two_give_the_same_bits(market: Market, power: int) -> None:
    bars, how = market
    other = with_data(bars, scaled(bars.data, 2.0**power))
    here, there = encoded(bars, how).gates, encoded(other, how).gates
    assert here.data.tobytes() == there.data.tobytes()
    assert here.details is not None
    assert there.details is not None
    assert here.details.equals(there.details)


@given(markets(), st.integers(-1000, 10**6))
@QUICK
def test_a_shift_by_whole_strides_changes_times_and_keys_and_nothing_else(
    market: Market, strides: int
) -> None:
    bars, how = market
    offset = strides * how.stride_bars * bars.granularity_ns
    moved = bars.data.copy()
    moved["t"] += offset
    here = encoded(bars, how, details=False).gates.data.copy()
    there = encoded(with_data(bars, moved), how, details=False).gates.data.copy()
    assert (here["known"] + offset).tolist() == there["known"].tolist()
    assert strides == 0 or not len(here) or (here["key"] != there["key"]).all()
    for data in (here, there):
        data["known"], data["key"] = 0, 0
    assert here.tobytes() == there.tobytes()


@given(markets())
@QUICK
def test_bar_by_bar_and_all_at_once_agree_to_the_last_bit(market: Market) -> None:
    bars, how = market
    stream = GateEncoder("EUR_USD", bars.granularity_ns, EncoderSettings(**how._asdict()))
    gates = [gate.copy() for bar in bars.data if (gate := stream.on_bar(bar)) is not None]
    batch = encoded(bars, how, details=False).gates.data
    assert [gate.tobytes() for gate in gates] == [gate.tobytes() for gate in batch]


@given(markets())
@QUICK
def test_every_metric_keeps_its_bounds(market: Market) -> None:
    bars, how = market
    data = encoded(bars, how, details=False).gates.data
    named = dict(zip(METRICS, data["metrics"].T, strict=True))
    assert np.isnan(named["pinned_alignment"]).all()
    for name in ("coherence", "stability", "entropy"):
        assert ((named[name] >= 0) & (named[name] <= 1)).all()
    assert (np.abs(named["coherence_tau_slope"]) <= 1 / 3).all()
    assert (np.abs(named["domain_wall_slope"]) <= 1).all()
    share = named["spectral_lowf_share"]
    assert (np.isnan(share) | ((share >= -1e-9) & (share <= 1 + 1e-9))).all()
    for name in ("reynolds_ratio", "temporal_half_life", "spatial_corr_length"):
        assert (np.isnan(named[name]) | (named[name] >= 0)).all()
    assert ((data["hazard"] >= 0) & (data["hazard"] <= how.lambda_scale)).all()
    assert (data["reps"] >= 1).all()
    assert ((data["regime_confidence"] >= 0) & (data["regime_confidence"] <= 1)).all()


def test_on_random_walks_no_label_but_neutral_has_more_than_2_percent_of_windows() -> None:
    """The stated bound, for the default window, at three volatilities; no two windows overlap."""
    how = Reading(stride_bars=64, spread_bit=False, volume_bit=False)
    shares, windows = [], 0
    for volatility in (1e-5, 1e-4, 1e-3):
        labels: list[int] = []
        for _ in range(4):
            bars = random_walk(1700 * 64, volatility, seed=windows + len(labels))
            data = encoded(bars, how, details=False).gates.data
            assert (np.diff(data["known"]) == 64 * MINUTE).all()
            labels += data["regime"].tolist()
        windows += len(labels)
        shares.append({name: labels.count(1 + i) / len(labels) for i, name in enumerate(REGIMES)})
    assert windows >= 20_000
    for share in shares:
        assert 0.002 < share["trend_bull"] + share["trend_bear"] <= 0.02
        assert share["mean_revert"] <= 0.02
        assert share["chaotic"] <= 0.02
        assert sum(share.values()) == pytest.approx(1.0)


@pytest.mark.real_data
def test_a_real_day_after_warm_up_gives_the_gates_of_the_definition(real_data: Path) -> None:
    frame = pl.read_parquet(real_data / "EUR_USD.M1.dukascopy.20250401_20250418.parquet")
    columns = {name: frame[name] for name in ("time", *PRICES, "volume")}
    quotes = quotes_from(columns, "EUR_USD")[: 3 * 1440]
    faulty = np.any(list(bar_faults(quotes, MINUTE).values()), axis=0)
    bars = Bars.from_records("EUR_USD", "M1", quotes[~faulty], source="history")
    want = encode(bars.data, bars.granularity_ns, Reading())
    assert_equal(encoded(bars, Reading()), want, bars)
    last_day = want[-1440:]
    assert len(want) > 2048 + 1440
    assert all(one.threshold is not None for one in last_day)
    assert {one.admit for one in last_day} == {0, 1}
    assert max(one.reps for one in last_day) > 1
