"""A real Valkey server on a free loopback port, for the tests that need one."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import pytest
from valkey import Valkey
from valkey.exceptions import AuthenticationError, ResponseError, ValkeyError

HOST: Final = "127.0.0.1"
STARTS_WITHIN_S: Final = 30.0


def server_program() -> str:
    """The server's program; without one the test is skipped, and fails in CI."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        message = "no valkey-server or redis-server on PATH: run scripts/install_services.sh"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class ValkeyServer:
    """One server process with a folder of its own; without persistence unless options say so.

    Options are those of the configuration file, with _ for -: ``appendonly="yes"``.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.options = {"save": "", "appendonly": "no", "databases": "4096"} | {
            name.replace("_", "-"): value for name, value in options.items()
        }
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._next_db = 0

    def start(self, *, wait: bool = True) -> "ValkeyServer":
        """Run the server; ``wait``: until it answers, with an error at worst."""
        for _ in range(3):
            self._run()
            if not wait or self._comes_up():
                return self
            if "Address already in use" not in self.log():
                break
            self.port = free_port()  # somebody was faster
        pytest.fail(f"the server did not start: {self.log()[-2000:]}")

    def log(self) -> str:
        """What the server said so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def _run(self) -> None:
        arguments = ["--port", str(self.port), "--bind", HOST, "--dir", str(self.folder)]
        for name, value in self.options.items():
            arguments += [f"--{name}", value]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([server_program(), *arguments], stdout=log, stderr=log)

    def _comes_up(self) -> bool:
        end = time.monotonic() + STARTS_WITHIN_S
        while self.process is not None and self.process.poll() is None:
            if self._answers():
                return True
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        try:
            with self.admin() as client:
                return bool(client.ping())
        except (AuthenticationError, ResponseError):
            return True
        except ValkeyError:
            return False

    def admin(self, db: int = 0, password: str | None = None) -> Valkey:
        """A client of the library's own, for what a test prepares and checks; close it."""
        return Valkey(HOST, self.port, db=db, password=password, socket_timeout=30)

    def fresh_db(self) -> int:
        """The number of a database that nobody has used."""
        self._next_db += 1
        return self._next_db

    def url(self, db: int = 0, login: str = "", /, **settings: float | str) -> str:
        """A store's URL; ``login`` ends with @."""
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        return f"valkey://{login}{HOST}:{self.port}/{db}" + (f"?{query}" if query else "")

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process in good order; nothing where it does not run."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # busy with a script, or loading
            process.kill()
            process.wait()


class Database:
    """A database of a server that nobody else uses, with a client to prepare and look at it."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self._number = server.fresh_db()
        self.client: Any = server.admin(self._number)

    def url(self, **settings: float | str) -> str:
        """The URL of a store in it."""
        return self._server.url(self._number, **settings)
