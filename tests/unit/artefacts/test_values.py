"""The values of artefacts refuse what is not sound: each rule has its sample."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.artefacts.artefact_samples import DETAILS, WEEK, provenance

from hotband.artefacts.values import (
    Artefact,
    Coverage,
    Funnel,
    GateInput,
    MetricValue,
    Progress,
    Window,
)
from hotband.market.calendar import parse_time
from hotband.research.gate_source import GateCoverage
from hotband.research.metric import Metric, undefined

COVERAGE: dict[str, Any] = {
    "minutes": 100.0,
    "real_minutes": 40.0,
    "synthetic_minutes": 60.0,
    "longest_gap_minutes": 5.0,
    "real_fraction": 0.4,
    "regimes": {"neutral": 3},
}
FUNNEL: dict[str, Any] = {
    "gates": 9,
    "admitted": 5,
    "sized": 4,
    "planned": 4,
    "filled": 3,
    "refusals": {"x": 6},
}


def test_a_metric_on_disk_has_the_fields_of_a_metric() -> None:
    assert set(MetricValue.model_fields) == set(Metric.model_fields)


@pytest.mark.parametrize(
    "metric",
    [
        Metric(value=1.5, n=3, se=0.1, ci90=(1.0, 2.0), period="day", method="x"),
        Metric(value=-0.0, flags=("few_days", "few_trades")),
        undefined("no_trades", n=0, period="trade"),
    ],
)
def test_a_metric_comes_back_as_it_was(metric: Metric) -> None:
    again = MetricValue.model_validate_json(MetricValue.of(metric).model_dump_json())
    assert again.model_dump() == metric.model_dump()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"value": math.nan}, "finite number"),
        ({"value": math.inf}, "finite number"),
        ({"value": 1.0, "se": math.nan}, "finite number"),
        ({"value": 1.0, "ci90": (0.0, math.inf)}, "finite number"),
        ({"value": None}, "one of the two"),
        ({"value": 1.0, "reason": "no_trades"}, "one of the two"),
        ({"value": None, "reason": "bad_luck"}, "'bad_luck' is not one of no_trades"),
        ({"value": 1.0, "flags": ("shiny",)}, "'shiny' is not one of few_trades"),
        ({"value": 1.0, "ci90": (2.0, 1.0)}, "reversed"),
        ({"value": 1.0, "se": -0.1}, "greater than or equal to 0"),
        ({"value": 1.0, "n": 2.5}, "valid integer"),
        ({"value": "1.0"}, "valid number"),
        ({"value": True}, "valid number"),
        ({"value": 1.0, "p_value": 0.1}, "Extra inputs"),
    ],
)
def test_an_unsound_metric_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        MetricValue(**fields)


@pytest.mark.parametrize(
    ("start", "end", "fault"),
    [
        ("2025-04-18T21:00:00Z", "2025-04-18T21:00:00Z", "holds no time"),
        ("2025-04-18T21:00:00Z", "2025-04-13T21:00:00Z", "holds no time"),
        ("2025-04-13T21:00:00", "2025-04-18T21:00:00Z", "match pattern"),
        ("2025-04-13T21:00:00+00:00", "2025-04-18T21:00:00Z", "match pattern"),
        ("2025-04-13T21:00:00.500Z", "2025-04-18T21:00:00Z", "write .*500Z as .*21:00:00.5Z"),
        ("2025-02-30T21:00:00Z", "2025-04-18T21:00:00Z", "RFC 3339"),
        ("1960-01-01T00:00:00Z", "2025-04-18T21:00:00Z", "1971 to 2099"),
    ],
)
def test_a_window_has_two_plain_instants_in_order(start: str, end: str, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Window(start=start, end=end)


def test_a_window_of_nanoseconds_is_that_of_their_texts() -> None:
    assert Window.of(parse_time(WEEK.start), parse_time(WEEK.end)) == WEEK


def test_coverage_is_what_the_driver_counts() -> None:
    counted = GateCoverage(100.0, 40.0, 60.0, 5.0, 0.4, {"neutral": 3})
    assert Coverage.model_validate(counted.to_dict()).model_dump() == COVERAGE


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"synthetic_minutes": 61.0}, "more minutes with a gate"),
        ({"real_fraction": 0.5}, "not real_minutes / minutes"),
        ({"real_fraction": None}, "null where"),
        ({"minutes": 0.0, "real_minutes": 0.0, "synthetic_minutes": 0.0}, "null where"),
        ({"real_fraction": 1.1}, "less than or equal to 1"),
        ({"longest_gap_minutes": math.inf}, "finite number"),
        ({"regimes": {"neutral": -1}}, "greater than or equal to 0"),
    ],
)
def test_coverage_that_does_not_add_up_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Coverage(**(COVERAGE | changes))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"admitted": 10}, "more gates than the one before"),
        ({"filled": 5}, "more gates than the one before"),
        ({"refusals": {"x": 5}}, "not the sum"),
        ({"refusals": {"x": 3, "y": 4}}, "not the sum"),
        ({"gates": 9.0}, "valid integer"),
    ],
)
def test_a_funnel_that_does_not_add_up_is_refused(changes: dict[str, Any], fault: str) -> None:
    assert Funnel(**FUNNEL).filled == 3
    with pytest.raises(ValidationError, match=fault):
        Funnel(**(FUNNEL | changes))


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.floats(0, 1e9))
def test_progress_of_any_counts_adds_up(a: int, b: int, rate: float | None) -> None:
    progress = Progress.of(min(a, b), max(a, b), rate)
    assert Progress.model_validate_json(progress.model_dump_json()) == progress
    assert (progress.percent == 100.0) == (a == b)


def test_the_remaining_time_is_what_is_left_over_the_rate() -> None:
    assert Progress.of(40, 100, 20.0).eta_seconds == 3.0
    assert Progress.of(40, 100).eta_seconds is None
    assert Progress.of(0, 100, 0.0).eta_seconds is None
    assert Progress.of(0, 100, 5e-324).eta_seconds is None


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"completed": 3, "total": 2, "percent": 100.0}, "3 of 2 cells"),
        ({"completed": 1, "total": 2, "percent": 51.0}, "is not 1 of 2"),
        ({"completed": 1, "total": 2, "percent": 50.0, "eta_seconds": math.inf}, "finite number"),
    ],
)
def test_progress_that_does_not_add_up_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Progress(**fields)


@pytest.mark.parametrize(("source", "sha"), [("synthetic", "c" * 64), ("valkey", None)])
def test_recorded_gates_and_only_they_have_a_hash(source: str, sha: str | None) -> None:
    with pytest.raises(ValidationError, match="recorded gates have a hash"):
        GateInput(source=source, sha256=sha)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"bars": {"EURUSD": "a" * 64}}, "match pattern"),
        ({"bars": {"EUR_USD": "A" * 64}}, "match pattern"),
        ({"profile": "d" * 63}, "match pattern"),
        ({"code_version": ""}, "at least 1 character"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_provenance_holds_hashes_by_instrument(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        provenance(**changes)


@pytest.mark.parametrize(
    "make",
    [lambda: WEEK, lambda: DETAILS["pnl"], provenance, lambda: Progress.of(1, 2)],
)
def test_values_are_frozen(make: Callable[[], Artefact]) -> None:
    value = make()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, next(iter(type(value).model_fields)), None)
