"""``hotband certify``: how often the pipeline promotes noise, measured, stated and kept."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotband.weekly.certify import Listener

_Worlds = Annotated[list[str] | None, typer.Option("--world", "-w", help="N1 to N5; repeat [all].")]
_Campaigns = Annotated[
    int | None,
    typer.Option(help="On each world, fixed beforehand [59, the least that can pass; power 20]."),
]
_Costs = Annotated[
    bool, typer.Option("--costs/--no-costs", help="Spread, commission and slippage, or none.")
]
_Days = Annotated[
    list[int] | None,
    typer.Option("--days", help="Of history [260]; with --power of look-backs, repeat."),
]
_Every = Annotated[int, typer.Option(help="Weeks between the choices of a campaign.")]
_Granularity = Annotated[str, typer.Option(help="Bar length, M1 to H1.")]
_Instrument = Annotated[str, typer.Option("--instrument", "-i", help="Pair that is traded.")]
_Bars = Annotated[
    str | None,
    typer.Option(help="Store URL of real bars to make the worlds of [the demo market]."),
]
_Producer = Annotated[
    str | None,
    typer.Option(help="URL of the plug-in whose gates are certified, crossover:fast=20 [ours]."),
]
_Grid = Annotated[Path | None, typer.Option(help="Grid file, YAML [192 cells].")]
_Profile = Annotated[Path | None, typer.Option(help="Strategy profile, YAML [HOTBAND_PROFILE].")]
_Power = Annotated[
    bool, typer.Option("--power", help="Plant edges instead: the smallest that is found.")
]
_Workers = Annotated[int | None, typer.Option(help="Campaigns at the same time; else all cores.")]
_Json = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]


def certify(
    worlds: _Worlds = None,
    campaigns: _Campaigns = None,
    costs: _Costs = True,
    days: _Days = None,
    every_weeks: _Every = 4,
    granularity: _Granularity = "M1",
    instrument: _Instrument = "EUR_USD",
    bars: _Bars = None,
    producer: _Producer = None,
    grid: _Grid = None,
    profile: _Profile = None,
    power: _Power = False,
    workers: _Workers = None,
    as_json: _Json = False,
) -> None:
    """Run campaigns on worlds without an edge and state how often anything is promoted.

    SIGINT or SIGTERM stops it with exit status 130, and the same command goes on from there.
    Exit status 2 where a world does not pass.
    """
    with reported():
        settings = _settings(
            {"costs": costs, "every_weeks": every_weeks, "granularity": granularity,
             "instrument": instrument, "producer": producer},
            grid, profile, days, power,
        )  # fmt: skip
        found = _run(settings, worlds, campaigns, days if power else None, bars, workers, power)
        if as_json:
            print_json(found)
        elif power:
            for line in found["sentences"]:
                typer.echo(line)
        else:
            _show(found)
    if not power and not found["passed"]:
        raise typer.Exit(2)


def _settings(
    given: dict[str, Any],
    grid: Path | None,
    profile: Path | None,
    days: list[int] | None,
    power: bool,
) -> Any:
    from hotband.errors import InputError
    from hotband.profile.strategy import load_profile
    from hotband.research.campaign_worlds import CampaignSettings
    from hotband.research.grid_settings import load_grid
    from hotband.stores.location import Locations

    if not power and days is not None:
        if len(days) > 1:
            raise InputError("days", days, "one length without --power", "Name one.")
        given |= {"days": days[0]}
    if grid is not None:
        given |= {"grid": load_grid(grid)}
    chosen = profile or Locations.from_environment().profile
    return CampaignSettings(**given, profile=load_profile(chosen))


def _run(
    settings: Any,
    worlds: list[str] | None,
    campaigns: int | None,
    days: list[int] | None,
    bars: str | None,
    workers: int | None,
    power: bool,
) -> dict[str, Any]:
    from hotband.executors.names import open_executor
    from hotband.research.nullworlds import WORLDS
    from hotband.stopping import stop_on_signals
    from hotband.stores.location import Locations
    from hotband.weekly import certify as certificates
    from hotband.weekly import power as planted

    home = Locations.from_environment().home
    usual = planted.CAMPAIGNS if power else certificates.CAMPAIGNS
    wanted = usual if campaigns is None else campaigns
    base = None if bars is None else _base(bars, settings)
    with (
        stop_on_signals() as stop,
        progress_bar() as listener,
        open_executor("threads", workers=workers) as executor,
    ):
        runs = certificates.CampaignRuns(
            home, settings, executor, wanted, base, stop.is_set, listener
        )
        if power:
            measured = planted.power(runs, days or planted.DAYS)
            return {
                "power": [each.to_dict() for each in measured],
                "sentences": [each.sentence() for each in measured],
            }
        names: Any = worlds or list(WORLDS)
        return certificates.certificate(runs, names)


def _base(url: str, settings: Any) -> Any:
    """All bars of the instrument in a store."""
    from hotband.errors import InputError
    from hotband.stores.urls import open_bar_store

    store = open_bar_store(url)
    extent = store.extent(settings.instrument, settings.granularity)
    if extent is None:
        asked = f"{settings.instrument} {settings.granularity}"
        raise InputError("bars of the store", f"none of {asked}", "some", "Import them first.")
    return store.read(settings.instrument, settings.granularity, extent[0], extent[1] + 1)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    for world in found["worlds"]:
        typer.echo(world["sentence"])
    counts = Table("world", "choices", "first gate that refused", "median best week's Sharpe")
    rates = Table("rule", *(world["world"] for world in found["worlds"]))
    for world in found["worlds"]:
        gates = ", ".join(f"{name} {n}" for name, n in world["first_failed"].items())
        best = world["median_best_weekly_sharpe"]
        counts.add_row(
            world["world"], str(world["decisions"]), gates, "-" if best is None else f"{best:.1f}"
        )
    for rule in found["worlds"][0]["naive"]:
        told = (world["naive"][rule] for world in found["worlds"])
        rates.add_row(rule, *(f"{each['rate']:.0%} (at most {each['upper']:.0%})" for each in told))
    ours = (f"{w['promoted'] / w['campaigns']:.0%} (at most {w['upper']:.0%})"
            for w in found["worlds"])  # fmt: skip
    rates.add_row("every gate", *ours)
    proof = found["proof"]
    guide = Table("trials", *(f"{days} days" for days in proof["days"]))
    for trials, row in zip(proof["trials"], proof["sharpe"], strict=True):
        guide.add_row(f"{trials:,}", *(f"{value:.2f}" for value in row))
    console = tables()
    console.print(counts)
    console.print("Campaigns in which a rule would have promoted something:")
    console.print(rates)
    console.print("Annual Sharpe ratio that a history finds with 80 % power:")
    console.print(guide)
    typer.echo(f"certificate {found['id']}, history: {found['history']}")


@contextmanager
def progress_bar() -> "Iterator[Listener]":
    """Campaigns done on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("campaigns", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show
