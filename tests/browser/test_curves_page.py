"""The account of the chosen cell: what is sent of it, and what is told beside the drawing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import worlds
from tests.browser.conftest import Visit
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]
MOST_POINTS = 20_000


def chart(page: Page) -> Locator:
    return page.get_by_test_id("equity").locator("[aria-roledescription=chart]")


def curves(instrument: str) -> str:
    return f"/instruments/{instrument}?tab=curves"


@pytest.mark.parametrize("instrument", ["EUR_USD", worlds.LONG_CURVE])
def test_the_deepest_drawdown_of_the_list_is_that_of_the_tile(
    weeks: Weeks, in_weeks: Open, instrument: str
) -> None:
    run = worlds.run_of(weeks[2], "2026-W13")
    tiles: list[dict[str, Any]] = (
        weeks[1].client.get(f"/api/backtests/{run}/overview").json()["tiles"]
    )
    (tile,) = [each for each in tiles if each["instrument"] == instrument]
    page = in_weeks(curves(instrument))
    depth = page.get_by_test_id("drawdowns").locator("tbody tr").first.locator("td").first
    expect(depth).to_contain_text(f"{tile['metrics']['max_dd_pct']['value']:.2f} %")


def test_of_a_long_account_the_page_gets_a_part_and_says_what_it_stands_for(
    weeks: Weeks, visit: Visit
) -> None:
    visitor = visit("", site=weeks[0])
    bodies: list[dict[str, Any]] = []
    visitor.page.on(
        "response", lambda reply: bodies.append(reply.json()) if "/curve?" in reply.url else None
    )
    visitor.page.goto(f"{weeks[0]}{curves(worlds.LONG_CURVE)}")
    drawn = chart(visitor.page)
    expect(drawn).to_have_attribute("data-stands-for", str(worlds.POINTS))
    points = int(drawn.get_attribute("data-points") or 0)
    assert 0 < points <= MOST_POINTS
    assert [body["points"] for body in bodies] == [points]
    expect(drawn.locator("canvas")).to_have_count(2)


def test_arrow_keys_move_a_cursor_whose_place_is_read_out(in_weeks: Open) -> None:
    page = in_weeks(curves("EUR_USD"))
    expect(chart(page).locator("canvas")).to_have_count(2)
    chart(page).focus()
    page.keyboard.press("End")
    last = int(chart(page).get_attribute("data-cursor") or -1)
    assert last == int(chart(page).get_attribute("data-points") or 0) - 1
    page.keyboard.press("ArrowLeft")
    expect(chart(page)).to_have_attribute("data-cursor", str(last - 1))
    expect(page.get_by_test_id("equity").locator("output")).to_contain_text("UTC: Equity")


def test_choosing_a_drawdown_zooms_to_it(in_weeks: Open) -> None:
    page = in_weeks(curves("EUR_USD"))
    whole = (chart(page).get_attribute("data-from"), chart(page).get_attribute("data-to"))
    page.get_by_test_id("drawdowns").get_by_role("button").nth(1).click()
    expect(chart(page)).not_to_have_attribute("data-from", whole[0] or "")
    page.get_by_role("button", name="Show all").click()
    expect(chart(page)).to_have_attribute("data-from", whole[0] or "")
