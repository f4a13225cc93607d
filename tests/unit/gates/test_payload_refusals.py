"""A payload that cannot be read is refused by kind, and the counts always add up."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.contract.payloads import EXAMPLES, example, text_of
from tests.contract.samples import START_NS, gates_at

from hotband.errors import GatesError
from hotband.gates.events import Gates
from hotband.gates.keys import key_of
from hotband.gates.payload import CodecSettings, decode, encode
from hotband.gates.payload_report import REFUSALS, REPAIRS, SCALES, PayloadReport

DETAILS = pl.DataFrame(
    {
        "granularity": ["M5"],
        "signal_key": ["gate:EUR_USD:1"],
        "signature": ["c0.01_s0.50_e0.99"],
        "reasons": [["hazard_exceeds_adaptive_threshold"]],
        "hazard_threshold": [0.05],
        "producer": ["regime_manifold"],
    }
)


def detailed(key: int | None = None, **changes: Any) -> Gates:
    """One gate with details, some of them changed."""
    plain = gates_at([0])
    columns = [pl.Series(name, [value]) for name, value in changes.items()]
    return Gates.from_columns(
        "EUR_USD",
        plain.data["known"].copy(),
        [1],
        [0.05],
        [3],
        {"coherence": [0.4], "reynolds_ratio": [np.inf], "domain_wall_slope": [-np.inf]},
        synthetic=False,
        key=np.array([key_of("gate:EUR_USD:1") if key is None else key]),
        regime=["neutral"],
        regime_confidence=[0.5],
        details=DETAILS.with_columns(columns),
    )


def document(**changes: Any) -> dict[str, Any]:
    """A payload of schema 2, parsed, with keys changed; ``...`` removes one."""
    payload = {**json.loads(encode(detailed())[0]), **changes}
    return {name: value for name, value in payload.items() if value is not ...}


def refused(payload: bytes | str, kind: str) -> str:
    decoded = decode([payload], "EUR_USD")
    assert decoded.report.refused == {kind: 1}
    assert len(decoded.gates) == 0
    return decoded.report.examples[kind]


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"", "empty"),
        (" \n", "empty"),
        (b'{"instrument":"\xff"}', "not_utf8"),
        ('{"instrument":"\ud800"}', "not_utf8"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"lambda":NaN}', "not_json"),
        (b'{"lambda":-Infinity}', "not_json"),
        (b'{"lambda":1e999}', "not_json"),
        (b'{"instrument":"EUR_USD"', "not_json"),
        (b"[" * 5000, "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        ("5", "not_an_object"),
        (b'{"ts_ms":1763000000000,"ts_ms":1763000000000}', "duplicate_keys"),
        (b'{"ts_ms" : 1763000000000,"metrics":{"a":1,"\\u0061":2}}', "duplicate_keys"),
        (b'{"ts_ms":1763000000000,"x":[{"a":1,"a":1}]}', "duplicate_keys"),
        (b'{"ts_ms":1763000000000,"schema_version":3}', "schema_unknown"),
        (b'{"ts_ms":1763000000000,"schema_version":"2"}', "schema_unknown"),
        (b'{"ts_ms":1763000000000,"schema_version":2.0}', "schema_unknown"),
        (b'{"ts_ms":1763000000000,"schema_version":true}', "schema_unknown"),
        (b'{"ts_ms":1763000000000,"instrument":"GBP_USD"}', "other_instrument"),
        (b'{"ts_ms":1763000000000,"instrument":["EUR_USD"]}', "other_instrument"),
        (b"{}", "time_missing"),
        (b'{"ts_ms":null,"ts":null,"time":1763000000}', "time_missing"),
        (b'{"ts_ms":true}', "time_unreadable"),
        (b'{"ts_ms":1763000000000.5}', "time_unreadable"),
        (b'{"ts_ms":"soon"}', "time_unreadable"),
        (b'{"ts_ms":{"ms":1}}', "time_unreadable"),
        (b'{"ts":"2025-04-01"}', "time_unreadable"),
        (b'{"ts":"2025-04-01T00:00:00"}', "time_naive"),
        (b'{"ts_ms":1763000000}', "time_out_of_range"),
        (b'{"ts_ms":-1}', "time_out_of_range"),
        (b'{"ts":1e300}', "time_out_of_range"),
        (b'{"ts_ms":1e300}', "time_out_of_range"),
        (b'{"ts_ms":99999999999999999999999999}', "time_out_of_range"),
        (b'{"ts_ms":4102444799000}', "time_out_of_range"),
        (b'{"ts_ms":1763000000000,"granularity":"1h"}', "granularity_unknown"),
        (b'{"ts_ms":1763000000000,"granularity":60}', "granularity_unknown"),
    ],
)
def test_what_cannot_be_read_is_refused_by_kind(payload: bytes | str, kind: str) -> None:
    assert 0 <= len(refused(payload, kind)) <= 200


def test_what_is_no_text_is_refused() -> None:
    decoded = decode([None, 5, {"a": 1}], "EUR_USD")  # type: ignore[list-item] # wrong on purpose
    assert decoded.report.refused == {"not_text": 3}


def test_a_colon_in_a_text_is_no_second_key() -> None:
    payload = example("documented", note='a:b "c": {"d":1,"d":2} \\', source="x::y")
    assert decode([text_of(payload)], "EUR_USD").report.gates == 1


def test_a_gate_without_a_time_is_never_stamped() -> None:
    payload = example("E3", ts_ms=None, time="2026-02-02T00:00:00Z", first_seen_ms=1770000000000)
    refused(text_of(payload), "time_missing")


def test_the_later_of_two_payloads_of_one_time_counts() -> None:
    first, other = example("documented"), example("documented", repetitions=9)
    decoded = decode([text_of(one) for one in (other, first, other, first)], "EUR_USD")
    assert decoded.gates.data["reps"].tolist() == [3]
    report = decoded.report
    assert (report.payloads, report.gates, report.superseded, report.repeated) == (4, 1, 2, 1)


def test_gates_come_sorted_by_known_time() -> None:
    payloads = [text_of(example("documented", ts_ms=1763000000000 + ms)) for ms in (5, 0, 9)]
    known = decode(payloads, "EUR_USD").gates.data["known"]
    assert (np.diff(known) > 0).all()


def test_no_payloads_are_no_gates() -> None:
    decoded = decode([], "EUR_USD")
    assert len(decoded.gates) == 0
    assert decoded.report == PayloadReport()
    assert encode(decoded.gates) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"lambda": ...}, "v2_fields"),
        ({"structure": {}}, "v2_fields"),
        ({"roc_60": 0.1}, "v2_fields"),
        ({"structure": document()["structure"] | {"roc_60": 1}}, "v2_fields"),
        ({"instrument": "GBP_USD"}, "other_instrument"),
        ({"instrument": "EUR/USD"}, "other_instrument"),
        ({"instrument": None}, "v2_value"),
        ({"admit": True}, "v2_value"),
        ({"admit": 2}, "v2_value"),
        ({"direction": "buy"}, "v2_value"),
        ({"lambda": 1.5}, "v2_value"),
        ({"lambda": "0.05"}, "v2_value"),
        ({"lambda_scale": 0}, "v2_value"),
        ({"known_ns": 1.0}, "v2_value"),
        ({"known_ns": 5}, "v2_value"),
        ({"granularity": "M7"}, "v2_value"),
        ({"repetitions": 2**31}, "v2_value"),
        ({"repetitions": -1}, "v2_value"),
        ({"repetitions": 3.0}, "v2_value"),
        ({"regime": "neutral"}, "v2_value"),
        ({"regime": {"label": "neutral"}}, "v2_value"),
        ({"regime": {"label": "sideways", "confidence": 0.5}}, "v2_value"),
        ({"regime": {"label": "neutral", "confidence": 2}}, "v2_value"),
        ({"regime": {"label": None, "confidence": None}}, "v2_value"),
        ({"regime": {"label": [], "confidence": None}}, "v2_value"),
        ({"bundle_blocks": ["news"]}, "v2_value"),
        ({"bundle_blocks": None}, "v2_value"),
        ({"source": 1}, "v2_value"),
        ({"signal_key": ""}, "v2_value"),
        ({"signal_key": "key:0"}, "v2_value"),
        ({"signal_key": "key:01"}, "v2_value"),
        ({"signal_key": "key:x"}, "v2_value"),
        ({"signal_key": f"key:{2**63}"}, "v2_value"),
        ({"synthetic": 0}, "v2_value"),
        ({"reasons": "why"}, "v2_value"),
        ({"reasons": [1]}, "v2_value"),
        ({"reasons": None}, "v2_value"),
        ({"lambda_threshold": "high"}, "v2_value"),
        ({"lambda_threshold": []}, "v2_value"),
        ({"lambda_threshold": None}, "v2_value"),
        ({"signal_text": None}, "v2_value"),
        ({"granularity_given": 5}, "v2_value"),
        ({"structure": []}, "v2_value"),
        ({"structure": document()["structure"] | {"entropy": "nan"}}, "v2_value"),
        ({"structure": document()["structure"] | {"entropy": True}}, "v2_value"),
        ({"structure": document()["structure"] | {"entropy": []}}, "v2_value"),
        ({"structure": document()["structure"] | {"signature": 5}}, "v2_value"),
        ({"ts_ms": 1763000000000}, "v2_contradiction"),
        ({"lambda": 0.06}, "v2_contradiction"),
        ({"lambda": None}, "v2_contradiction"),
        ({"hazard": 0.6}, "v2_contradiction"),
        ({"lambda_scale": 0.2}, "v2_contradiction"),
        ({"structure": document()["structure"] | {"hazard": 0.6}}, "v2_contradiction"),
        ({"structure": document()["structure"] | {"lambda_scaled": 0.6}}, "v2_contradiction"),
        ({"structure": document()["structure"] | {"hazard_threshold": 0.6}}, "v2_contradiction"),
        ({"lambda_threshold": ...}, "v2_contradiction"),
        ({"lambda_threshold": "nan"}, "v2_contradiction"),
        ({"signal_text": "x"}, "v2_contradiction"),
        ({"granularity_given": "M5"}, "v2_contradiction"),
    ],
)
def test_schema_2_is_held_to_its_rules(changes: dict[str, Any], kind: str) -> None:
    assert refused(text_of(document(**changes)), kind)


def test_schema_2_may_be_rewritten_with_whole_numbers() -> None:
    payload = document(**{"lambda": 0, "hazard": 0})
    payload["structure"] |= {"hazard": 0, "lambda_scaled": 0, "coherence": 1}
    decoded = decode([text_of(payload)], "EUR_USD")
    assert decoded.gates.data["hazard"].tolist() == [0.0]
    assert decoded.gates.data["metrics"][0, 0] == 1.0


def test_a_gate_is_written_as_older_readers_read_it() -> None:
    payload = document()
    assert payload == {
        "schema_version": 2,
        "instrument": "EUR_USD",
        "ts_ms": START_NS // 1_000_000 - 300_000,
        "known_ns": START_NS,
        "granularity": "M5",
        "admit": 1,
        "direction": "BUY",
        "lambda": 0.05,
        "lambda_scale": 0.1,
        "hazard": 0.5,
        "repetitions": 3,
        "structure": {
            "coherence": 0.4,
            "stability": None,
            "entropy": None,
            "coherence_tau_slope": None,
            "domain_wall_slope": "-inf",
            "spectral_lowf_share": None,
            "reynolds_ratio": "inf",
            "temporal_half_life": None,
            "spatial_corr_length": None,
            "pinned_alignment": None,
            "hazard": 0.5,
            "lambda_scaled": 0.05,
            "hazard_threshold": 0.5,
            "signature": "c0.01_s0.50_e0.99",
        },
        "regime": {"label": "neutral", "confidence": 0.5},
        "bundle_blocks": [],
        "source": "regime_manifold",
        "signal_key": "gate:EUR_USD:1",
        "synthetic": False,
        "reasons": ["hazard_exceeds_adaptive_threshold"],
        "lambda_threshold": 0.05,
    }


@pytest.mark.parametrize(
    "gates",
    [
        detailed(),
        detailed(key=0),
        detailed(key=2**63 - 1),
        detailed(signal_key="key:5"),
        detailed(key=key_of("key:5"), signal_key="key:5"),
        detailed(key=0, signal_key=""),
        detailed(signal_key=None),
        detailed(granularity=None),
        detailed(granularity="M1"),
        detailed(granularity="weekly"),
        detailed(hazard_threshold=None),
        detailed(hazard_threshold=float("nan")),
        detailed(hazard_threshold=float("-inf")),
        detailed(hazard_threshold=1e308),
        detailed(reasons=None),
        detailed(reasons=[]),
        detailed(reasons=["a", None, 'b"\\:']),
        detailed(producer=None, signature=None),
        detailed(producer="", signature="é\n\x00"),
    ],
)
@pytest.mark.parametrize("scale", [0.1, 1, 1e-6])
def test_details_come_back_exactly(gates: Gates, scale: float) -> None:
    settings = CodecSettings(granularity="H1", lambda_scale=scale)
    decoded = decode(encode(gates, settings), "EUR_USD")
    assert decoded.report.refused == {}
    assert decoded.gates.data.tobytes() == gates.data.tobytes()
    assert decoded.gates.details is not None
    assert gates.details is not None
    assert decoded.gates.details.equals(gates.details)


def test_an_assumed_granularity_is_counted_and_not_read_back() -> None:
    decoded = decode(encode(gates_at([0, 1])), "EUR_USD")
    assert decoded.report.granularities == {"assumed": 2}
    assert decoded.gates.details is not None
    assert decoded.gates.details["granularity"].to_list() == [None, None]


def test_a_gate_outside_the_calendar_is_not_written() -> None:
    gates = Gates.from_columns("EUR_USD", np.array([5]), [1], [0.1], [1], {}, synthetic=False)
    with pytest.raises(GatesError, match="known of gates of EUR_USD: got 5 ns in row 0; allowed"):
        encode(gates)


def test_a_report_speaks_in_sentences_and_json() -> None:
    report = decode([EXAMPLES["documented"], "x", "[]"], "EUR_USD").report
    lines = report.lines()
    assert lines[0] == (
        "3 payloads: 1 gates, 2 refused, 0 superseded by a later one of the same time, 0 repeated."
    )
    assert "Refused 1: is JSON, but not an object ([])." in lines
    assert any(line.startswith("Read 1 times: the direction of the best bundle") for line in lines)
    assert json.loads(json.dumps(report.to_dict()))["refused"] == {
        "not_an_object": 1,
        "not_json": 1,
    }


def test_every_kind_has_its_words() -> None:
    kinds = [*REFUSALS.items(), *REPAIRS.items(), *SCALES.items()]
    assert len({words for _, words in kinds}) == len(kinds)
