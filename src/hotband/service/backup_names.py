"""Which files a backup may hold: one list, asked when it is made and when it is restored."""

import re
from typing import Final

MANIFEST: Final = "manifest.json"
STATE: Final = "state"
OUTPUT: Final = "output"
INDEX: Final = f"{STATE}/service/index.sqlite"
_WEEK: Final = r"\d{4}-W\d{2}(\.\d+)?\.json"
_PART: Final = r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*"
_KEPT: Final = re.compile(
    rf"{re.escape(INDEX)}"
    rf"|{STATE}/[A-Za-z0-9_-][A-Za-z0-9_.-]*\.ya?ml"
    rf"|{STATE}/trials/[A-Z]{{3}}_[A-Z]{{3}}/[0-9a-f]{{64}}\.trials"
    rf"|{STATE}/(bars|gates)/({_PART}/)*part\.parquet"
    rf"|{OUTPUT}/(latest|latest\.error|roster)\.json"
    rf"|{OUTPUT}/(roster/)?{_WEEK}"
    rf"|{OUTPUT}/certificates/[A-Za-z0-9_-][A-Za-z0-9_.-]*\.json"
    rf"|{OUTPUT}/runs/[0-9a-f]{{16}}/[A-Za-z0-9_-]+\.parquet",
    re.ASCII,
)
_TABLES: Final = ("trials", "gates", "bars")


def is_kept(name: str) -> bool:
    """Whether a member of that name belongs into a backup.

    Every part of such a name begins with no dot, so that none leads out of its folder, and a
    path that is absolute, or has a backslash or a control character, has no such name.
    """
    return _KEPT.fullmatch(name) is not None


def part_of(name: str) -> str:
    """The piece that is replaced as one when ``name`` is restored: a folder, or the file."""
    top, first, *rest = name.split("/")
    if top == STATE and rest and first in _TABLES:
        return f"{top}/{first}"
    if top == OUTPUT and rest:
        return f"{top}/{first}"
    return name


REPLACED: Final = (f"{OUTPUT}/runs", f"{OUTPUT}/roster", f"{OUTPUT}/roster.json")
"""Parts of the artefacts that are replaced even where a backup has none."""
