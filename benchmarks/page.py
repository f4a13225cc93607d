"""How the dashboard feels with much in it: 200,000 points of equity, 12,431 trades.

In the system's Chromium without a graphics processor, against a real service on the same machine.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from playwright.sync_api import Page, expect, sync_playwright
from tests.browser import worlds
from tests.browser.visitor import ARGUMENTS, program
from tests.service.running import service_process

from benchmarks.rows import Row

REPEATS: Final = 5
KEYS: Final = 60
WATCH: Final = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
"""
"""Tasks of over 50 ms, during which the page does not answer."""


def page() -> list[Row]:
    """Times to the first picture, to answers, and the longest task while it is used."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        home = worlds.archive_home(base, base / "home")
        with service_process(home) as served, sync_playwright() as made:
            browser = made.chromium.launch(executable_path=program(), args=ARGUMENTS)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_init_script(WATCH)
            shown = context.new_page()
            site = served.url.rstrip("/")
            found = [*_curves(shown, site), *_trades(shown, site)]
            browser.close()
    return found


def _curves(shown: Page, site: str) -> list[Row]:
    drawn, longest = [], 0.0
    for _ in range(REPEATS):
        shown.goto(f"{site}/instruments/{worlds.LONG_CURVE}?tab=curves")
        chart = shown.get_by_test_id("equity").locator("[aria-roledescription=chart]")
        expect(chart.locator("canvas")).to_have_count(2)
        drawn.append(_since_start(shown))
        chart.focus()
        shown.evaluate("window.longTasks.length = 0")
        for _ in range(KEYS):
            shown.keyboard.press("ArrowRight")
        longest = max(longest, _longest(shown))
    on = f"{worlds.POINTS:,} points of one account, page opened anew"
    return [
        Row("curves drawn, from the first request", median(drawn), "ms", "1500", on),
        Row("longest task while the cursor moves", longest, "ms", "200", f"{KEYS} keys"),
    ]


def _trades(shown: Page, site: str) -> list[Row]:
    opened, sorted_, ended, longest = [], [], [], 0.0
    for _ in range(REPEATS):
        shown.goto(f"{site}/instruments/{worlds.MANY_TRADES}?tab=trades")
        rows = shown.locator("tr[data-trade]")
        expect(rows.first).to_be_visible()
        opened.append(_since_start(shown))
        shown.wait_for_load_state("networkidle")
        shown.evaluate("window.longTasks.length = 0")
        first = rows.first.get_attribute("data-trade")
        began = time.perf_counter()
        shown.get_by_role("columnheader", name="Net P&L").get_by_role("button").click()
        expect(rows.first).not_to_have_attribute("data-trade", first or "")
        sorted_.append(1e3 * (time.perf_counter() - began))
        began = time.perf_counter()
        shown.get_by_role("grid", name="Trades").focus()
        shown.keyboard.press("End")
        last = shown.locator(f"tr[aria-rowindex='{worlds.TRADES + 1}']")
        expect(last).to_be_visible(timeout=60_000)
        ended.append(1e3 * (time.perf_counter() - began))
        longest = max(longest, _longest(shown))
    on = f"{worlds.TRADES:,} trades of one instrument"
    return [
        Row("trades shown, from the first request", median(opened), "ms", "", on),
        Row("sorted by profit, by the service", median(sorted_), "ms", "", on),
        Row("End key to the last row", median(ended), "ms", "", on),
        Row("longest task meanwhile", longest, "ms", "200", on),
    ]


def _since_start(shown: Page) -> float:
    return float(shown.evaluate("performance.now()"))


def _longest(shown: Page) -> float:
    shown.wait_for_timeout(200)
    return float(shown.evaluate("Math.max(0, ...window.longTasks)"))
