"""A command that a page names exists, with its options: also where it cannot be run by a test."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from typer.main import get_command

from hotband.cli.main import app
from tests.docs.pages import DOCS, ROOT, blocks, pages

_LINE = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(hotband [^|>#\n]*)", re.MULTILINE)
_INDENTED = re.compile(r"^ {4}(hotband .*)$", re.MULTILINE)
_INLINE = re.compile(r"`(hotband [^`\n]*)`")


@cache
def known() -> dict[tuple[str, ...], frozenset[str] | None]:
    """Options of each command by its words; None for a group."""

    def below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            options = [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
            yield path, frozenset(options) | {"--help"}
            return
        yield path, None
        for name, each in inner.items():
            yield from below((*path, name), each)

    return dict(below((), get_command(app)))


def named(text: str) -> list[str]:
    """The commands in a page, in blocks and in lines."""
    joined = text.replace("\\\n", " ")
    found = [line for block in blocks(joined) for line in _LINE.findall(block.body)]
    return [line.strip() for line in [*found, *_INDENTED.findall(joined), *_INLINE.findall(joined)]]


def faults(line: str) -> Iterator[str]:
    """What is wrong with a command line; placeholders such as COMMAND and a|b are let be."""
    words = [word for word in shlex.split(line.replace("…", ""))[1:] if word != "..."]
    path: tuple[str, ...] = ()
    while words and known().get(path, frozenset()) is None:
        head = words[0]
        if head.isupper() or "|" in head or head.startswith("-"):
            return
        if (*path, head) not in known():
            yield f"{line!r}: no command {head}"
            return
        path, words = (*path, head), words[1:]
    options = known()[path]
    for word in words if options is not None else ():
        if word.startswith("-") and word.partition("=")[0] not in (options or ()):
            yield f"{line!r}: no option {word}"


@pytest.mark.parametrize("name", pages())
def test_a_page_names_commands_that_exist(name: str) -> None:
    lines = named((DOCS / name).read_text("utf-8"))
    assert [fault for line in lines for fault in faults(line)] == []


@pytest.mark.parametrize("name", ["README.md", "deploy/README.md"])
def test_a_readme_names_commands_that_exist(name: str) -> None:
    lines = named((ROOT / name).read_text("utf-8"))
    assert lines
    assert [fault for line in lines for fault in faults(line)] == []


@pytest.mark.parametrize(
    "line",
    ["hotband weakly", "hotband weekly --weak 1", "hotband gates shows", "hotband grid rows -x"],
)
def test_a_command_that_is_not_there_is_seen(line: str) -> None:
    assert list(faults(line))


@pytest.mark.parametrize(
    "line", ["hotband", "hotband gates", "hotband weekly --week 2025-W16", "hotband COMMAND --help"]
)
def test_a_command_that_is_there_is_let_pass(line: str) -> None:
    assert not list(faults(line))
