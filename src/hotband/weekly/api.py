"""Run the grid from plain arguments: the way in for Python, the command line and the service."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor
from hotband.gates.reader import GateInput, WhenUnavailable
from hotband.market.calendar import (
    MarketHours,
    format_time,
    iso_week_window,
    parse_granularity,
)
from hotband.profile.strategy import Profile, load_profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.history import BarInput, held_instruments, open_bars
from hotband.research.simulator import BacktestSimulator
from hotband.stores.location import Locations
from hotband.stores.urls import open_gate_store
from hotband.weekly.run import GridRun, Listener

Moment = str | datetime


def last_week(
    bars: BarInput, instruments: Sequence[str], granularity: str, hours: MarketHours
) -> tuple[int, int]:
    """The last trading week that has closed by the newest bar, ns.

    Raises InputError where none of the instruments has bars.
    """
    step = parse_granularity(granularity)
    ends: list[int] = []
    for name in instruments:
        if isinstance(bars, Mapping):
            ends += bars[name].known_ns[-1:].tolist() if name in bars else []
        else:
            extent = bars.extent(name, granularity)
            ends += [] if extent is None else [extent[1] + step]
    if not ends:
        raise InputError(
            f"bars of {granularity}", "none", "bars of an instrument", "Import some first."
        )
    return hours.week_before(max(ends))


def run_grid(
    instruments: Sequence[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    week: str | None = None,
    grid: GridSettings | Path | str | Mapping[str, Any] | None = None,
    profile: Profile | Path | str | None = None,
    granularity: str = "M1",
    balance: float = 100_000.0,
    cost_bps: float | None = None,
    bars: BarInput | str | None = None,
    gates: GateInput | str = None,
    unavailable: WhenUnavailable = "fallback",
    output: Path | str | None = None,
    executor: Executor | str = "threads",
    workers: int | None = None,
    ray_address: str | None = None,
    force: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    listener: Listener = lambda _: None,
) -> Latest:
    """Sweep the grid of each instrument over a window, choose, publish; the published result.

    Args:
        instruments: names; None = ``HOTBAND_PAIRS``, else all that the bar store holds.
        start: of the window; None beside no ``week``: the last trading week that has closed by
            the newest bar.
        end: of the window.
        week: an ISO week such as 2025-W16 instead of start and end.
        grid: a grid file, its values, or None for the one that comes with hotband.
        profile: as ``BacktestSimulator`` takes it, as are the next six.
        granularity: of the bars.
        balance: at the start, of each instrument's own account.
        cost_bps: round-trip commission.
        bars: where they are.
        gates: where recorded ones are.
        unavailable: what to do where their server does not answer.
        output: folder of artefacts; None = ``HOTBAND_OUTPUT``.
        executor: ``serial``, ``threads``, ``ray``, or one that is open already.
        workers: of the executor; None = as many as there are processors.
        ray_address: of the executor ``ray``.
        force: run again even where the result of the same inputs is there.
        cancelled: asked while the run goes on; True stops it in a state that can be resumed.
        listener: told of progress.

    Raises:
        CancelledRunError: it was cancelled; what is done is kept.
        HotbandError: the inputs cannot be used, or every instrument failed.
    """
    places = Locations.from_environment()
    loaded = profile if isinstance(profile, Profile) else load_profile(profile or places.profile)
    opened = open_bars(places.bars if bars is None else bars)
    held = held_instruments(opened, granularity)
    names = sorted(set(instruments or places.pairs or held))
    if not names:
        raise InputError(
            "instruments", "none", "names, or a store with bars", "Import bars, or name some."
        )
    window = _window(start, end, week, opened, names, granularity, loaded)
    recorded = places.gates if gates is None else gates
    store = open_gate_store(recorded) if isinstance(recorded, str) else recorded
    simulators = {
        name: BacktestSimulator(
            name,
            *window,
            profile=loaded,
            balance=balance,
            cost_bps=cost_bps,
            granularity=granularity,
            bars=opened,
            gates=store,
            unavailable=unavailable,
        )
        for name in names
    }
    settings = grid if isinstance(grid, GridSettings) else load_grid(grid)
    folder = ArtefactFolder(Path(output or places.output))
    if not isinstance(executor, str):
        run = GridRun(simulators, settings, folder, executor, cancelled, listener)
        return run.run(force=force)[0]
    with open_executor(executor, workers=workers, ray_address=ray_address) as own:
        run = GridRun(simulators, settings, folder, own, cancelled, listener)
        return run.run(force=force)[0]


def _window(
    start: Moment | None,
    end: Moment | None,
    week: str | None,
    bars: BarInput,
    names: Sequence[str],
    granularity: str,
    profile: Profile,
) -> tuple[Moment, Moment]:
    hours = profile.account.market_hours()
    if week is not None and (start is not None or end is not None):
        raise InputError("week", f"{week} beside start or end", "one of the two", "Leave one out.")
    if (start is None) != (end is None):
        raise InputError("window", "one of start and end", "both or neither", "Give both.")
    if start is not None and end is not None:
        return start, end
    found = (
        last_week(bars, names, granularity, hours) if week is None else iso_week_window(week, hours)
    )
    return format_time(found[0]), format_time(found[1])
