"""From the swept rows of a grid to a cell and to what can be said for it.

The weekly run and the noise certificate both go through here, so that what is certified is
what is published.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hotband.research.cell_rows import Search, score_rows, trial_ratios
from hotband.research.grid import SPAN_CELLS, GridJob, chosen_of
from hotband.research.grid_settings import GridSettings
from hotband.research.plateau import Choice
from hotband.research.selection import Returns, Selection, search_of, selection_of
from hotband.research.stress import stress_cells, stress_work, with_shares, with_stress

Spread = Callable[[Any, Sequence[Any], Callable[[Any, Any], Any]], list[Any]]
"""``[work(shared, task) for task in tasks]``, as an executor does it."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A grid after its search.

    ``cell``: the plateau's, or where nothing qualified the best of all, for research; the
    profile's own corner where no row has a score. ``search``: trials and their spread.
    """

    rows: pl.DataFrame
    choice: Choice
    cell: int
    search: Search

    @property
    def row(self) -> dict[str, Any]:
        """The cell's row."""
        return self.rows.row(self.cell, named=True)


def choose_cell(job: GridJob, rows: pl.DataFrame, trials: int, settings: GridSettings) -> Chosen:
    """Score all ``rows`` of a job against the whole search and take the best plateau.

    ``trials``: ever made on the instrument, these rows included.
    """
    search = search_of(trial_ratios(rows), int(job.work.window.eligible.sum()), trials)
    scored = score_rows(rows, search, settings.min_trades)
    choice = chosen_of(job, scored)
    index = choice.index if choice.index is not None else choice.best_of_all
    cell = 0 if index is None else int(np.ravel_multi_index(index, job.work.cells.shape))
    return Chosen(scored, choice, cell, search)


def stressed(job: GridJob, chosen: Chosen, returns: Returns, spread: Spread) -> Chosen:
    """The same with every qualified row run again under higher costs and later orders."""
    rows = with_shares(chosen.rows, returns)
    cells = np.flatnonzero(rows["qualified"].to_numpy())
    tasks = [cells[at : at + SPAN_CELLS] for at in range(0, len(cells), SPAN_CELLS)]
    tables = []
    if tasks:
        work = stress_work(job.work, job.simulator.granularity_ns)
        tables = spread(work, tasks, stress_cells)
    return Chosen(with_stress(rows, tables), chosen.choice, chosen.cell, chosen.search)


def judged_search(chosen: Chosen, returns: Returns, seed: int, settings: GridSettings) -> Selection:
    """What the search did to the chosen cell; ``seed`` comes from the content of the inputs."""
    draws = settings.promotion.draws
    return selection_of(chosen.cell, chosen.row, returns, chosen.search, seed=seed, draws=draws)
