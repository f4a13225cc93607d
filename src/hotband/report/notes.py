"""What a reader must know of results, said once for all instruments of which it is true."""

from collections.abc import Iterable
from typing import Final

from hotband.artefacts.schemas import Instrument, Latest
from hotband.research.result import SimulationResult

_MOST_NAMED: Final = 3


def notes_of_run(latest: Latest) -> list[str]:
    """The notes of all finished instruments of a run, as lines."""
    return _said_once(
        [
            (name, note.removeprefix(f"{name}: "))
            for name, entry in latest.instruments.items()
            for note in (entry.notes if isinstance(entry, Instrument) else ())
        ],
        len(latest.instruments),
    )


def notes_of_result(result: SimulationResult) -> list[str]:
    """The notes of a simulation, as lines."""
    parts = []
    for note in result.notes:
        name, _, text = note.partition(": ")
        parts.append((name, text) if name in result.instruments else ("", note))
    return _said_once(parts, len(result.instruments))


def _said_once(notes: Iterable[tuple[str, str]], instruments: int) -> list[str]:
    """(instrument or "", text) as lines, in the order in which the texts come first."""
    whose: dict[str, list[str]] = {}
    for name, text in notes:
        whose.setdefault(text, []).append(name)
    lines = []
    for text, names in whose.items():
        everyone = len(names) == instruments > _MOST_NAMED
        said = "all instruments" if everyone else ", ".join(filter(None, names))
        lines.append(f"{said}: {text}" if said else text)
    return lines
