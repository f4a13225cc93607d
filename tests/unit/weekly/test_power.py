"""Power: the smallest planted edge that is promoted often enough, by bisection."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.research.small_campaigns import small

from hotband.errors import HotbandError
from hotband.executors.serial import SerialExecutor
from hotband.research.significance.certificate import lower_bound, sharpe_needed
from hotband.weekly.certify import CampaignRuns
from hotband.weekly.power import Power, _least, planted_settings, power


def runs(folder: Path) -> CampaignRuns:
    return CampaignRuns(folder, small(costs=False), SerialExecutor(), 1, code="test")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Power:
    folder = tmp_path_factory.mktemp("state")
    return power(runs(folder), [60], [1.0, 20.0])[0]


def test_the_smallest_edge_that_is_found_is_named(found: Power) -> None:
    assert found.promoted == 20.0
    assert [(p.sharpe, p.promoted) for p in found.points] == [(1.0, 0), (20.0, 1)]


def test_the_bound_is_that_of_its_counts(found: Power) -> None:
    assert [p.lower for p in found.points] == [lower_bound(0, 1), lower_bound(1, 1)]


def test_the_look_back_has_the_days_that_were_asked(found: Power) -> None:
    assert 60 <= found.points[0].days < 65


def test_the_guide_stands_beside_it(found: Power) -> None:
    some = found.points[0]
    assert found.needed == round(sharpe_needed(some.cells, some.days), 2)
    assert f"the analytic guide says {found.needed:.2f}" in found.sentence()


def test_an_edge_that_is_not_found_is_said(found: Power) -> None:
    missed = Power(60, 9.0, None, None, found.points[:1])
    assert "no planted Sharpe ratio up to 1 is promoted; the search alone finds none" in (
        missed.sentence()
    )


@given(st.integers(0, 9), st.integers(1, 9))
def test_bisection_finds_the_first_that_is_enough(first: int, many: int) -> None:
    values = [float(k) for k in range(many)]
    expected = float(first) if first < many else None
    assert _least(values, lambda value: value >= first) == expected


def test_a_planted_campaign_makes_one_choice_with_all_its_folds() -> None:
    made = planted_settings(small(), 130, 3.0)
    walk = made.grid.walk_forward
    assert (made.edge, walk.look_back_weeks, made.days) == (3.0, 27, (27 + 4 + 4) * 5)


@pytest.mark.parametrize(
    ("days", "sharpes", "message"),
    [
        ([60], [2.0, 1.0], "Sharpe ratios: got .* allowed: ascending, above 0"),
        ([60], [], "Sharpe ratios: got"),
        ([], [1.0], "days: got none"),
    ],
)
def test_impossible_edges_and_days_are_refused(
    tmp_path: Path, days: Any, sharpes: Any, message: str
) -> None:
    with pytest.raises(HotbandError, match=message):
        power(runs(tmp_path), days, sharpes)
