"""``hotband demo``: the weekly job on a simulated market, without any data or settings."""

from pathlib import Path
from typing import Annotated

import typer

from hotband.cli.console import print_json, reported, tables

PAIRS = ("EUR_USD", "GBP_USD", "USD_JPY")
START = "2026-03-01T22:00:00Z"
WARM_UP = "2026-02-22T22:00:00Z"
END = "2026-03-27T21:00:00Z"


def demo(
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 7,
    edge: Annotated[float, typer.Option(help="Planted momentum, 0 (a fair game) and up.")] = 0.0,
    output: Annotated[
        Path | None, typer.Option(help="Folder of artefacts; by default demo in the state folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the artefact.")] = False,
) -> None:
    """Make a simulated market of four weeks, run the weekly job on it, show the result."""
    with reported():
        from hotband.cli.weekly import progress_bar
        from hotband.feeds.demo import demo_bars
        from hotband.market.calendar import parse_time
        from hotband.profile import load_profile
        from hotband.research.grid_settings import load_grid
        from hotband.stopping import stop_on_signals
        from hotband.stores.location import Locations
        from hotband.weekly.api import run_grid

        folder = output or Locations.from_environment().home / "demo" / "backtests"
        bars = demo_bars(PAIRS, parse_time(WARM_UP), parse_time(END), seed=seed, edge=edge)
        with stop_on_signals() as stop, progress_bar() as listener:
            latest = run_grid(
                PAIRS,
                START,
                END,
                profile=load_profile(),
                grid=load_grid(),
                bars=bars,
                gates={},
                output=folder,
                cancelled=stop.is_set,
                listener=listener,
            )
        if as_json:
            print_json(latest.model_dump(mode="json"))
            return
        from hotband.report.grid import latest_table

        console = tables()
        console.print("SIMULATED MARKET: these prices were generated, nobody traded them.")
        console.print(latest_table(latest))
        for name, entry in latest.instruments.items():
            for note in entry.notes if entry.state == "completed" else ():
                console.print(f"note: {note}" if note.startswith(name) else f"note: {name}: {note}")
        console.print(f"artefacts: {folder}")
