"""The grid explorer: links, keys, filters, colours."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser import worlds
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]
GRID: Final = f"/instruments/{worlds.GRADED}?tab=grid"
NEUTRAL: Final = 5
NEUTRAL_COLOUR: Final = "rgb(247, 247, 247)"


def cells(page: Page) -> Locator:
    return page.get_by_role("grid").locator("[role=gridcell]")


def opened(in_weeks: Open, more: str = "&metric=pnl&x=hazard_max&y=hold_minutes") -> Page:
    page = in_weeks(f"{GRID}{more}", color_scheme="light")
    expect(cells(page)).to_have_count(10)
    return page


def plane(weeks: Weeks) -> dict[str, Any]:
    run = worlds.run_of(weeks[2], "2026-W13")
    path = f"/api/backtests/{run}/instruments/{worlds.GRADED}/plane"
    asked = {"x": "hazard_max", "y": "hold_minutes", "metric": "pnl"}
    found: dict[str, Any] = weeks[1].client.get(path, params=asked).raise_for_status().json()
    return found


def test_a_link_brings_back_metric_axes_limits_and_cell(in_weeks: Open) -> None:
    page = opened(in_weeks, "")
    page.get_by_role("combobox", name="Metric").select_option("pnl")
    page.get_by_role("combobox", name="Across").select_option("hold_minutes")
    page.get_by_role("combobox", name="Down").select_option("hazard_max")
    page.get_by_label("Trades at least").fill("20")
    cell = cells(page).nth(7)
    cell.click()
    expect(cell).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("cell="))
    name, number = cell.get_attribute("aria-label"), cell.get_attribute("data-cell")
    link = urlsplit(page.url)
    again = in_weeks(f"{link.path}?{link.query}")
    expect(again.get_by_role("grid")).to_have_attribute("data-metric", "pnl")
    expect(again.get_by_role("combobox", name="Across")).to_have_value("hold_minutes")
    expect(again.get_by_role("combobox", name="Down")).to_have_value("hazard_max")
    expect(again.get_by_label("Trades at least")).to_have_value("20")
    chosen = again.locator("[role=gridcell][aria-selected=true]")
    expect(chosen).to_have_attribute("aria-label", name or "")
    expect(chosen).to_have_attribute("data-cell", number or "")
    expect(again.get_by_test_id("cell")).to_contain_text(f"Cell {number}")


def test_the_grid_is_one_stop_of_the_tab_key_and_arrows_walk_its_cells(in_weeks: Open) -> None:
    page = opened(in_weeks)
    region = page.get_by_role("region", name=re.compile("over"))
    region.focus()
    page.keyboard.press("Tab")
    focused = page.locator("[role=gridcell]:focus")
    expect(focused).to_have_count(1)
    page.keyboard.press("Control+Home")
    at = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "End", "Home"):
        page.keyboard.press(key)
        at.append((focused.get_attribute("data-row"), focused.get_attribute("data-column")))
    assert at == [
        ("0", "1"), ("0", "2"), ("1", "2"), ("1", "1"), ("0", "1"), ("0", "4"), ("0", "0"),
    ]  # fmt: skip
    page.keyboard.press("Tab")
    expect(focused).to_have_count(0)


def test_a_cells_name_holds_parameters_metric_trades_and_gates_and_enter_shows_it(
    in_weeks: Open,
) -> None:
    page = opened(in_weeks)
    cells(page).nth(9).focus()
    page.keyboard.press("Enter")
    name = cells(page).nth(9).get_attribute("aria-label") or ""
    assert re.search(r"Hazard cap 0\.12, Hold.* 30: .*P&L \+2,000\.00 USD", name), name
    assert "400 trades" in name
    assert "qualified" in name
    number = cells(page).nth(9).get_attribute("data-cell")
    expect(page.get_by_test_id("cell").get_by_role("heading")).to_contain_text(f"Cell {number}")
    expect(page.get_by_test_id("cell")).to_contain_text("400")


def test_a_limit_dims_exactly_the_cells_below_it_and_says_how_many_are_left(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = opened(in_weeks)
    found = plane(weeks)
    below = {
        str(found["cells"][row][column])
        for row, line in enumerate(found["trades"])
        for column, trades in enumerate(line)
        if trades < 20
    }
    assert len(below) == 4
    page.get_by_label("Trades at least").fill("20")
    dimmed = page.locator("[role=gridcell][data-dim]")
    expect(dimmed).to_have_count(4)
    assert {each.get_attribute("data-cell") for each in dimmed.all()} == below
    expect(page.get_by_text(f"{10 - len(below)} of {found['tested']} shown")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(dimmed).to_have_count(0)
    expect(page.get_by_text("10 of 10 shown")).to_be_visible()


def test_zero_has_the_neutral_colour_and_gains_and_losses_lie_even_steps_from_it(
    in_weeks: Open,
) -> None:
    page = opened(in_weeks)
    steps = [int(cells(page).nth(at).get_attribute("data-step") or -1) for at in range(5)]
    assert steps[2] == NEUTRAL
    assert [steps[4] - NEUTRAL, steps[3] - NEUTRAL] == [NEUTRAL - steps[0], NEUTRAL - steps[1]]
    assert steps[0] < steps[1] < NEUTRAL
    colours = [
        cells(page).nth(at).evaluate("(n) => getComputedStyle(n).backgroundColor")
        for at in range(5)
    ]
    assert colours[2] == NEUTRAL_COLOUR
    assert len(set(colours)) == 5


def test_without_colour_losses_still_have_their_sign(in_weeks: Open) -> None:
    page = opened(in_weeks)
    texts = [cells(page).nth(at).inner_text() for at in (0, 1, 3, 4)]
    assert [text[0] for text in texts] == ["\u2212", "\u2212", "1", "2"]
