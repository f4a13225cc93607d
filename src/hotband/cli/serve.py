"""``hotband serve``: the HTTP service alone; ``hotband up`` brings what belongs to it."""

from typing import Annotated, Any, Literal

import typer

from hotband.cli.console import reported

Host = Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="Port [8000]; 0 takes a free one.")]
Auth = Annotated[
    Literal["auto", "token"] | None,
    typer.Option(help="auto (the default): no token on loopback; token: always."),
]
ReadOnly = Annotated[
    bool | None, typer.Option("--read-only/--writable", help="Refuse all that changes something.")
]
Schedule = Annotated[
    str | None,
    typer.Option(help="Cron line of the weekly run, UTC, days by name; 'off' for none."),
]


def settings_of(
    host: str | None, port: int | None, auth: str | None, read_only: bool | None
) -> Any:
    """The service's settings from the environment and what the command line says."""
    from hotband.service.settings import ServiceSettings

    return ServiceSettings.from_environment(host=host, port=port, auth=auth, read_only=read_only)


def serve(
    host: Host = None,
    port: Port = None,
    auth: Auth = None,
    read_only: ReadOnly = None,
    schedule: Schedule = None,
) -> None:
    """Serve API and page until SIGINT or SIGTERM; nothing starts by itself without --schedule."""
    with reported():
        from hotband.service.serving import serve as run

        line = None if schedule in {None, "off"} else schedule
        run(settings_of(host, port, auth, read_only), schedule=line, ready=say_address)


def say_address(address: str) -> None:
    """Where the page is."""
    typer.echo(f"hotband: {address}")
