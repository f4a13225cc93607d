"""What the encoder refuses: bars, settings and states that cannot be."""

from math import nan

import numpy as np
import pytest
from tests.unit.gates.simulated_bars import MINUTE, SMALL, encoder, quotes

from hotband.errors import BarsError, GatesError
from hotband.gates.encoder import GateEncoder, warm_up_bars
from hotband.gates.encoder_state import EncoderSettings, EncoderState

UNUSABLE = r"; allowed: finite prices above 0, low <= close <= high, ask >= bid, volume of 0"


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("t", 0, r"bar time t: got \d+; allowed: at least half a bar after \d+, the bar before"),
        ("t", 29, r"bar time t: got \d+; allowed: at least half a bar after \d+, the bar before"),
        ("bid_c", nan, "bid_c nan" + r".*" + UNUSABLE),
        ("ask_h", np.inf, "ask_h inf" + r".*" + UNUSABLE),
        ("bid_l", 0.0, "bid_l 0.0" + r".*" + UNUSABLE),
        ("ask_c", 0.5, "ask_c 0.5" + r".*" + UNUSABLE),
        ("volume", -1.0, "volume -1.0" + r".*" + UNUSABLE),
    ],
)
def test_a_bar_that_cannot_be_used_is_refused_and_leaves_the_state_alone(
    field: str, value: float, text: str
) -> None:
    data = quotes(60)
    data[field][40] = data["t"][39] + value * 10**9 if field == "t" else value
    run = encoder()
    run.on_bars(data[:40])
    before = run.state.copy()
    with pytest.raises(BarsError, match=text):
        run.on_bar(data[40])
    with pytest.raises(BarsError, match=text):
        run.on_bars(data[40:])
    for name in ("record", "slots", "masks", "recent", "hazards"):
        assert getattr(run.state, name).tobytes() == getattr(before, name).tobytes()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"window_bars": 2}, "window_bars: got 2; allowed: an even number of 4 to 256"),
        ({"window_bars": 65}, "window_bars: got 65; allowed: an even number of 4 to 256"),
        ({"window_bars": 64.0}, "window_bars: got 64.0; allowed: an even number"),
        ({"stride_bars": 0}, "stride_bars: got 0; allowed: a whole number of 1 to"),
        ({"atr_bars": 0}, "atr_bars: got 0; allowed: a whole number of 1 to 1000"),
        ({"signature_decimals": 7}, "signature_decimals: got 7; allowed: a whole number of 0 to 6"),
        ({"hazard_memory": 63}, "hazard_memory: got 63; allowed: a whole number of 64 to"),
        ({"lambda_scale": 0.0}, "lambda_scale: got 0.0; allowed: above 0, to 1"),
        ({"lambda_scale": nan}, "lambda_scale: got nan; allowed: above 0, to 1"),
        ({"max_gap_minutes": 0}, "max_gap_minutes: got 0; allowed: above 0, to 525600"),
        ({"repetition_minutes": -1}, "repetition_minutes: got -1; allowed: above 0, to 43200"),
        ({"hazard_percentile": 1}, "hazard_percentile: got 1; allowed: 0.05 to 0.99, or None"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float], text: str) -> None:
    with pytest.raises(GatesError, match=text):
        EncoderSettings(**wrong)  # type: ignore[arg-type] # wrong on purpose


def test_bars_longer_than_the_gap_are_refused() -> None:
    with pytest.raises(GatesError, match=r"max_gap_minutes: got 60\.0; allowed: at least 240, the"):
        EncoderState.fresh(EncoderSettings(), 240 * MINUTE)


def test_a_state_of_other_settings_is_refused() -> None:
    with pytest.raises(GatesError, match=r"state: got .* Resume with equal settings"):
        GateEncoder("EUR_USD", MINUTE, EncoderSettings(), encoder().state)


def test_bars_without_a_length_are_refused() -> None:
    with pytest.raises(GatesError, match="granularity_ns: got 0; allowed: above 0"):
        GateEncoder("EUR_USD", 0)
    with pytest.raises(GatesError, match="granularity_ns: got 0; allowed: above 0"):
        warm_up_bars(SMALL, 0)
