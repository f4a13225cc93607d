"""One instrument as the artefact has it, and the coverage of all of them."""

from typing import Annotated, Literal

from pydantic import Field

from hotband.artefacts.roster_part import RosterVerdict
from hotband.artefacts.schemas import FailedInstrument, Instrument, Latest
from hotband.artefacts.values import Coverage, Window
from hotband.service.results.replies import Reply, entry_of


class InstrumentReply(Reply):
    """An instrument's entry, with what the roster decided on it."""

    run_id: str
    instrument: str
    window: Window
    entry: Annotated[Instrument | FailedInstrument, Field(discriminator="state")]
    roster: RosterVerdict | None
    roster_reason: str | None
    """Why the roster decided nothing."""


class CoverageRow(Reply):
    """How much of one instrument's look-back had a live gate, and of which kind."""

    instrument: str
    source: str | None
    bars_source: str | None
    coverage: Coverage | None
    """Null where the instrument failed."""
    hold_out: Coverage | None
    state: Literal["completed", "error"]


class Coverages(Reply):
    """Coverage of a run."""

    run_id: str
    rows: tuple[CoverageRow, ...]


def instrument_reply(latest: Latest, instrument: str) -> InstrumentReply:
    """Everything the artefact says of one instrument; InputError for one it does not have."""
    return InstrumentReply(
        run_id=latest.run_id,
        instrument=instrument,
        window=latest.window,
        entry=entry_of(latest, instrument),
        roster=latest.roster.decisions.get(instrument),
        roster_reason=latest.roster.reason,
    )


def coverages(latest: Latest) -> Coverages:
    """The coverage of every instrument of a run."""
    rows = tuple(_row(name, entry) for name, entry in sorted(latest.instruments.items()))
    return Coverages(run_id=latest.run_id, rows=rows)


def _row(name: str, entry: Instrument | FailedInstrument) -> CoverageRow:
    if isinstance(entry, FailedInstrument):
        return CoverageRow(
            instrument=name, source=None, bars_source=None, coverage=None, hold_out=None,
            state="error",
        )  # fmt: skip
    hold_out = entry.judgement.hold_out
    return CoverageRow(
        instrument=name,
        source=entry.source,
        bars_source=entry.bars_source,
        coverage=entry.gate_coverage,
        hold_out=None if hold_out is None else hold_out.gate_coverage,
        state="completed",
    )
