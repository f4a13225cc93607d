"""Names of places by what they are for: readers of the service are not told where they are.

What a check or an error says of this machine names folders, files and stores by their paths. The
owner at the machine needs those; a trader at the page is told the role instead.
"""

import re
from collections.abc import Mapping
from typing import Final

from hotband.service.problems import redacted
from hotband.stores.location import Locations

_TAIL: Final = re.compile(r"[^'\"\n:;]*")
"""How far a path may go on, as in ``problems.redacted``."""
_MARK: Final = "\x00"
_REST: Final = re.compile(r"(?<!\S)[^\s\\/'\"(=]+[\\/]\S")
"""A word that could be the rest of a path with a blank in a name."""

_COMMAND: Final = re.compile(r"(?:^|[\s(])'[a-z]+ [^'\n]*$")
"""Before a place that is an argument of a command: it becomes a word to be replaced there."""


def roles_of(places: Locations, grid: str | None = None) -> dict[str, str]:
    """What each place is for, by its path or address; ``grid`` is the file of ``HOTBAND_GRID``."""
    found = {
        str(places.home): "the state folder",
        str(places.output): "the output folder",
        places.profile or "": "the profile file",
        places.roster or "": "the roster file",
        grid or "": "the grid file",
    }
    for kind, url in (("Bar", places.bars), ("Gate", places.gates)):
        same = places.bars == places.gates
        found[url] = "the store of bars and gates" if same else f"the {kind.lower()} store"
        found[f"{kind}Store({url})"] = f"the {kind.lower()} store ({url.partition(':')[0]})"
    return {place: role for place, role in found.items() if len(place) > 1}


def by_role(text: str, roles: Mapping[str, str]) -> str:
    """``text`` with places named by their roles, and without any other path.

    A path that goes on below a place is "inside" it; in a command a place is ``STATE_FOLDER``.
    What follows a place and could be the rest of a longer path goes too.
    """
    kept, said = text, list[str]()
    for place in sorted(roles, key=len, reverse=True):
        kept = _marked(kept, place, roles[place], said)
    kept = redacted(kept)
    for at, role in enumerate(said):
        kept = kept.replace(f"{_MARK}{at}{_MARK}", role)
    return f"{kept[:1].upper()}{kept[1:]}" if kept.startswith(("the ", "a file ")) else kept


def _marked(text: str, place: str, role: str, said: list[str]) -> str:
    """``text`` with marks where one place stands; ``said`` collects what they are to say."""
    pattern = re.compile(rf"(?<![\w./~-]){re.escape(place)}(?!\.?[\w-])")
    found, at = "", 0
    for hit in pattern.finditer(text):
        if hit.start() < at:
            continue
        rest = _TAIL.match(text, hit.end())
        tail = re.split(f"{_MARK}|{re.escape(place)}", rest[0] if rest else "", maxsplit=1)[0]
        below = tail.startswith(("/", "\\"))
        if _COMMAND.search(text[: hit.start()]):
            said.append(role.removeprefix("the ").upper().replace(" ", "_"))
        else:
            said.append(f"a file inside {role}" if below else role)
        found += f"{text[at : hit.start()]}{_MARK}{len(said) - 1}{_MARK}"
        at = hit.end() + (len(tail) if below or _REST.search(tail) else 0)
    return found + text[at:]
