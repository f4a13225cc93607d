"""``hotband weekly``: sweep every instrument's grid over a week, choose, publish, archive."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotband.weekly.progress import GridProgress, Listener


_Text = str | None
_Instruments = Annotated[
    list[str] | None, typer.Option("--instrument", "-i", help="Repeat [HOTBAND_PAIRS, else all].")
]
_Start = Annotated[_Text, typer.Option(help="Start, RFC 3339 with a zone.")]
_End = Annotated[_Text, typer.Option(help="End, RFC 3339 with a zone.")]
_Week = Annotated[_Text, typer.Option(help="ISO week such as 2025-W16; else the last one closed.")]
_Grid = Annotated[Path | None, typer.Option(help="Grid file, YAML.")]
_Profile = Annotated[Path | None, typer.Option(help="Strategy profile, YAML [HOTBAND_PROFILE].")]
_Granularity = Annotated[str, typer.Option(help="Bar length, such as M1, M5, H1.")]
_Balance = Annotated[float, typer.Option(help="Start balance in home currency.")]
_Cost = Annotated[
    float | None, typer.Option(help="Round-trip commission, basis points of entry notional.")
]
_Bars = Annotated[_Text, typer.Option(help="Bar store URL [HOTBAND_BARS].")]
_Gates = Annotated[_Text, typer.Option(help="Gate store URL [HOTBAND_GATES].")]
_Output = Annotated[Path | None, typer.Option(help="Folder of artefacts [HOTBAND_OUTPUT].")]
_Roster = Annotated[Path | None, typer.Option(help="Roster file, YAML [HOTBAND_ROSTER].")]
_Executor = Annotated[
    Literal["serial", "threads", "ray"], typer.Option(help="What runs the cells.")
]
_Workers = Annotated[int | None, typer.Option(help="At the same time; else all there are.")]
_Address = Annotated[_Text, typer.Option(help="local, auto, or HOST:PORT of a cluster.")]
_Force = Annotated[
    bool, typer.Option("--force", help="Run again even if these inputs were run before.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print the artefact.")]


def weekly(
    instruments: _Instruments = None,
    start: _Start = None,
    end: _End = None,
    week: _Week = None,
    grid: _Grid = None,
    profile: _Profile = None,
    granularity: _Granularity = "M1",
    balance: _Balance = 100_000.0,
    cost_bps: _Cost = None,
    bars: _Bars = None,
    gates: _Gates = None,
    output: _Output = None,
    roster: _Roster = None,
    executor: _Executor = "threads",
    workers: _Workers = None,
    ray_address: _Address = None,
    force: _Force = False,
    as_json: _Json = False,
) -> None:
    """Sweep the grids, choose, publish; run again with the same inputs, it is there at once.

    SIGINT or SIGTERM stops it with exit status 130, and the same command goes on from there; a
    second signal ends it at once.
    """
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
                roster=roster,
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
        from hotband.report.grid import print_latest

        print_latest(tables(), latest)


@contextmanager
def progress_bar() -> "Iterator[Listener]":
    """Cells done, rate and time to go on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[cells]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=None, cells="")

        def show(progress: "GridProgress") -> None:
            rate = progress.cells_per_second
            cells = f"{progress.completed:,} of {progress.total:,} cells"
            bar.update(
                task,
                description=progress.instrument,
                completed=progress.completed,
                total=progress.total,
                cells=cells if rate is None else f"{cells}, {rate:,.0f}/s",
            )

        yield show
