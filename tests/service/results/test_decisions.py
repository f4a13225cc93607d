"""Verdicts by page, with how often each reason is named."""

import pytest

from hotband.errors import InputError
from hotband.service.results.decisions import DecisionFilter, DecisionPage, decision_page
from hotband.service.results.paging import PageRequest
from tests.service.results.conftest import MISSING, Held

PAIR = "EUR_USD"


def found(held: Held, chosen: DecisionFilter, limit: int = 100) -> DecisionPage:
    return decision_page(held.folder, held.latest, PAIR, PageRequest(limit=limit), chosen)


def test_a_verdict_comes_with_its_reasons_and_numbers(held: Held) -> None:
    third = found(held, DecisionFilter()).items[2]
    assert third.reasons == ("repetitions_short", "session_closed")
    assert (third.admit, third.hard_blocked, third.source) == (False, True, "synthetic")
    assert third.time == "2026-03-09T00:10:00Z"
    assert third.numbers == {"units": 0.0, "hazard": 0.2, "repetitions": 2.0, "coherence": None}


def test_each_phase_has_its_own_verdicts_and_funnel(held: Held) -> None:
    assert found(held, DecisionFilter()).total == 6
    after = found(held, DecisionFilter("hold_out"))
    assert [item.id for item in after.items] == [6]
    entry = held.entry(PAIR)
    assert found(held, DecisionFilter()).funnel == entry.funnel
    hold_out = entry.judgement.hold_out
    assert after.funnel == (None if hold_out is None else hold_out.funnel)


def test_reasons_are_counted_over_all_pages_the_most_frequent_first(held: Held) -> None:
    page = found(held, DecisionFilter(), limit=1)
    counts = [(item.reason, item.decisions) for item in page.reasons]
    assert counts == [("repetitions_short", 3), ("session_closed", 2), ("synthetic:thresholds", 1)]
    assert page.admitted == 2
    assert page.reasons[0].text
    assert page.reasons[2].text is None


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (DecisionFilter(admit=True), [1, 3]),
        (DecisionFilter(admit=False), [0, 2, 4, 5]),
        (DecisionFilter(reason="session_closed"), [2, 4]),
        (DecisionFilter(source="synthetic"), [2, 3, 5]),
        (DecisionFilter(start="2026-03-09T00:10:00Z", end="2026-03-09T00:20:00Z"), [2, 3]),
        (DecisionFilter(reason="repetitions_short", source="real"), [0]),
        (DecisionFilter(reason="gate_stale"), []),
    ],
)
def test_a_filter_leaves_the_verdicts_it_names(
    held: Held, chosen: DecisionFilter, ids: list[int]
) -> None:
    page = found(held, chosen)
    assert [item.id for item in page.items] == ids
    assert page.unfiltered == 6


def test_a_run_that_kept_no_verdicts_says_so_beside_its_funnel(held: Held) -> None:
    page = decision_page(held.folder, held.older, PAIR, PageRequest(), DecisionFilter())
    assert page.absent is not None
    assert page.absent.code == "table_missing"
    assert page.funnel == held.entry(PAIR).funnel


def test_an_instrument_that_failed_has_neither_verdicts_nor_funnel(held: Held) -> None:
    page = decision_page(held.folder, held.latest, MISSING, PageRequest(), DecisionFilter())
    assert (page.total, page.funnel) == (0, None)
    assert page.absent is not None


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (DecisionFilter("both"), "phase: got both; allowed: look_back, hold_out"),
        (DecisionFilter(reason="session_close"), r"Did you mean 'session_closed'\?"),
        (DecisionFilter(source="mixed"), "source: got mixed; allowed: real, synthetic"),
    ],
)
def test_a_filter_that_no_verdict_can_have_is_refused(
    held: Held, chosen: DecisionFilter, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        found(held, chosen)
