"""``hotband state``: keep the state folder safe and small."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotband.cli.console import print_json, reported

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(help="The state folder: backup, restore, retention.", no_args_is_help=True)

LOGS = Path("service") / "logs"
"""Where the service keeps the logs of runs, in the state folder."""

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def state() -> None:
    """The state folder: backup, restore, retention."""


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write, such as saved.tar.gz.")],
    with_bars: Annotated[
        bool, typer.Option("--with-bars", help="Also the Parquet bars of the state folder.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Copy results, roster, trials, gates and index into one file; never a token or a log."""
    with reported():
        from hotband.service.backup import back_up, document
        from hotband.stores.location import Locations

        places = Locations.from_environment()
        made = back_up(places.home, places.output, target.absolute(), with_bars=with_bars)
        _print_backup(f"wrote {target}", document(made), as_json=as_json)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A file that 'backup' wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there; trials are kept besides.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Verify a backup, then put it back; stop the service before."""
    with reported():
        from hotband.service.backup import document
        from hotband.service.restore import restore as bring_back
        from hotband.stores.location import Locations

        places = Locations.from_environment()
        made = bring_back(source, places.home, places.output, force=force)
        _print_backup(f"restored {source}", document(made), as_json=as_json)


def _print_backup(done: str, made: "Mapping[str, object]", *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    typer.echo(f"{done}: {made['files']:,} files, {made['bytes']:,} bytes, of {made['created_at']}")
    left = made["left_out"]
    for line in left if isinstance(left, list) else ():
        typer.echo(f"  left out: {line}")


@app.command()
def retention(
    keep_weeks: Annotated[int, typer.Option(help="Archives of so many weeks.")] = 104,
    keep_run_tables: Annotated[int, typer.Option(help="Tables of so many archived runs.")] = 26,
    keep_spans_days: Annotated[
        int, typer.Option(help="Checkpoints of runs that never finished.")
    ] = 14,
    keep_logs_days: Annotated[int, typer.Option(help="Logs of runs.")] = 90,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go, remove nothing.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Remove old archives, tables of old runs, dead checkpoints and logs; twice does no more."""
    with reported():
        from hotband.service.retention import RetentionPolicy, retain
        from hotband.stores.location import Locations

        places = Locations.from_environment()
        policy = RetentionPolicy(keep_weeks, keep_run_tables, keep_spans_days, keep_logs_days)
        done = retain(places.output, policy, logs=places.home / LOGS, dry_run=dry_run)
        if as_json:
            print_json(done.to_dict())
            return
        word = "would remove" if dry_run else "removed"
        typer.echo(
            f"{word} {len(done.archives)} archives, tables of {len(done.tables)} runs, "
            f"{len(done.unfinished)} unfinished runs, {len(done.logs)} logs: {done.bytes:,} bytes"
        )
        for kind, names in (
            ("archive", done.archives),
            ("tables of run", done.tables),
            ("unfinished run", done.unfinished),
            ("log", done.logs),
        ):
            for name in names:
                typer.echo(f"  {kind} {name}")
