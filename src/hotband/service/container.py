"""What the routes call: one object made at start-up, held by the application."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Final

from fastapi import Depends, Request

from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.live.clock import Clock, SystemClock
from hotband.live.kill_switch import KillSwitch, open_kill_switch
from hotband.service.certificates import CertificateShelf
from hotband.service.health import SystemReply
from hotband.service.held import Stamp
from hotband.service.index import RunIndex
from hotband.service.keeper import Command, JobKeeper, runner_command
from hotband.service.library import Library
from hotband.service.paper import PaperShelf
from hotband.service.parity import Parities
from hotband.service.request import RunSettings
from hotband.service.restore import undo_interrupted
from hotband.service.schedule import WeeklySchedule
from hotband.service.settings import ServiceSettings
from hotband.service.status import Status, StatusSource, freshness
from hotband.service.telemetry import Telemetry
from hotband.service.tokens import SignIns, TokenFile
from hotband.stores.location import Locations

FRESH_S: Final = 30.0
"""How long a result counts as fresh, or stale, before that is asked again."""
STATUS_S: Final = 0.25
"""How old a status may be; a start or a cancel makes it anew."""


@dataclass(frozen=True)
class Body:
    """A reply made once for many callers."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, text: str) -> "Body":
        """The text with the tag that follows from it."""
        data = text.encode()
        return cls(data, f'W/"{blake2b(data, digest_size=12).hexdigest()}"')


@dataclass(eq=False)
class Service:
    """The parts of a running service."""

    settings: ServiceSettings
    places: Locations
    index: RunIndex
    folder: ArtefactFolder
    library: Library
    keeper: JobKeeper
    sign_ins: SignIns
    switch: KillSwitch
    telemetry: Telemetry
    certificates: CertificateShelf
    parities: Parities
    paper: PaperShelf
    schedule: WeeklySchedule | None = None
    clock: Clock = field(default_factory=SystemClock)
    checking: threading.Lock = field(default_factory=threading.Lock)
    checked: tuple[float, SystemReply] | None = None
    _status: tuple[float, Body] | None = None
    _latest: tuple[Latest | None, bool, Body] | None = None
    _latest_at: float = 0.0
    _latest_stamp: Stamp | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def status(self) -> Status:
        """The status now."""
        source = StatusSource(self.index, self.library, self.folder, self.settings.read_only)
        next_at = None if self.schedule is None else self.schedule.next_at()
        return source.read(time.time(), next_at)

    def held_status(self) -> Body | None:
        """The status as a reply where one is held that is at most a moment old."""
        held = self._status
        fresh = held is not None and time.monotonic() - held[0] < STATUS_S
        return held[1] if held is not None and fresh else None

    def status_body(self) -> Body:
        """The status as a reply, at most a moment old."""
        if (body := self.held_status()) is not None:
            return body
        with self._turn:
            held = self._status
            if held is None or time.monotonic() - held[0] >= STATUS_S:
                self.keeper.settle()
                held = time.monotonic(), Body.of(self.status().model_dump_json())
                self._status = held
        return held[1]

    def status_changed(self) -> None:
        """The next status is made anew."""
        self._status = None

    def held_latest(self) -> Body | None:
        """The last good result as a reply where one is held, of the file that is there now."""
        held = self._latest
        if held is None or time.monotonic() - self._latest_at > FRESH_S:
            return None
        return held[2] if self.library.latest_stamp() == self._latest_stamp else None

    def latest_body(self, make: Callable[[Latest | None], str]) -> Body:
        """The last good result as a reply, made again only where it or its freshness changed."""
        stamp, latest = self.library.latest_stamp(), self.library.latest()
        stale = latest is not None and freshness(latest, time.time()).stale
        held = self._latest
        if held is None or held[0] is not latest or held[1] != stale:
            held = latest, stale, Body.of(make(latest))
            self._latest = held
        self._latest_at, self._latest_stamp = time.monotonic(), stamp
        return held[2]

    def close(self) -> None:
        """Close what is open."""
        self.index.db.close()


def open_service(
    settings: ServiceSettings,
    *,
    schedule: str | None = None,
    command: Command = runner_command,
    environment: Mapping[str, str] | None = None,
) -> Service:
    """A service over the state folder of the settings and the stores of the environment.

    ``schedule``: a cron line; None = nothing is started by itself. ``command``: how runners are
    started. ``environment``: of runners, None = ours.

    Raises:
        HotbandError: A setting, the state folder or the index cannot be used.
    """
    places = Locations.from_environment()
    undo_interrupted(settings.home)
    index = RunIndex(settings.home)
    folder = ArtefactFolder(places.output)
    keeper = JobKeeper(
        index, settings.home, folder, RunSettings.from_environment(), command, environment
    )
    library, certificates = Library(folder, index), CertificateShelf(folder.root)
    made = Service(
        settings=settings,
        places=places,
        index=index,
        folder=folder,
        library=library,
        keeper=keeper,
        sign_ins=SignIns(TokenFile(settings.home)),
        switch=open_kill_switch(),
        telemetry=Telemetry(),
        certificates=certificates,
        parities=Parities(library, certificates),
        paper=PaperShelf(places.home),
        schedule=None if schedule is None else WeeklySchedule(schedule, index.fired),
    )
    # Also where none is asked for: a sign-in with a wrong token is a 401 then too.
    made.sign_ins.tokens.read_or_create()
    keeper.settle()
    keeper.take_in_archives()
    return made


def service_of(request: Request) -> Service:
    """The service of the application that a request came to."""
    found: Service = request.app.state.service
    return found


Current = Annotated[Service, Depends(service_of)]
