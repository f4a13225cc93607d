"""``hotband gates``: encode gates from bars, seed and follow stores, look at what is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from hotband.stores.ports import BarStore, GateStore

app = typer.Typer(
    help="Gates: encode, bootstrap, run, freshness, show, fidelity.", no_args_is_help=True
)

FRESH, NO_GATES, STALE = 0, 2, 3
"""Exit statuses of ``freshness``, as monitors of the existing stack expect them."""

_Bars = Annotated[str | None, typer.Option("--bars", help="Bar store URL [HOTBAND_BARS].")]
_Gates = Annotated[str | None, typer.Option("--gates", help="Gate store URL [HOTBAND_GATES].")]
_Instruments = Annotated[
    list[str] | None,
    typer.Option("--instrument", "-i", help="Repeat for several [HOTBAND_PAIRS, else all held]."),
]
_Granularity = Annotated[str, typer.Option(help="Bar length, such as M1, M5, H1.")]
_Profile = Annotated[Path | None, typer.Option(help="Strategy profile, YAML [HOTBAND_PROFILE].")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Wait = Annotated[
    float, typer.Option(help="Seconds to wait for a server that is not ready.", min=0.0)
]


@app.callback()
def gates() -> None:
    """Gates: encode, bootstrap, run, freshness, show, fidelity."""


def _stores(bars: str | None, to: str | None, wait_s: float) -> "tuple[BarStore, GateStore]":
    from hotband.stores.location import Locations
    from hotband.stores.urls import open_bar_store, open_gate_store

    places = Locations.from_environment()
    return (
        open_bar_store(bars or places.bars, wait_s),
        open_gate_store(to or places.gates, wait_s),
    )


def _wanted(asked: list[str] | None, store: "BarStore", granularity: str) -> list[str]:
    """The instruments asked for, else HOTBAND_PAIRS, else all that the bar store holds."""
    from hotband.errors import StoreError
    from hotband.stores.location import Locations

    found = list(asked or Locations.from_environment().pairs or store.instruments(granularity))
    if not found:
        raise StoreError(
            f"bars of {granularity} to encode",
            "none held",
            "a store with bars of that granularity",
            "Import some with 'hotband data import FILE', or name another --granularity.",
        )
    return sorted(set(found))


@app.command()
def encode(
    instrument: _Instruments = None,
    start: Annotated[
        str | None, typer.Option(help="Encode again from here, RFC 3339; else after the latest.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="Up to here, RFC 3339; else all bars.")] = None,
    granularity: _Granularity = "M1",
    bars: _Bars = None,
    gates: _Gates = None,
    profile: _Profile = None,
    wait: _Wait = 10.0,
    as_json: _Json = False,
) -> None:
    """Encode bars to gates; stopped and started again, it goes on where it was."""
    with reported():
        from hotband.market.calendar import parse_time
        from hotband.research.encoding import encode_missing, encode_range, encoder_settings

        source, to = _stores(bars, gates, wait)
        settings = encoder_settings(profile)
        done = []
        for name in _wanted(instrument, source, granularity):
            if start is None and end is None:
                found = encode_missing(source, to, name, granularity, settings=settings(name))
            else:
                extent = source.extent(name, granularity) or (0, 0)
                window = (
                    parse_time(start) if start else extent[0],
                    parse_time(end) if end else 2**62,
                )
                found = encode_range(source, to, name, granularity, window, settings(name))
            done.append(found.to_dict())
            if not as_json:
                typer.echo(_encoded_line(done[-1]))
        if as_json:
            print_json(done)


def _encoded_line(found: dict[str, object]) -> str:
    span = f"; {found['first']} to {found['last']}" if found["gates"] else ""
    return (
        f"{found['instrument']} {found['granularity']}: {found['bars']:,} bars, "
        f"{found['gates']:,} gates, {found['added']:,} new{span}"
    )


@app.command()
def bootstrap(
    to: Annotated[str, typer.Option(help="Store to seed, such as valkey://host:6379/0.")],
    instrument: _Instruments = None,
    days: Annotated[float, typer.Option(help="How far back from the last bar.", min=0.01)] = 5.0,
    granularity: _Granularity = "M1",
    bars: _Bars = None,
    profile: _Profile = None,
    wait: _Wait = 60.0,
    as_json: _Json = False,
) -> None:
    """Seed a store with the gates of the last days; doing it twice changes nothing."""
    with reported():
        from hotband.research.encoding import bootstrap_days, encoder_settings

        source, store = _stores(bars, to, wait)
        settings = encoder_settings(profile)
        done = []
        for name in _wanted(instrument, source, granularity):
            found = bootstrap_days(source, store, name, granularity, days, settings(name))
            done.append(found.to_dict())
            if not as_json:
                typer.echo(_encoded_line(done[-1]))
        if as_json:
            print_json(done)


@app.command()
def run(
    instrument: _Instruments = None,
    granularity: _Granularity = "M1",
    poll: Annotated[float, typer.Option(help="Seconds between polls.", min=0.05)] = 2.0,
    days: Annotated[
        float, typer.Option(help="Where the store holds no gates: begin so far back.", min=0.01)
    ] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="One poll, then end.")] = False,
    bars: _Bars = None,
    gates: _Gates = None,
    profile: _Profile = None,
    wait: _Wait = 10.0,
) -> None:
    """Follow a bar store and publish gates until SIGINT or SIGTERM; one JSON line a change."""
    with reported():
        from hotband.live.encoder_loop import EncoderLoop, stop_on_signals
        from hotband.research.encoding import encoder_settings

        source, store = _stores(bars, gates, wait)
        loop = EncoderLoop(
            source,
            store,
            lambda: _wanted(instrument, source, granularity),
            granularity,
            back_days=days,
            settings=encoder_settings(profile),
        )
        if once:
            troubled = loop.report(loop.poll(), typer.echo)
            raise typer.Exit(1 if troubled else 0)
        with stop_on_signals() as stop:
            loop.run(stop, poll, typer.echo)


@app.command()
def freshness(
    threshold: Annotated[float, typer.Option(help="Seconds; older is stale.", min=0.0)] = 180.0,
    instrument: _Instruments = None,
    open_market: Annotated[
        bool, typer.Option("--open-market", help="Count only time in which the market was open.")
    ] = False,
    gates: _Gates = None,
    profile: _Profile = None,
    wait: _Wait = 5.0,
    as_json: _Json = False,
) -> None:
    """Age of the latest gates. Exit status: 0 all fresh, 2 no gates, 3 some stale, 1 error."""
    with reported():
        from hotband.live.clock import SystemClock
        from hotband.live.latest import freshness as freshness_of
        from hotband.live.latest import gate_ages
        from hotband.profile.strategy import load_profile
        from hotband.stores.location import Locations

        places = Locations.from_environment()
        _, store = _stores(None, gates, wait)
        loaded = load_profile(profile or places.profile) if open_market else None
        found = gate_ages(
            store,
            SystemClock(),
            instrument or places.pairs or None,
            loaded.account.market_hours() if loaded else None,
        )
        state = freshness_of(found, threshold)
        if as_json:
            print_json(
                {
                    "state": state,
                    "threshold_seconds": threshold,
                    "instruments": [age.to_dict(threshold) for age in found],
                }
            )
        else:
            for age in found:
                typer.echo(age.line(threshold))
            typer.echo(state)
        status = {"fresh": FRESH, "none": NO_GATES, "stale": STALE}[state]
    raise typer.Exit(status)


@app.command()
def show(
    instrument: _Instruments = None,
    gates: _Gates = None,
    profile: _Profile = None,
    wait: _Wait = 5.0,
    as_json: _Json = False,
) -> None:
    """The latest gate of each instrument, what its producer said and what the profile says."""
    with reported():
        from hotband.live.clock import SystemClock
        from hotband.live.latest import latest_gates
        from hotband.report.gates import gates_table
        from hotband.stores.location import Locations

        _, store = _stores(None, gates, wait)
        names = instrument or Locations.from_environment().pairs or None
        found = latest_gates(store, SystemClock(), names, profile)
        if as_json:
            print_json([gate.to_dict() for gate in found])
        elif found:
            tables().print(gates_table(found))
        else:
            typer.echo(f"{store}: no gates. Encode some with 'hotband gates encode'.")


@app.command()
def fidelity(
    start: Annotated[str, typer.Option(help="Start, RFC 3339 with a zone.")],
    end: Annotated[str, typer.Option(help="End, RFC 3339 with a zone.")],
    instrument: _Instruments = None,
    granularity: _Granularity = "M1",
    bars: _Bars = None,
    gates: _Gates = None,
    profile: _Profile = None,
    wait: _Wait = 10.0,
    as_json: _Json = False,
) -> None:
    """How far derived gates agree with recorded ones where there are both."""
    with reported():
        from hotband.report.gates import fidelity_table
        from hotband.research.fidelity import fidelity as compare
        from hotband.research.simulator import BacktestSimulator

        source, store = _stores(bars, gates, wait)
        found = compare(
            BacktestSimulator(
                _wanted(instrument, source, granularity),
                start,
                end,
                profile=profile,
                granularity=granularity,
                bars=source,
                gates=store,
                unavailable="fail",
            )
        )
        if as_json:
            print_json([each.to_dict() for each in found])
        else:
            tables().print(fidelity_table(found))
