"""A finding: something about a run that a careful reader would want to know, in one sentence.

Findings judge nothing and change nothing. Their checks are in ``doctor`` (the grid and its
choice) and ``doctor_run`` (the chosen cell's own run).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    ``code`` names the check; several findings may share it. ``warning``: the numbers may say
    something else than they seem to; ``note``: something in the set-up does nothing, or too
    little. ``numbers`` are those of ``text``: shares are of 1, None = undefined.
    """

    code: str
    severity: Severity
    text: str
    numbers: Mapping[str, float | None]


def count(n: int, one: str) -> str:
    """A number of things: "1 trade", "72 trades"."""
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}s"


def of_all(part: int, whole: int, what: str) -> str:
    """How many of how many: "1 of 4 gates (25.0%)"."""
    return f"{part:,} of {whole:,} {what} ({part / whole:.1%})"
