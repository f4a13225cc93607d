"""A table on a terminal of 80 columns shows all that it shows on a wide one."""

import re
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from hotband.cli.narrow import StackedWhereNarrow

HEADS = [f"column{number}" for number in range(14)]
ROWS = [[f"value{row}-{number}" for number in range(14)] for row in range(2)]


def printed(width: int, table: Table) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    console.push_render_hook(StackedWhereNarrow(console))
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def wide_table() -> Table:
    table = Table(title="Run 1", title_justify="left")
    for head in HEADS:
        table.add_column(head, no_wrap=True)
    for row in ROWS:
        table.add_row(*row)
    return table


@pytest.mark.parametrize("width", [40, 80, 400])
def test_no_value_and_no_name_is_cut_at_any_width(width: int) -> None:
    text = printed(width, wide_table())
    assert "…" not in text
    words = set(re.findall(r"[a-z]+\d+(?:-\d+)?", text))
    assert {*HEADS, *(value for row in ROWS for value in row)} <= words
    assert "Run 1" in text


def test_a_table_that_fits_stays_a_table() -> None:
    assert len(printed(400, wide_table()).splitlines()) == 1 + 3 + len(ROWS) + 1


def test_a_column_that_may_fold_does_not_make_a_table_too_wide() -> None:
    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_column("words")
    table.add_row("a", "word " * 40)
    assert "┏━" in printed(80, table)


def test_a_word_is_not_cut_where_a_column_may_fold() -> None:
    table = Table()
    for _ in range(3):
        table.add_column("words")
    table.add_row(*["max_stack_limit_reached 155, session_closed 2"] * 3)
    assert printed(60, table).count("max_stack_limit_reached") == 3
