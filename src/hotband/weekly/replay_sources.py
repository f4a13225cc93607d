"""A replay from plain values: the way in for Python, the command line and the service."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotband.errors import InputError
from hotband.executors.ports import Executor, never
from hotband.gates.reader import GateInput
from hotband.market.calendar import DAY_NS, parse_time
from hotband.market.instruments import get_instrument, load_instruments
from hotband.profile.strategy import Profile, load_profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.history import BarInput, held_instruments, open_bars
from hotband.stores.location import Locations
from hotband.stores.urls import open_gate_store
from hotband.weekly.api import Moment, last_week
from hotband.weekly.plan import first_bar
from hotband.weekly.replay import Replay


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
        places = Locations.from_environment()
        bars = open_bars(places.bars if self.bars is None else self.bars)
        held = held_instruments(bars, self.granularity)
        names = sorted(set(self.instruments or places.pairs or held))
        if not names:
            raise InputError(
                "instruments", "none", "names, or a store with bars", "Import bars, or name some."
            )
        table = load_instruments()
        for name in names:
            get_instrument(name, table)
        given = self.profile
        profile = given if isinstance(given, Profile) else load_profile(given or places.profile)
        grid = self.grid if isinstance(self.grid, GridSettings) else load_grid(self.grid)
        recorded = places.gates if self.gates is None else self.gates
        options: dict[str, Any] = {
            "balance": self.balance,
            "cost_bps": self.cost_bps,
            "bars": bars,
            "gates": open_gate_store(recorded) if isinstance(recorded, str) else recorded,
            "granularity": self.granularity,
        }
        first = first_bar(bars, names, self.granularity)
        hours = profile.account.market_hours()
        start = (first or 0) - DAY_NS if self.start is None else parse_time(self.start)
        end = (
            last_week(bars, names, self.granularity, hours)[1]
            if self.end is None
            else parse_time(self.end)
        )
        return Replay(names, (start, end), profile, grid, options, executor, cancelled)
