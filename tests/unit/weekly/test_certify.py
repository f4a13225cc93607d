"""A certificate states what its campaigns showed, and goes on where it was stopped."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.research.small_campaigns import GRID, small

from hotband.artefacts.schemas import Instrument
from hotband.errors import CancelledRunError, HotbandError
from hotband.executors.serial import SerialExecutor
from hotband.executors.threads import ThreadsExecutor
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import DAY_NS, format_time
from hotband.research.campaign import run_campaign
from hotband.research.campaign_worlds import START_NS, campaign_market
from hotband.research.significance.certificate import certify, sharpe_needed, upper_bound
from hotband.weekly.api import run_grid
from hotband.weekly.certify import CampaignRuns, certificate, proof

DAYS = 90


def runs(folder: Path, campaigns: int = 2, **changes: Any) -> CampaignRuns:
    given: dict[str, Any] = {"folder": folder, "settings": small(days=DAYS)}
    given |= {"executor": SerialExecutor(), "campaigns": campaigns, "code": "test"}
    return CampaignRuns(**given | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with two campaigns on two worlds; tests read it."""
    made = tmp_path_factory.mktemp("state")
    certificate(runs(made), ["N1", "N2"])
    return made


def test_the_statement_is_that_of_its_counts(folder: Path) -> None:
    for world in certificate(runs(folder), ["N1", "N2"])["worlds"]:
        stated = certify(world["world"], 2, world["promoted"])
        assert (world["upper"], world["passed"]) == (stated.upper, stated.passed)
        assert world["sentence"] == stated.sentence()


def test_so_few_campaigns_pass_no_world(folder: Path) -> None:
    assert certificate(runs(folder), ["N1", "N2"])["passed"] is False


def test_every_choice_has_one_gate_that_refused_it_first(folder: Path) -> None:
    for world in certificate(runs(folder), ["N1", "N2"])["worlds"]:
        assert world["promoted"] == 0
        assert sum(world["first_failed"].values()) == world["decisions"] > 0


def test_naive_rules_carry_their_bounds(folder: Path) -> None:
    for world in certificate(runs(folder), ["N1"])["worlds"]:
        for rule in world["naive"].values():
            assert rule["upper"] == upper_bound(rule["promoted"], 2)


def test_the_certificate_is_kept_as_it_was_given(folder: Path) -> None:
    found = certificate(runs(folder), ["N1"])
    kept = json.loads((folder / "certificates" / f"{found.pop('id')}.json").read_text())
    assert kept == found


def test_campaigns_that_are_kept_are_not_run_again(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    runs(folder, listener=lambda *now: told.append(now)).results(["N1", "N2"])
    assert told == [(4, 4)]


def test_a_stopped_run_goes_on_from_there(tmp_path: Path, folder: Path) -> None:
    told: list[tuple[int, int]] = []

    def hear(*now: int) -> None:
        told.append((now[0], now[1]))

    with pytest.raises(CancelledRunError):
        runs(tmp_path, cancelled=lambda: len(told) > 2, listener=hear).results(["N1", "N2"])
    told.clear()
    found = runs(tmp_path, listener=hear).results(["N1", "N2"])
    assert told[0] == (2, 4)
    assert found == runs(folder).results(["N1", "N2"])


def test_a_line_that_a_crash_cut_short_is_run_again(tmp_path: Path, folder: Path) -> None:
    kept = runs(folder).path.read_text()
    torn = runs(tmp_path)
    torn.path.parent.mkdir(parents=True)
    torn.path.write_text(kept[:-40])
    told: list[int] = []
    runs(tmp_path, listener=lambda done, _: told.append(done)).results(["N1", "N2"])
    assert told == [3, 4]
    assert torn.path.read_text() == kept


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    strange = runs(tmp_path)
    strange.path.parent.mkdir(parents=True)
    strange.path.write_text('{"world": "N1"}\n')
    with pytest.raises(HotbandError, match=r"line 1 of .* got what is no campaign"):
        strange.results(["N1"])


def test_another_number_of_campaigns_is_another_certificate(tmp_path: Path) -> None:
    assert runs(tmp_path, 2).path != runs(tmp_path, 3).path


def test_threads_give_what_one_thread_gives(tmp_path: Path, folder: Path) -> None:
    with ThreadsExecutor(2) as executor:
        found = runs(tmp_path, executor=executor).results(["N1", "N2"])
    assert found == runs(folder).results(["N1", "N2"])


def test_the_guide_is_that_of_the_analytic_bound() -> None:
    table = proof()
    at = table["trials"].index(192), table["days"].index(260)
    assert table["sharpe"][at[0]][at[1]] == round(sharpe_needed(192, 260), 2) == 4.31


def test_more_campaigns_than_shifts_are_refused(tmp_path: Path) -> None:
    end = START_NS + 6 * 7 * DAY_NS
    base = demo_bars(("EUR_USD",), START_NS, end, "M5")["EUR_USD"]
    with pytest.raises(HotbandError, match="campaigns of N5: got 59; allowed: at most"):
        runs(tmp_path, 59, base=base).results(["N5"])


@pytest.mark.parametrize(
    ("worlds", "message"), [(["N9"], "world: got N9; allowed: N1, N2"), ([], "worlds: got none")]
)
def test_unknown_worlds_are_refused(tmp_path: Path, worlds: Any, message: str) -> None:
    with pytest.raises(HotbandError, match=message):
        runs(tmp_path).results(worlds)


def test_no_campaign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HotbandError, match="campaigns: got 0; allowed"):
        runs(tmp_path, 0)


def test_what_is_certified_is_what_the_weekly_run_publishes(tmp_path: Path) -> None:
    settings = small(days=DAYS, every_weeks=100)
    market = campaign_market("N1", 1, settings)
    (made,) = run_campaign("N1", 1, settings).decisions
    start, end = (format_time(t) for t in market.window)
    latest = run_grid(
        ["EUR_USD"], start, end, grid=GRID, profile=settings.profile, granularity="M5",
        bars={"EUR_USD": market.bars}, gates={"EUR_USD": market.gates},
        output=tmp_path / "out", trials=tmp_path / "trials", executor="serial",
    )  # fmt: skip
    entry = latest.instruments["EUR_USD"]
    assert isinstance(entry, Instrument)
    judged = entry.judgement
    assert judged.promotion.first_failed == made.first_failed
    assert entry.metrics["sharpe"] == made.sharpe
    assert entry.metrics["trades"] == made.trades
    assert judged.selection.trials == made.trials
    assert entry.cells.total == made.cells
