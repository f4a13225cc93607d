"""The ``hotband`` command: one file per subcommand, which import their work when they run."""

from typing import Annotated

import typer

from hotband.cli import data, gates, grid, profile, roster, state
from hotband.cli.certify import certify
from hotband.cli.demo import demo
from hotband.cli.doctor import doctor
from hotband.cli.paper import paper, replay
from hotband.cli.report import report
from hotband.cli.serve import serve
from hotband.cli.simulate import simulate
from hotband.cli.up import up
from hotband.cli.weekly import weekly

app = typer.Typer(
    help="Backtests gate-driven FX strategies through the code that trades them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # else square brackets in a help text are taken for markup
)


def _say_version(asked: bool) -> None:
    if asked:
        import hotband

        typer.echo(f"hotband {hotband.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Backtests gate-driven FX strategies through the code that trades them."""


app.command()(certify)
app.command()(demo)
app.command()(doctor)
app.command()(paper)
app.command()(replay)
app.command()(report)
app.command()(serve)
app.command()(simulate)
app.command()(up)
app.command()(weekly)
app.add_typer(data.app, name="data")
app.add_typer(gates.app, name="gates")
app.add_typer(grid.app, name="grid")
app.add_typer(profile.app, name="profile")
app.add_typer(roster.app, name="roster")
app.add_typer(state.app, name="state")


def run() -> None:
    """Entry point of the console script."""
    app()
