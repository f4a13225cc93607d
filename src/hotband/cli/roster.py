"""``hotband roster``: what the weeks decided, why, and what such decisions would have earned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotband.cli.console import print_json, reported, tables

if TYPE_CHECKING:
    from hotband.artefacts.roster import RosterFolder

app = typer.Typer(help="The roster: show, explain, backtest.", no_args_is_help=True)

_Output = Annotated[Path | None, typer.Option(help="Folder of artefacts [HOTBAND_OUTPUT].")]
_Week = Annotated[str | None, typer.Option(help="A decided ISO week; else the newest.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Text = str | None


@app.callback()
def roster() -> None:
    """The roster: show, explain, backtest."""


def _folder(output: Path | None) -> "RosterFolder":
    from hotband.artefacts.roster import RosterFolder
    from hotband.errors import StoreError
    from hotband.stores.location import Locations

    folder = RosterFolder(output or Locations.from_environment().output)
    if folder.read() is None:
        raise StoreError(
            f"roster in {folder.root}", "no week was decided", "a finished weekly run",
            "Run 'hotband weekly'.",
        )  # fmt: skip
    return folder


@app.command()
def show(output: _Output = None, week: _Week = None, as_json: _Json = False) -> None:
    """The decisions of a week with their reasons, and what is proven of the cells now."""
    with reported():
        from hotband.weekly.parity import parity_in

        folder = _folder(output)
        found = folder.read_week(folder.weeks()[-1] if week is None else week)
        parity = parity_in(folder.root, found.week)
        if as_json:
            proven = {name: each.model_dump(mode="json") for name, each in parity.items()}
            print_json(found.model_dump(mode="json") | {"parity": proven})
            return
        from hotband.report.roster import week_table

        tables().print(week_table(found, parity))


@app.command()
def explain(
    instrument: Annotated[str, typer.Argument(help="Such as USD_JPY.")],
    output: _Output = None,
    as_json: _Json = False,
) -> None:
    """The weeks of one instrument, its evidence, and what would change the verdict."""
    with reported():
        from hotband.errors import InputError
        from hotband.report.roster import explanation, history_table
        from hotband.roster.outlook import outlook

        folder = _folder(output)
        weeks = [folder.read_week(name) for name in folder.weeks()]
        known = sorted({name for week in weeks for name in week.decided})
        if instrument not in known:
            allowed = ", ".join(known)
            raise InputError("instrument", instrument, allowed, "Name one.", near=known)
        own = [week for week in weeks if instrument in week.decided]
        newest = own[-1]
        entry = newest.decided[instrument]
        if as_json:
            made = [week.decided[instrument].model_dump(mode="json") for week in own]
            changes = outlook(entry.after.state, newest.settings, entry.result.promise)
            print_json({"instrument": instrument, "weeks": made, "outlook": list(changes)})
            return
        tables().print(history_table(instrument, own))
        for line in explanation(newest, entry):
            typer.echo(line)


@app.command()
def backtest(
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", "-i", help="Repeat [HOTBAND_PAIRS, else all]."),
    ] = None,
    start: Annotated[_Text, typer.Option(help="Of the history, RFC 3339 with a zone.")] = None,
    end: Annotated[_Text, typer.Option(help="Of the history, RFC 3339 with a zone.")] = None,
    grid: Annotated[Path | None, typer.Option(help="Grid file, YAML.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Profile, YAML [HOTBAND_PROFILE].")] = None,
    policy: Annotated[
        Path | None, typer.Option("--roster", help="Roster file, YAML [HOTBAND_ROSTER].")
    ] = None,
    promotion: Annotated[
        Literal["evidence", "rule"] | None,
        typer.Option(help="Which machine acts; else the file's."),
    ] = None,
    granularity: Annotated[str, typer.Option(help="Bar length, such as M1, M5, H1.")] = "M1",
    balance: Annotated[float, typer.Option(help="Of each instrument's account.")] = 100_000.0,
    cost_bps: Annotated[
        float | None, typer.Option(help="Round-trip commission, basis points.")
    ] = None,
    bars: Annotated[_Text, typer.Option(help="Bar store URL [HOTBAND_BARS].")] = None,
    gates: Annotated[_Text, typer.Option(help="Gate store URL [HOTBAND_GATES].")] = None,
    draws: Annotated[int, typer.Option(help="Random rosters.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Of the random rosters.", min=0)] = 7,
    workers: Annotated[int | None, typer.Option(help="Threads; else all processors.")] = None,
    as_json: _Json = False,
) -> None:
    """Decide past weeks on what was known, trade the weeks after; against always on and chance."""
    with reported():
        from hotband.executors.names import open_executor
        from hotband.roster.settings import load_roster
        from hotband.stopping import stop_on_signals
        from hotband.stores.location import Locations
        from hotband.weekly.replay_sources import ReplaySources
        from hotband.weekly.roster_backtest import backtest_roster

        settings = load_roster(policy or Locations.from_environment().roster)
        if promotion is not None:
            settings = settings.model_copy(update={"promotion": promotion})
        names = None if instruments is None else tuple(instruments)
        sources = ReplaySources(
            names, start, end, profile, grid, granularity, balance, cost_bps, bars, gates
        )
        with stop_on_signals() as stop, open_executor("threads", workers=workers) as executor:
            replay = sources.replay(executor, stop.is_set)
            found = backtest_roster(
                replay.names, replay.weeks(), settings, balance, draws=draws, seed=seed
            )
        if as_json:
            print_json(found.to_dict())
            return
        from hotband.report.roster import backtest_table, chance_line

        tables().print(backtest_table(found))
        for line in (chance_line(found), *(f"note: {note}" for note in found.notes)):
            typer.echo(line)
