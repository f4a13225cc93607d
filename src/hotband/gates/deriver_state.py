"""What a deriver is set to and what it remembers, apart from what it does."""

from dataclasses import dataclass

import numpy as np

from hotband.core.records import Records, empty, readable
from hotband.errors import GatesError
from hotband.gates import runs
from hotband.gates.lambda_map import LambdaMap
from hotband.gates.runs import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class DeriverSettings:
    """How runs are read from bars.

    The memory is the last ``history_runs`` completed runs, not all of them and not a fading
    weight: counts stay whole numbers, the tail is resolved to 1 in 2000 (about three days of
    M1 bars), and a derivation that starts that much earlier gives the same events as one that
    starts at the beginning of time.

    Attributes:
        return_window: bars a return spans (w).
        streak_window: steps the coherence and entropy look at (W); both are undefined before.
        min_history_runs: completed runs before there is a hazard, so before any event.
        history_runs: completed runs remembered.
        lambda_scale: hazard per unit of surprise where no recorded map is given.
        max_gap_bars: bars opening further apart than this cut the run.

    Raises:
        GatesError: a count below 1, a memory shorter than the required history, or a
            ``lambda_scale`` outside (0, 1].
    """

    return_window: int = 1
    streak_window: int = 20
    min_history_runs: int = 50
    history_runs: int = 2000
    lambda_scale: float = 0.1
    max_gap_bars: int = 5

    def __post_init__(self) -> None:
        for name in ("return_window", "streak_window", "min_history_runs", "max_gap_bars"):
            value = getattr(self, name)
            if value < 1:
                raise GatesError(name, value, "a whole number of at least 1", "Raise it.")
        if self.history_runs < self.min_history_runs:
            raise GatesError(
                "history_runs",
                self.history_runs,
                f"at least min_history_runs, {self.min_history_runs}",
                "Lengthen the memory or ask for less history.",
            )
        LambdaMap.scaled(self.lambda_scale)


@dataclass(frozen=True, eq=False, slots=True)
class DeriverState:
    """All that a deriver remembers; :meth:`copy` forks it."""

    record: Records  # one runs.RUN_STATE
    mids: FloatArray
    labels: IntArray
    runs: IntArray
    counts: IntArray  # completed runs held, by length
    tally: IntArray  # candidates, emitted, refusals by code

    @classmethod
    def fresh(cls, settings: DeriverSettings, granularity_ns: int) -> "DeriverState":
        """The state before the first bar; raises GatesError for ``granularity_ns`` below 1."""
        if granularity_ns < 1:
            raise GatesError("granularity_ns", granularity_ns, "above 0", "Give ns per bar.")
        record = empty(runs.RUN_STATE, 1)
        record["granularity"] = granularity_ns
        record["max_gap"] = settings.max_gap_bars * granularity_ns
        record["min_runs"] = settings.min_history_runs
        record["last_t"] = np.iinfo(np.int64).min
        return cls(
            record,
            np.zeros(settings.return_window),
            np.zeros(settings.streak_window, np.int64),
            np.zeros(settings.history_runs, np.int64),
            np.zeros(runs.LONGEST + 1, np.int64),
            np.zeros(runs.N_TALLY, np.int64),
        )

    def copy(self) -> "DeriverState":
        """An independent state of equal content."""
        return DeriverState(
            readable(self.record.copy()),
            self.mids.copy(),
            self.labels.copy(),
            self.runs.copy(),
            self.counts.copy(),
            self.tally.copy(),
        )

    def matching(self, other: "DeriverState") -> "DeriverState":
        """A copy, once it is sure that it was made with the settings that made ``other``."""
        fixed = ["granularity", "max_gap", "min_runs"]
        mine, theirs = (
            (s.record[fixed].item(), s.mids.size, s.labels.size, s.runs.size) for s in (self, other)
        )
        if mine != theirs:
            raise GatesError(
                "state", mine, f"one of these settings, {theirs}", "Resume with equal settings."
            )
        return self.copy()
