"""Every look is a trial, and a run with folds is the same however it is done."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from tests.unit.weekly.grid_runs import published, spans_in, stop_after
from tests.unit.weekly.judged_runs import (
    DATA,
    GRID,
    LONG,
    WEEKS,
    entry_of,
    grid_with,
    other_from,
    rows_of,
    run,
)

from hotband.artefacts.schemas import Latest
from hotband.errors import CancelledRunError
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judged") / "backtests"


@pytest.fixture(scope="module")
def latest(folder: Path) -> Latest:
    return run(folder)


def trials_of(latest: Latest) -> int:
    return entry_of(latest).judgement.selection.trials


# Trials ------------------------------------------------------------------------------------------


def test_the_cells_of_every_fold_are_trials(latest: Latest) -> None:
    assert trials_of(latest) == WEEKS["max_folds"] * entry_of(latest).cells.total


def test_a_run_over_later_weeks_adds_the_cells_of_the_weeks_that_are_new(tmp_path: Path) -> None:
    """One fold later, all but the last fold were tried before."""
    first = run(tmp_path / "out", end="2026-03-06T22:00:00Z")
    second = run(tmp_path / "out")
    cells = entry_of(second).cells.total
    assert trials_of(first) == WEEKS["max_folds"] * cells
    assert trials_of(second) == trials_of(first) + cells


@pytest.mark.parametrize("force", [False, True])
def test_the_same_run_again_adds_no_trial(tmp_path: Path, force: bool) -> None:
    first = run(tmp_path / "out")
    second = run(tmp_path / "out", force=force)
    third = run(tmp_path / "anew", trials=tmp_path / "out-trials")
    assert trials_of(first) == trials_of(second) == trials_of(third)


def test_other_cells_on_the_same_weeks_are_further_trials(tmp_path: Path) -> None:
    first = run(tmp_path / "out")
    more = GRID["default"] | {"exposure": [0.5, 0.75]}
    second = run(tmp_path / "out", grid=GRID | {"default": more})
    assert trials_of(second) == trials_of(first) + WEEKS["max_folds"] * entry_of(first).cells.total


def test_more_trials_lower_the_deflated_ratio_of_the_same_cells(tmp_path: Path) -> None:
    fresh = run(tmp_path / "fresh", grid=LONG)
    run(tmp_path / "other", grid=LONG, balance=50_000.0, trials=tmp_path / "shared")
    later = run(tmp_path / "later", grid=LONG, trials=tmp_path / "shared")
    assert trials_of(later) == 2 * trials_of(fresh)
    one, two = (rows_of(tmp_path / n, x) for n, x in (("fresh", fresh), ("later", later)))
    assert (two["dsr"] <= one["dsr"]).all()
    assert (two["dsr"] < one["dsr"]).any()
    assert (two["score"] <= one["score"]).all()


# The same however it is done ---------------------------------------------------------------------


@lru_cache
def undisturbed(folder: Path) -> dict[str, object]:
    return published(folder)


@pytest.mark.usefixtures("latest")
def test_threads_give_the_bytes_of_one_thread(tmp_path: Path, folder: Path) -> None:
    run(tmp_path / "threads", executor="threads", workers=2)
    assert published(tmp_path / "threads") == undisturbed(folder)


@pytest.mark.usefixtures("latest")
@pytest.mark.parametrize(
    ("tellings", "where"), [(2, "before fold 2"), (4, "after|sweep|span|task")]
)
def test_a_run_cancelled_between_folds_ends_in_the_same_bytes(
    tmp_path: Path, folder: Path, tellings: int, where: str
) -> None:
    cancelled, listener = stop_after(tellings)
    with pytest.raises(CancelledRunError, match=where):
        run(tmp_path / "out", cancelled=cancelled, listener=listener)
    assert [path.parent.name for path in kept(tmp_path / "out")] == [
        f"fold{k:03d}" for k in range(tellings // 2)
    ]
    run(tmp_path / "out")
    assert published(tmp_path / "out") == undisturbed(folder)
    assert not spans_in(tmp_path / "out")


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("runs/*/spans/**/*.span"))


def test_folds_that_are_kept_are_not_swept_again(tmp_path: Path) -> None:
    cancelled, listener = stop_after(4)
    with pytest.raises(CancelledRunError):
        run(tmp_path / "out", cancelled=cancelled, listener=listener)
    before = {path: path.stat().st_mtime_ns for path in kept(tmp_path / "out")}
    cancelled, listener = stop_after(3)
    with pytest.raises(CancelledRunError):
        run(tmp_path / "out", cancelled=cancelled, listener=listener)
    after = {path: path.stat().st_mtime_ns for path in kept(tmp_path / "out")}
    assert before.items() <= after.items()


@pytest.mark.parametrize("folds", [1, 3])
def test_other_bars_in_the_hold_out_alone_are_another_run(tmp_path: Path, folds: int) -> None:
    grid = grid_with(max_folds=folds)
    first = run(tmp_path / "out", grid=grid)
    held = entry_of(first).judgement.hold_out
    assert held is not None
    start = parse_time(held.window.start)
    second = run(tmp_path / "out", grid=grid, bars=other_from(start))
    again = entry_of(second).judgement.hold_out
    assert second.run_id != first.run_id
    assert again is not None
    assert again.metrics["pnl"] != held.metrics["pnl"]


def test_other_prices_of_a_pair_that_converts_are_another_run(tmp_path: Path) -> None:
    """In the hold-out alone, where no bar of the instrument differs."""
    start, end = (parse_time(text) for text in DATA)
    pairs = ("EUR_GBP", "GBP_USD")
    bars = demo_bars(pairs, start, end, "M15", seed=7)
    options: dict[str, Any] = {"instruments": pairs[:1], "grid": grid_with(max_folds=1)}
    first = run(tmp_path, bars=bars, **options)
    data = bars["GBP_USD"].data.copy()
    held = data["t"] >= parse_time("2026-03-10T00:00:00Z")
    for name in data.dtype.names or ():
        if name.startswith(("bid", "ask")):
            data[name][held] *= 1.01
    other = bars | {"GBP_USD": replace(bars["GBP_USD"], data=data)}
    assert run(tmp_path, bars=other, **options).run_id != first.run_id
