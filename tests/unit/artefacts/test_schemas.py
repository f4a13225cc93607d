"""Documents hold together, keep the brief's keys, and validate against what is published."""

import json
import math
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError
from tests.canary.sizes import ROOT
from tests.unit.artefacts import artefact_samples as samples
from tests.unit.artefacts.artefact_samples import DETAILS, SCORE, instrument, latest

from hotband.artefacts.publish import schema_texts
from hotband.artefacts.schemas import (
    DOCUMENTS,
    SCHEMA_VERSION,
    Cells,
    Document,
    Params,
    files_of,
    numbers_of,
    score_fields,
)
from hotband.artefacts.values import Artefact
from hotband.research.score import ScoreInputs, score

PUBLISHED = ROOT / "docs" / "schemas"
SAMPLES = {
    "latest": samples.latest,
    "latest.partial": samples.partial,
    "latest.error": samples.error,
}


def models(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """The model and all that its fields hold."""

    def walk(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            models(kind, seen)
        for inner in get_args(kind):
            walk(inner)

    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            walk(field.annotation)
    return seen


ALL = sorted(
    {found for top in DOCUMENTS.values() for found in models(top, set())}, key=lambda m: m.__name__
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_comes_back_as_it_was(name: str) -> None:
    document = SAMPLES[name]()
    again: Document = DOCUMENTS[name].model_validate_json(document.model_dump_json())
    assert again == document


def test_the_documents_hold_many_models() -> None:
    assert len(ALL) > 20


@pytest.mark.parametrize("model", ALL)
def test_every_model_is_strict_closed_frozen_and_finite(model: type[BaseModel]) -> None:
    assert issubclass(model, Artefact)
    kept = {"strict": True, "extra": "forbid", "frozen": True, "allow_inf_nan": False}
    assert kept.items() <= model.model_config.items()


def places(value: Any, kind: type) -> list[tuple[Any, ...]]:
    """Paths to all values of exactly that type."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        if type(inner) is kind:
            found.append((key,))
        if isinstance(inner, dict | list):
            found += [(key, *path) for path in places(inner, kind)]
    return found


def put(document: dict[str, Any], path: tuple[Any, ...], value: object) -> None:
    at: Any = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_number_anywhere_may_be_nan_or_infinite(name: str, number: float) -> None:
    document = SAMPLES[name]().model_dump(mode="json")
    numbers = places(document, float)
    assert numbers
    for path in numbers:
        changed = json.loads(json.dumps(document))
        put(changed, path, number)
        with pytest.raises(ValidationError):
            DOCUMENTS[name].model_validate_json(json.dumps(changed))


FREE = {"metrics", "metric_details", "regimes", "refusals", "bars", "gates", "settings", "files"}
"""Mappings whose keys are data."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_object_anywhere_takes_an_unknown_key(name: str) -> None:
    document = SAMPLES[name]().model_dump(mode="json")
    for path in [(), *places(document, dict)]:
        changed = json.loads(json.dumps(document))
        put(changed, (*path, "Surprise"), 1.0)
        if path and path[-1] in FREE:
            continue
        with pytest.raises(ValidationError, match="Surprise"):
            DOCUMENTS[name].model_validate_json(json.dumps(changed))


def test_latest_has_the_keys_of_the_brief() -> None:
    document = json.loads(latest().model_dump_json())
    assert {"generated_at", "window", "instruments", "schema_version", "run_id"} <= set(document)
    assert set(document["window"]) == {"start", "end"}
    entry = document["instruments"]["USD_JPY"]
    assert {"hazard_x", "min_reps", "hold_minutes", "exposure"} <= set(entry["params"])
    numbers = {"trades": 62, "sharpe": None, "pnl": 1.16, "win_rate": 0.5, "max_dd": 5.2}
    assert entry["metrics"] == numbers
    assert entry["qualified"] is True
    assert document["schema_version"] == SCHEMA_VERSION


def test_an_instrument_that_failed_is_there_with_its_reason() -> None:
    entry = json.loads(latest().model_dump_json())["instruments"]["EUR_USD"]
    assert entry["state"] == "error"
    assert entry["qualified"] is False
    assert entry["error"] == {"kind": "BarsError", "message": "bars of EUR_USD: got none"}


FEWER = {name: item for name, item in DETAILS.items() if name != "sharpe"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"metrics": numbers_of(DETAILS) | {"pnl": 2.0}}, "metric_details differ"),
        ({"metrics": numbers_of(DETAILS) | {"sharpe": 0.0}}, "metric_details differ"),
        ({"metrics": numbers_of(DETAILS) | {"extra": 0.0}}, "metric_details differ"),
        ({"metrics": numbers_of(FEWER), "metric_details": FEWER}, "metrics lack sharpe"),
        ({"insufficient_data": True}, "cannot be qualified"),
        ({"cells": Cells(total=9, scored=9, qualified=0)}, "at least one qualified"),
        ({"score": None}, "one of the two"),
        ({"score_reason": "no_trades"}, "one of the two"),
        ({"score": None, "score_reason": "no_trades"}, "has terms"),
        ({"score_terms": None}, "has terms"),
        ({"score": 99.0}, "are not the score 99"),
        ({"penalties": ()}, "are not the score"),
    ],
)
def test_an_instrument_that_contradicts_itself_is_refused(
    changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValidationError, match=fault):
        instrument(**changes)


def test_a_score_is_held_with_its_terms_and_penalties() -> None:
    fields = score_fields(SCORE)
    assert SCORE.value is not None
    assert fields["score"] == SCORE.value
    assert [item.tag for item in fields["penalties"]] == [item.tag for item in SCORE.penalties]
    assert len(fields["score_terms"].components) == len(SCORE.components)


def test_without_trades_there_is_a_reason_in_place_of_a_score() -> None:
    nothing = score(
        ScoreInputs(
            sharpe=None, days=5.0, trades=0.0, return_pct=0.0, pnl_nav_pct=0.0, pnl=0.0, pf=None,
            maxdd_pct=0.0, maxdd=0.0, real_frac=1.0, churn=None, psr=None, dsr=None,
        )
    )  # fmt: skip
    entry = instrument(qualified=False, insufficient_data=True, **score_fields(nothing))
    assert (entry.score, entry.score_reason, entry.score_terms) == (None, "no_trades", None)


def test_parameters_of_a_cell_keep_further_axes_by_name() -> None:
    cell = {"hazard_x": 0.8, "hazard_max": 0.08, "min_reps": 2.0, "hold_minutes": 30,
            "exposure": 1.0, "stop_loss_pips": None, "direction": "momentum"}  # fmt: skip
    params = Params.of(cell)
    assert params.min_reps == 2
    assert params.settings == {"stop_loss_pips": None, "direction": "momentum"}


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ({"hazard_max": None}, "hazard_max says there is none"),
        ({"hazard_max": 1.5}, "less than or equal to 1"),
        ({"min_reps": 1.5}, "valid integer"),
        ({"hold_minutes": 0.0}, "greater than 0"),
        ({"exposure": 0.0}, "greater than 0"),
        ({"Stop": 1.0}, "match pattern"),
    ],
)
def test_an_impossible_cell_is_refused(cell: dict[str, Any], fault: str) -> None:
    sound = {"hazard_x": 0.8, "hazard_max": 0.08, "min_reps": 2, "hold_minutes": 3, "exposure": 1}
    with pytest.raises(ValidationError, match=fault):
        Params.of(sound | cell)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"instruments": {}}, "at least 1 item"),
        ({"instruments": {"EUR_USD": samples.failed()}}, "every instrument failed"),
        ({"instruments": {"GBP_USD": instrument()}}, "what GBP_USD was made of"),
        ({"run_id": "0123"}, "match pattern"),
        ({"files": {}}, "files lack rows, trades"),
        ({"files": files_of(samples.run_id(1))}, "files of run 0123456789abcdef are"),
        ({"files": {"rows": "../rows.parquet"}}, "files of run 0123456789abcdef are"),
        ({"state": "running"}, "Input should be 'completed'"),
        ({"schema_version": 2}, "Input should be 1"),
        ({"generated_at": "yesterday"}, "match pattern"),
    ],
)
def test_a_result_that_is_empty_or_foreign_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        latest(**changes)


def test_no_instrument_is_both_finished_and_pending() -> None:
    with pytest.raises(ValidationError, match="USD_JPY: finished and pending"):
        samples.partial(pending=("USD_JPY",))


def test_an_error_before_the_inputs_are_known_needs_neither_run_nor_window() -> None:
    made = samples.error(None, window=None, progress=None, provenance=None, kind=None)
    assert made.run_id is None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_published_schemas_are_those_of_the_models(name: str) -> None:
    """``make schemas`` writes them anew."""
    file = f"{name}.schema.json"
    assert (PUBLISHED / file).read_text("utf-8") == schema_texts()[file]


def test_nothing_else_is_published() -> None:
    assert {path.name for path in PUBLISHED.iterdir()} == set(schema_texts())


def test_the_command_publishes_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hotband.artefacts.publish", str(tmp_path / "new")]
    subprocess.run(command, check=True)
    for path in PUBLISHED.iterdir():
        assert (tmp_path / "new" / path.name).read_bytes() == path.read_bytes()


def published(name: str) -> Any:
    """A validator that knows the published file and nothing of the models."""
    schema = json.loads((PUBLISHED / f"{name}.schema.json").read_text("utf-8"))
    validator = import_module("jsonschema").Draft202012Validator
    validator.check_schema(schema)
    return validator(schema)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_validate_against_the_published_schema(name: str) -> None:
    assert list(published(name).iter_errors(json.loads(SAMPLES[name]().model_dump_json()))) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_published_schema_wants_every_key_and_no_other(name: str) -> None:
    document = SAMPLES[name]().model_dump(mode="json")
    check = published(name)
    for path in [(), *places(document, dict)]:
        extra = json.loads(json.dumps(document))
        put(extra, (*path, "Surprise"), [])
        assert not check.is_valid(extra), path
    for key in document:
        assert not check.is_valid({k: v for k, v in document.items() if k != key}), key
