"""``hotband demo``: the weekly job on a simulated market, without any data or settings."""

import os
from pathlib import Path
from typing import Annotated

import typer

from hotband.cli.console import print_json, reported, tables

PAIRS = ("EUR_USD", "GBP_USD", "USD_JPY")
START = "2026-03-01T22:00:00Z"
WARM_UP = "2026-02-22T22:00:00Z"
END = "2026-03-27T21:00:00Z"
SEED = 7
_OWN = ("BARS", "GATES", "OUTPUT", "PROFILE", "PAIRS", "ROSTER", "GRID", "GRANULARITY")


def demo(
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = SEED,
    edge: Annotated[float, typer.Option(help="Planted momentum, 0 (a fair game) and up.")] = 0.0,
    output: Annotated[
        Path | None, typer.Option(help="Folder of artefacts; by default in demo/ of the state.")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then serve the result until SIGINT or SIGTERM.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="With --serve: port [8000].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the artefact.")] = False,
) -> None:
    """Make a simulated market of four weeks, run the weekly job on it, show the result."""
    with reported():
        use_demo_state()
        _run(seed, edge, output, as_json)
        if serve:
            from hotband.cli.serve import say_address, settings_of
            from hotband.service.serving import serve as run

            run(settings_of(None, port, None, None), ready=say_address)
        elif output is None and not as_json:
            typer.echo("in a browser: hotband up --demo")


def use_demo_state() -> Path:
    """Point this process, and what it starts, to ``demo`` in the state folder; that folder."""
    from hotband.stores.location import Locations

    home = Locations.from_environment().home / "demo"
    for name in (*(f"HOTBAND_{each}" for each in _OWN), "VALKEY_URL"):
        os.environ.pop(name, None)
    os.environ["HOTBAND_HOME"] = str(home)
    return home


def where_demo_keeps_its_own() -> str:
    """A sentence for someone who looks for the demo's data elsewhere; empty without a demo."""
    from hotband.stores.location import Locations

    home = Locations.from_environment().home / "demo"
    if not home.is_dir():
        return ""
    return f"The demo keeps its own apart: set HOTBAND_HOME={home} to see it."


def fill_demo_store(seed: int = SEED, edge: float = 0.0) -> None:
    """Put the simulated market into the bar store, in place of another one that is there."""
    from hotband.feeds.demo import demo_bars
    from hotband.market.calendar import parse_time
    from hotband.stores.location import Locations
    from hotband.stores.urls import open_bar_store

    store = open_bar_store(Locations.from_environment().bars)
    for bars in demo_bars(
        PAIRS, parse_time(WARM_UP), parse_time(END), seed=seed, edge=edge
    ).values():
        store.append(bars, replace=True)


def _run(seed: int, edge: float, output: Path | None, as_json: bool) -> None:
    from hotband.cli.weekly import progress_bar
    from hotband.stopping import stop_on_signals
    from hotband.stores.location import Locations
    from hotband.weekly.api import run_grid

    folder = output or Locations.from_environment().output
    fill_demo_store(seed, edge)
    with stop_on_signals() as stop, progress_bar() as listener:
        latest = run_grid(
            PAIRS, START, END, output=folder, cancelled=stop.is_set, listener=listener
        )
    if as_json:
        print_json(latest.model_dump(mode="json"))
        return
    from hotband.report.grid import print_latest

    console = tables()
    console.print("SIMULATED MARKET: these prices were generated, nobody traded them.")
    print_latest(console, latest)
    console.print(f"artefacts: {folder}")
