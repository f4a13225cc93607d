"""With the system's own colours nothing vanishes that was told by a colour of the page."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import worlds

Open = Callable[..., Page]
FORCED: Final = {"forced_colors": "active"}
PAIR: Final = "/instruments/EUR_USD"


def style(place: Locator, *names: str) -> list[str]:
    found: list[str] = place.evaluate(
        "(n, names) => names.map((name) => getComputedStyle(n)[name])", list(names)
    )
    return found


def system(page: Page, name: str) -> str:
    """A colour of the system, as the page computes it."""
    found: str = page.evaluate(
        """(name) => {
          const probe = document.createElement("i");
          probe.style.cssText = `forced-color-adjust: none; color: ${name}`;
          document.body.append(probe);
          const found = getComputedStyle(probe).color;
          probe.remove();
          return found;
        }""",
        name,
    )
    return found


DRAWN: Final = """
(n, [r, g, b]) => {
  for (const canvas of n.querySelectorAll("canvas")) {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let at = 0; at < data.length; at += 4)
      if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] > 0)
        return true;
  }
  return false;
}
"""
"""Whether a drawing has a pixel of a colour."""
IN_CURVES: Final = (
    f"(colour) => [...document.querySelectorAll('.uplot')].some((n) => ({DRAWN})(n, colour))"
)
READ_BACK: Final = ("willReadFrequently",)
"""The browser's hint about the reading of pixels, which only the test does."""


def rgb(text: str) -> list[int]:
    return [int(part) for part in text.removeprefix("rgb(").removesuffix(")").split(",")]


def test_the_words_of_a_filled_button_and_of_a_chosen_switch_are_read_on_their_fill(
    in_weeks: Open,
) -> None:
    page = in_weeks("/", **FORCED)
    button = page.get_by_role("button", name="Run backtest")
    chosen = page.locator("label:has(input:checked) > span").first
    for place in (button, chosen):
        expect(place).to_have_css("forced-color-adjust", "none")
        ink, fill = style(place, "color", "backgroundColor")
        assert (ink, fill) == (system(page, "HighlightText"), system(page, "Highlight"))


def test_only_the_tab_that_is_shown_is_underlined(in_weeks: Open) -> None:
    page = in_weeks(PAIR, **FORCED)
    shown = page.get_by_role("tab", selected=True)
    expect(shown).to_have_count(1)
    paper = system(page, "Canvas")
    assert style(shown, "borderBottomColor") != [paper]
    for other in page.get_by_role("tab", selected=False).all():
        assert style(other, "borderBottomColor") == [paper]


def test_the_page_that_is_shown_is_underlined_in_the_navigation(in_weeks: Open) -> None:
    page = in_weeks("/roster", **FORCED)
    links = page.locator("nav a")
    expect(links.filter(has_text="Roster")).to_have_attribute("aria-current", "page")
    lines = {link.inner_text(): style(link, "textDecorationLine")[0] for link in links.all()}
    assert [name for name, line in lines.items() if line == "underline"] == ["Roster"]


def test_the_chosen_trade_is_outlined_in_the_list(in_weeks: Open) -> None:
    page = in_weeks(f"{PAIR}?tab=trades&trade=5", **FORCED)
    row = page.locator("tr[data-trade='5']")
    expect(row).to_have_attribute("aria-selected", "true")
    assert style(row, "outlineStyle") == ["solid"]
    assert style(page.locator("tr[data-trade='6']"), "outlineStyle") == ["none"]


def test_the_cells_of_the_map_keep_colours_that_differ_by_sign(in_weeks: Open) -> None:
    page = in_weeks(f"/instruments/{worlds.GRADED}?tab=grid&metric=pnl", **FORCED)
    cells = page.locator("td[data-ramp]")
    expect(cells.first).to_be_visible()
    fills = {style(cell, "backgroundColor")[0] for cell in cells.all()}
    assert len(fills) == len(worlds.PROFITS)


@pytest.mark.parametrize(
    ("options", "colour"),
    [
        ({"color_scheme": "light"}, "rgb(24, 87, 164)"),
        ({"color_scheme": "dark"}, "rgb(125, 184, 245)"),
        (FORCED | {"color_scheme": "dark"}, "LinkText"),
        (FORCED | {"color_scheme": "light"}, "LinkText"),
    ],
)
def test_curves_are_drawn_in_the_colours_that_the_page_has(
    in_weeks: Open, options: dict[str, Any], colour: str
) -> None:
    page = in_weeks(f"{PAIR}?tab=curves", allowed=READ_BACK, **options)
    wanted = rgb(colour if colour.startswith("rgb") else system(page, colour))
    page.wait_for_function(IN_CURVES, arg=wanted)


def test_a_theme_chosen_by_hand_moves_the_curves_with_it(in_weeks: Open) -> None:
    page = in_weeks(f"{PAIR}?tab=curves", allowed=READ_BACK, color_scheme="light")
    page.wait_for_function(IN_CURVES, arg=[24, 87, 164])
    page.get_by_label("Theme").select_option("dark")
    page.wait_for_function(IN_CURVES, arg=[125, 184, 245])
