"""``hotband data``: bring bars in, look at what is there and how good it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotband.cli import fetch
from hotband.cli.console import print_json, reported, tables
from hotband.cli.demo import where_demo_keeps_its_own

if TYPE_CHECKING:
    from hotband.feeds.quality import QualityReport
    from hotband.market.calendar import MarketHours
    from hotband.research.importing import Imported

app = typer.Typer(help="Bars: import, check, list.", no_args_is_help=True)

_Store = Annotated[str | None, typer.Option("--bars", help="Bar store URL [HOTBAND_BARS].")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Instrument = Annotated[str | None, typer.Option("--instrument", "-i", help="Of the file.")]
_Granularity = Annotated[str | None, typer.Option(help="Of the file, such as M1.")]
_Broker = Annotated[
    Path | None, typer.Option(help="Broker fields by instrument, YAML, over the built-in.")
]
_Profile = Annotated[
    Path | None, typer.Option(help="Profile whose market hours count [HOTBAND_PROFILE].")
]
_Zone = Annotated[
    str | None, typer.Option(help="Zone of times that carry none: UTC, Europe/Athens, UTC+2, NY+7.")
]
_Side = Annotated[
    Literal["bid", "ask", "mid"] | None,
    typer.Option(help="The side of prices that have one."),
]
_Format = Annotated[
    str | None, typer.Option("--format", help="Format, where the content does not tell it.")
]
_Mapping = Annotated[
    Path | None, typer.Option(help="YAML file that describes another vendor's columns.")
]


@app.callback()
def data() -> None:
    """Bars: import, check, list."""


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Files of bars or ticks, or folders of bi5 files.")
    ],
    bars: _Store = None,
    instrument: _Instrument = None,
    granularity: Annotated[
        str | None, typer.Option(help="Of the bars, or of those to make of ticks, such as M1.")
    ] = None,
    side: _Side = None,
    zone: _Zone = None,
    accept_zone: Annotated[
        bool, typer.Option("--accept-zone", help="Keep a zone that the market's weeks contradict.")
    ] = False,
    format_: _Format = None,
    mapping: _Mapping = None,
    on_crossed: Annotated[
        Literal["refuse", "drop"], typer.Option(help="Rows whose ask is below the bid.")
    ] = "refuse",
    broker: _Broker = None,
    profile: _Profile = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite bars that the store holds differently.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Read files of bars or ticks into the store; importing a file twice changes nothing."""
    with reported():
        from hotband.market.instruments import load_instruments
        from hotband.research.importing import FileWords, import_files
        from hotband.stores.location import Locations
        from hotband.stores.urls import open_bar_store

        store = open_bar_store(bars or Locations.from_environment().bars)
        words = FileWords(
            instrument, granularity, side, on_crossed, zone, format_, mapping, accept_zone
        )
        table, hours = load_instruments(broker), _hours(profile)
        found = import_files(store, files, table, words, replace=replace, hours=hours)
        if as_json:
            print_json([one.to_dict() for one in found])
            return
        for one in found:
            _print_import(one)


def _print_import(one: "Imported") -> None:
    report, quality = one.report, one.quality
    typer.echo(
        f"{report.path}: {report.instrument} {report.granularity}, {report.side_origin}, "
        f"{report.rows_read:,} rows read, {report.rows_kept:,} kept, {one.added:,} new; "
        f"{report.first} to {report.last}"
    )
    typer.echo(
        f"  {report.format}; dropped {report.dropped or 'none'}; gaps inside the open market "
        f"{_count(quality.gaps_total)}; outside market hours {quality.outside_hours:,}; "
        f"spikes {quality.spikes_total:,}"
    )
    typer.echo(f"  {one.evidence}")
    for note in report.notes:
        typer.echo(f"  note: {note}")


def _count(number: int | None) -> str:
    return "not counted" if number is None else f"{number:,}"


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files; without any, what the store holds.")
    ] = None,
    bars: _Store = None,
    instrument: _Instrument = None,
    granularity: _Granularity = None,
    side: _Side = None,
    zone: _Zone = None,
    format_: _Format = None,
    mapping: _Mapping = None,
    broker: _Broker = None,
    profile: _Profile = None,
    as_json: _Json = False,
) -> None:
    """Report gaps inside the open market, crossed quotes, bad bars, spikes and flat runs."""
    with reported():
        hours = _hours(profile)
        if files:
            from hotband.market.instruments import load_instruments
            from hotband.research.importing import FileWords, check_file

            words = FileWords(instrument, granularity, side, "drop", zone, format_, mapping)
            table = load_instruments(broker)
            found = [check_file(path, words, table, hours) for path in files]
        else:
            found = _check_store(bars, instrument, granularity, hours)
        if as_json:
            print_json([report.to_dict() for report in found])
            return
        for report in found:
            _print_report(report)


def _hours(profile: Path | None) -> "MarketHours":
    from hotband.profile.strategy import load_profile
    from hotband.stores.location import Locations

    return load_profile(profile or Locations.from_environment().profile).account.market_hours()


def _check_store(
    url: str | None, instrument: str | None, granularity: str | None, hours: "MarketHours"
) -> "list[QualityReport]":
    from hotband.errors import StoreError
    from hotband.feeds.quality import check_bars
    from hotband.stores.location import Locations
    from hotband.stores.urls import open_bar_store
    from hotband.stores.valkey_address import without_password

    place = url or Locations.from_environment().bars
    store = open_bar_store(place)
    reports = []
    for name in store.instruments():
        for length in store.granularities(name):
            extent = store.extent(name, length)
            if instrument in {None, name} and granularity in {None, length} and extent:
                held = store.read(name, length, extent[0], 2**62)
                reports.append(check_bars(held, hours))
    if not reports:
        asked = [name for name in (instrument, granularity) if name is not None]
        raise StoreError(
            f"bars of {' '.join(asked)} to check" if asked else "bars to check",
            f"none in {without_password(place)}",
            "a store with bars of that instrument and granularity",
            "Import some with 'hotband data import FILE'.",
        )
    return reports


def _print_report(report: "QualityReport") -> None:
    share = "-" if report.share_present is None else f"{report.share_present:.2%}"
    typer.echo(
        f"{report.instrument} {report.granularity}: {report.rows:,} bars, {report.first} to "
        f"{report.last}, {share} of open-market slots"
    )
    bad = {kind: count for kind, count in report.faults.items() if count}
    typer.echo(f"  faults: {bad or 'none'}; zero spreads {report.zero_spreads:,}")
    typer.echo(
        f"  outside market hours {report.outside_hours:,}; spikes {report.spikes_total:,}; "
        f"flat runs {report.flat_runs:,} (longest {report.longest_flat_run} bars)"
    )
    typer.echo(f"  gaps inside the open market: {_count(report.gaps_total)}")
    for gap in report.gaps[:3]:
        typer.echo(f"    {gap.slots} bars missing from {gap.start}")


@app.command("list")
def list_(bars: _Store = None, as_json: _Json = False) -> None:
    """List what the store holds: instruments, granularities, first and last bar."""
    with reported():
        from rich.table import Table

        from hotband.market.calendar import format_time
        from hotband.stores.location import Locations
        from hotband.stores.urls import open_bar_store
        from hotband.stores.valkey_address import without_password

        place = bars or Locations.from_environment().bars
        store = open_bar_store(place)
        rows = []
        for name in store.instruments():
            for length in store.granularities(name):
                extent = store.extent(name, length)
                if extent:
                    first, last = (format_time(t) for t in extent)
                    rows.append(
                        {"instrument": name, "granularity": length, "first": first, "last": last}
                    )
        if as_json:
            print_json(rows)
            return
        typer.echo(f"{without_password(place)}: {len(rows)} series")
        table = Table()
        for column in ("instrument", "granularity", "first", "last"):
            table.add_column(column)
        for row in rows:
            table.add_row(*row.values())
        tables().print(table)
        if not rows:
            typer.echo("No bars yet: bring some in with 'hotband data import FILE'.")
            if bars is None and (demo := where_demo_keeps_its_own()):
                typer.echo(demo)


app.add_typer(fetch.app, name="fetch")
