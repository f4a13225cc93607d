"""The trade list beside the prices: selection, paging, sorting, and one zone for all times."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import worlds
from tests.browser.conftest import Visit
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]
TRADES: Final = "/instruments/EUR_USD?tab=trades"
SUMMER_TIME: Final = datetime(2026, 3, 8, 7, tzinfo=UTC)
"""From then on New York keeps summer time; Tokyo has none."""
LIST: Final = re.compile("^Trades; arrow keys")


def trades(weeks: Weeks, **query: Any) -> list[dict[str, Any]]:
    run = worlds.run_of(weeks[2], "2026-W13")
    path = f"/api/backtests/{run}/instruments/EUR_USD/trades"
    reply = weeks[1].client.get(path, params={"limit": 500, **query}).json()
    found: list[dict[str, Any]] = reply["items"]
    return found


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def rows(page: Page) -> Locator:
    return page.locator("tr[data-trade]")


def candles(page: Page) -> Locator:
    return page.get_by_test_id("candles").locator("[aria-roledescription=chart]")


def test_choosing_a_trade_shows_the_prices_around_it_with_all_marks(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = in_weeks(TRADES)
    row = rows(page).nth(5)
    number = int(row.get_attribute("data-trade") or -1)
    (trade,) = [each for each in trades(weeks) if each["id"] == number]
    row.click()
    expect(candles(page)).to_have_attribute("data-trade", str(number))
    expect(page.get_by_test_id("candles").locator("figure[aria-busy=true]")).to_have_count(0)
    start, end = (
        time_of(candles(page).get_attribute(f"data-{side}") or "") for side in ("from", "to")
    )
    assert start < time_of(trade["entry_time"]) <= time_of(trade["exit_time"]) < end
    seen = [
        time
        for each in trades(weeks)
        for time in (time_of(each["entry_time"]), time_of(each["exit_time"]))
        if start <= time < end
    ]
    assert len(seen) >= 2
    expect(candles(page)).to_have_attribute("data-markers", str(len(seen)))


def test_over_the_whole_window_each_trade_has_two_marks(weeks: Weeks, in_weeks: Open) -> None:
    page = in_weeks(TRADES)
    expect(candles(page)).to_have_attribute("data-markers", str(2 * len(trades(weeks))))


def test_arrow_keys_on_the_prices_change_what_is_read_out(in_weeks: Open) -> None:
    page = in_weeks(TRADES)
    expect(candles(page).locator("canvas").first).to_be_visible()
    candles(page).focus()
    said = page.get_by_test_id("candles").locator("output")
    page.keyboard.press("Home")
    expect(said).to_contain_text("UTC: open")
    first = said.inner_text()
    page.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(first)


def test_a_long_list_keeps_few_rows_sorts_on_the_service_and_goes_to_its_end(
    weeks: Weeks, visit: Visit
) -> None:
    visitor = visit(f"{weeks[0]}/instruments/{worlds.MANY_TRADES}?tab=trades")
    page = visitor.page
    expect(page.get_by_test_id("sums")).to_contain_text("12,431 of 12,431 trades")
    assert 0 < rows(page).count() < 100
    page.get_by_role("button", name="Net P&L").click()
    expect(page.get_by_role("columnheader", name="Net P&L")).to_have_attribute(
        "aria-sort", "descending"
    )
    asked = [each.url for each in visitor.requests if "sort=pnl" in each.url]
    assert asked
    table = page.get_by_role("grid", name=LIST)
    table.focus()
    page.keyboard.press("End")
    last = page.locator(f"tr[data-trade][aria-rowindex='{worlds.TRADES + 1}']")
    expect(last).to_be_visible(timeout=60_000)
    expect(last).to_have_attribute("data-active", "true")
    assert rows(page).count() < 100


def shown_time(text: str) -> datetime:
    return datetime.strptime(text, "%d %b %Y %H:%M:%S")  # noqa: DTZ007 # of the zone switched to


def test_one_switch_moves_axis_table_and_header_of_a_trade_together(in_weeks: Open) -> None:
    page = in_weeks(TRADES)
    first = rows(page).first.locator("td").first
    expect(page.get_by_role("columnheader", name="Entry, UTC")).to_be_visible()
    expect(candles(page)).to_have_attribute("data-zone", "UTC")
    in_utc = shown_time(first.inner_text())
    rows(page).first.click()
    facts = page.get_by_test_id("candles").get_by_role("status").first
    expect(facts).to_contain_text(f"{in_utc:%H:%M} UTC")
    page.get_by_text("Local (GMT+9)").click()
    expect(page.get_by_role("columnheader", name="Entry, GMT+9")).to_be_visible()
    expect(candles(page)).to_have_attribute("data-zone", "GMT+9")
    local = shown_time(first.inner_text())
    assert local - in_utc == timedelta(hours=9)
    expect(facts).to_contain_text(f"{local:%H:%M} GMT+9")


@pytest.mark.parametrize("side", ["before", "after"])
def test_trades_on_both_sides_of_a_clock_change_keep_their_instant(
    weeks: Weeks, in_weeks: Open, side: str
) -> None:
    all_of = trades(weeks)
    late = [each for each in all_of if time_of(each["entry_time"]) > SUMMER_TIME]
    early = [each for each in all_of if time_of(each["entry_time"]) < SUMMER_TIME]
    assert late
    assert early
    trade = early[-1] if side == "before" else late[0]
    page = in_weeks(f"{TRADES}&trade={trade['id']}")
    entry = time_of(trade["entry_time"])
    facts = page.get_by_test_id("candles").get_by_role("status").first
    expect(facts).to_contain_text(f"{entry.day} {entry:%b %Y %H:%M} UTC")


def test_the_trades_after_the_choice_are_one_switch_away_and_so_are_their_marks(
    weeks: Weeks, in_weeks: Open
) -> None:
    after = trades(weeks, phase="hold_out")
    assert 0 < len(after) != len(trades(weeks))
    page = in_weeks(TRADES)
    page.get_by_text("Hold-out", exact=True).click()
    expect(page).to_have_url(re.compile("phase=hold_out"))
    expect(page.get_by_test_id("sums")).to_contain_text(f"{len(after)} of {len(after)} trades")
    expect(rows(page).first).to_contain_text(f"{abs(after[0]['pnl']):.2f}")
    expect(candles(page)).to_have_attribute("data-markers", str(2 * len(after)))
    link = page.get_by_role("link", name="Trades of all instruments (CSV)")
    expect(link).to_have_attribute("href", re.compile("hold_out_trades-csv$"))


def test_the_address_alone_opens_a_trade_after_the_choice(weeks: Weeks, in_weeks: Open) -> None:
    trade = trades(weeks, phase="hold_out")[3]
    page = in_weeks(f"{TRADES}&phase=hold_out&trade={trade['id']}")
    expect(page.get_by_role("radio", name="Hold-out")).to_be_checked()
    facts = page.get_by_test_id("candles").get_by_role("status").first
    expect(facts).to_contain_text(f"at {trade['entry_price']:g}")
    start = time_of(candles(page).get_attribute("data-from") or "")
    assert start < time_of(trade["entry_time"])


def test_a_run_that_kept_no_trades_after_the_choice_says_why(in_weeks: Open) -> None:
    page = in_weeks(f"{TRADES}&phase=hold_out&week=2026-W12")
    told = page.get_by_test_id("trades")
    expect(told.get_by_text("No trades after the choice")).to_be_visible()
    expect(told).to_contain_text("this run was made before runs kept hold out trades")
    told.get_by_text("Look-back", exact=True).click()
    expect(page.get_by_test_id("sums")).to_be_visible()


@pytest.mark.parametrize("order", ["", "&sort=-pnl"])
def test_a_link_to_a_trade_beyond_the_first_page_brings_its_row_into_sight(
    in_weeks: Open, order: str
) -> None:
    page = in_weeks(f"/instruments/{worlds.MANY_TRADES}?tab=trades&trade=3000{order}")
    row = page.locator("tr[data-trade='3000']")
    expect(row).to_be_in_viewport(timeout=60_000)
    expect(row).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("candles").get_by_role("status").first).to_contain_text("units")
    assert rows(page).count() < 100


def test_a_link_to_a_trade_that_the_run_lacks_says_so(in_weeks: Open) -> None:
    page = in_weeks(f"{TRADES}&trade=9999999")
    told = page.get_by_test_id("trades").get_by_role("alert")
    expect(told).to_contain_text("This run has no trade 9999999 in the look-back")
    told.get_by_role("button", name="Show all trades").click()
    expect(page).not_to_have_url(re.compile("trade=9999999"))
    expect(told).to_have_count(0)


def test_a_trade_that_the_filters_leave_out_is_shown_and_that_is_said(
    weeks: Weeks, in_weeks: Open
) -> None:
    lost = trades(weeks, outcome="loss")[0]
    page = in_weeks(f"{TRADES}&outcome=win&trade={lost['id']}")
    told = page.get_by_test_id("trades").get_by_role("alert")
    expect(told).to_contain_text("the filters leave it out")
    expect(candles(page)).to_have_attribute("data-trade", str(lost["id"]))
    told.get_by_role("button", name="Clear filters").click()
    expect(page.locator(f"tr[data-trade='{lost['id']}']")).to_be_in_viewport()
