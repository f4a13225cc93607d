"""``hotband grid``: read what a run of the grid has published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotband.cli.console import print_json, reported, tables
from hotband.cli.demo import where_demo_keeps_its_own

if TYPE_CHECKING:
    from hotband.artefacts.schemas import Latest
    from hotband.artefacts.writer import ArtefactFolder

app = typer.Typer(help="Results of the grid: show, rows, best, history.", no_args_is_help=True)

_Output = Annotated[Path | None, typer.Option(help="Folder of artefacts [HOTBAND_OUTPUT].")]
_Week = Annotated[str | None, typer.Option(help="An archived ISO week; else the latest run.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def grid() -> None:
    """Results of the grid: show, rows, best, history."""


def _read(output: Path | None, week: str | None) -> "tuple[ArtefactFolder, Latest]":
    from hotband.artefacts.writer import ArtefactFolder
    from hotband.errors import StoreError
    from hotband.stores.location import Locations

    folder = ArtefactFolder(output or Locations.from_environment().output)
    found = folder.read_latest() if week is None else folder.read_archive(week)
    if found is None:
        error = folder.read_error()
        demo = where_demo_keeps_its_own() if output is None else ""
        raise StoreError(
            f"results in {folder.root}",
            f"none; the last run ended with: {error.message}" if error else "no runs yet",
            "a finished run",
            " ".join(filter(None, ("Run 'hotband weekly'.", demo))),
        )
    return folder, found


@app.command()
def show(output: _Output = None, week: _Week = None, as_json: _Json = False) -> None:
    """The chosen cell of each instrument."""
    with reported():
        folder, latest = _read(output, week)
        if as_json:
            print_json(latest.model_dump(mode="json"))
            return
        from hotband.report.grid import print_latest

        print_latest(tables(), latest)
        error = folder.read_error() if week is None else None
        if error is not None:
            typer.echo(f"note: a later run ended as {error.state}: {error.message}", err=True)


@app.command()
def rows(
    instrument: Annotated[str | None, typer.Option("--instrument", "-i")] = None,
    sort: Annotated[str, typer.Option(help="Column to sort by, largest first.")] = "score",
    limit: Annotated[int, typer.Option(help="Rows to show.", min=1)] = 20,
    qualified: Annotated[bool, typer.Option("--qualified", help="Only qualified rows.")] = False,
    output: _Output = None,
    week: _Week = None,
    as_json: _Json = False,
) -> None:
    """Rows of the grid, best first."""
    with reported():
        import polars as pl

        from hotband.errors import InputError

        folder, latest = _read(output, week)
        found = folder.read_table(latest, "rows")
        plain = [name for name, kind in found.schema.items() if not kind.is_nested()]
        if sort not in plain:
            allowed = "a column of the rows (--json shows all)"
            raise InputError("sort", sort, allowed, "Name one.", near=plain)
        if instrument is not None:
            held = found["instrument"].unique().to_list()
            if instrument not in held:
                allowed = ", ".join(sorted(held))
                raise InputError("instrument", instrument, allowed, "Name one.", near=held)
            found = found.filter(pl.col("instrument") == instrument)
        if qualified:
            found = found.filter(pl.col("qualified"))
        found = found.sort(sort, "instrument", "cell", descending=[True, False, False],
                           nulls_last=True).head(limit)  # fmt: skip
        if as_json:
            print_json(found.to_dicts())
            return
        from hotband.report.grid import rows_table

        tables().print(rows_table(found, [sort]))


@app.command()
def best(
    instrument: Annotated[str, typer.Argument(help="Such as USD_JPY.")],
    output: _Output = None,
    week: _Week = None,
) -> None:
    """Everything that is published of one instrument, as JSON."""
    with reported():
        from hotband.errors import InputError

        _, latest = _read(output, week)
        if instrument not in latest.instruments:
            held = tuple(latest.instruments)
            raise InputError("instrument", instrument, ", ".join(held), "Name one.", near=held)
        print_json(latest.instruments[instrument].model_dump(mode="json"))


@app.command()
def history(output: _Output = None, as_json: _Json = False) -> None:
    """The archived weeks."""
    with reported():
        from hotband.artefacts.writer import ArtefactFolder
        from hotband.stores.location import Locations

        folder = ArtefactFolder(output or Locations.from_environment().output)
        entries = [(entry.week, entry.version, entry.path.name) for entry in folder.list_archive()]
        if as_json:
            keys = ("week", "version", "file")
            print_json([dict(zip(keys, entry, strict=True)) for entry in entries])
            return
        for week, version, name in entries:
            typer.echo(f"{week}  version {version}  {name}")
