"""Trades by page are those of the file, and their sums are of all that a filter leaves."""

import math

import polars as pl
import pytest

from hotband.errors import InputError
from hotband.service.results.paging import PageRequest
from hotband.service.results.trades import (
    TradeFilter,
    TradePage,
    TradePlace,
    trade_page,
    trade_place,
)
from tests.service.results.conftest import HELD_OUT, MISSING, Held

PAIR = "EUR_USD"
ALL = PageRequest(limit=500)


def table(held: Held) -> pl.DataFrame:
    return held.folder.read_table(held.latest, "trades").filter(instrument=PAIR)


def found(held: Held, page: PageRequest = ALL, **chosen: str) -> TradePage:
    return trade_page(held.folder, held.judged, PAIR, page, TradeFilter(**chosen))


def test_the_run_of_these_tests_has_trades_of_both_sides(held: Held) -> None:
    assert table(held)["direction"].n_unique() == 2


def test_without_a_filter_all_trades_come_in_the_order_of_closing(held: Held) -> None:
    page = found(held)
    assert [trade.pnl for trade in page.items] == table(held)["pnl"].to_list()
    assert [trade.id for trade in page.items] == list(range(table(held).height))
    assert page.unfiltered == page.total == page.sums.count
    assert page.run_id == held.latest.run_id


def test_pages_join_to_all_trades(held: Held) -> None:
    ids: list[int] = []
    cursor = None
    while True:
        page = found(held, PageRequest("pnl", descending=True, limit=7, cursor=cursor))
        ids += [trade.id for trade in page.items]
        cursor = page.next
        if cursor is None:
            break
    pnl = table(held)["pnl"].to_list()
    assert sorted(ids) == list(range(len(pnl)))
    assert [pnl[i] for i in ids] == sorted(pnl, reverse=True)


@pytest.mark.parametrize("direction", ["LONG", "SHORT"])
def test_a_direction_leaves_its_trades_and_their_sums(held: Held, direction: str) -> None:
    page = found(held, PageRequest(limit=1), direction=direction)
    wanted = table(held).filter(direction=direction)
    assert page.total == wanted.height > 1
    assert page.sums.pnl == pytest.approx(wanted["pnl"].sum())
    assert page.sums.wins == int((wanted["pnl"] > 0).sum())
    assert page.items[0].direction == direction


def test_outcomes_share_out_all_trades(held: Held) -> None:
    parts = [found(held, outcome=outcome) for outcome in ("win", "loss", "flat")]
    assert sum(part.total for part in parts) == found(held).total
    assert all(trade.pnl > 0 for trade in parts[0].items)
    assert all(trade.pnl < 0 for trade in parts[1].items)
    assert math.fsum(part.sums.pnl for part in parts) == pytest.approx(found(held).sums.pnl)


def test_a_span_takes_entries_at_its_start_and_none_at_its_end(held: Held) -> None:
    entries = [trade.entry_time for trade in found(held).items]
    start, end = entries[1], entries[-1]
    inside = [time for time in entries if start <= time < end]
    assert [trade.entry_time for trade in found(held, start=start, end=end).items] == inside


def test_exit_reasons_to_filter_by_are_those_of_the_trades(held: Held) -> None:
    page = found(held)
    assert set(page.exit_reasons) == {trade.exit_reason for trade in page.items}
    reason = page.exit_reasons[0]
    assert {trade.exit_reason for trade in found(held, exit_reason=reason).items} == {reason}


def test_no_trades_left_have_no_win_rate(held: Held) -> None:
    page = found(held, source="real")
    assert (page.total, page.sums.count, page.sums.pnl) == (0, 0, 0.0)
    assert page.sums.win_rate is None


def test_the_trades_after_the_choice_are_those_of_their_own_table(held: Held) -> None:
    after = held.folder.read_table(held.latest, "hold_out_trades").filter(instrument=PAIR)
    page = found(held, phase="hold_out")
    assert [trade.pnl for trade in page.items] == after["pnl"].to_list()
    assert (page.phase, page.unfiltered) == ("hold_out", HELD_OUT)
    assert found(held).phase == "look_back"
    assert found(held).unfiltered > HELD_OUT


def test_a_cursor_of_the_other_phase_is_refused(held: Held) -> None:
    cursor = found(held, PageRequest(limit=1)).next
    with pytest.raises(InputError, match="cursor: got"):
        found(held, PageRequest(limit=1, cursor=cursor), phase="hold_out")


def test_a_run_without_a_hold_out_says_why_it_has_no_trades_of_one(held: Held) -> None:
    page = trade_page(held.folder, held.latest, PAIR, ALL, TradeFilter(phase="hold_out"))
    assert page.absent is not None
    assert page.absent.code == "no_hold_out"
    assert page.absent.text.endswith(
        "EUR_USD: history is too short to judge the choice on weeks of its own"
    )


def test_a_run_that_kept_no_trades_of_its_hold_out_says_so(held: Held) -> None:
    kept = {name: path for name, path in held.judged.files.items() if "hold_out" not in name}
    older = held.judged.model_copy(update={"files": kept})
    page = trade_page(held.folder, older, PAIR, ALL, TradeFilter(phase="hold_out"))
    assert page.absent is not None
    assert "before runs kept hold out trades" in page.absent.text


def place(held: Held, number: int, page: PageRequest = ALL, **chosen: str) -> TradePlace:
    return trade_place(held.folder, held.judged, PAIR, number, page, TradeFilter(**chosen))


@pytest.mark.parametrize("sort", [None, "pnl", "entry_time"])
@pytest.mark.parametrize("descending", [False, True])
def test_a_trade_is_found_where_the_pages_have_it(
    held: Held, sort: str | None, *, descending: bool
) -> None:
    page = PageRequest(sort, descending=descending, limit=500)
    listed = found(held, page)
    for at in (0, 5, listed.total - 1):
        seen = place(held, listed.items[at].id, page)
        assert (seen.position, seen.trade) == (at, listed.items[at])
        assert (seen.total, seen.unfiltered) == (listed.total, listed.unfiltered)


def test_a_trade_that_the_filter_leaves_out_has_no_position(held: Held) -> None:
    lost = found(held, outcome="loss").items[0]
    seen = place(held, lost.id, outcome="win")
    assert (seen.trade, seen.position) == (lost, None)


def test_a_trade_that_the_phase_lacks_is_none(held: Held) -> None:
    seen = place(held, HELD_OUT, phase="hold_out")
    assert (seen.id, seen.trade, seen.position, seen.absent) == (HELD_OUT, None, None, None)
    assert place(held, HELD_OUT).trade is not None


def test_trades_of_an_instrument_that_failed_say_why_there_are_none(held: Held) -> None:
    page = trade_page(held.folder, held.latest, MISSING, ALL, TradeFilter())
    assert page.absent is not None
    assert page.absent.code == "instrument_failed"
    one = trade_place(held.folder, held.latest, MISSING, 0, ALL, TradeFilter())
    assert one.absent == page.absent


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (TradeFilter(phase="later"), "phase: got later; allowed: look_back, hold_out"),
        (TradeFilter(direction="BUY"), "direction: got BUY; allowed: LONG, SHORT"),
        (TradeFilter(exit_reason="hold_expire"), r"Did you mean 'hold_expiry'\?"),
        (TradeFilter(outcome="won"), "outcome: got won; allowed: win, loss, flat"),
        (TradeFilter(source="derived"), "source: got derived; allowed: real, synthetic"),
        (TradeFilter(start="now"), "time: got now"),
    ],
)
def test_a_filter_that_no_trade_can_have_is_refused(
    held: Held, chosen: TradeFilter, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        trade_page(held.folder, held.latest, PAIR, ALL, chosen)


def test_a_cursor_of_another_filter_is_refused(held: Held) -> None:
    cursor = found(held, PageRequest(limit=1)).next
    with pytest.raises(InputError, match="cursor: got"):
        found(held, PageRequest(limit=1, cursor=cursor), direction="LONG")
