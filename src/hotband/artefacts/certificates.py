"""Parity certificates: what a paper session proved against the backtest of its inputs.

``<output>/certificates/<session>.json``, one for each session, replaced as a whole.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, ValidationError

from hotband.artefacts.values import (
    Artefact,
    Count,
    Instant,
    Name,
    NotNegative,
    Pair,
    Text,
    Window,
    first_fault,
)
from hotband.durable import unusable, write_whole
from hotband.errors import StoreError
from hotband.market.calendar import parse_time

FOLDER: Final = "certificates"
CERTIFICATE_VERSION: Final = 1
Cause: TypeAlias = Literal["late_data", "restart", "clock", "setting", "code"]
Stage: TypeAlias = Literal["gates", "decisions", "sizes", "fills", "pnl"]
Cell: TypeAlias = dict[Name, bool | int | float | str | None]


def _both(code: dict[str, str]) -> dict[str, str]:
    if len(code) != 2:
        raise ValueError("code says what recorded and what replayed it")
    return code


class Mismatch(Artefact):
    """One event that differs."""

    stage: Stage
    time: Instant
    """Open time of its bar."""
    instrument: Pair | None
    session: Any
    """What the session had; null = nothing."""
    backtest: Any
    """What the backtest has; null = nothing."""
    cause: Cause
    why: Text


class Match(Artefact):
    """Events of one stage on both sides, and how many are the same."""

    session: Count
    backtest: Count
    same: Count

    @property
    def complete(self) -> bool:
        """Whether nothing differs."""
        return self.session == self.backtest == self.same


class Disturbance(Artefact):
    """Something in the inputs that can make a session differ from its backtest."""

    since: Instant
    """The first open time that it can change."""
    cause: Cause
    why: Text


class Certificate(Artefact):
    """What a recorded session proves."""

    schema_version: Literal[1]
    session: Text
    """The session's id."""
    produced: Instant
    window: Window
    instruments: Annotated[tuple[Pair, ...], Field(min_length=1)]
    cells: dict[Pair, Cell]
    """The exact parameters that were traded; an instrument without is traded by the profile."""
    stages: dict[Stage, Match]
    mismatches: tuple[Mismatch, ...]
    """The first of them by stage and time."""
    mismatch_counts: dict[Cause, Count]
    """All of them, by cause."""
    disturbances: tuple[Disturbance, ...]
    """The first of them by time."""
    inputs: dict[Name, Count]
    """What became of bars and gates."""
    restarts: Count
    code: Annotated[dict[Literal["recorded", "replayed"], Text], AfterValidator(_both)]
    reproduced: bool
    """Taking the inputs in again gave what was recorded, to the last bit."""
    match_pct: Annotated[NotNegative, Field(le=100)]
    """Same events over all, in percent; 100 without any."""
    proven: bool
    """Reproduced, at least one decision was taken, and both sides agree on every event."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-safe values."""
        return self.model_dump(mode="json")


def write_certificate(folder: Path, certificate: Certificate) -> Path:
    """Write it to ``folder``/certificates; where. ``folder`` is that of the artefacts."""
    path = folder / FOLDER / f"{certificate.session}.json"
    text = certificate.model_dump_json(indent=2) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))
    return path


def read_certificate(path: Path) -> Certificate:
    """One of a file; StoreError where it is none."""
    try:
        return Certificate.model_validate_json(path.read_bytes())
    except OSError as cause:
        raise unusable(path, cause) from cause
    except ValidationError as cause:
        raise StoreError(
            f"certificate {path}",
            first_fault(cause),
            f"a certificate of version {CERTIFICATE_VERSION}",
            "Remove it, and run 'hotband replay' on its recording again.",
        ) from cause


def read_certificates(folder: Path) -> list[Certificate]:
    """All of a folder of artefacts; StoreError where a file among them cannot be read as one."""
    return [read_certificate(path) for path in sorted((folder / FOLDER).glob("*.json"))]


def newest_certificate(
    held: Iterable[Certificate], instrument: str, cell: Mapping[str, Any]
) -> Certificate | None:
    """The certificate of the latest session that traded the instrument with this cell.

    Args:
        held: Those to choose from.
        instrument: Such as EUR_USD.
        cell: Its parameters as ``SessionSpec.cells`` has them; empty = the profile's own. The
            exposure has no say: the roster sizes a cell and does not make it another one.

    Returns:
        The one whose window ends last, of those the one produced last; None without any.
    """
    fitting = [
        each
        for each in held
        if instrument in each.instruments and _axes(each.cells.get(instrument, {})) == _axes(cell)
    ]
    return max(
        fitting,
        key=lambda each: (parse_time(each.window.end), parse_time(each.produced)),
        default=None,
    )


def _axes(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cell.items() if name != "exposure"}


def certificate_schema() -> dict[str, Any]:
    """JSON Schema of the document, for ``artefacts.publish``."""
    return Certificate.model_json_schema(mode="serialization")
