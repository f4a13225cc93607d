"""The roster over past weeks: as weekly runs would have decided, against always on and chance."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.weekly.roster_runs import DATA, GRID, PAIRS, market, recorded, run

from hotband.artefacts.roster import RosterFolder
from hotband.errors import CancelledRunError, InputError
from hotband.executors.serial import SerialExecutor
from hotband.research.grid import judge_of, simulate_cell
from hotband.roster.rule import next_cell
from hotband.roster.settings import RosterSettings
from hotband.weekly.replay import PastWeek, Replay
from hotband.weekly.replay_sources import ReplaySources
from hotband.weekly.roster import week_result
from hotband.weekly.roster_backtest import RosterBacktest, backtest_roster, random_rosters

BALANCE = 100_000.0


def replay(**changes: Any) -> Replay:
    given: dict[str, Any] = {
        "instruments": PAIRS, "grid": GRID, "bars": market(), "gates": recorded(),
        "start": "2026-02-01T00:00:00Z", "end": DATA[1],
    }  # fmt: skip
    cancelled = changes.pop("cancelled", lambda: False)
    return ReplaySources(**(given | changes)).replay(SerialExecutor(), cancelled)


def backtest(weeks: list[PastWeek], **settings: Any) -> RosterBacktest:
    return backtest_roster(PAIRS, weeks, RosterSettings(**settings), BALANCE, draws=50)


@pytest.fixture(scope="module")
def weeks() -> list[PastWeek]:
    return list(replay().weeks())


def test_every_week_with_a_look_back_before_and_a_week_after_is_replayed(
    weeks: list[PastWeek],
) -> None:
    assert [past.week.name for past in weeks] == ["2026-W08", "2026-W09", "2026-W10"]
    assert [past.days[-1] for past in weeks] == [
        date(2026, 2, 27), date(2026, 3, 6), date(2026, 3, 13),
    ]  # fmt: skip


@pytest.mark.parametrize("end", [None, DATA[1]])
def test_without_bars_there_is_nothing_to_replay(end: str | None) -> None:
    with pytest.raises(InputError, match="bars of M1: got none; allowed: bars of an instrument"):
        replay(bars={}, start=None, end=end)


@pytest.mark.parametrize("name", PAIRS)
def test_a_replayed_week_brings_what_the_weekly_run_of_it_brings(
    weeks: list[PastWeek], name: str, tmp_path: Path
) -> None:
    past = weeks[-1]
    run(tmp_path / "out", past.week.name)
    told = RosterFolder(tmp_path / "out").read_week(past.week.name).decided[name].result
    found, _, _ = week_result(name, past.entries[name], past.week, past.tables, None)
    assert found == told


def test_always_on_is_the_plain_sum_of_the_accounts_changes(weeks: list[PastWeek]) -> None:
    total = 0.0
    for past in weeks:
        for ready in past.ready.values():
            rules = ready.job.work.cells.rules(ready.cell, ready.cell + 1)
            result = simulate_cell(judge_of(ready.job, ready.after), rules)
            total += result.metrics["pnl"].value or 0.0
    found = backtest(weeks).always_on
    assert total != 0.0
    assert found.pnl == pytest.approx(total, abs=1e-6)
    assert found.return_pct == pytest.approx(100.0 * total / (2 * BALANCE), abs=1e-9)
    assert (found.on_share, found.switches) == (1.0, 0)


def test_the_same_weeks_give_the_same_result(weeks: list[PastWeek]) -> None:
    again = list(replay().weeks())
    assert backtest(again).to_dict() == backtest(weeks).to_dict()


def test_a_roster_of_candidates_earns_nothing(weeks: list[PastWeek]) -> None:
    found = backtest(weeks)
    assert [dict(line.actions) for line in found.weeks] == 3 * [dict.fromkeys(PAIRS, "no_change")]
    assert (found.decided.pnl, found.decided.max_dd, found.decided.on_share) == (0.0, 0.0, 0.0)
    assert found.random.percentile == 50.0


def test_the_rule_trades_the_tighter_cell_and_then_stops(weeks: list[PastWeek]) -> None:
    found = backtest(weeks, promotion="rule")
    assert [dict(line.sizes) for line in found.weeks] == [
        dict.fromkeys(PAIRS, 1.0), dict.fromkeys(PAIRS, 0.0), dict.fromkeys(PAIRS, 0.0),
    ]  # fmt: skip
    assert found.decided.switches == 2
    assert found.decided.on_share == pytest.approx(1 / 3)
    assert found.decided.pnl == pytest.approx(found.weeks[0].pnl)
    assert found.weeks[0].pnl != found.weeks[0].always_on_pnl


def test_a_tighter_cell_differs_on_its_axis_alone(weeks: list[PastWeek]) -> None:
    past = weeks[0]
    for name, ready in past.ready.items():
        result, _, _ = week_result(name, past.entries[name], past.week, past.tables, None)
        cells = ready.job.work.cells
        assert result.cell is not None
        step = next_cell(result.cell)
        moved = cells.params(ready._tightened(step))
        own = cells.params(ready.cell)
        changed = {key for key, value in moved.items() if value != own[key]}
        assert changed == {"hazard_x", "hazard_max"}
        assert moved["hazard_x"] == step.after


def test_history_that_is_too_short_says_how_many_weeks_it_needs() -> None:
    with pytest.raises(InputError, match=r"got 2 whole trading weeks; allowed: at least 4"):
        list(replay(end="2026-02-14T00:00:00Z").weeks())


def test_a_replay_that_is_cancelled_stops_before_an_instrument() -> None:
    with pytest.raises(CancelledRunError, match="before EUR_USD in 2026-W08"):
        list(replay(cancelled=lambda: True).weeks())


# By lot ------------------------------------------------------------------------------------------

DAY = date(2026, 3, 2)


def by_lot(sizes: list[list[float]], pnl: list[list[float]], own: float) -> Any:
    profits = [[{DAY: value} for value in week] for week in pnl]
    return random_rosters(profits, np.array(sizes), own, draws=400, seed=3)


def test_a_roster_with_everything_on_stands_in_the_middle() -> None:
    found = by_lot([[1.0, 1.0]], [[3.0, -1.0]], 2.0)
    assert (found.pnl_p05, found.pnl_p50, found.pnl_p95, found.percentile) == (2.0, 2.0, 2.0, 50.0)


def test_the_best_choice_of_one_among_four_beats_three_in_four() -> None:
    found = by_lot([[1.0, 0.0, 0.0, 0.0]], [[4.0, 1.0, 2.0, 3.0]], 4.0)
    # The best itself is drawn a quarter of the time, and counts half.
    assert found.percentile == pytest.approx(87.5, abs=5.0)


def test_a_roster_by_lot_gives_each_week_the_sizes_of_that_week() -> None:
    found = by_lot([[1.0, 0.0], [0.0, 0.0]], [[5.0, 5.0], [100.0, 100.0]], 5.0)
    assert (found.pnl_p05, found.pnl_p95) == (5.0, 5.0)
