"""``hotband demo``: the main job on a simulated market, without any data or settings."""

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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a simulated market of four weeks, run the default profile on it, show the result."""
    with reported():
        from hotband.feeds.demo import demo_bars
        from hotband.market.calendar import parse_time
        from hotband.profile import load_profile
        from hotband.research.simulator import BacktestSimulator

        bars = demo_bars(PAIRS, parse_time(WARM_UP), parse_time(END), seed=seed, edge=edge)
        result = BacktestSimulator(
            PAIRS, START, END, profile=load_profile(), bars=bars, gates={}
        ).run()
        if as_json:
            print_json(result.to_dict(series=False))
            return
        from hotband.report.tables import print_result

        console = tables()
        console.print("SIMULATED MARKET: these prices were generated, nobody traded them.")
        print_result(console, result)
