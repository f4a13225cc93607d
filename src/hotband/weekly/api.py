"""Run the grid from plain arguments: the way in for Python, the command line and the service."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hotband.artefacts.schemas import Latest
from hotband.artefacts.values import Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor, never
from hotband.gates.reader import GateInput, WhenUnavailable
from hotband.market.calendar import DAY_NS, iso_week_window, parse_window
from hotband.profile.strategy import Profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.history import BarInput, extent_of
from hotband.roster.settings import RosterSettings, load_roster
from hotband.roster.trials import TrialLedger
from hotband.stores.location import Locations
from hotband.weekly.inputs import window_of
from hotband.weekly.plan import Plan, plans_of
from hotband.weekly.progress import Listener
from hotband.weekly.run import GridRun, silent, unheard
from hotband.weekly.sources import DEFAULT_SOURCES, Held, Sources

Moment = str | datetime


@dataclass(frozen=True, eq=False)
class Planned:
    """What plain arguments come to, before any bar is read.

    Attributes:
        plans: By instrument; none is empty.
        grid: The grid file.
    """

    plans: dict[str, Plan]
    grid: GridSettings

    @property
    def window(self) -> Window:
        """What will be published: from the look-back's start to the last hold-out's end."""
        return window_of(self.plans)


def plan_grid(
    instruments: Sequence[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    week: str | None = None,
    grid: GridSettings | Path | str | Mapping[str, Any] | None = None,
    sources: Sources = DEFAULT_SOURCES,
) -> Planned:
    """Which instruments, folds and cells ``run_grid`` runs with the same arguments.

    Raises:
        HotbandError: the inputs cannot be used.
    """
    held = sources.open()
    names = held.names(instruments)
    settings = grid if isinstance(grid, GridSettings) else load_grid(grid)
    history = _history((start, end), week, held, names)
    return Planned(plans_of(names, history, held.profile, settings, held.options), settings)


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
    identified: Callable[[str, bool], None] = unheard,
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
    ``force``, ``cancelled``, ``listener`` and ``identified`` are those of ``GridRun``.

    Raises:
        CancelledRunError: it was cancelled; what is done is kept.
        HotbandError: the inputs cannot be used, or every instrument failed.
    """
    places = Locations.from_environment()
    sources = Sources(profile, granularity, balance, cost_bps, bars, gates, unavailable)
    planned = plan_grid(instruments, start, end, week=week, grid=grid, sources=sources)
    folder = ArtefactFolder(Path(output or places.output))
    ledger, policy = TrialLedger(Path(trials or places.home)), load_roster(roster or places.roster)
    with _opened(executor, workers, ray_address) as opened:
        run = GridRun(
            planned.plans, planned.grid, folder, opened, ledger, cancelled, listener, policy,
            identified,
        )  # fmt: skip
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


def _history(
    given: tuple[Moment | None, Moment | None],
    week: str | None,
    held: Held,
    names: Sequence[str],
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
    found = held.last_week(names) if week is None else iso_week_window(week, held.hours)
    extent = extent_of(held.bars, names, held.granularity)
    return (found[0] if extent is None else min(extent[0] - DAY_NS, found[0])), found[1]
