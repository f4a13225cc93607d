"""How every command prints and ends."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

CANCELLED = 130
"""Exit status of a run that a signal stopped, as the shell has it for SIGINT."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error of ours into its message on standard error and exit status 1.

    A run that was asked to stop ends with 130, by whichever signal; what it kept is in its
    artefacts.
    """
    from hotband.errors import CancelledRunError, HotbandError

    try:
        yield
    except HotbandError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        for note in getattr(error, "__notes__", ()):
            typer.echo(note, err=True)
        raise typer.Exit(CANCELLED if isinstance(error, CancelledRunError) else 1) from error


def print_json(document: object) -> None:
    """One JSON document on standard output; NaN is refused."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def tables() -> "Console":
    """A console for tables: plain text where standard output is not a terminal.

    On a terminal that is too narrow for a table its rows are printed one under the other.
    """
    from rich.console import Console

    from hotband.cli.narrow import StackedWhereNarrow

    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = 140
    console.push_render_hook(StackedWhereNarrow(console))
    return console
