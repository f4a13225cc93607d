"""Choosing and judging use different weeks: nothing later decides what is chosen in a whole run."""

import json
from importlib import import_module, resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from tests.canary.sizes import ROOT
from tests.unit.weekly.judged_runs import (
    DATA,
    GRID,
    LONG,
    NAME,
    WEEKS,
    cut_at,
    entry_of,
    grid_with,
    market,
    other_from,
    recorded,
    rows_of,
    run,
    without,
)

from hotband.artefacts.judgement import FoldEntry
from hotband.artefacts.schemas import Instrument, Latest
from hotband.errors import ProfileError
from hotband.market.calendar import parse_time
from hotband.profile.document import parse_document
from hotband.profile.strategy import load_profile
from hotband.research.simulator import BacktestSimulator

OF_THE_FUTURE: Final = {"hold_out", "walk_forward", "promotion", "findings"}
"""Parts of a judgement that may know of the weeks after the look-back."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judged") / "backtests"


@pytest.fixture(scope="module")
def latest(folder: Path) -> Latest:
    return run(folder)


@pytest.fixture(scope="module")
def entry(latest: Latest) -> Instrument:
    return entry_of(latest)


def folds_of(entry: Instrument) -> tuple[FoldEntry, ...]:
    assert entry.judgement.walk_forward is not None
    return entry.judgement.walk_forward.folds


# What is chosen does not know the weeks that judge it --------------------------------------------


@pytest.fixture(scope="module")
def past_and_future(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[tuple[Path, Latest], tuple[Path, Latest]]:
    """A run, and one on a market that is another after the published look-back."""
    base = tmp_path_factory.mktemp("future")
    first = run(base / "plain", grid=LONG)
    end = parse_time(entry_of(first).judgement.look_back.end)
    other = run(base / "other", grid=LONG, bars=other_from(end))
    return (base / "plain", first), (base / "other", other)


Two = tuple[tuple[Path, Latest], tuple[Path, Latest]]


def test_another_future_changes_no_parameter_and_no_number_of_the_look_back(
    past_and_future: Two,
) -> None:
    parts = []
    for _, latest in past_and_future:
        found = entry_of(latest).model_dump(mode="json")
        judgement = found.pop("judgement")
        parts.append((found, {k: v for k, v in judgement.items() if k not in OF_THE_FUTURE}))
    (plain, before), (other, after) = parts
    assert plain == other
    assert before == after
    assert before["selection"]["step_down_p"] is not None
    assert before["selection"]["dsr"] is not None
    assert before["stress"]["pnl"]["costs_2x"] is not None


def test_another_future_changes_no_gate_before_the_one_that_asks_it(past_and_future: Two) -> None:
    found = [
        [gate for gate in entry_of(latest).judgement.promotion.gates if gate.name in IN_SAMPLE]
        for _, latest in past_and_future
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 8


IN_SAMPLE: Final = {"data", "sample", "costs", "search", "deflation"}


def test_another_future_changes_no_row_but_in_what_was_measured_on_it(
    past_and_future: Two,
) -> None:
    plain, other = (rows_of(*each) for each in past_and_future)
    assert plain.equals(other)


def test_another_future_changes_no_fold_before_it(past_and_future: Two) -> None:
    (_, plain), (_, other) = past_and_future
    end = parse_time(entry_of(plain).judgement.look_back.end)
    pairs = list(zip(folds_of(entry_of(plain)), folds_of(entry_of(other)), strict=True))
    for one, two in pairs:
        assert (one.params, one.in_sample, one.chosen) == (two.params, two.in_sample, two.chosen)
    over = [one == two for one, two in pairs if parse_time(one.hold_out.end) <= end]
    assert over == [True]


def test_another_future_is_what_it_is_judged_on(past_and_future: Two) -> None:
    (_, plain), (_, other) = past_and_future
    one, two = (entry_of(latest).judgement.hold_out for latest in (plain, other))
    assert one is not None
    assert two is not None
    assert one.metrics["pnl"] != two.metrics["pnl"]
    assert folds_of(entry_of(plain))[-1].days == folds_of(entry_of(other))[-1].days


def test_the_choice_of_every_fold_is_that_of_a_run_whose_history_ends_there(
    tmp_path: Path, entry: Instrument
) -> None:
    folds = folds_of(entry)
    assert len(folds) == WEEKS["max_folds"]
    for k, fold in enumerate(folds):
        end = parse_time(fold.hold_out.end)
        alone = entry_of(
            run(
                tmp_path / f"{k}",
                bars=cut_at(end),
                end=fold.hold_out.end,
                grid=grid_with(max_folds=1),
            )
        )
        assert alone.judgement.look_back == fold.look_back
        assert folds_of(alone) == (fold,)


def test_folds_move_on_and_their_hold_outs_never_meet(entry: Instrument) -> None:
    folds = folds_of(entry)
    for fold in folds:
        assert fold.look_back.end < fold.hold_out.start
    for earlier, later in pairwise(folds):
        assert earlier.hold_out.end <= later.hold_out.start
        assert earlier.look_back.start < later.look_back.start


# Judging -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gates", ["recorded", "derived"])
def test_the_hold_out_is_a_simulation_of_its_weeks_with_the_chosen_parameters(
    tmp_path: Path, gates: str
) -> None:
    given = recorded() if gates == "recorded" else {}
    entry = entry_of(run(tmp_path, gates=given))
    held, params = entry.judgement.hold_out, entry.params
    assert held is not None
    text = (resources.files("hotband.profile") / "default.yaml").read_text("utf-8")
    document: dict[str, Any] = dict(parse_document(text, "default.yaml"))
    chosen = {
        "hazard_max": params.hazard_max,
        "min_repetitions": params.min_reps,
        "exposure": params.exposure,
        "exit": {"hold_minutes": params.hold_minutes},
        "stop_loss_pips": params.settings["stop_loss_pips"],
    }
    fresh = BacktestSimulator(
        NAME,
        held.window.start,
        held.window.end,
        profile=load_profile(document | {"global": document["global"] | chosen}),
        granularity="M15",
        bars=market(),
        gates=given,
    ).run()
    assert held.metrics["trades"]
    assert held.source == fresh.source
    assert {name: m.value for name, m in fresh.metrics.items()} == held.metrics


def test_the_last_fold_is_the_published_choice_and_its_hold_out(entry: Instrument) -> None:
    last, held = folds_of(entry)[-1], entry.judgement.hold_out
    assert held is not None
    assert last.hold_out == held.window
    assert last.look_back == entry.judgement.look_back
    assert last.params is not None
    given = entry.params.model_dump()
    assert dict(last.params) == given | given.pop("settings")
    assert last.out_of_sample == {name: held.metrics[name] for name in last.out_of_sample}
    assert last.in_sample["pnl"] == entry.metrics["pnl"]
    assert last.in_sample["score"] == pytest.approx(entry.score)


def test_the_days_beside_it_are_the_stitched_hold_outs(
    folder: Path, latest: Latest, entry: Instrument
) -> None:
    days = pl.read_parquet(folder / latest.files["oos"])
    walk = entry.judgement.walk_forward
    assert walk is not None
    assert days["fold"].to_list() == [
        k for k, fold in enumerate(walk.folds) for _ in range(fold.days)
    ]
    assert days["day"].is_sorted()
    assert days["day"].is_unique().all()
    made = float(np.prod(1.0 + days["return"].to_numpy()) - 1.0)
    assert walk.net_return_pct == pytest.approx(100.0 * made)
    for k, fold in enumerate(walk.folds):
        own = days.filter(pl.col("fold") == k)["return"].to_numpy()
        compounded = 100.0 * float(np.prod(1.0 + own) - 1.0)
        assert fold.out_of_sample["return_pct"] == pytest.approx(compounded)


def test_folds_in_which_nothing_qualified_are_flat_and_counted(tmp_path: Path) -> None:
    latest = run(tmp_path, grid=GRID | {"min_trades": 10_000})
    walk = entry_of(latest).judgement.walk_forward
    assert walk is not None
    assert [(fold.chosen, fold.params, fold.days) for fold in walk.folds] == [(False, None, 5)] * 3
    assert (walk.days, walk.net_return_pct, walk.p_value) == (15, 0.0, None)
    assert set(pl.read_parquet(tmp_path / latest.files["oos"])["return"]) == {0.0}


# What history is too short for -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "folds", "note"),
    [
        (
            "2026-02-22T22:00:00Z", 1,
            "1 fold instead of 3: history has 3 whole trading weeks, and 3 folds with a gap of "
            "1440 market minutes need 5.",
        ),
        ("2026-03-01T22:00:00Z", 1, "A look-back of 1 week instead of 2: history has 2 whole "
         "trading weeks."),
        (
            "2026-03-08T21:00:00Z", 0,
            "No hold-out: history has 1 whole trading week, too few for a look-back of 1 week and "
            "a hold-out of 1 week with a gap of 1440 market minutes; cells are chosen on all of it "
            "and judged on none.",
        ),
    ],
)  # fmt: skip
def test_notes_say_what_history_was_too_short_for(
    tmp_path: Path, start: str, folds: int, note: str
) -> None:
    found = entry_of(run(tmp_path, start=start))
    assert note in found.notes
    walk = found.judgement.walk_forward
    assert (0 if walk is None else len(walk.folds)) == folds
    assert (found.judgement.hold_out is None) == (folds == 0)
    assert (found.judgement.hold_out_reason is None) == (folds > 0)


def test_history_that_is_long_enough_needs_no_note(entry: Instrument) -> None:
    assert not [note for note in entry.notes if "history has" in note or "left out" in note]


def test_a_fold_without_bars_is_left_out_and_said(tmp_path: Path, entry: Instrument) -> None:
    gone = folds_of(entry)[0].hold_out
    found = entry_of(run(tmp_path, bars=without(gone.start, gone.end)))
    notes = [note for note in found.notes if "left out" in note]
    assert len(notes) == 1
    assert notes[0].startswith(f"fold 1 is left out: window: got {gone.start} to {gone.end}")
    assert [fold.hold_out for fold in folds_of(found)] == [
        fold.hold_out for fold in folds_of(entry)[1:]
    ]


# Refusals and shape ------------------------------------------------------------------------------


def test_hold_outs_that_would_overlap_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        run(tmp_path, grid=grid_with(hold_out_weeks=2))
    text = str(caught.value)
    assert text.startswith("grid walk_forward.step_weeks: got 1")
    assert "at least hold_out_weeks, 2" in text
    assert "Take longer steps, or judge on fewer weeks." in text
    assert not (tmp_path / "latest.json").exists()


@pytest.mark.parametrize("start", [DATA[0], "2026-03-08T21:00:00Z"])
def test_the_result_validates_against_its_published_schema(tmp_path: Path, start: str) -> None:
    run(tmp_path, start=start)
    schema = json.loads((ROOT / "docs/schemas/latest.schema.json").read_text("utf-8"))
    validator = import_module("jsonschema").Draft202012Validator
    validator.check_schema(schema)
    written = json.loads((tmp_path / "latest.json").read_text("utf-8"))
    assert [error.message for error in validator(schema).iter_errors(written)] == []
