"""Whether a cell traded on paper as its backtest says: what the newest certificate proves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from hotband.artefacts.certificates import (
    FOLDER,
    Certificate,
    newest_certificate,
    read_certificates,
)
from hotband.artefacts.values import Artefact, NotNegative, Text, Window
from hotband.errors import StoreError

State: TypeAlias = Literal["proven", "differs", "unproven"]
NO_SESSION: Final = "no paper session has traded this cell"


class Parity(Artefact):
    """What is known of one instrument's cell: ``proven``, ``differs``, or ``unproven``.

    A certificate of other code proves nothing of this one.
    """

    state: State
    reason: Text | None = None
    """Why it is not proven; null where it is."""
    session: Text | None = None
    """The paper session that was certified; null = there is no certificate."""
    window: Window | None = None
    match_pct: Annotated[NotNegative, Field(le=100)] | None = None
    """Events of session and backtest that are the same."""
    file: Text | None = None
    """The certificate, relative to the folder of artefacts."""

    @property
    def text(self) -> str:
        """The state in a cell of a table."""
        return f"differs ({self.match_pct:.2f} % same)" if self.state == "differs" else self.state

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if (self.state == "proven") != (self.reason is None):
            raise ValueError("what is not proven has a reason, and only that")
        if self.state != "unproven" and self.session is None:
            raise ValueError(f"{self.state} follows from a certificate")
        return self


def parity_of(folder: Path, cells: Mapping[str, Mapping[str, Any]], code: str) -> dict[str, Parity]:
    """What the certificates in a folder of artefacts prove of each instrument's cell.

    Args:
        folder: Of the artefacts.
        cells: By instrument such as EUR_USD, all parameters in one mapping, ``Params.cell``; the
            exposure has no say, as the roster sizes it.
        code: The code version that the cells are to be traded with.

    Where a certificate cannot be read nothing is proven, and the reason says so.
    """
    try:
        held = read_certificates(folder)
    except StoreError as error:
        # Results are shown to others: where this machine keeps them is not their business.
        told = str(error).replace(f"{folder}/", "")
        return {name: Parity(state="unproven", reason=told) for name in cells}
    return {
        name: _proven(newest_certificate(held, name, cell), code) for name, cell in cells.items()
    }


def _proven(found: Certificate | None, code: str) -> Parity:
    if found is None:
        return Parity(state="unproven", reason=NO_SESSION)
    if found.code["replayed"] != code:
        told = "the certificate is of other code; hotband replay on its recording makes it anew"
        return _of(found, "unproven", told)
    if found.proven:
        return _of(found, "proven", None)
    if not any(match.session or match.backtest for match in found.stages.values()):
        return _of(found, "unproven", "nothing happened in the session")
    return _of(found, "differs", _difference(found))


def _of(found: Certificate, state: State, reason: str | None) -> Parity:
    return Parity(
        state=state,
        reason=reason,
        session=found.session,
        window=found.window,
        match_pct=found.match_pct,
        file=f"{FOLDER}/{found.session}.json",
    )


def _difference(found: Certificate) -> str:
    counts = ", ".join(f"{cause} {n}" for cause, n in found.mismatch_counts.items())
    if not found.reproduced:
        return "the recording could not be reproduced" + (f"; {counts}" if counts else "")
    return f"session and backtest differ: {counts}"
