"""The roster on disk: ``roster.json`` and, for each week decided, ``roster/YYYY-Www.json``.

A week's file holds the states before and after it, so that it can be decided anew from where it
began; other decisions on it become its next version, and no version is ever overwritten.
``roster.json`` is what the newest week says of every instrument, in one piece: it is read by
others and can be written again from the weeks.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from hotband.artefacts.archive import archive_name, archived
from hotband.artefacts.reading import read_document
from hotband.artefacts.roster_part import IsoWeek, RosterVerdict
from hotband.artefacts.values import Artefact, Instant, Pair, RunId
from hotband.durable import remove_drafts, write_whole
from hotband.errors import InputError, IntegrityError, StoreError
from hotband.roster.decision import Decision, RosterState
from hotband.roster.settings import RosterSettings
from hotband.roster.week import WeekResult

ROSTER: Final = "roster.json"
FOLDER: Final = "roster"
_MEND: Final = "Restore it from a copy; roster.json alone may be removed: the weeks say the same."
_FILE: Final = re.compile(r"roster/(\d{4}-W\d{2}(?:\.\d+)?\.json)")


class Held(Artefact):
    """What the roster remembers of one instrument.

    ``counted_through``: the last trading day whose return was handed to a decision; null =
    none yet. Later ones are new.
    """

    state: RosterState
    counted_through: date | None = None


class Decided(Artefact):
    """One instrument's week: where it began, what it brought, what was decided."""

    run_id: RunId
    before: Held
    result: WeekResult
    decision: Decision
    after: Held
    notes: tuple[str, ...] = ()
    """What else to know of the week's numbers."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.after.state.last != self.decision:
            raise ValueError("the state after is not that of the decision")
        if self.decision.digest != self.result.digest():
            raise ValueError("the decision was made on another result")
        return self

    @property
    def verdict(self) -> RosterVerdict:
        """The same in short."""
        made = self.decision
        return RosterVerdict(
            action=made.action, size_x=made.size_x, light=made.light, rule=made.rule.after.word,
            stage=made.stage.after, acting=made.acting,
            reasons=tuple(why.text for why in made.reasons),
        )  # fmt: skip


class _Document(Artefact):
    schema_version: Literal[1] = 1
    generated_at: Instant
    """That of the run that was decided on."""
    week: IsoWeek
    settings: RosterSettings


class RosterWeek(_Document):
    """The decisions of a week: ``roster/YYYY-Www.json``, later versions ``YYYY-Www.2.json``."""

    decided: dict[Pair, Decided]
    carried: dict[Pair, Held] = Field(default_factory=dict)
    """Instruments of earlier weeks that no run of this week had."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := sorted(set(self.decided) & set(self.carried)):
            raise ValueError(f"{', '.join(both)}: decided and carried")
        for name, entry in self.decided.items():
            if entry.result.week != self.week or entry.result.instrument != name:
                raise ValueError(f"{name}: the result of another week or instrument")
        return self

    def after(self) -> dict[str, Held]:
        """What is remembered after the week, by instrument in alphabetical order."""
        found = {name: entry.after for name, entry in self.decided.items()} | dict(self.carried)
        return dict(sorted(found.items()))

    def says_as(self, other: "RosterWeek") -> bool:
        """Whether the two differ in nothing but when their runs were made."""
        return self.model_copy(update={"generated_at": other.generated_at}) == other


class Roster(_Document):
    """The roster as it stands: ``roster.json``."""

    file: str
    """The week's file that it follows from, relative to the folder."""
    instruments: dict[Pair, Held]

    @classmethod
    def of(cls, week: RosterWeek, file: str) -> Self:
        """The roster after a week."""
        return cls(
            generated_at=week.generated_at,
            week=week.week,
            settings=week.settings,
            file=file,
            instruments=week.after(),
        )


ROSTER_DOCUMENTS: Final[dict[str, type[Artefact]]] = {"roster": Roster, "roster.week": RosterWeek}
"""By the name of their published schema."""


@dataclass(frozen=True, slots=True)
class RosterFolder:
    """Reads and writes the roster in a folder of artefacts.

    Whoever writes has the folder alone (``ArtefactFolder.exclusive``). A writer killed between
    a week and ``roster.json`` leaves a roster that reads as that week says. Reading raises
    StoreError, which names the file, for one that is broken or missing.
    """

    root: Path

    def read(self) -> Roster | None:
        """The roster after the newest week; None = no week was decided yet."""
        weeks = archived(self.root / FOLDER)
        held = read_document(self.root / ROSTER, Roster, _MEND)
        if held is not None and not self._has(held.file):
            raise StoreError(
                f"file {self.root / ROSTER}", f"{held.file}, which is not there",
                "a roster whose weeks are there",
                "Restore the file; or, to begin anew, remove roster.json and roster/.",
            )  # fmt: skip
        if not weeks:
            return None
        newest = weeks[-1].path
        return Roster.of(_required(newest), f"{FOLDER}/{newest.name}")

    def _has(self, file: str) -> bool:
        match = _FILE.fullmatch(file)
        return match is not None and (self.root / FOLDER / match[1]).is_file()

    def weeks(self) -> list[str]:
        """The weeks that were decided, ascending."""
        return sorted({entry.week for entry in archived(self.root / FOLDER)})

    def find(self, week: str) -> tuple[RosterWeek, str] | None:
        """The newest version of a week, and its file; None = it was not decided."""
        held = [entry for entry in archived(self.root / FOLDER) if entry.week == week]
        if not held:
            return None
        return _required(held[-1].path), f"{FOLDER}/{held[-1].path.name}"

    def read_week(self, week: str) -> RosterWeek:
        """The newest version of a week; InputError where it was not decided."""
        archive_name(week, 1)
        found = self.find(week)
        if found is None:
            weeks = self.weeks()
            allowed = ", ".join(weeks) or "none: no week was decided"
            raise InputError("week", week, allowed, "Name a week that was decided.", near=weeks)
        return found[0]

    def write(self, week: RosterWeek) -> str:
        """Keep a week's decisions, and the roster after the newest week; the week's file.

        Decisions that are there already change nothing; others become the next version.

        Raises:
            StoreError: The folder or the disk refuses; what was there stays.
        """
        held = [e for e in archived(self.root / FOLDER) if e.week == week.week]
        if held and _required(held[-1].path).says_as(week):
            file = f"{FOLDER}/{held[-1].path.name}"
        else:
            name = archive_name(week.week, held[-1].version + 1 if held else 1)
            file = f"{FOLDER}/{name}"
            _write(self.root / file, week)
            remove_drafts(self.root / FOLDER)
        newest = self.read()
        if newest is not None and read_document(self.root / ROSTER, Roster, _MEND) != newest:
            _write(self.root / ROSTER, newest)
        return file


def roster_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of the documents, by name; no object in them takes a key it does not know."""
    found = {
        name: model.model_json_schema(mode="serialization")
        for name, model in ROSTER_DOCUMENTS.items()
    }
    for schema in found.values():
        for part in schema["$defs"].values():
            if "properties" in part:
                part.setdefault("additionalProperties", False)
    return found


def _write(path: Path, document: Roster | RosterWeek) -> None:
    text = json.dumps(
        document.model_dump(mode="json"),
        sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False,
    )  # fmt: skip
    data = f"{text}\n".encode()
    if type(document).model_validate_json(data) != document:
        do = "Report a defect: nothing was written."
        raise IntegrityError(f"artefact {path.name}", "another document", "what was written", do)
    write_whole(path, lambda file: file.write(data))


def _required(path: Path) -> RosterWeek:
    found = read_document(path, RosterWeek, _MEND)
    if found is None:
        raise StoreError(f"file {path}", "no file", "a week's decisions", "List them again.")
    return found
