"""A replay from plain values: the way in for Python, the command line and the service."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotband.executors.ports import Executor, never
from hotband.gates.reader import GateInput
from hotband.market.calendar import DAY_NS, parse_time
from hotband.profile.strategy import Profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.history import BarInput, extent_of
from hotband.weekly.api import Moment
from hotband.weekly.replay import Replay
from hotband.weekly.sources import Sources, no_bars


@dataclass(frozen=True, eq=False)
class ReplaySources:
    """What a replay reads.

    ``instruments``: None = ``HOTBAND_PAIRS``, else all that the bar store holds. ``start`` and
    ``end``: of the history; None = the first bar, and the close of the last week that the
    newest bar has seen. The others are those of ``run_grid``.
    """

    instruments: tuple[str, ...] | None = None
    start: Moment | None = None
    end: Moment | None = None
    profile: Profile | Path | str | None = None
    grid: GridSettings | Path | str | dict[str, Any] | None = None
    granularity: str = "M1"
    balance: float = 100_000.0
    cost_bps: float | None = None
    bars: BarInput | str | None = None
    gates: GateInput | str = None

    def replay(self, executor: Executor, cancelled: Callable[[], bool] = never) -> Replay:
        """The replay, ready to run.

        Raises:
            HotbandError: What was given cannot be used.
        """
        sources = Sources(
            self.profile, self.granularity, self.balance, self.cost_bps, self.bars, self.gates
        )
        held = sources.open()
        names = held.names(self.instruments)
        grid = self.grid if isinstance(self.grid, GridSettings) else load_grid(self.grid)
        extent = extent_of(held.bars, names, self.granularity)
        if extent is None:
            raise no_bars(self.granularity)
        start = extent[0] - DAY_NS if self.start is None else parse_time(self.start)
        end = held.last_week(names)[1] if self.end is None else parse_time(self.end)
        return Replay(names, (start, end), held.profile, grid, held.options, executor, cancelled)
