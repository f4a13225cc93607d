"""``hotband paper`` and ``hotband replay``: trade on paper, and prove that the backtest agrees."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from hotband.artefacts.certificates import Certificate

_Text = str | None
_Instruments = Annotated[
    list[str] | None,
    typer.Option("--instrument", "-i", help="Repeat [those that the roster trades]."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def paper(
    instruments: _Instruments = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Play history of the stores instead of what arrives.")
    ] = False,
    start: Annotated[_Text, typer.Option(help="With --replay: start, RFC 3339.")] = None,
    end: Annotated[_Text, typer.Option(help="With --replay: end, RFC 3339.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="With --replay: times its own pace [as fast as it goes].")
    ] = None,
    granularity: Annotated[str, typer.Option(help="Bar length, such as M1, M5, H1.")] = "M1",
    balance: Annotated[float, typer.Option(help="Start balance in home currency.")] = 100_000.0,
    profile: Annotated[
        Path | None, typer.Option(help="Strategy profile, YAML [HOTBAND_PROFILE].")
    ] = None,
    bars: Annotated[_Text, typer.Option(help="Bar store URL [HOTBAND_BARS].")] = None,
    gates: Annotated[_Text, typer.Option(help="Gate store URL [HOTBAND_GATES].")] = None,
    max_drawdown: Annotated[
        float | None, typer.Option(help="Stop entries after losing this share of the peak NAV.")
    ] = None,
    daily_loss: Annotated[
        float | None, typer.Option(help="Stop entries after losing this share in a day.")
    ] = None,
    stale_after: Annotated[
        float, typer.Option(help="Prices so many seconds late, or later, allow no entry.")
    ] = 120.0,
    recording: Annotated[
        Path | None, typer.Option(help="Folder of the recording [recordings/ of the state].")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the session of --recording.")
    ] = False,
    candidates: Annotated[
        bool,
        typer.Option("--candidates", help="The last result's cells, whatever the roster says."),
    ] = False,
    source: Annotated[
        Literal["oanda"] | None,
        typer.Option(help="Who fills the bar store meanwhile [somebody else]."),
    ] = None,
) -> None:
    """Trade on paper until SIGINT or SIGTERM, or to the end of a replay; JSON lines on the way.

    No order is ever sent: a broker is only asked for candles. With --instrument the profile's own
    settings are traded, else the cells of the roster; with --candidates those of the last result,
    which is how a cell is proven before the roster trusts it. A session that was killed goes on
    with --resume.
    """
    with reported():
        from hotband.live.start import Asked, run_session

        asked = Asked(
            instruments=tuple(sorted(set(instruments or ()))), replay=replay, start=start, end=end,
            speed=speed, granularity=granularity, balance=balance, profile=profile, bars=bars,
            gates=gates, breakers=(max_drawdown, daily_loss), stale_after_s=stale_after,
            recording=recording, resume=resume, source=source, candidates=candidates,
        )  # fmt: skip
        run_session(asked, _say)


def _say(line: dict[str, Any]) -> None:
    """A line of JSON; what someone should look at goes to standard error too."""
    text = json.dumps(line)
    typer.echo(text)
    if line.keys() & {"trouble", "feed", "clock_set_by_s"}:
        typer.echo(text, err=True)


def replay(
    recording: Annotated[Path, typer.Argument(help="Folder of a recording.")],
    to: Annotated[
        Path | None,
        typer.Option(help="Folder of the artefacts; certificates/ in it [HOTBAND_OUTPUT]."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Run a recording through the backtest and say whether both agree, event by event.

    Writes the certificate. Exit status 2 where they do not agree.
    """
    with reported():
        from hotband.artefacts.certificates import write_certificate
        from hotband.live.reconcile import certify_session
        from hotband.stores.location import Locations

        found = certify_session(recording)
        path = write_certificate(to or Locations.from_environment().output, found)
        if as_json:
            print_json(found.to_dict())
        else:
            _show(found, path)
    if not found.proven:
        raise typer.Exit(2)


def _show(found: "Certificate", path: Path) -> None:
    from rich.table import Table

    table = Table("stage", "session", "backtest", "same")
    for stage, match in found.stages.items():
        table.add_row(stage, f"{match.session:,}", f"{match.backtest:,}", f"{match.same:,}")
    console = tables()
    console.print(
        f"{found.session}: {found.window.start} to {found.window.end}, "
        f"{', '.join(found.instruments)}"
    )
    console.print(table)
    inputs = ", ".join(f"{name} {count:,}" for name, count in found.inputs.items())
    console.print(f"inputs: {inputs or 'none'}; restarts: {found.restarts}")
    for mismatch in found.mismatches[:10]:
        console.print(f"{mismatch.time} {mismatch.stage}: {mismatch.cause}, {mismatch.why}")
    word = "proven" if found.proven else "NOT proven"
    happened = any(match.session or match.backtest for match in found.stages.values())
    told = f"{found.match_pct:.2f} % of events agree" if happened else "nothing happened in it"
    console.print(f"{word}: {told}; {path}")
