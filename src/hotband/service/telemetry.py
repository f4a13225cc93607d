"""Numbers for Prometheus: what the service counts, and what the index and artefacts say."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import hotband
from hotband.artefacts.schemas import Instrument, Latest
from hotband.errors import HotbandError
from hotband.service.jobs import State

if TYPE_CHECKING:
    from hotband.service.container import Service

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
STATES: Final[tuple[str, ...]] = get_args(State)
_DURATIONS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Telemetry:
    """Counts requests; reads the rest when it is asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter(
            "hotband_http_requests", "Requests answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "hotband_http_request_duration_seconds",
            "Time to answer.",
            ("route", "method"),
            buckets=_DURATIONS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def watch(self, service: "Service") -> None:
        """Read the runs of a service whenever numbers are asked for."""
        self.registry.register(_Runs(service))

    def text(self) -> bytes:
        """All numbers in Prometheus' text form."""
        return generate_latest(self.registry)


class _Runs(Collector):
    """What the index and the last good result say."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        """Each family, made anew."""
        build = _family("hotband_build_info", "The version that answers.", ["version"])
        build.add_metric([hotband.__version__], 1)
        yield build
        readable = GaugeMetricFamily("hotband_state_readable", "Whether the state can be read.")
        try:
            found = [*self._jobs(), *_of_result(self._service.library.latest())]
        except HotbandError:
            readable.add_metric([], 0)
            yield readable
            return
        readable.add_metric([], 1)
        yield readable
        yield from found

    def _jobs(self) -> Iterable[Metric]:
        counts = self._service.index.counts()
        runs = _family("hotband_runs_total", "Runs by how they ended or stand.", ["outcome"])
        for state in STATES:
            runs.add_metric([state], counts.get(state, 0))
        yield runs
        job = self._service.index.newest()
        states = _family("hotband_run_state", "1 for the state of the newest run.", ["state"])
        now = "idle" if job is None else job.state
        for name in ("idle", *STATES):
            states.add_metric([name], float(name == now))
        yield states
        if job is None:
            return
        gauges: list[tuple[str, str, float | None]] = []
        progress = job.progress
        if progress is not None:
            ratio = progress["completed"] / max(1, progress["total"])
            gauges += [
                ("hotband_run_progress_ratio", "Cells done of all.", ratio),
                ("hotband_run_cells_per_second", "Rate.", progress["cells_per_second"]),
            ]
        if job.active and job.heartbeat_at is not None:
            age = max(0.0, time.time() - job.heartbeat_at)
            gauges.append(("hotband_run_heartbeat_age_seconds", "Since it spoke.", age))
        if job.finished_at is not None and job.started_at is not None:
            took = job.finished_at - job.started_at
            gauges.append(("hotband_run_duration_seconds", "Of the newest run.", took))
        for name, text, value in gauges:
            if value is not None:
                yield GaugeMetricFamily(name, text, value)


def _of_result(latest: Latest | None) -> Iterable[Metric]:
    if latest is None:
        return
    done = {n: e for n, e in latest.instruments.items() if isinstance(e, Instrument)}
    cells = _family("hotband_run_combinations_total", "Cells of the last result.", ["result"])
    for result in ("total", "scored", "qualified"):
        count = sum(getattr(entry.cells, result) for entry in done.values())
        cells.add_metric([result], count)
    yield cells
    shares: list[tuple[str, str, Callable[[Instrument], float | None]]] = [
        ("hotband_data_real_ratio", "Share of minutes with a recorded gate.", _real),
        ("hotband_data_synthetic_ratio", "Share of minutes with a derived gate.", _synthetic),
    ]
    for name, text, of in shares:
        family = _family(name, text, ["symbol"])
        for symbol, entry in done.items():
            if (value := of(entry)) is not None:
                family.add_metric([symbol], value)
        yield family
    failed = _family("hotband_gate_failures", "Instruments stopped first by a gate.", ["gate"])
    firsts = [entry.judgement.promotion.first_failed for entry in done.values()]
    for gate in sorted({first for first in firsts if first is not None}):
        failed.add_metric([gate], firsts.count(gate))
    yield failed
    errors = GaugeMetricFamily("hotband_instruments_failed", "Instruments without a result.")
    errors.add_metric([], len(latest.instruments) - len(done))
    yield errors


def _real(entry: Instrument) -> float | None:
    return entry.gate_coverage.real_fraction


def _synthetic(entry: Instrument) -> float | None:
    coverage = entry.gate_coverage
    return coverage.synthetic_minutes / coverage.minutes if coverage.minutes else None


def _family(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)
