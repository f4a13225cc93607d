"""What a payload leaves out or spells its own way is read without a guess, and counted."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from tests.contract.payloads import example, text_of

from hotband.errors import GatesError
from hotband.gates.payload import CodecSettings, Decoded, decode
from hotband.gates.payload_report import EXAMPLE_LENGTH, PayloadReport
from hotband.market.calendar import parse_time

NAN = float("nan")
S5 = CodecSettings(granularity="S5")


def one(**changes: Any) -> tuple[dict[str, Any], PayloadReport]:
    """The only gate of a changed documented payload, by column of its frame, and the report."""
    decoded = decode([text_of(example("documented", **changes))], "EUR_USD")
    assert len(decoded.gates) == 1, decoded.report.lines()
    return decoded.gates.to_frame().row(0, named=True), decoded.report


def metrics_of(decoded: Decoded) -> list[float]:
    values: list[float] = decoded.gates.data["metrics"][0].tolist()
    return values


def test_the_first_mapping_that_has_a_metric_wins_even_where_it_is_no_number() -> None:
    payload = example(
        "documented",
        components={"entropy": "high", "stability": True},
        structure={"entropy": 0.1, "coherence": 0.2},
        pinned_alignment=7,
    )
    decoded = decode([text_of(payload)], "EUR_USD")
    assert metrics_of(decoded)[0] == 0.2
    assert np.isnan(metrics_of(decoded)[1:3]).all()
    assert metrics_of(decoded)[9] == 7.0
    assert decoded.report.repaired["metric_not_a_number"] == 2


@pytest.mark.parametrize("value", [None, "0.5", True, [0.5], {"value": 0.5}])
def test_a_metric_that_is_no_number_is_undefined_and_counted(value: object) -> None:
    payload = {**example("documented"), "metrics": {"coherence": value}}
    decoded = decode([text_of(payload)], "EUR_USD")
    assert np.isnan(metrics_of(decoded)).all()
    assert decoded.report.repaired["metric_not_a_number"] == 1


@pytest.mark.parametrize("name", ["repetitions", "repetition_count", "reps"])
def test_repetitions_are_found_under_each_of_their_names(name: str) -> None:
    row, report = one(**{"repetitions": None, name: 5})
    assert row["reps"] == 5
    assert "repetitions_missing" not in report.repaired


@pytest.mark.parametrize(
    ("value", "reps", "kind"),
    [
        (None, 0, "repetitions_missing"),
        (4.0, 4, "float_for_whole"),
        (4.5, 0, "repetitions_unreadable"),
        (-1, 0, "repetitions_unreadable"),
        (2**31, 0, "repetitions_unreadable"),
        (10**30, 0, "repetitions_unreadable"),
        (True, 0, "repetitions_unreadable"),
        ("4", 0, "repetitions_unreadable"),
        ([4], 0, "repetitions_unreadable"),
    ],
)
def test_repetitions_that_are_no_count_are_none(value: object, reps: int, kind: str) -> None:
    row, report = one(repetitions=value)
    assert row["reps"] == reps
    assert report.repaired[kind] == 1


@pytest.mark.parametrize(
    ("value", "side"),
    [("BUY", 1), ("buy", 1), (" Long ", 1), ("SELL", -1), ("short", -1), ("FLAT", 0)],
)
def test_a_direction_is_read_in_any_case_and_before_bundles(value: str, side: int) -> None:
    row, report = one(direction=value)
    assert row["side"] == side
    assert "direction_from_bundle" not in report.repaired


@pytest.mark.parametrize("value", ["UP", "", 1, True, ["BUY"]])
def test_an_unknown_direction_is_flat_and_counted(value: object) -> None:
    row, report = one(direction=value)
    assert row["side"] == 0
    assert report.repaired["direction_unknown"] == 1


def hit(action: object, score: object = 0.5) -> dict[str, object]:
    return {"id": "MB001", "action": action, "score": score}


@pytest.mark.parametrize(
    ("hits", "side", "blocked", "kind"),
    [
        ([hit("promote"), hit("fade", 0.4)], 1, False, "direction_from_bundle"),
        ([hit("buy", 0.4), hit("SELL", 0.5)], -1, False, "direction_from_bundle"),
        ([hit("long")], 1, False, "direction_from_bundle"),
        ([hit("scalp")], 1, False, "direction_from_bundle"),
        ([hit("short")], -1, False, "direction_from_bundle"),
        ([hit("buy", 1), hit("hold", 2)], 0, False, "bundle_action_unknown"),
        ([hit("buy"), hit("sell")], 0, False, "bundle_actions_disagree"),
        ([hit("buy", "high")], 0, False, "bundle_score_unreadable"),
        ([hit("buy", None), hit("sell", 0.1)], -1, False, "direction_from_bundle"),
        ([hit("quarantine", 0.9), hit("buy", 0.1)], 1, True, "direction_from_bundle"),
        ([hit("quarantine")], 0, True, "direction_missing"),
        ([], 0, False, "direction_missing"),
        ([hit(7), hit("buy")], 1, True, "bundle_unreadable"),
        (["buy"], 0, True, "bundle_unreadable"),
        ({"MB001": 1}, 0, True, "bundle_unreadable"),
    ],
)
def test_the_best_bundle_gives_a_missing_direction(
    hits: object, side: int, blocked: bool, kind: str
) -> None:
    row, report = one(bundle_hits=hits, bundle_blocks=None)
    assert (row["side"], row["blocked"]) == (side, blocked)
    assert report.repaired[kind] == 1


def test_a_quarantine_blocks_also_where_the_direction_is_given() -> None:
    row, _ = one(direction="BUY", bundle_hits=[hit("quarantine")], bundle_blocks=None)
    assert (row["side"], row["blocked"]) == (1, True)


@pytest.mark.parametrize("blocks", [["news"], "news", {"news": 1}, [None]])
def test_any_block_blocks(blocks: object) -> None:
    assert one(bundle_hits=None, bundle_blocks=blocks)[0]["blocked"] is True


@pytest.mark.parametrize(
    ("value", "admit"),
    [(True, True), (1, True), (1.0, True), ("true", True), (" TRUE ", True), ("1", True),
     (False, False), (0, False), ("false", False), ("0", False)],
)  # fmt: skip
def test_a_verdict_is_read_in_each_form(value: object, admit: bool) -> None:
    row, report = one(admit=value)
    assert row["admit"] is admit
    assert not {"admit_missing", "admit_unreadable"} & report.repaired.keys()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "admit_missing"), (2, "admit_unreadable"), ("yes", "admit_unreadable"),
     ([1], "admit_unreadable")],
)  # fmt: skip
def test_without_a_clear_verdict_a_gate_is_not_admitted(value: object, kind: str) -> None:
    row, report = one(admit=value)
    assert row["admit"] is False
    assert report.repaired[kind] == 1


@pytest.mark.parametrize(
    ("changes", "stamp"),
    [
        ({"ts_ms": 1763000000123}, "2025-11-13T02:13:20.123Z"),
        ({"ts_ms": "1763000000123"}, "2025-11-13T02:13:20.123Z"),
        ({"ts_ms": 1763000000123.0}, "2025-11-13T02:13:20.123Z"),
        ({"ts_ms": None, "ts": 1763000000}, "2025-11-13T02:13:20Z"),
        ({"ts_ms": None, "ts": "1763000000"}, "2025-11-13T02:13:20Z"),
        ({"ts_ms": None, "ts": 1763000000.25}, "2025-11-13T02:13:20.25Z"),
        ({"ts_ms": None, "ts": 1763000000250}, "2025-11-13T02:13:20.25Z"),
        ({"ts_ms": None, "ts": 1763000000250.0}, "2025-11-13T02:13:20.25Z"),
        ({"ts_ms": None, "ts": "2025-11-13T03:13:20+01:00"}, "2025-11-13T02:13:20Z"),
        ({"ts_ms": None, "ts": "2025-11-13 02:13:20Z"}, "2025-11-13T02:13:20Z"),
        ({"ts": 5}, "2025-11-13T02:13:20Z"),
        ({"ts_ms": None, "ts": 10_000_000_001}, None),
        ({"ts_ms": None, "ts": 4_000_000_000}, "2096-10-02T07:06:40Z"),
    ],
)
def test_a_time_is_read_in_each_form(changes: dict[str, Any], stamp: str | None) -> None:
    decoded = decode([text_of(example("documented", **changes))], "EUR_USD")
    if stamp is None:  # milliseconds of 1970
        assert decoded.report.refused == {"time_out_of_range": 1}
        return
    assert decoded.gates.data["known"].tolist() == [parse_time(stamp) + 60_000_000_000]


def test_the_granularity_of_the_payload_goes_before_the_assumed_one() -> None:
    payload = text_of(example("documented", granularity="m5"))
    decoded = decode([payload], "EUR_USD", S5)
    assert decoded.gates.data["known"].tolist() == [1_763_000_300_000_000_000]
    assert decoded.gates.details is not None
    assert decoded.gates.details["granularity"].to_list() == ["M5"]
    assert decoded.report.granularities == {"given": 1}


@pytest.mark.parametrize(
    ("level", "raw", "hazard", "scale"),
    [
        (0.0897, 0.897, 0.0897, "lambda"),
        (0.08975, 0.897, 0.08975, "lambda"),
        (0.08, None, 0.08, "lambda_only"),
        (0.9, 0.9, 0.09, "hazard_as_lambda"),
        (0.9004, 0.9, 0.09004, "hazard_as_lambda"),
        (None, 0.9, 0.09, "hazard_only"),
        (0.5, 0.9, 0.5, "lambda_unlike_hazard"),
        (None, None, None, "none"),
        (0, 0, 0.0, "lambda"),
        (1, 1, 0.1, "hazard_as_lambda"),
    ],
)
def test_the_scale_of_lambda_is_told_by_the_raw_hazard(
    level: float | None, raw: float | None, hazard: float | None, scale: str
) -> None:
    row, report = one(**{"lambda": level, "structure": {} if raw is None else {"hazard": raw}})
    assert row["hazard"] == (None if hazard is None else pytest.approx(hazard, rel=1e-12))
    assert report.scales == {scale: 1}


@pytest.mark.parametrize("where", ["components", "structure", "metrics", None])
def test_a_raw_hazard_is_looked_up_like_a_metric(where: str | None) -> None:
    changes: dict[str, Any] = {"hazard": 0.5} if where is None else {where: {"hazard": 0.5}}
    row, report = one(**{"lambda": None, **changes})
    assert row["hazard"] == 0.05
    assert report.scales == {"hazard_only": 1}


@pytest.mark.parametrize(
    "changes",
    [{"lambda": -0.1}, {"lambda": 1.5}, {"lambda": 1e300}, {"lambda": 10**25},
     {"lambda": None, "hazard": 1.01}, {"lambda": 2.0, "hazard": 2.0}],
)  # fmt: skip
def test_a_hazard_outside_its_scale_is_missing(changes: dict[str, Any]) -> None:
    row, report = one(**changes)
    assert row["hazard"] is None
    assert report.repaired["hazard_out_of_range"] == 1


def test_a_lambda_that_is_no_number_is_missing_and_the_hazard_counts() -> None:
    row, report = one(**{"lambda": "0.1", "hazard": 0.5})
    assert row["hazard"] == 0.05
    assert report.repaired["lambda_not_a_number"] == 1


@pytest.mark.parametrize("label", ["long_ok", "short_ok", "insufficient", "Trend_Bull "])
def test_a_known_regime_is_read_as_text_and_as_object(label: str) -> None:
    wanted = label.strip().lower()
    row, _ = one(regime=label, regime_confidence=0.25)
    assert (row["regime"], row["regime_confidence"]) == (wanted, 0.25)
    row, report = one(regime={"label": label, "confidence": 1})
    assert (row["regime"], row["regime_confidence"]) == (wanted, 1.0)
    assert "regime_unknown" not in report.repaired


@pytest.mark.parametrize("regime", ["STABLE", {"label": "sideways"}, 3, ["neutral"], {"label": 1}])
def test_an_unknown_regime_is_missing_and_shown(regime: object) -> None:
    row, report = one(regime=regime)
    assert row["regime"] is None
    assert report.repaired["regime_unknown"] == 1
    assert report.examples["regime_unknown"].startswith("regime: ")


@pytest.mark.parametrize("confidence", [1.5, -0.1, "0.5", True])
def test_a_confidence_outside_its_range_is_missing(confidence: object) -> None:
    row, report = one(regime={"label": "neutral", "confidence": confidence})
    assert (row["regime"], row["regime_confidence"]) == ("neutral", None)
    assert report.repaired["confidence_unreadable"] == 1


def test_a_field_that_holds_the_future_is_counted_and_changes_nothing() -> None:
    plain, _ = one()
    metrics = {**example("documented")["metrics"], "roc_60": 0.2, "forward_pct": 1}
    row, report = one(metrics=metrics, roc_forward_pct={"60": 0.1}, source="rocket")
    assert {**row, "producer": "valkey"} == plain
    assert report.repaired["future_fields"] == 3
    assert report.examples["future_fields"].startswith("roc_forward_pct: ")


def test_a_metric_is_not_read_from_inside_a_field_that_holds_the_future() -> None:
    row, report = one(metrics={"roc_forward": {"coherence": 0.9}})
    assert row["coherence"] is None
    assert report.repaired["future_fields"] == 1


@pytest.mark.parametrize("name", ["EUR/USD", "EURUSD", "eur_usd", "Eur-Usd"])
def test_other_spellings_of_the_instrument_are_the_same(name: str) -> None:
    assert one(instrument=name)[1].gates == 1


def test_a_payload_without_instrument_is_taken_and_counted() -> None:
    assert one(instrument=None)[1].repaired["instrument_missing"] == 1


@pytest.mark.parametrize(
    ("value", "kept"), [("why", ["why"]), (["a", 1, "b"], ["a", "b"]), ({}, [])]
)
def test_reasons_that_are_no_texts_are_left_out(value: object, kept: list[str]) -> None:
    row, report = one(reasons=value)
    assert row["reasons"] == kept
    assert report.repaired["reasons_unreadable"] == 1


@pytest.mark.parametrize("name", ["source", "signal_key"])
def test_a_text_that_is_none_is_missing(name: str) -> None:
    row, report = one(**{name: 7})
    assert row["producer" if name == "source" else name] is None
    assert report.repaired["text_unreadable"] == 1


def test_what_says_that_it_is_blocked_or_synthetic_is() -> None:
    row, _ = one(hard_blocked=True, synthetic=True, bundle_blocks=None)
    assert (row["blocked"], row["synthetic"]) == (True, True)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"granularity": "M7"}, "granularity: got M7; allowed: S5, "),
        ({"lambda_scale": 0}, "lambda_scale: got 0; allowed: a number 0.000001 to 1"),
        ({"lambda_scale": NAN}, "lambda_scale: got nan"),
        ({"lambda_scale": True}, "lambda_scale: got True"),
        ({"source": "redis"}, "source: got redis; allowed: synthetic, memory, parquet, valkey"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(GatesError) as caught:
        CodecSettings(**changes)
    assert error in str(caught.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        S5.granularity = "M1"  # type: ignore[misc] # frozen, under test


def test_examples_are_short_and_printable() -> None:
    _, report = one(direction="\n" + "x" * 900)
    assert len(report.examples["direction_unknown"]) == EXAMPLE_LENGTH
    assert report.examples["direction_unknown"].isprintable()
