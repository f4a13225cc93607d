"""``hotband data fetch follow``: a broker's candles into the bar store as they come."""

import json
from typing import Annotated

import typer

from hotband.cli.console import reported
from hotband.cli.fetch_words import instant_of, names_of


def follow(
    instrument: Annotated[
        list[str] | None,
        typer.Option("--instrument", "-i", help="Repeat for several [HOTBAND_PAIRS]."),
    ] = None,
    granularity: Annotated[str, typer.Option(help="Bar length, S5 to D.")] = "M1",
    start: Annotated[
        str | None,
        typer.Option("--from", help="Of an instrument that the store does not hold yet."),
    ] = None,
    bars: Annotated[str | None, typer.Option("--bars", help="Store URL [HOTBAND_BARS].")] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 2.0,
) -> None:
    """Follow candles until SIGINT or SIGTERM; one object of JSON a line for what came.

    Catches up first: behind the last bar that the store holds of an instrument, else --from, else
    so far back that 'hotband paper' can begin at once. What a broker does not answer is asked
    again.
    """
    with reported():
        from hotband.live.clock import SystemClock
        from hotband.live.following import Came, following_oanda
        from hotband.profile.strategy import load_profile
        from hotband.stopping import stop_on_signals
        from hotband.stores.location import Locations
        from hotband.stores.urls import open_bar_store
        from hotband.stores.valkey_address import without_password

        def told(line: str) -> None:
            typer.echo(line, err=True)

        def came(each: Came) -> None:
            typer.echo(json.dumps(each.to_dict()))

        places = Locations.from_environment()
        names = names_of(instrument)
        since = None if start is None else instant_of(start, "--from")
        url = bars or places.bars
        place = open_bar_store(url), without_password(url)
        hours = load_profile(places.profile).account.market_hours()
        with (
            stop_on_signals() as stop,
            following_oanda(
                names, granularity, place, hours, SystemClock(), told, since
            ) as follower,
        ):
            for each in follower.catch_up():
                came(each)

            with follower.running(stop, every, came):
                stop.wait()
