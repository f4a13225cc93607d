"""The roster's decisions in short, as ``latest.json`` carries them beside the results.

The whole of them, with numbers and states, is in ``roster/YYYY-Www.json`` (``roster.py``).
This part alone hangs on more than the run's inputs: on what earlier weeks decided.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from hotband.artefacts.values import Artefact, Pair, Text

IsoWeek = Annotated[str, StringConstraints(pattern=r"^\d{4}-W\d{2}$")]


class RosterVerdict(Artefact):
    """What to do with one instrument after the week, and why."""

    action: Literal["keep", "tighten", "disable", "re-enable", "no_change"]
    size_x: Annotated[float, Field(ge=0, le=1)]
    """Size over full size; 0 = it does not trade."""
    light: Literal["green", "amber", "red", "grey"]
    rule: Literal["keep", "tighten", "disable"]
    """The weekly rule's word."""
    stage: Literal["candidate", "active", "tightened", "disabled"]
    """Of the evidence machine."""
    acting: Literal["evidence", "rule"]
    """Which of the two sets action and size."""
    reasons: tuple[Text, ...]


class RosterPart(Artefact):
    """The decisions of the run's week; none with a reason."""

    week: IsoWeek | None = None
    """Null where nothing was decided."""
    reason: Text | None = None
    """Why nothing was decided."""
    decisions: dict[Pair, RosterVerdict] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if (self.week is None) != (self.reason is not None):
            raise ValueError("decisions of a week, or why there are none")
        if (self.week is None) == bool(self.decisions):
            raise ValueError("decisions come with a week, and only with one")
        return self


NOT_ASKED = RosterPart(reason="the roster was not asked")
