"""Each form of payload in the wild is read field by field, and each repair is counted."""

from typing import Any

from tests.contract.payloads import EXAMPLES

from hotband.gates.events import METRICS, Gates
from hotband.gates.keys import key_of
from hotband.gates.payload import CodecSettings, decode
from hotband.gates.payload_report import PayloadReport

NAN = float("nan")
S5 = CodecSettings(granularity="S5")


def assert_gate(gates: Gates, wanted: dict[str, Any]) -> None:
    frame = gates.to_frame()
    assert frame.height == 1
    held = frame.row(0, named=True)
    held["known"] = int(gates.data["known"][0])
    missing = dict.fromkeys(METRICS)
    assert held == missing | wanted


def test_a_gate_of_the_e3_service_is_read_in_every_field() -> None:
    decoded = decode([EXAMPLES["E3"]], "EUR_USD", S5)
    assert_gate(
        decoded.gates,
        {
            "known": 1_770_000_005_000_000_000,
            "side": 1,
            "hazard": 0.0897,
            "reps": 1,
            "key": key_of("gate:EUR_USD:1770000000000"),
            "admit": False,
            "blocked": False,
            "synthetic": False,
            "regime": "trend_bull",
            "regime_confidence": 1.0,
            "coherence": 0.214,
            "stability": 0.0,
            "entropy": 0.944,
            "granularity": "S5",
            "signal_key": None,
            "signature": "c0.214_s0.000_e0.944",
            "reasons": ["hazard_exceeds_adaptive_threshold"],
            "hazard_threshold": 0.884 * 0.1,
            "producer": "regime_manifold",
        },
    )
    assert decoded.report == PayloadReport(
        payloads=1,
        gates=1,
        scales={"lambda": 1},
        eras={"E3": 1},
        granularities={"assumed": 1},
    )
    assert decoded.gates.source == "valkey"


def test_a_synthetic_gate_of_e3_is_read_in_every_field() -> None:
    decoded = decode([EXAMPLES["E3_synthetic"]], "GBP_USD", S5)
    assert_gate(
        decoded.gates,
        {
            "known": 1_770_000_085_000_000_000,
            "side": -1,
            "hazard": 0.0901,
            "reps": 2,
            "key": key_of("gate:GBP_USD:1770000080000"),
            "admit": True,
            "blocked": False,
            "synthetic": True,
            "regime": "trend_bear",
            "regime_confidence": 0.8,
            "coherence": 0.21,
            "stability": 0.0,
            "entropy": 0.948,
            "granularity": "S5",
            "signal_key": None,
            "signature": None,
            "reasons": [],
            "hazard_threshold": None,
            "producer": "structural_extension",
        },
    )
    assert decoded.report.eras == {"E3_synthetic": 1}
    assert decoded.report.repaired == {}


def test_a_live_gate_of_e2_is_read_in_every_field() -> None:
    decoded = decode([EXAMPLES["E2"]], "USD_JPY")
    assert_gate(
        decoded.gates,
        {
            "known": 1_763_000_060_000_000_000,
            "side": 1,
            "hazard": 0.049,
            "reps": 4,
            "key": key_of("gate:USD_JPY:1763000000000"),
            "admit": True,
            "blocked": False,
            "synthetic": False,
            "regime": "mean_revert",
            "regime_confidence": 0.66,
            "coherence": 0.012,
            "stability": 0.51,
            "entropy": 0.988,
            "coherence_tau_slope": -0.01,
            "domain_wall_slope": -0.02,
            "spectral_lowf_share": 0.31,
            "reynolds_ratio": 24.5,
            "temporal_half_life": 69.3,
            "spatial_corr_length": 50.0,
            "pinned_alignment": 1.0,
            "granularity": "M1",
            "signal_key": None,
            "signature": None,
            "reasons": [],
            "hazard_threshold": 0.52 * 0.1,
            "producer": "regime_manifold",
        },
    )
    assert decoded.report.eras == {"E2": 1}
    assert decoded.report.repaired == {"direction_from_bundle": 1}


def test_a_synthetic_gate_of_e2_is_read_in_every_field() -> None:
    decoded = decode([EXAMPLES["E2_synthetic"]], "AUD_USD")
    assert_gate(
        decoded.gates,
        {
            "known": 1_763_000_120_000_000_000,
            "side": 1,
            "hazard": 0.08,
            "reps": 4,
            "key": key_of("synthetic:AUD_USD:1763000060000"),
            "admit": True,
            "blocked": False,
            "synthetic": True,
            "regime": None,
            "regime_confidence": None,
            "coherence": 0.4,
            "stability": 0.99,
            "entropy": 0.92,
            "granularity": "M1",
            "signal_key": "synthetic:AUD_USD:1763000060000",
            "signature": None,
            "reasons": ["synthetic:thresholds"],
            "hazard_threshold": None,
            "producer": "synthetic",
        },
    )
    assert decoded.report.eras == {"E2_synthetic": 1}
    assert decoded.report.scales == {"lambda_only": 1}


def test_a_gate_of_the_documented_form_is_read_in_every_field() -> None:
    decoded = decode([EXAMPLES["documented"]], "EUR_USD")
    assert_gate(
        decoded.gates,
        {
            "known": 1_763_000_060_000_000_000,
            "side": -1,
            "hazard": 0.05,
            "reps": 3,
            "key": key_of("gate:EUR_USD:1763000000000"),
            "admit": True,
            "blocked": True,
            "synthetic": False,
            "regime": "neutral",
            "regime_confidence": 0.5,
            "coherence": 0.3,
            "stability": 0.6,
            "entropy": 0.9,
            "granularity": "M1",
            "signal_key": "gate:EUR_USD:1763000000000",
            "signature": None,
            "reasons": [],
            "hazard_threshold": None,
            "producer": "valkey",
        },
    )
    assert decoded.report.eras == {"documented": 1}
