"""What is proven of the cells of a run: of all instruments, now."""

from pathlib import Path

from hotband.artefacts.parity import Parity, parity_of
from hotband.artefacts.provenance import code_version
from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.writer import ArtefactFolder


def parity_of_run(folder: Path, latest: Latest) -> dict[str, Parity]:
    """By instrument, for those that did not fail; ``folder`` is that of the artefacts."""
    cells = {
        name: entry.params.cell
        for name, entry in latest.instruments.items()
        if isinstance(entry, Instrument)
    }
    return parity_of(folder, cells, code_version())


def parity_in(folder: Path, week: str) -> dict[str, Parity]:
    """The same for the newest archived result of a week; empty where none is kept any longer."""
    artefacts = ArtefactFolder(folder)
    if all(entry.week != week for entry in artefacts.list_archive()):
        return {}
    return parity_of_run(folder, artefacts.read_archive(week))
