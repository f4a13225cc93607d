"""What certificates prove of a cell: proven, differs, or unproven with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hotband.artefacts.certificates import Certificate, Match, write_certificate
from hotband.artefacts.parity import NO_SESSION, Parity, parity_of
from hotband.artefacts.values import Window

CELL = {"hazard_x": 1.0, "hazard_max": 0.12, "min_reps": 2, "hold_minutes": 30.0, "exposure": 0.5}
SAME = Match(session=10, backtest=10, same=10)
CODE = "0.1.0+0123456789abcdef"


def certificate(session: str, **changes: Any) -> Certificate:
    """Of a week of EUR_USD in which everything agrees."""
    given: dict[str, Any] = {
        "schema_version": 1,
        "session": session,
        "produced": "2026-03-14T00:00:00Z",
        "window": Window(start="2026-03-08T21:00:00Z", end="2026-03-13T21:00:00Z"),
        "instruments": ("EUR_USD",),
        "cells": {"EUR_USD": CELL},
        "stages": dict.fromkeys(("gates", "decisions", "sizes", "fills", "pnl"), SAME),
        "mismatches": (),
        "mismatch_counts": {},
        "disturbances": (),
        "inputs": {},
        "restarts": 0,
        "code": {"recorded": CODE, "replayed": CODE},
        "reproduced": True,
        "match_pct": 100.0,
        "proven": True,
    }
    return Certificate(**(given | changes))


def found(folder: Path, cell: dict[str, Any] = CELL, code: str = CODE) -> Parity:
    return parity_of(folder, {"EUR_USD": cell}, code)["EUR_USD"]


def test_a_cell_without_a_certificate_is_unproven(tmp_path: Path) -> None:
    assert found(tmp_path) == Parity(state="unproven", reason=NO_SESSION)


def test_a_certificate_of_the_cell_without_a_mismatch_proves_it(tmp_path: Path) -> None:
    write_certificate(tmp_path, certificate("a"))
    told = found(tmp_path)
    assert (told.state, told.match_pct, told.session, told.reason) == ("proven", 100.0, "a", None)
    assert told.file is not None
    assert (tmp_path / told.file).is_file()


@pytest.mark.parametrize("axis", ["hazard_max", "min_reps", "hold_minutes"])
def test_a_certificate_of_another_cell_proves_nothing(tmp_path: Path, axis: str) -> None:
    write_certificate(tmp_path, certificate("a"))
    assert found(tmp_path, {**CELL, axis: 0.07}).reason == NO_SESSION


def test_the_size_that_the_roster_gives_makes_no_other_cell(tmp_path: Path) -> None:
    write_certificate(tmp_path, certificate("a"))
    assert found(tmp_path, {**CELL, "exposure": 0.25}).state == "proven"


def test_a_certificate_of_another_instrument_proves_nothing(tmp_path: Path) -> None:
    other = certificate("a", instruments=("USD_JPY",), cells={"USD_JPY": CELL})
    write_certificate(tmp_path, other)
    assert found(tmp_path).reason == NO_SESSION


def test_the_newest_certificate_counts(tmp_path: Path) -> None:
    later = Window(start="2026-03-15T21:00:00Z", end="2026-03-20T21:00:00Z")
    few = {"match_pct": 90.0, "proven": False, "mismatch_counts": {"late_data": 5}}
    write_certificate(tmp_path, certificate("b", window=later, **few))
    write_certificate(tmp_path, certificate("a"))
    told = found(tmp_path)
    assert (told.state, told.session) == ("differs", "b")
    assert told.reason == "session and backtest differ: late_data 5"
    assert told.text == "differs (90.00 % same)"


def test_a_recording_that_is_not_reproduced_proves_nothing(tmp_path: Path) -> None:
    write_certificate(tmp_path, certificate("a", reproduced=False, proven=False))
    assert found(tmp_path).reason == "the recording could not be reproduced"


def test_a_session_in_which_nothing_happened_proves_nothing(tmp_path: Path) -> None:
    idle = dict.fromkeys(certificate("a").stages, Match(session=0, backtest=0, same=0))
    write_certificate(tmp_path, certificate("a", stages=idle, proven=False))
    told = found(tmp_path)
    assert (told.state, told.reason) == ("unproven", "nothing happened in the session")


def test_a_certificate_of_other_code_is_shown_and_proves_nothing(tmp_path: Path) -> None:
    write_certificate(tmp_path, certificate("a"))
    told = found(tmp_path, code="0.2.0+0123456789abcdef")
    assert (told.state, told.session, told.match_pct) == ("unproven", "a", 100.0)
    assert told.reason is not None
    assert "other code" in told.reason


def test_a_broken_certificate_proves_nothing_and_is_named(tmp_path: Path) -> None:
    path = write_certificate(tmp_path, certificate("a"))
    path.write_text(path.read_text()[:-20])
    told = found(tmp_path)
    assert told.state == "unproven"
    assert told.reason is not None
    assert path.name in told.reason
    assert str(tmp_path) not in told.reason


@pytest.mark.parametrize("side", ["recorded", "replayed"])
def test_a_certificate_that_does_not_say_its_code_proves_nothing(tmp_path: Path, side: str) -> None:
    path = write_certificate(tmp_path, certificate("a"))
    document = json.loads(path.read_text("utf-8"))
    del document["code"][side]
    path.write_text(json.dumps(document), "utf-8")
    told = found(tmp_path)
    assert told.state == "unproven"
    assert told.reason is not None
    assert "code says what recorded and what replayed it" in told.reason


@pytest.mark.parametrize(
    "fields", [{"state": "proven", "reason": "x"}, {"state": "unproven"}, {"state": "proven"}]
)
def test_a_state_that_nothing_supports_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Parity(**fields)
