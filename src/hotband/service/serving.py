"""Brings the service up on its address and takes it down within a few seconds."""

import socket
from collections.abc import Callable

import uvicorn

from hotband.errors import InputError, StoreError
from hotband.service.app import create_app
from hotband.service.container import open_service
from hotband.service.keeper import Command, runner_command
from hotband.service.logs import configure_logs
from hotband.service.settings import ServiceSettings
from hotband.service.wire import bound_socket, server_config


def serve(
    settings: ServiceSettings,
    *,
    schedule: str | None = None,
    command: Command = runner_command,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` is told the address once it listens.

    A run in progress is stopped with the service and can be gone on with.

    Raises:
        HotbandError: The settings, the state or the address cannot be used.
    """
    bound = bind(settings)
    with bound:
        own = settings.with_port(bound.getsockname()[1])
        configure_logs()
        service = open_service(own, schedule=schedule, command=command)
        config = server_config(create_app(service))
        server = _Server(config, lambda: ready(address_of(own, service.sign_ins.tokens.current)))
        server.run(sockets=[bound])
        if not server.started:
            raise StoreError(
                "service", "a start that failed", "one that succeeds", "The log says why."
            )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def bind(settings: ServiceSettings) -> socket.socket:
    """A listening socket on the address of the settings; InputError where it is taken."""
    try:
        return bound_socket(settings.host, settings.port)
    except OSError as cause:
        raise InputError(
            "address of the service",
            f"{settings.host} port {settings.port}: {cause.strerror}",
            "an address of this machine and a port that is free",
            "Stop what uses it, or choose another with --port.",
        ) from cause


def address_of(settings: ServiceSettings, token: Callable[[], str]) -> str:
    """Where a browser finds the page; the token is in the fragment, which is never sent."""
    host = settings.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 # what it is called, not a bind
        host = settings.allowed_hosts[0] if settings.allowed_hosts else "localhost"
    shown = f"[{host}]" if ":" in host else host
    end = f"#token={token()}" if settings.token_required else ""
    return f"http://{shown}:{settings.port}/{end}"
