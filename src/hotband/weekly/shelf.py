"""The prepared jobs of a run: kept while they fit in memory, else prepared again at their turn.

A run must know what every job is made of before the first is swept, as its id follows from it.
Ten years of minutes of many pairs do not fit in memory together; what they are made of does.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from hotband.artefacts.provenance import sha256_of
from hotband.artefacts.values import GateInput
from hotband.errors import StoreError
from hotband.research.axes import CellGrid
from hotband.research.grid import GridJob
from hotband.research.simulator import BacktestSimulator

HELD_BYTES: Final = 1024**3
"""Of the arrays of all jobs that are kept; half a year of M1 of twenty pairs and more."""


@dataclass(frozen=True, eq=False)
class JobFacts:
    """What decides the result of one instrument, without its bars and gates.

    ``bars``: hash of the bars. ``gates``: where recorded ones are from, with their hash.
    ``around``: hashes of what the numbers rest on besides: broker fields, all gates, quotes.
    """

    cells: CellGrid
    simulator: BacktestSimulator
    bars: str
    gates: GateInput
    around: dict[str, object]

    @classmethod
    def of(cls, job: GridJob) -> "JobFacts":
        """The facts of a job."""
        prepared = job.prepared
        return cls(
            job.work.cells, job.simulator, prepared.bars.content_hash, _gate_input(job),
            _around(job),
        )  # fmt: skip

    def is_of(self, job: GridJob) -> bool:
        """Whether a job is made of the same."""
        other = JobFacts.of(job)
        return (self.bars, self.gates, self.around) == (other.bars, other.gates, other.around)


class Shelf:
    """Jobs by instrument, each taken once.

    Args:
        prepare: Makes an instrument's job; asked again for those that did not fit.
        room: Bytes that the kept ones may have together. The first is kept whatever it has: it
            is the first to be taken, and there is one job in memory in any case.
    """

    def __init__(self, prepare: Callable[[str], GridJob], room: int) -> None:
        self._prepare = prepare
        self._room = room
        self._jobs: dict[str, GridJob] = {}
        self._facts: dict[str, JobFacts] = {}

    def put(self, job: GridJob) -> JobFacts:
        """Keep a job where it fits; its facts, which stay."""
        facts = self._facts[job.instrument] = JobFacts.of(job)
        if (size := _bytes_of(job)) <= self._room or not self._jobs:
            self._room -= size
            self._jobs[job.instrument] = job
        return facts

    def take(self, name: str) -> GridJob:
        """The job of an instrument, which is not kept any longer.

        Raises:
            StoreError: Bars or gates are not those any more that the run began with.
            HotbandError: It had to be prepared again and could not be.
        """
        if (held := self._jobs.pop(name, None)) is not None:
            self._room += _bytes_of(held)
            return held
        job = self._prepare(name)
        if not self._facts[name].is_of(job):
            raise StoreError(
                f"bars and gates of {name}",
                "others than when the run began",
                "the same until the instrument was swept",
                "Run it again; nothing was published.",
            )
        return job


def _bytes_of(job: GridJob) -> int:
    """Of a job's arrays and of its hold-out's, twice where the sweep has its own copy."""
    feed, prepared = job.prepared.feed, job.prepared
    swept = feed.bars.nbytes + feed.gates.nbytes + feed.gate_of_bar.nbytes
    quotes = sum(rows.nbytes for rows, _ in job.around.quotes.values())
    own = prepared.bars.data.nbytes + prepared.chosen.gates.data.nbytes + 2 * swept + quotes
    return own + (0 if job.hold_out is None else _bytes_of(job.hold_out))


def _around(job: GridJob) -> dict[str, object]:
    broker = asdict(job.simulator.table[job.instrument])
    return {
        "broker": {key: repr(value) for key, value in broker.items()},
        "gates": job.prepared.chosen.gates.content_hash,
        "quotes": {
            pair: sha256_of(np.ascontiguousarray(rows).tobytes())
            for pair, (rows, _) in sorted(job.around.quotes.items())
        },
    }


def _gate_input(job: GridJob) -> GateInput:
    gates = job.prepared.chosen.gates
    recorded = gates.data[gates.data["synthetic"] == 0]
    if not len(recorded):
        return GateInput(source="synthetic", sha256=None)
    digest = sha256_of(np.ascontiguousarray(recorded).tobytes())
    return GateInput(source=job.work.source, sha256=digest)
