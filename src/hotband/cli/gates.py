"""``hotband gates``: encode gates from bars, seed and follow stores, look at what is there."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from threading import Event

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


def _heard(line: str) -> None:
    typer.echo(line, err=True)


def _stores(
    bars: str | None, to: str | None, wait_s: float, stop: "Event | None" = None
) -> "tuple[BarStore, GateStore]":
    """Both stores; what they wait for is said on standard error, and ``stop`` ends a wait."""
    from hotband.stores.location import Locations
    from hotband.stores.urls import open_bar_store, open_gate_store

    places = Locations.from_environment()
    return (
        open_bar_store(bars or places.bars, wait_s, on_wait=_heard, stop=stop),
        open_gate_store(to or places.gates, wait_s, on_wait=_heard, stop=stop),
    )


class MonitorCommand(TyperCommand):
    """A command whose exit status 2 has a meaning: wrong usage ends it with 1 instead."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does, with another status for wrong usage."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "exit_code", None) == NO_GATES:
                error.exit_code = 1  # type: ignore[attr-defined] # Typer's usage error is private
            raise


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
    replace: Annotated[
        bool, typer.Option("--replace", help="With --start or --end: let new values win.")
    ] = False,
    wait: _Wait = 10.0,
    as_json: _Json = False,
) -> None:
    """Encode bars to gates; stopped and started again, it goes on where it was."""
    with reported():
        from hotband.market.calendar import LAST_NS, parse_time
        from hotband.research.encoding import HistoryEncoder, encoder_settings

        source, to = _stores(bars, gates, wait)
        encoder = HistoryEncoder(source, to, granularity, encoder_settings(profile))
        done = []
        for name in _wanted(instrument, source, granularity):
            if start is None and end is None:
                found = encoder.encode_missing(name)
                audit = encoder.audit(name)
                if not audit.sound:
                    typer.echo(f"warning: {audit.words}", err=True)
            else:
                window = (
                    parse_time(start) if start else encoder.known_span(name)[0],
                    parse_time(end) if end else LAST_NS,
                )
                found = encoder.encode_range(name, window, replace=replace)
            done.append(found.to_dict())
            if not as_json:
                typer.echo(_encoded_line(done[-1]))
        if as_json:
            print_json(done)


def _encoded_line(found: dict[str, object]) -> str:
    span = f"; {found['first']} to {found['last']}" if found["first"] else ""
    old = f", {found['dropped']:,} beyond the store's retention" if found["dropped"] else ""
    return (
        f"{found['instrument']} {found['granularity']}: {found['bars']:,} bars, "
        f"{found['gates']:,} gates, {found['added']:,} new{old}{span}"
    )


@app.command()
def bootstrap(
    to: Annotated[
        str | None, typer.Option(help="Store to seed, such as valkey://host:6379/0 [VALKEY_URL].")
    ] = None,
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
        from hotband.errors import InputError
        from hotband.research.encoding import HistoryEncoder, encoder_settings

        target = to or os.environ.get("VALKEY_URL")
        if not target:
            do = "Name it with --to, or in VALKEY_URL."
            raise InputError("store to seed", "none", "a store's URL", do)
        source, store = _stores(bars, target, wait)
        encoder = HistoryEncoder(source, store, granularity, encoder_settings(profile))
        done = []
        for name in _wanted(instrument, source, granularity):
            done.append(encoder.bootstrap(name, days).to_dict())
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
        from hotband.live.encoder_loop import EncoderLoop
        from hotband.research.encoding import HistoryEncoder, encoder_settings
        from hotband.stopping import stop_on_signals

        with stop_on_signals() as stop:
            source, store = _stores(bars, gates, wait, stop)
            encoder = HistoryEncoder(source, store, granularity, encoder_settings(profile))
            loop = EncoderLoop(
                encoder,
                lambda: _wanted(instrument, source, granularity),
                back_days=days,
                audit_every=1 if once else 300,
            )
            if not once:
                loop.run(stop, poll, typer.echo)
            elif loop.report(loop.poll(stop), typer.echo):
                raise typer.Exit(1)


@app.command(cls=MonitorCommand)
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
    """Age of the latest gates. Exit status: 0 fresh, 2 one has none, 3 one is stale, 1 error."""
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
