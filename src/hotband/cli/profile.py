"""``hotband profile``: what a profile means, and what in it means nothing."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from hotband.profile import Effective, Profile

app = typer.Typer(help="Strategy profiles.", no_args_is_help=True)


@app.callback()
def profile() -> None:
    """Strategy profiles."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A profile: YAML, or JSON by its suffix.")],
    instrument: Annotated[
        list[str] | None,
        typer.Option("--instrument", "-i", help="Only this one; repeat for more."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the effective settings per instrument, where each came from, and all notes.

    Ends with 1, and the reason on standard error, where the profile cannot be used.
    """
    from hotband.errors import HotbandError
    from hotband.profile import effective, load_profile

    try:
        loaded = load_profile(file)
        # A profile that lists none means its globals for any instrument.
        names = instrument or loaded.instruments or ("any instrument",)
        settings = [effective(loaded, name) for name in names]
    except HotbandError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(_document(loaded, settings), indent=2, allow_nan=False, default=str))
        return
    from rich.console import Console

    # Paths such as horizons[1] are text, not markup.
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    _print_settings(console, settings)
    _print_notes(console, loaded)


def _document(loaded: "Profile", settings: "Sequence[Effective]") -> dict[str, object]:
    return {
        "source": loaded.source,
        "era": loaded.era,
        "content_hash": loaded.content_hash,
        "account": loaded.account.model_dump(mode="json"),
        "instruments": {
            one.instrument: {
                key: {"value": value, "from": one.origin(key)}
                for key, value in one.values().items()
            }
            for one in settings
        },
        "notes": [
            {"path": note.path, "value": note.value, "text": note.text} for note in loaded.notes
        ],
    }


def _shown(value: object) -> str:
    if value is None:
        return "off"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_settings(console: "Console", settings: "Sequence[Effective]") -> None:
    """One table for all instruments with the same values from the same places."""
    from rich.table import Table

    groups: dict[str, list[Effective]] = {}
    for one in settings:
        rows = [(key, value, one.origin(key)) for key, value in one.values().items()]
        groups.setdefault(json.dumps(rows), []).append(one)
    for alike in groups.values():
        table = Table(title=", ".join(one.instrument for one in alike), title_justify="left")
        for heading in ("setting", "value", "from"):
            table.add_column(heading, overflow="fold")
        for key, value in alike[0].values().items():
            table.add_row(key, _shown(value), alike[0].origin(key))
        console.print(table)


def _print_notes(console: "Console", loaded: "Profile") -> None:
    console.print(f"{loaded.source}: {loaded.era} keys, content {loaded.content_hash}")
    if not loaded.notes:
        console.print("Nothing in it is without effect.")
        return
    console.print(f"Notes: {len(loaded.notes)}")
    for note in loaded.notes:
        console.print(f"- {note.path} = {_short(note.value)}: {note.text}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
