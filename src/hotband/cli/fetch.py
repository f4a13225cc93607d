"""``hotband data fetch``: a broker's candles, account, instruments and prices, read-only."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hotband.cli.console import print_json, reported
from hotband.cli.fetch_words import instant_of, names_of
from hotband.cli.follow import follow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotband.feeds.oanda_client import OandaClient
    from hotband.feeds.oanda_prices import Quote
    from hotband.research.fetching import FetchPlan, FetchReport

app = typer.Typer(help="Fetch from a broker: candles, instruments, account, prices; follow.")
app.command()(follow)

_Source = Annotated[Literal["oanda"], typer.Option(help="Whom to ask.")]
_Instruments = Annotated[
    list[str] | None, typer.Option("--instrument", "-i", help="Repeat for several [HOTBAND_PAIRS].")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Granularity = Annotated[str, typer.Option(help="Bar length, S5 to D.")]
_From = Annotated[
    str | None, typer.Option("--from", help="First bar: 2025-01-01, or RFC 3339 with a zone.")
]
_To = Annotated[
    str | None, typer.Option("--to", help="Bars are known by it; by default the newest.")
]
_Bars = Annotated[str | None, typer.Option("--bars", help="Bar store URL [HOTBAND_BARS].")]
_Price = Annotated[
    Literal["ba", "mid"],
    typer.Option(help="Bid and ask, or the mid, which gets typical spreads."),
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Fetch all again, overwrite bars held differently.")
]
_Broker = Annotated[
    Path | None, typer.Option(help="Broker fields by instrument, YAML, over the built-in.")
]
_Profile = Annotated[
    Path | None, typer.Option(help="Profile whose market hours count [HOTBAND_PROFILE].")
]


@app.callback(invoke_without_command=True)
def fetch(
    context: typer.Context,
    source: _Source = "oanda",
    instrument: _Instruments = None,
    granularity: _Granularity = "M1",
    start: _From = None,
    end: _To = None,
    bars: _Bars = None,
    price: _Price = "ba",
    replace: _Replace = False,
    broker: _Broker = None,
    profile: _Profile = None,
    as_json: _Json = False,
) -> None:
    """Fetch candles, or with a command: candles, instruments, account, prices.

    OANDA_TOKEN or OANDA_TOKEN_FILE (mode 0600), OANDA_ENVIRONMENT (practice or live) and, but
    for candles, OANDA_ACCOUNT say who asks.
    """
    given = [name for name in context.params if _was_typed(context, name)]
    if context.invoked_subcommand is not None and given:
        name = context.invoked_subcommand
        option = next(one for one in context.command.params if one.name == given[0]).opts[0]
        raise typer.BadParameter(f"write it behind '{name}'", ctx=context, param_hint=option)
    if context.invoked_subcommand is None:
        candles(
            source, instrument, granularity, start, end, bars, price, replace, broker, profile,
            as_json,
        )  # fmt: skip


@app.command()
def candles(
    source: _Source = "oanda",
    instrument: _Instruments = None,
    granularity: _Granularity = "M1",
    start: _From = None,
    end: _To = None,
    bars: _Bars = None,
    price: _Price = "ba",
    replace: _Replace = False,
    broker: _Broker = None,
    profile: _Profile = None,
    as_json: _Json = False,
) -> None:
    """Fetch complete candles into the store; a fetch that was cut goes on where it was."""
    with reported():
        from hotband.market.instruments import load_instruments
        from hotband.profile.strategy import load_profile
        from hotband.research.fetching import Backfill
        from hotband.stores.location import Locations
        from hotband.stores.urls import open_bar_store
        from hotband.stores.valkey_address import without_password

        places = Locations.from_environment()
        plans = _plans(instrument, granularity, start, end, price, replace)
        table = load_instruments(broker)
        hours = load_profile(profile or places.profile).account.market_hours()
        url = bars or places.bars
        store = open_bar_store(url)
        with _client(source) as client:
            backfill = Backfill(
                client, store, places.home, without_password(url), table, hours, _heard
            )
            reports = []
            for plan in plans:
                with _stopped():
                    report = backfill.fetch(plan)
                reports.append(report.to_dict())
                if not as_json:
                    _print_report(report)
            if as_json:
                print_json(reports)
            else:
                typer.echo(f"{client.requests.taken} requests to {client.access.environment}")


@app.command()
def instruments(
    source: _Source = "oanda",
    instrument: _Instruments = None,
    out: Annotated[Path | None, typer.Option(help="Broker file to write, YAML.")] = None,
    financing: Annotated[
        Path | None, typer.Option(help="Financing file to write, YAML: rates from today on.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Fetch margin rates, precisions and order sizes of the account's instruments.

    The broker file is what --broker of other commands takes. Margin rates are the account's, or
    the instrument's where that is higher.
    """
    with reported():
        from datetime import UTC, datetime

        from hotband.feeds.oanda_account import broker_document, financing_document
        from hotband.market.instruments import load_instruments

        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with _client(source) as client:
            summary = client.summary()
            found = client.instruments(instrument or ())
        fields, left_out = broker_document(found, summary.margin_rate, load_instruments())
        costs = financing_document(found, now[:10])
        head = f"# OANDA {client.access.environment}, account in {summary.currency}, as of {now}\n"
        for path, document in ((out, fields), (financing, costs)):
            if path is not None:
                _write_yaml(path, head, document)
                typer.echo(f"written to {path}", err=True)
        if left_out:
            text = f"left out, no pairs of the built-in table: {', '.join(left_out)}"
            typer.echo(text, err=True)
        if as_json:
            shown = {name: _finite(given) for name, given in fields.items()}
            print_json(
                {"as_of": now, "instruments": shown, "financing": costs, "left_out": left_out}
            )
        elif out is None:
            for name, given in fields.items():
                typer.echo(f"{name}: " + ", ".join(f"{key} {one}" for key, one in given.items()))


@app.command()
def account(source: _Source = "oanda", as_json: _Json = False) -> None:
    """Fetch the account: net asset value, margin, open trades."""
    with reported():
        with _client(source) as client:
            found = client.summary().to_dict()
        if as_json:
            print_json(found)
            return
        for name, value in found.items():
            typer.echo(f"{name:20} {'-' if value is None else value}")


@app.command()
def prices(
    source: _Source = "oanda",
    instrument: _Instruments = None,
    seconds: Annotated[
        float | None, typer.Option(help="How long to follow the stream; without it, once.", min=0)
    ] = None,
    every: Annotated[
        float | None, typer.Option(help="Ask every so many seconds instead of streaming.", min=0.1)
    ] = None,
    as_json: _Json = False,
) -> None:
    """Fetch prices: now, or as they come; with --json one object a line.

    The stream ends at the first price or heartbeat (one comes every 5 s) behind --seconds.
    """
    with reported():
        import time

        from hotband.feeds.oanda_prices import Quote

        names = names_of(instrument)
        if seconds is not None and every is None:
            _follow(names, seconds, as_json)
            return
        until = time.monotonic() + (seconds or 0.0)
        with _client(source) as client:
            while True:
                for quote in client.prices(names):
                    if isinstance(quote, Quote):
                        _print_quote(quote, as_json)
                    else:
                        typer.echo(f"{quote.instrument}: nobody quotes", err=True)
                if every is None or time.monotonic() + every > until:
                    return
                time.sleep(every)


def _follow(names: list[str], seconds: float, as_json: bool) -> None:
    import time

    from hotband.feeds.oanda_credentials import OandaAccess
    from hotband.feeds.oanda_stream import OandaStream

    until = time.monotonic() + seconds
    stream = OandaStream(
        OandaAccess.from_environment(),
        names,
        heard=_heard,
        ends=lambda: time.monotonic() >= until,
    )
    for quote in stream:
        _print_quote(quote, as_json)
    counts = stream.counts
    typer.echo(
        f"{counts.quotes} quotes, {counts.heartbeats} heartbeats, "
        f"{counts.without_quote} without a quote, {counts.connections} connections",
        err=True,
    )


def _was_typed(context: typer.Context, name: str) -> bool:
    where = context.get_parameter_source(name)
    return where is not None and where.name == "COMMANDLINE"


@contextmanager
def _client(source: str) -> "Iterator[OandaClient]":
    from hotband.errors import InputError
    from hotband.feeds.oanda_client import OandaClient
    from hotband.feeds.oanda_credentials import OandaAccess

    if source != "oanda":
        raise InputError("source", source, "oanda", "Choose it.")
    with OandaClient(OandaAccess.from_environment(), heard=_heard) as client:
        yield client


@contextmanager
def _stopped() -> "Iterator[None]":
    """Say at Ctrl-C what becomes of the pages before it."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on behind the last page above", err=True)
        raise


def _heard(line: str) -> None:
    typer.echo(line, err=True)


def _plans(
    instrument: list[str] | None,
    granularity: str,
    start: str | None,
    end: str | None,
    price: Literal["ba", "mid"],
    replace: bool,
) -> "list[FetchPlan]":
    from hotband.errors import WindowError
    from hotband.research.fetching import FetchPlan

    if start is None:
        do = "Name the first day with --from."
        raise WindowError("--from", "nothing", "a date or a time", do)
    until = None if end is None else instant_of(end, "--to")
    return [
        FetchPlan(name, granularity, instant_of(start, "--from"), until, price, replace)
        for name in names_of(instrument)
    ]


def _print_report(report: "FetchReport") -> None:
    typer.echo(
        f"{report.instrument} {report.granularity}: {report.start} to {report.end}, "
        f"{report.pages} pages, {report.candles:,} candles, {report.bars_added:,} bars new"
    )
    for start, end, held in report.skipped:
        typer.echo(f"  held from an earlier fetch: {start} to {end}, {held:,} bars")
    typer.echo(
        f"  left out: {report.incomplete} not complete, {report.repeated} repeated, "
        f"{report.crossed} with the ask below the bid"
    )
    found = report.quality
    if found is None:
        typer.echo("  no bars in the window")
        return
    share = "-" if found.share_present is None else f"{found.share_present:.2%}"
    gaps = "gaps not counted" if found.gaps_total is None else f"{found.gaps_total:,} gaps"
    typer.echo(f"  held: {found.rows:,} bars, {share} of open-market slots, {gaps}")
    for gap in found.gaps[:3]:
        typer.echo(f"    {gap.slots} bars missing from {gap.start}")


def _print_quote(quote: "Quote", as_json: bool) -> None:
    import json

    found = quote.to_dict()
    if as_json:
        typer.echo(json.dumps(found, allow_nan=False))
    else:
        mark = "" if quote.tradeable else "  not tradeable"
        typer.echo(f"{found['time']} {quote.instrument} {quote.bid} {quote.ask}{mark}")


def _write_yaml(path: Path, head: str, document: object) -> None:
    import yaml

    from hotband.durable import write_whole

    text = head + yaml.safe_dump(document, sort_keys=True)
    write_whole(path, lambda file: file.write(text.encode()))


def _finite(given: dict[str, Any]) -> dict[str, Any]:
    """Fields for JSON, in which no limit is null."""
    return {key: None if value == float("inf") else value for key, value in given.items()}
