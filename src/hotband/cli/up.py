"""``hotband up``: service, schedule, gate encoder, bootstrap and retention under one roof."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hotband.cli.console import reported
from hotband.cli.demo import fill_demo_store, use_demo_state
from hotband.cli.serve import Auth, Host, Port, ReadOnly, Schedule, settings_of

if TYPE_CHECKING:
    from hotband.service.supervisor import Part

HOUR_S, DAY_S = 3600.0, 86400.0


def up(
    host: Host = None,
    port: Port = None,
    auth: Auth = None,
    read_only: ReadOnly = None,
    schedule: Schedule = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="On the simulated market, in a state folder of its own."),
    ] = False,
) -> None:
    """Bring everything up and keep it up until SIGINT or SIGTERM.

    The weekly run is on Wednesday 17:00 UTC unless --schedule or HOTBAND_SCHEDULE says another
    time. The gate encoder runs where VALKEY_URL names a server.
    """
    with reported():
        from hotband.service.logs import configure_logs
        from hotband.service.serving import bind
        from hotband.service.supervisor import Supervisor
        from hotband.stopping import stop_on_signals

        if demo:
            use_demo_state()
            fill_demo_store()
        # Refused here, once, rather than by a part that is started over and over.
        settings = settings_of(host, port, auth, read_only)
        bind(settings).close()
        options = [
            ("--host", settings.host),
            ("--port", str(settings.port)),
            ("--auth", settings.auth),
            ("--read-only" if settings.read_only else "--writable", None),
            ("--schedule", _schedule(schedule)),
        ]
        configure_logs()
        words = [word for option in options for word in option if word is not None]
        with stop_on_signals() as stop:
            Supervisor(parts_of(words)).run(stop)


def _schedule(given: str | None) -> str:
    from hotband.service.schedule import WEEKLY, require_line

    line = given or os.environ.get("HOTBAND_SCHEDULE") or WEEKLY
    if line != "off":
        require_line(line)
    return line


def parts_of(serve: list[str]) -> "list[Part]":
    """What is kept running; ``serve``: words for the service."""
    from hotband.service.supervisor import Part

    own = (sys.executable, "-m", "hotband")
    parts = [
        Part("service", (*own, "serve", *serve)),
        Part("retention", (*own, "state", "retention"), DAY_S),
    ]
    if os.environ.get("VALKEY_URL"):
        granularity = os.environ.get("HOTBAND_GRANULARITY") or "M1"
        gates = (*own, "gates")
        parts += [
            Part("encoder", (*gates, "run", "--granularity", granularity)),
            # The server's URL stays in the environment: any user of the machine reads commands.
            Part("bootstrap", (*gates, "bootstrap", "--granularity", granularity), HOUR_S),
        ]
    return parts
