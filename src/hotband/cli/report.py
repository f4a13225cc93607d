"""``hotband report``: a run as one HTML file that opens offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotband.cli.console import reported

if TYPE_CHECKING:
    from hotband.artefacts.schemas import Latest
    from hotband.artefacts.writer import ArtefactFolder


def report(
    run: Annotated[str | None, typer.Argument(help="A run's id [the latest one].")] = None,
    week: Annotated[str | None, typer.Option(help="An archived ISO week such as 2025-W16.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of artefacts [HOTBAND_OUTPUT].")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The file to write [runs/RUN/run-RUN.html in the folder].")
    ] = None,
) -> None:
    """Write a run as one HTML file: tables, heat maps, curves, funnels. Prints where it lies."""
    with reported():
        from hotband.artefacts.writer import ArtefactFolder
        from hotband.report.html import write_report
        from hotband.stores.location import Locations

        folder = ArtefactFolder(output or Locations.from_environment().output)
        latest = _found(folder, run, week)
        _require_file(to)
        typer.echo(write_report(folder, latest, to, _notices(folder, run, week)))


def _found(folder: "ArtefactFolder", run: str | None, week: str | None) -> "Latest":
    from hotband.errors import InputError

    if run is not None and week is not None:
        got = f"run {run} and week {week}"
        raise InputError("run or week", got, "one of the two", "Leave one of them out.")
    if week is not None:
        return folder.read_archive(week)
    latest = folder.read_latest()
    if run is None:
        return latest or _none(folder)
    held = {} if latest is None else {latest.run_id: latest}
    for entry in folder.list_archive():
        if run in held:
            break
        archived = folder.read_archive(entry.week, entry.version)
        held[archived.run_id] = archived
    if run not in held:
        _require_finished(folder, run)
        allowed = ", ".join(held) or f"none: no run has finished in {folder.root}"
        raise InputError("run", run, allowed, "Name a finished run.", near=held)
    return held[run]


def _none(folder: "ArtefactFolder") -> "Latest":
    from hotband.errors import StoreError

    error, partial = folder.read_error(), folder.read_partial()
    got = "no runs yet"
    if partial is not None:
        got = f"none; run {partial.run_id} is {partial.state}, {partial.progress.percent:.0f} %"
    elif error is not None:
        got = f"none; the last run ended with: {error.message}"
    raise StoreError(f"results in {folder.root}", got, "a finished run", "Run 'hotband weekly'.")


def _require_finished(folder: "ArtefactFolder", run: str) -> None:
    """Say of a run that is there, but has no result, why it has none."""
    from hotband.errors import InputError

    for found in (folder.read_partial(), folder.read_error()):
        if found is not None and found.run_id == run:
            do = "Wait for it or run it again."
            raise InputError("run", f"{run}, which is {found.state}", "a finished run", do)


def _require_file(to: Path | None) -> None:
    from hotband.errors import InputError

    if to is not None and to.is_dir():
        raise InputError("--to", to, "a file", "Name a file in it, such as run.html.")


def _notices(folder: "ArtefactFolder", run: str | None, week: str | None) -> list[str]:
    error = folder.read_error()
    if run is not None or week is not None or error is None:
        return []
    return [f"A later run did not finish ({error.state}): {error.message}"]
