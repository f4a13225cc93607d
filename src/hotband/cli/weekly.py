"""``hotband weekly``: sweep every instrument's grid over a week, choose, publish, archive."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from hotband.weekly.run import GridProgress


def weekly(
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", "-i", help="Repeat [HOTBAND_PAIRS, else all held]."),
    ] = None,
    start: Annotated[str | None, typer.Option(help="Start, RFC 3339 with a zone.")] = None,
    end: Annotated[str | None, typer.Option(help="End, RFC 3339 with a zone.")] = None,
    week: Annotated[
        str | None, typer.Option(help="ISO week such as 2025-W16; else the last one closed.")
    ] = None,
    grid: Annotated[Path | None, typer.Option(help="Grid file, YAML.")] = None,
    profile: Annotated[
        Path | None, typer.Option(help="Strategy profile, YAML [HOTBAND_PROFILE].")
    ] = None,
    granularity: Annotated[str, typer.Option(help="Bar length, such as M1, M5, H1.")] = "M1",
    balance: Annotated[float, typer.Option(help="Start balance in home currency.")] = 100_000.0,
    cost_bps: Annotated[
        float | None, typer.Option(help="Round-trip commission, basis points of entry notional.")
    ] = None,
    bars: Annotated[str | None, typer.Option(help="Bar store URL [HOTBAND_BARS].")] = None,
    gates: Annotated[str | None, typer.Option(help="Gate store URL [HOTBAND_GATES].")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of artefacts [HOTBAND_OUTPUT].")
    ] = None,
    executor: Annotated[
        Literal["serial", "threads", "ray"], typer.Option(help="What runs the cells.")
    ] = "threads",
    workers: Annotated[int | None, typer.Option(help="At the same time; else all there are.")] = (
        None
    ),
    ray_address: Annotated[
        str | None, typer.Option(help="local, auto, or HOST:PORT of a cluster.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Run again even if these inputs were run before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the artefact.")] = False,
) -> None:
    """Sweep the grids, choose, publish; run again with the same inputs, it is there at once."""
    with reported():
        from hotband.stopping import stop_on_signals
        from hotband.weekly.api import run_grid

        with stop_on_signals() as stop, progress_bar() as listener:
            latest = run_grid(
                instruments,
                start,
                end,
                week=week,
                grid=grid,
                profile=profile,
                granularity=granularity,
                balance=balance,
                cost_bps=cost_bps,
                bars=bars,
                gates=gates,
                output=output,
                executor=executor,
                workers=workers,
                ray_address=ray_address,
                force=force,
                cancelled=stop.is_set,
                listener=listener,
            )
        if as_json:
            print_json(latest.model_dump(mode="json"))
            return
        from hotband.report.grid import latest_table

        tables().print(latest_table(latest))


class progress_bar:  # noqa: N801 - used as a function
    """Cells done, rate and time to go on standard error, where that is a terminal."""

    def __enter__(self) -> "progress_bar":
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(file=sys.stderr)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} cells"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("preparing", total=None, rate="")
        self._bar.start()
        return self

    def __call__(self, progress: "GridProgress") -> None:
        """Show how far the run is."""
        rate = progress.cells_per_second
        self._bar.update(
            self._task,
            description=progress.instrument,
            completed=progress.completed,
            total=progress.total,
            rate="" if rate is None else f"{rate:,.0f}/s",
        )

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
