"""Theme, forced colours, narrow screens and large text."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

Open = Callable[..., Page]
DARK, LIGHT = "rgb(17, 21, 28)", "rgb(245, 247, 250)"
PAGES: Final = ("/", "/roster", "/compare", "/history", "/system", "/instruments/EUR_USD")
SCRIPT: Final = "text/javascript"
TABS: Final = ("grid", "curves", "trades", "decisions", "data")
EVERY: Final = (*PAGES, *(f"/instruments/EUR_USD?tab={tab}" for tab in TABS))


def background(page: Page) -> str:
    found: str = page.evaluate(
        "[document.body, document.documentElement].map((n) => getComputedStyle(n).backgroundColor)"
        ".find((c) => c !== 'rgba(0, 0, 0, 0)')"
    )
    return found


def at(page: Page, path: str) -> Page:
    """The same page at another address."""
    page.goto(urljoin(page.url, path))
    # Parts that come later may not have said yet that they are on their way.
    page.wait_for_load_state("networkidle")
    return settled(page)


def settled(page: Page) -> Page:
    """The page with its content there."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    return page


@pytest.mark.parametrize(("scheme", "colour"), [("dark", DARK), ("light", LIGHT)])
def test_the_systems_theme_is_followed(in_weeks: Open, scheme: str, colour: str) -> None:
    assert background(settled(in_weeks("/", color_scheme=scheme))) == colour


def test_a_chosen_theme_survives_a_reload(in_weeks: Open) -> None:
    page = settled(in_weeks("/", color_scheme="light"))
    page.get_by_label("Theme").select_option("dark")
    assert background(page) == DARK
    page.reload()
    settled(page)
    assert background(page) == DARK
    expect(page.get_by_label("Theme")).to_have_value("dark")


def test_the_first_paint_has_the_chosen_theme_already(in_weeks: Open) -> None:
    page = settled(in_weeks("/", color_scheme="light"))
    page.get_by_label("Theme").select_option("dark")
    # Without the page's own script: what the head has done before it.
    page.route("**/assets/*.js", lambda route: route.fulfill(body="", content_type=SCRIPT))
    page.reload()
    assert background(page) == DARK
    assert page.locator("#root > *").count() == 0


def test_forced_colours_keep_chips_and_focus_visible(in_weeks: Open) -> None:
    page = settled(in_weeks("/", forced_colors="active"))
    chip = page.locator("[data-chip]").first
    expect(chip).to_be_visible()
    borders: list[str] = chip.evaluate(
        "(n) => { const s = getComputedStyle(n); return [s.borderTopStyle, s.borderTopWidth]; }"
    )
    assert borders[0] != "none"
    assert float(borders[1].removesuffix("px")) > 0
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    outline: list[str] = page.evaluate(
        "(() => { const s = getComputedStyle(document.activeElement);"
        " return [s.outlineStyle, s.outlineWidth]; })()"
    )
    assert outline[0] != "none"
    assert float(outline[1].removesuffix("px")) > 0


def overflow(page: Page) -> dict[str, Any]:
    """How much wider than the screen the page is, and what sticks out."""
    found: dict[str, Any] = page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          const out = [...document.querySelectorAll("main *, header *, footer *")].filter((n) => {
            const box = n.getBoundingClientRect();
            if (box.width === 0 || box.right <= wide + 1) return false;
            for (let up = n.parentElement; up; up = up.parentElement) {
              const x = getComputedStyle(up).overflowX;
              if (["auto", "scroll", "hidden"].includes(x)) return false;
            }
            return true;
          });
          return {by: document.documentElement.scrollWidth - wide,
                  what: out.slice(0, 3).map((n) => n.outerHTML.slice(0, 120))};
        }"""
    )
    return found


def test_at_320_pixels_no_page_scrolls_sideways(in_weeks: Open) -> None:
    page = in_weeks("/", viewport={"width": 320, "height": 800})
    found = {path: overflow(at(page, path)) for path in EVERY}
    assert {path: found[path] for path in EVERY if found[path]["by"] > 0} == {}


CUT: Final = """
() => [...document.querySelectorAll("main *, header *")].filter((n) => {
  const style = getComputedStyle(n);
  const own = [...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim() !== "");
  if (!own || style.clipPath !== "none" || style.clip !== "auto") return false;
  const hidesX = style.overflowX === "hidden" || style.overflowX === "clip";
  const hidesY = style.overflowY === "hidden" || style.overflowY === "clip";
  return (hidesX && n.scrollWidth > n.clientWidth + 1)
      || (hidesY && n.scrollHeight > n.clientHeight + 1);
}).map((n) => n.outerHTML.slice(0, 120))
"""


TWICE: Final = """
() => {
  const all = [...document.querySelectorAll("body *")];
  const sizes = all.map((n) => parseFloat(getComputedStyle(n).fontSize));
  all.forEach((n, at) => n.style.setProperty("font-size", `${2 * sizes[at]}px`, "important"));
}
"""
"""Of every text, as a browser does that enlarges text only; sizes in px would not follow a root."""


def test_at_twice_the_text_size_nothing_is_cut_off(in_weeks: Open) -> None:
    page = in_weeks("/", viewport={"width": 1280, "height": 900})
    for path in PAGES:
        at(page, path).evaluate(TWICE)
        assert page.evaluate(CUT) == [], path
        assert overflow(page)["by"] <= 0, path
