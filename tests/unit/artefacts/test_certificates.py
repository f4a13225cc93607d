"""A certificate is found by what it certifies, and a broken file is named."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hotband.artefacts.certificates import (
    Certificate,
    certificate_schema,
    newest_certificate,
    read_certificate,
    read_certificates,
    write_certificate,
)
from hotband.errors import StoreError

CELL = {"hazard_min": 0.2, "min_reps": 3.0, "exposure": 1.5}


def certificate(**changes: Any) -> Certificate:
    match = {"session": 3, "backtest": 3, "same": 3}
    given: dict[str, Any] = {
        "schema_version": 1,
        "session": "20260308T220000Z-0a1b2c3d",
        "produced": "2026-03-10T00:00:00Z",
        "window": {"start": "2026-03-08T22:00:00Z", "end": "2026-03-09T21:00:00Z"},
        "instruments": ("EUR_USD", "USD_JPY"),
        "cells": {"EUR_USD": CELL},
        "stages": dict.fromkeys(("gates", "decisions", "sizes", "fills", "pnl"), match),
        "mismatches": (),
        "mismatch_counts": {},
        "disturbances": (),
        "inputs": {"taken": 12},
        "restarts": 0,
        "code": {"recorded": "a", "replayed": "a"},
        "reproduced": True,
        "match_pct": 100.0,
        "proven": True,
    }
    return Certificate.model_validate(given | changes)


def test_a_certificate_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_certificate(tmp_path, certificate())
    assert path == tmp_path / "certificates" / "20260308T220000Z-0a1b2c3d.json"
    assert read_certificate(path) == certificate()


def test_a_certificate_fits_its_published_schema() -> None:
    validator = import_module("jsonschema").Draft202012Validator(certificate_schema())
    validator.validate(certificate().to_dict())


def test_the_newest_is_that_of_the_latest_window_with_the_cell(tmp_path: Path) -> None:
    later = {"start": "2026-03-09T22:00:00Z", "end": "2026-03-10T21:00:00Z"}
    write_certificate(tmp_path, certificate(session="a", produced="2026-03-20T00:00:00Z"))
    write_certificate(tmp_path, certificate(session="b", window=later))
    other = {"EUR_USD": CELL | {"hold_minutes": 17.0}}
    latest = {"start": "2026-03-10T22:00:00Z", "end": "2026-03-11T21:00:00Z"}
    write_certificate(tmp_path, certificate(session="c", window=latest, cells=other))
    found = newest_certificate(read_certificates(tmp_path), "EUR_USD", CELL)
    assert found is not None
    assert found.session == "b"


def test_the_newest_is_found_by_time_and_not_by_spelling(tmp_path: Path) -> None:
    whole = {"start": "2026-03-08T22:00:00Z", "end": "2026-03-09T21:00:00Z"}
    later = whole | {"end": "2026-03-09T21:00:00.5Z"}
    write_certificate(tmp_path, certificate(session="a", window=later))
    write_certificate(tmp_path, certificate(session="b", window=whole))
    found = newest_certificate(read_certificates(tmp_path), "EUR_USD", CELL)
    assert found is not None
    assert found.session == "a"


def test_an_instrument_without_a_cell_is_found_by_an_empty_one(tmp_path: Path) -> None:
    write_certificate(tmp_path, certificate())
    assert newest_certificate(read_certificates(tmp_path), "USD_JPY", {}) == certificate()
    assert newest_certificate(read_certificates(tmp_path), "EUR_USD", {}) is None
    assert newest_certificate(read_certificates(tmp_path), "GBP_USD", {}) is None


def test_without_any_certificate_there_is_no_newest(tmp_path: Path) -> None:
    assert newest_certificate(read_certificates(tmp_path), "EUR_USD", CELL) is None


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 2}'])
def test_a_file_that_is_no_certificate_is_named(text: str, tmp_path: Path) -> None:
    path = write_certificate(tmp_path, certificate())
    path.write_text(text, "utf-8")
    words = r"certificate .*0a1b2c3d\.json: got .*allowed: a certificate of version 1"
    with pytest.raises(StoreError, match=words):
        newest_certificate(read_certificates(tmp_path), "EUR_USD", CELL)
