"""What selection costs on a year: step-down, CSCV, the noise beside it, a whole campaign."""

import tracemalloc
from functools import partial

import numpy as np
import numpy.typing as npt

from benchmarks.rows import Row, best
from hotband.research.campaign import decide
from hotband.research.campaign_worlds import CampaignSettings, campaign_market
from hotband.research.significance.bootstrap import stationary_counts
from hotband.research.significance.overfitting import cscv, null_spread
from hotband.research.significance.stepm import step_down

DAYS = 260


def _pnl(columns: int) -> npt.NDArray[np.float32]:
    """Noise with a common factor, correlation 0.3, cell by cell as the grid keeps it."""
    rng = np.random.default_rng(1)
    common = rng.standard_normal(DAYS, np.float32) * np.float32(0.3**0.5)
    own = rng.standard_normal((columns, DAYS), np.float32) * np.float32(0.7**0.5)
    return np.asarray((common + own).T)


def significance() -> list[Row]:
    """Seconds of the step-down and of CSCV by grid, two threads and one, and memory on top."""
    rows = []
    for columns, draws, aim in ((1_000, 999, ""), (10_000, 999, "1"), (10_000, 4_999, "2")):
        pnl, counts = _pnl(columns), stationary_counts(DAYS, draws, 2.0, 1)
        seconds = best(partial(step_down, pnl, counts), 3)
        on = f"{columns:,} columns, {DAYS} days"
        rows.append(Row(f"step-down, {draws:,} resamples", seconds, "s", aim, on))
    drawn = best(partial(stationary_counts, DAYS, 4_999, 2.0, 1), 3)
    rows.append(Row("drawing 4,999 resamples", drawn, "s", "", f"{DAYS} days"))
    for columns, blocks, aim in ((10_000, 16, ""), (100_000, 10, "1.5")):
        pnl = _pnl(columns)
        two = best(partial(cscv, pnl, blocks, 2), 3)
        one = best(partial(cscv, pnl, blocks, 1), 3)
        on = f"{columns:,} columns, {DAYS} days"
        rows += [
            Row(f"CSCV, {blocks} blocks, 2 threads", two, "s", aim, on),
            Row(f"CSCV, {blocks} blocks, 1 thread", one, "s", "", on),
        ]
    noise = best(partial(null_spread, 100_000, DAYS, 10, 1), 1)
    rows.append(Row("noise of CSCV, 10 blocks, 100 runs", noise, "s", "", "1,000 columns"))
    pnl, counts = _pnl(100_000), stationary_counts(DAYS, 999, 2.0, 1)
    tracemalloc.start()
    step_down(pnl, counts)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    seconds = best(partial(step_down, pnl, counts), 1)
    on = f"100,000 columns, {DAYS} days"
    rows += [
        Row("step-down, 999 resamples", seconds, "s", "", on),
        Row("its peak of memory beside its input", peak, "MiB", "", on),
    ]
    return rows + campaign()


def campaign() -> list[Row]:
    """A year of M1 with one choice among 192 cells: its market, and everything that judges it."""
    settings = CampaignSettings(every_weeks=52)
    market = campaign_market("N1", 1, settings)
    decide(market, "N1", 1, settings)
    made = best(partial(campaign_market, "N1", 1, settings), 3)
    judged = best(partial(decide, market, "N1", 1, settings), 3)
    on = f"world N1, {settings.days} days of M1, 192 cells, one choice"
    return [
        Row("a campaign: its bars and gates", made, "s", "", on),
        Row("a campaign: its choice, one thread", judged, "s", "", on),
        Row("a campaign, whole", made + judged, "s", "0.5", on),
    ]
