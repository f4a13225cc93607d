"""What reasons say beside their names, and how much books, accounts and bars have room for."""

import pytest
from tests.unit.core.test_codes import HARD

from hotband.core import records as r
from hotband.core.codes import REASONS, Severity


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (8, "coherence is below its minimum"),
        (9, "coherence is undefined, guard set"),
        (12, "entropy is above its maximum"),
        (20, "reynolds_ratio is above its maximum"),
        (26, "pinned_alignment is below its minimum"),
        (27, "pinned_alignment is undefined, guard set"),
    ],
)
def test_the_reason_of_a_guard_says_which_side_of_its_limit_a_metric_was_on(
    code: int, text: str
) -> None:
    assert REASONS[code].text == text


def test_a_reason_blocks_or_refuses_or_only_tells() -> None:
    """An exit and a gate that did its work are nothing gone wrong."""
    told = {reason.name for reason in REASONS.values() if reason.severity is Severity.NOTE}
    assert told == {"gate_used"} | {REASONS[code].name for code in range(80, 89)}
    blocks = {reason.name for reason in REASONS.values() if reason.severity is Severity.BLOCK}
    assert blocks == {*HARD, "nav_not_positive"}
    assert Severity.NOTE < Severity.REFUSAL < Severity.BLOCK


def test_a_book_holds_eight_tickets_and_an_account_sixteen_currencies() -> None:
    assert r.MAX_TICKETS == 8
    tickets = [name for name in r.BOOK.names or () if name.startswith("tk_")]
    assert {r.BOOK[name].shape for name in tickets} == {(8,)}
    assert r.BOOK["keys"].shape == (8,)
    assert r.N_CURRENCIES == 16


def test_a_bar_fills_three_cache_lines_and_what_holds_a_position_the_first() -> None:
    """A line has 64 bytes; a position is marked and closed by six prices and two rates."""
    fields = r.BAR.fields
    assert fields is not None
    assert r.BAR.itemsize == 3 * 64
    first = {name for name, (_, at, *_) in fields.items() if at < 64}
    rates = {"gain_c", "loss_c"}
    assert first == rates | {f"{side}_{price}" for side in ("bid", "ask") for price in "hlc"}


def test_an_account_has_one_row_and_a_book_one_for_each_instrument() -> None:
    assert r.new_account(100.0).shape == (1,)
    assert r.new_books([0, 2, 3], [1, 1, 1]).shape == (3,)
