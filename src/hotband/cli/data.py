"""``hotband data``: bring bars in, look at what is there and how good it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from hotband.feeds.quality import QualityReport
    from hotband.market.calendar import MarketHours

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
_Zone = Annotated[str | None, typer.Option(help="IANA zone of times that carry none.")]


@app.callback()
def data() -> None:
    """Bars: import, check, list."""


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Parquet or CSV files of bars.")],
    bars: _Store = None,
    instrument: _Instrument = None,
    granularity: _Granularity = None,
    side: Annotated[
        Literal["bid", "ask", "mid"] | None,
        typer.Option(help="The side of prices that have one."),
    ] = None,
    zone: _Zone = None,
    on_crossed: Annotated[
        Literal["refuse", "drop"], typer.Option(help="Rows whose ask is below the bid.")
    ] = "refuse",
    broker: _Broker = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite bars that the store holds differently.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Read files of bars into the store; importing a file twice changes nothing."""
    with reported():
        from hotband.market.instruments import load_instruments
        from hotband.research.importing import FileWords, import_files
        from hotband.stores.location import Locations
        from hotband.stores.urls import open_bar_store

        store = open_bar_store(bars or Locations.from_environment().bars)
        words = FileWords(instrument, granularity, side, on_crossed, zone)
        found = import_files(store, files, load_instruments(broker), words, replace=replace)
        for report, added in found:
            if not as_json:
                typer.echo(
                    f"{report.path}: {report.instrument} {report.granularity}, "
                    f"{report.side_origin}, "
                    f"{report.rows_read:,} rows read, {report.rows_kept:,} kept, {added:,} new; "
                    f"{report.first} to {report.last}"
                )
                for note in report.notes:
                    typer.echo(f"  note: {note}")
        reports = [report.to_dict() | {"bars_added": added} for report, added in found]
        if as_json:
            print_json(reports)


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files; without any, what the store holds.")
    ] = None,
    bars: _Store = None,
    instrument: _Instrument = None,
    granularity: _Granularity = None,
    zone: _Zone = None,
    profile: _Profile = None,
    as_json: _Json = False,
) -> None:
    """Report gaps inside the open market, crossed quotes, bad bars, spikes and flat runs."""
    with reported():
        hours = _hours(profile)
        found = (
            [_check_file(path, instrument, granularity, zone, hours) for path in files]
            if files
            else _check_store(bars, instrument, granularity, hours)
        )
        if as_json:
            print_json([report.to_dict() for report in found])
            return
        for report in found:
            _print_report(report)


def _hours(profile: Path | None) -> "MarketHours":
    from hotband.profile.strategy import load_profile
    from hotband.stores.location import Locations

    return load_profile(profile or Locations.from_environment().profile).account.market_hours()


def _check_file(
    path: Path,
    instrument: str | None,
    granularity: str | None,
    zone: str | None,
    hours: "MarketHours",
) -> "QualityReport":
    from hotband.feeds.files import read_frame
    from hotband.feeds.quality import check_frame

    frame, name, length = read_frame(
        path, instrument=instrument, granularity=granularity, zone=zone
    )
    return check_frame(frame, name, length, hours)


def _check_store(
    url: str | None, instrument: str | None, granularity: str | None, hours: "MarketHours"
) -> "list[QualityReport]":
    from hotband.errors import StoreError
    from hotband.feeds.quality import check_bars
    from hotband.stores.location import Locations
    from hotband.stores.urls import open_bar_store

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
        raise StoreError(
            "bars to check",
            f"none in {place}",
            "a store with bars of that instrument and granularity",
            "Import some with 'hotband data import FILE'.",
            near=store.instruments(),
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
    typer.echo(f"  gaps inside the open market: {report.gaps_total}")
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
        table = Table(title=f"{place}: {len(rows)} series", title_justify="left")
        for column in ("instrument", "granularity", "first", "last"):
            table.add_column(column)
        for row in rows:
            table.add_row(*row.values())
        tables().print(table)
