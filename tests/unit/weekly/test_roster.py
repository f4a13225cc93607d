"""Weekly runs decide on the roster once a week, from what their week brought, and remember it."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.unit.weekly.roster_runs import PAIRS, WEEKS, market, recorded, run

from hotband.artefacts.roster import RosterFolder, RosterWeek
from hotband.artefacts.values import Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import ProfileError
from hotband.market.bars import Bars
from hotband.market.calendar import DEFAULT_HOURS, parse_time
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings
from hotband.weekly.roster import RunWeek


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks in a row; tests read it."""
    folder = tmp_path_factory.mktemp("history") / "backtests"
    for week in WEEKS:
        run(folder, week)
    return folder


@pytest.fixture
def own(history: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(history.with_name("backtests-trials"), tmp_path / "backtests-trials")
    return Path(shutil.copytree(history, tmp_path / "backtests"))


def weeks_of(folder: Path) -> list[RosterWeek]:
    reader = RosterFolder(folder)
    return [reader.read_week(week) for week in reader.weeks()]


def roster_files(folder: Path) -> dict[str, bytes]:
    paths = [folder / "roster.json", *folder.glob("roster/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def without(name: str, first: str, last: str) -> dict[str, Bars]:
    """The market with a hole in one instrument's bars."""
    bars = market()[name]
    t = bars.data["t"]
    kept = bars.data[(t < parse_time(first)) | (t >= parse_time(last))]
    kept.setflags(write=False)
    return {**market(), name: replace(bars, data=kept)}


# The history -------------------------------------------------------------------------------------

GOLDEN = {
    "EUR_USD": [
        ("2026-W09", 0, "red", "tighten", 1),
        ("2026-W10", 118, "red", "disable", 2),
        ("2026-W11", 119, "amber", "disable", 0),
    ],
    "USD_JPY": [
        ("2026-W09", 110, "red", "tighten", 1),
        ("2026-W10", 111, "red", "disable", 2),
        ("2026-W11", 0, "red", "disable", 3),
    ],
}
"""Week, trades, light, word of the rule, failing weeks in a row; as the rule reads by hand."""


@pytest.mark.parametrize("name", PAIRS)
def test_three_weeks_in_a_row_are_decided_as_the_rule_says(history: Path, name: str) -> None:
    found = [week.decided[name] for week in weeks_of(history)]
    assert [
        (e.result.week, e.result.trades, e.decision.light, e.decision.rule.after.word,
         e.decision.rule.after.failing_weeks)
        for e in found
    ] == GOLDEN[name]  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_each_week_goes_on_from_the_week_before(history: Path, name: str) -> None:
    first, second, third = (week.decided[name] for week in weeks_of(history))
    assert first.before.state.last is None
    assert second.before == first.after
    assert third.before == second.after


@pytest.mark.parametrize("name", PAIRS)
def test_no_day_is_counted_twice_and_none_is_left_out(history: Path, name: str) -> None:
    found = [week.decided[name] for week in weeks_of(history)]
    assert [len(e.result.returns) for e in found] == [5, 5, 5]
    assert found[-1].decision.evidence.days == 15
    ends = [date(2026, 2, 27), date(2026, 3, 6), date(2026, 3, 13)]
    assert [e.after.counted_through for e in found] == ends


@pytest.mark.parametrize("name", PAIRS)
def test_the_net_of_a_week_is_its_days_compounded(history: Path, name: str) -> None:
    for week in weeks_of(history):
        result, equity = week.decided[name].result, 1.0
        for value in result.returns:
            equity *= 1.0 + value
        assert result.net == pytest.approx(equity - 1.0, abs=1e-15)


def test_the_kept_result_and_state_give_the_kept_decision_again(history: Path) -> None:
    for week in weeks_of(history):
        for entry in week.decided.values():
            again = decide(entry.before.state, entry.result, week.settings)
            assert again == (entry.after.state, entry.decision)


def test_the_roster_is_what_the_newest_week_says(history: Path) -> None:
    held = RosterFolder(history).read()
    assert held is not None
    assert (held.week, held.file) == ("2026-W11", "roster/2026-W11.json")
    assert held.instruments == weeks_of(history)[-1].after()


def test_the_latest_result_carries_the_decisions_in_short(history: Path) -> None:
    latest = ArtefactFolder(history).read_latest()
    assert latest is not None
    week = weeks_of(history)[-1]
    assert latest.roster.week == "2026-W11"
    assert latest.roster.decisions == {n: entry.verdict for n, entry in week.decided.items()}


# Again, forced, older ----------------------------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
def test_deciding_the_same_week_again_changes_nothing(own: Path, force: bool) -> None:
    def states() -> dict[str, Any]:
        texts = {name: json.loads(data) for name, data in roster_files(own).items()}
        return {name: text | {"generated_at": ""} for name, text in texts.items()}

    before, latest = states(), ArtefactFolder(own).read_latest()
    assert latest is not None
    assert run(own, "2026-W11", force=force).roster == latest.roster
    assert states() == before


def test_other_numbers_for_a_week_are_decided_from_the_state_before_it(own: Path) -> None:
    first = RosterFolder(own).read_week("2026-W11")
    run(own, "2026-W11", cost_bps=20.0)
    again = RosterFolder(own).read_week("2026-W11")
    assert {path.name for path in own.glob("roster/2026-W11*")} == {
        "2026-W11.json", "2026-W11.2.json",
    }  # fmt: skip
    for name in PAIRS:
        assert again.decided[name].before == first.decided[name].before
        assert again.decided[name].result != first.decided[name].result
        assert again.decided[name].decision.rule.after.failing_weeks == 3


def test_a_run_of_an_older_week_decides_nothing_and_says_so(own: Path) -> None:
    before = roster_files(own)
    part = run(own, "2026-W09").roster
    assert part.decisions == {}
    assert part.reason == (
        "2026-W09 lies before 2026-W11, the last week decided: nothing was decided"
    )
    assert roster_files(own) == before


def test_an_instrument_that_a_run_leaves_out_keeps_its_decision(own: Path) -> None:
    before = RosterFolder(own).read_week("2026-W11").decided["USD_JPY"]
    part = run(own, "2026-W11", instruments=["EUR_USD"], cost_bps=20.0).roster
    assert list(part.decisions) == ["EUR_USD"]
    assert RosterFolder(own).read_week("2026-W11").decided["USD_JPY"] == before


def test_an_instrument_that_no_run_of_a_week_has_is_carried(tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    run(folder, "2026-W10")
    held = RosterFolder(folder).read_week("2026-W10").decided["USD_JPY"].after
    run(folder, "2026-W11", instruments=["EUR_USD"])
    assert RosterFolder(folder).read_week("2026-W11").carried == {"USD_JPY": held}


# Weeks that cannot be judged ---------------------------------------------------------------------


def lone(folder: Path, **options: Any) -> Any:
    run(folder, "2026-W11", **options)
    return RosterFolder(folder).read_week("2026-W11").decided["EUR_USD"]


def unchanged(entry: Any) -> bool:
    before, after = entry.before.state, entry.after.state
    return bool(after.model_copy(update={"last": before.last}) == before)


def test_a_week_of_synthetic_gates_only_changes_nothing_and_says_so(own: Path) -> None:
    entry = lone(own, gates={})
    assert entry.decision.light == "grey"
    assert entry.decision.reasons[0].text == "only synthetic gates in the week: nothing changes"
    assert unchanged(entry)


def test_a_week_with_a_gap_changes_nothing_and_says_so(own: Path) -> None:
    bars = without("EUR_USD", "2026-03-09T22:00:00Z", "2026-03-11T21:00:00Z")
    entry = lone(own, bars=bars)
    assert entry.decision.reasons[0].code == "data_gap"
    assert entry.notes[0] == "3 of 5 trading days have the bars that a whole day needs"
    assert unchanged(entry)


def test_a_week_that_failed_changes_nothing_and_says_why(own: Path) -> None:
    bars = without("EUR_USD", "2026-02-20T22:00:00Z", "2026-03-13T22:00:00Z")
    entry = lone(own, bars=bars)
    assert entry.decision.reasons[0].code == "no_data"
    assert entry.notes[0].startswith("the run failed: window: got")
    assert unchanged(entry)


def test_history_without_a_hold_out_is_no_data(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    run(folder, "2026-W06")
    entry = RosterFolder(folder).read_week("2026-W06").decided["EUR_USD"]
    assert entry.decision.reasons[0].code == "no_data"
    assert "too short to judge" in entry.notes[0]


# Settings ----------------------------------------------------------------------------------------


def test_the_settings_decide_which_machine_acts(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "roster.yaml"
    file.write_text("roster: {promotion: rule}\n")
    part = run(own, "2026-W11", roster=file).roster
    assert {verdict.acting for verdict in part.decisions.values()} == {"rule"}


def test_the_environment_names_the_settings(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "roster.yaml"
    file.write_text("roster: {promotion: luck}\n")
    monkeypatch.setenv("HOTBAND_ROSTER", str(file))
    with pytest.raises(ProfileError, match=r"roster\.promotion"):
        run(own, "2026-W11")


def test_the_published_settings_are_the_defaults() -> None:
    from hotband.roster.settings import load_roster

    root = Path(__file__).parents[3]
    assert load_roster(root / "config" / "roster.yaml") == RosterSettings()


def test_a_run_that_ends_inside_a_week_expects_the_days_until_then() -> None:
    window = Window(start="2026-03-01T22:00:00Z", end="2026-03-11T21:00:00Z")
    week = RunWeek.of(window, DEFAULT_HOURS)
    assert week.name == "2026-W11"
    assert [day.day for day in week.days] == [9, 10, 11]


def test_recorded_gates_of_the_tests_are_real() -> None:
    assert all((gates.data["synthetic"] == 0).all() for gates in recorded().values())
