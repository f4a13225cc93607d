"""Every command and snippet of the documentation is run, and prints what the pages show."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import (
    DOCS,
    blocks,
    commands,
    home_for,
    make_demo,
    pages,
    play,
    server_empty,
    without_ids,
)
from tests.valkey_server import ValkeyServer

RUN = {"console", "python"}
PLAYED = [
    name for name in pages() if any(b.kind in RUN for b in blocks((DOCS / name).read_text("utf-8")))
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "home")


@pytest.fixture
def valkey_port(valkey_server: ValkeyServer) -> Iterator[int]:
    yield valkey_server.port
    server_empty(valkey_server)


@pytest.mark.parametrize("name", PLAYED)
def test_a_page_shows_what_its_commands_print(
    name: str, demo: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = (DOCS / name).read_text("utf-8")
    home_for(text, tmp_path / "home", demo)
    port = request.getfixturevalue("valkey_port") if "6379" in text else None
    assert without_ids(play(text, tmp_path / "home", valkey=port)) == without_ids(text)


def test_the_pages_that_a_reader_starts_with_are_played() -> None:
    assert {"start.md", "how-to/bars.md", "how-to/weekly.md", "how-to/paper.md"} <= set(PLAYED)


@pytest.mark.parametrize("name", pages())
def test_a_block_is_run_or_says_why_not(name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    found = blocks(text)
    assert text.count("\n```") == 2 * len(found), "a fence without its end, or inside a list"
    silent = [
        block.body.splitlines()[0]
        for block in found
        if block.kind not in RUN
        and block.title is None
        and block.reason is None
        and block.kind != "text"
    ]
    assert silent == []


def test_a_change_in_what_is_printed_is_seen(tmp_path: Path) -> None:
    text = "```console\n$ echo 1\n2\n```\n"
    assert play(text, tmp_path) == text.replace("\n2\n", "\n1\n")


def test_a_command_that_fails_unseen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="'false' ends with 1"):
        play("```console\n$ false\n```\n", tmp_path)


def test_a_failure_may_be_shown(tmp_path: Path) -> None:
    text = "```console\n$ false\n$ echo $?\n1\n```\n"
    assert play(text, tmp_path) == text


def test_a_python_block_may_not_print_unseen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="prints:\nseen"):
        play("```python\nprint('seen')\n```\n", tmp_path)


def test_a_file_of_a_page_is_there_for_its_commands(tmp_path: Path) -> None:
    text = '```yaml title="a.yaml"\nkey: $HOME\n```\n\n```console\n$ cat a.yaml\nkey: $HOME\n```\n'
    assert play(text, tmp_path) == text


def test_ids_are_compared_by_length_only() -> None:
    assert without_ids("Run 0123456789abcdef: 1234") == "Run ################: 1234"
    assert without_ids("at 20260309T000000Z-0f1e2d3c") == "at 20260309T000000Z-########"


def test_a_command_may_go_on_below() -> None:
    assert commands("$ a \\\n  b\nprinted\n$ c\n") == ["a \\\n  b", "c"]


def test_no_page_names_a_folder_of_the_machine_that_wrote_it() -> None:
    named = [name for name in pages() if re.search(r"/(tmp|root)/", (DOCS / name).read_text())]
    assert named == []
