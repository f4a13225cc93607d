"""The pages that show the layers show those that the import contracts hold."""

import re
import tomllib

from tests.docs.pages import DOCS, ROOT, blocks

_IN_PICTURE = re.compile(r'font-size="14" fill="#1f2a37">([a-z]+)</text>')


def layers() -> list[list[str]]:
    """The layers of the first import contract, from above, as lists of siblings."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    rows = tools["importlinter"]["contracts"][0]["layers"]
    return [row.split(" | ") for row in rows]


def test_the_list_of_layers_is_that_of_the_contract() -> None:
    drawing = blocks((DOCS / "architecture.md").read_text("utf-8"))[0].body
    shown = [
        [part.split()[0] for part in re.split(r"\s{4,}(?=testing)|\|", line)]
        for line in drawing.splitlines()
        if line[1:2] != " "
    ]
    assert shown == layers()


def test_the_picture_of_layers_is_that_of_the_contract() -> None:
    picture = (DOCS / "pictures" / "layers.svg").read_text("utf-8")
    assert _IN_PICTURE.findall(picture) == [name for row in layers() for name in row]


def test_the_modules_of_a_gates_way_are_there() -> None:
    picture = (DOCS / "pictures" / "gate-to-equity.svg").read_text("utf-8")
    named = re.findall(r">((?:core|gates|live|market|research)/\w+|feeds, market/bars)\b", picture)
    assert len(named) == 8
    for name in named:
        module = name.removeprefix("feeds, ")
        assert (ROOT / "src" / "hotband" / module).with_suffix(".py").is_file(), module
