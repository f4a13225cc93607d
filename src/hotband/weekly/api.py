"""Run the grid from plain arguments: the way in for Python, the command line and the service."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor, never
from hotband.gates.reader import GateInput, WhenUnavailable
from hotband.market.calendar import (
    DAY_NS,
    MINUTE_NS,
    MarketHours,
    iso_week_window,
    parse_granularity,
    parse_window,
)
from hotband.market.instruments import get_instrument, load_instruments
from hotband.profile.strategy import Profile, load_profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.history import BarInput, held_instruments, open_bars
from hotband.roster.settings import RosterSettings, load_roster
from hotband.roster.trials import TrialLedger
from hotband.stores.location import Locations
from hotband.stores.urls import open_gate_store
from hotband.weekly.plan import first_bar, plans_of
from hotband.weekly.progress import Listener
from hotband.weekly.run import GridRun, silent

Moment = str | datetime

QUIET_END_NS: Final = 15 * MINUTE_NS
"""A week has closed once there are bars up to so much before its close: the last minutes are
thin, and the daily closure begins before it."""


def last_week(
    bars: BarInput, instruments: Sequence[str], granularity: str, hours: MarketHours
) -> tuple[int, int]:
    """The last trading week that has closed by the newest bar, up to QUIET_END_NS; in ns.

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
    return hours.week_before(max(ends) + QUIET_END_NS)


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
    trials: Path | str | None = None,
    roster: RosterSettings | Path | str | None = None,
    executor: Executor | str = "threads",
    workers: int | None = None,
    ray_address: str | None = None,
    force: bool = False,
    cancelled: Callable[[], bool] = never,
    listener: Listener = silent,
) -> Latest:
    """Choose each instrument's cell on a look-back, judge it after, publish; what was published.

    ``instruments``: None = ``HOTBAND_PAIRS``, else all that the bar store holds.
    ``start`` and ``end``: of the history that folds are cut from; an ISO ``week`` such as
    2025-W16: all history until its close; none of them: until the close of the last trading
    week that the newest bar has seen. ``grid.walk_forward`` says how much of it is read.
    ``grid``: a grid file, its values, or None for the one that comes with hotband.
    ``balance``: at the start, of each instrument's own account.
    ``profile``, ``granularity``, ``cost_bps``, ``bars``, ``gates`` and ``unavailable`` are those
    of ``BacktestSimulator``.
    ``output``: folder of artefacts; None = ``HOTBAND_OUTPUT``. ``trials``: folder of the trial
    ledger; None = ``HOTBAND_HOME``. ``roster``: its settings or file; None = ``HOTBAND_ROSTER``.
    ``executor``: one that is open, or its name, and then ``workers`` and ``ray_address`` as
    ``open_executor`` has them.
    ``force``, ``cancelled`` and ``listener`` are those of ``GridRun``.

    Raises:
        CancelledRunError: it was cancelled; what is done is kept.
        HotbandError: the inputs cannot be used, or every instrument failed.
    """
    places = Locations.from_environment()
    market = _Market(open_bars(places.bars if bars is None else bars), granularity)
    names = market.names(instruments, places.pairs)
    loaded = profile if isinstance(profile, Profile) else load_profile(profile or places.profile)
    settings = grid if isinstance(grid, GridSettings) else load_grid(grid)
    history = _history((start, end), week, market, names, loaded.account.market_hours())
    recorded = places.gates if gates is None else gates
    store = open_gate_store(recorded) if isinstance(recorded, str) else recorded
    options: dict[str, Any] = {"balance": balance, "cost_bps": cost_bps, "bars": market.bars}
    options |= {"gates": store, "unavailable": unavailable, "granularity": granularity}
    plans = plans_of(names, history, loaded, settings, options)
    folder = ArtefactFolder(Path(output or places.output))
    ledger, policy = TrialLedger(Path(trials or places.home)), load_roster(roster or places.roster)
    with _opened(executor, workers, ray_address) as opened:
        run = GridRun(plans, settings, folder, opened, ledger, cancelled, listener, policy)
        return run.run(force=force)[0]


@contextmanager
def _opened(
    executor: Executor | str, workers: int | None, ray_address: str | None
) -> Iterator[Executor]:
    if isinstance(executor, str):
        with open_executor(executor, workers=workers, ray_address=ray_address) as own:
            yield own
        return
    if workers is not None or ray_address is not None:
        got, allowed = "workers or an address beside it", "an executor alone, or its name"
        raise InputError("executor that is open", got, allowed, "Leave them out.")
    yield executor


@dataclass(frozen=True)
class _Market:
    bars: BarInput
    granularity: str

    def names(self, given: Sequence[str] | None, usual: Sequence[str]) -> list[str]:
        """The instruments to run, each once, sorted; all are known."""
        held = held_instruments(self.bars, self.granularity)
        names = sorted(set(given or usual or held))
        if not names:
            raise InputError(
                "instruments", "none", "names, or a store with bars", "Import bars, or name some."
            )
        table = load_instruments()
        for name in names:
            get_instrument(name, table)
        return names


def _history(
    given: tuple[Moment | None, Moment | None],
    week: str | None,
    market: _Market,
    names: Sequence[str],
    hours: MarketHours,
) -> tuple[int, int]:
    """From which history folds are cut, ns.

    A week whose first bar comes within a day of its opening counts as whole.
    """
    start, end = given
    if week is not None and (start is not None or end is not None):
        raise InputError("week", f"{week} beside start or end", "one of the two", "Leave one out.")
    if (start is None) != (end is None):
        raise InputError("window", "one of start and end", "both or neither", "Give both.")
    if start is not None and end is not None:
        return parse_window(start, end)
    if week is not None:
        found = iso_week_window(week, hours)
    else:
        found = last_week(market.bars, names, market.granularity, hours)
    first = first_bar(market.bars, names, market.granularity)
    return (found[0] if first is None else min(first - DAY_NS, found[0])), found[1]
