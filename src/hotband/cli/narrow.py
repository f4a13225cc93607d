"""Tables on a terminal that is too narrow for them: each row as a block of lines, nothing cut."""

from collections.abc import Iterable
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleRenderable, RenderHook
from rich.table import Table

_FRAME = 3


class StackedWhereNarrow(RenderHook):
    """Shows a table whose columns do not fit side by side as one block of lines per row."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """The renderables, with blocks in place of tables that are too wide."""
        shown: list[ConsoleRenderable] = []
        for one in renderables:
            wide = isinstance(one, Table) and _width(one) > self._console.width
            shown += _blocks(one) if wide and isinstance(one, Table) else [one]
        return shown


def _width(table: Table) -> int:
    """The least width that cuts nothing: whole cells, or whole words where a column may fold."""
    width = 1
    for column in table.columns:
        cells = (str(column.header), *(str(cell) for cell in column.cells))
        parts = [
            part
            for cell in cells
            for part in (cell.splitlines() if column.no_wrap else cell.split())
        ]
        width += _FRAME + max(map(cell_len, parts), default=0)
    return width


def _blocks(table: Table) -> Iterable[ConsoleRenderable]:
    heads = [str(column.header) for column in table.columns]
    if table.title:
        title = Table.grid()
        title.add_row(table.title)
        yield title
    for row in zip_longest(*(column.cells for column in table.columns), fillvalue=""):
        block = Table(show_header=False)
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for head, cell in zip(heads, row, strict=True):
            block.add_row(head, cell)
        yield block
