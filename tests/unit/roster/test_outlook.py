"""What would change a verdict is told from the state, with the thresholds of the settings."""

from typing import Any

import pytest
from tests.unit.roster.roster_weeks import decided

from hotband.roster.decision import RosterState
from hotband.roster.outlook import outlook
from hotband.roster.settings import RosterSettings
from hotband.roster.week import Promise

PASSED: dict[str, Any] = {"gates_passed": True, "promise": Promise(0.01, 0.02)}


def told(kinds: str, settings: RosterSettings | None = None, **changes: Any) -> str:
    chosen = settings or RosterSettings()
    return "\n".join(outlook(decided(kinds, settings=chosen, **changes)[0], chosen))


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ("p", "2 failing weeks disable it"),
        ("f", "one more failing week disables it"),
        ("b", "lifts the tightening"),
        ("ff", "only a passing week (at least 20 trades, Sharpe ratio above 0.5, profit factor "
               "above 1.2) re-enables it"),
    ],
)  # fmt: skip
def test_the_rule_says_its_next_step(kinds: str, text: str) -> None:
    assert text in told(kinds)


def test_a_candidate_needs_evidence_or_the_gates() -> None:
    text = told("p", returns=(0.01,))
    assert "evidence of 20 makes it active; its peak is 1 after 1 day" in text
    assert "passing all promotion gates in one week makes it active" in text


def test_a_promise_says_how_long_evidence_takes() -> None:
    state, settings = RosterState(instrument="EUR_USD"), RosterSettings()
    text = "\n".join(outlook(state, settings, Promise(0.01, 0.02)))
    # SR = 0.5 sqrt(52) = 3.61; 2 ln(20) / SR^2 = 0.46 years.
    assert "at the promised Sharpe ratio of 3.61 it takes about 0.5 years" in text
    assert "promised" not in "\n".join(outlook(state, settings, Promise(-0.01, 0.02)))


def test_an_active_instrument_says_how_far_its_alarms_are() -> None:
    text = told("pp", **PASSED)
    assert "2 failing weeks in a row tighten it to size 0.5" in text
    assert "a day below -2.00% disables it" in text
    assert "a CUSUM above" in text
    assert "an e-detector of 260 disables it" in text


def test_ruined_evidence_says_that_none_can_grow() -> None:
    assert "evidence is ruined" in told("p", returns=(-0.05,))


@pytest.mark.parametrize(("acting", "shown"), [("evidence", "rule"), ("rule", "stage")])
def test_the_machine_that_does_not_act_says_so(acting: Any, shown: str) -> None:
    lines = told("p", RosterSettings(promotion=acting)).splitlines()
    marked = {line.split(":")[0] for line in lines if "does not act" in line}
    assert marked == {f"{shown} (shown, does not act)"}
