"""Two weeks side by side: only what changed, what is better, and whether they can be compared."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import worlds
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]


def pair(weeks: Weeks, base: str) -> str:
    runs = [worlds.run_of(weeks[2], week) for week in (base, "2026-W13")]
    return f"/compare?base={runs[0]}&head={runs[1]}"


def compared(weeks: Weeks, base: str) -> dict[str, Any]:
    address = f"/api/backtests{pair(weeks, base)}"
    found: dict[str, Any] = weeks[1].client.get(address).raise_for_status().json()
    return found


def test_without_a_choice_the_newest_week_stands_beside_the_one_before(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = in_weeks("/compare")
    expect(page.get_by_label("Base")).to_have_value(worlds.run_of(weeks[2], "2026-W12"))
    expect(page.get_by_label("Head")).to_have_value(worlds.run_of(weeks[2], "2026-W13"))


def test_only_what_changed_is_listed_while_differences_only_is_on(
    weeks: Weeks, in_weeks: Open
) -> None:
    found = compared(weeks, "2026-W12")
    page = in_weeks(pair(weeks, "2026-W12"))
    expect(page.get_by_label("Differences only")).to_be_checked()
    table = page.get_by_test_id("compare")
    expect(table.locator("tbody tr[data-instrument]")).to_have_count(len(found["instruments"]))
    changed = page.locator("#change-GBP_JPY").first
    lines = changed.locator("tbody tr").count()
    page.get_by_label("Differences only").uncheck()
    expect(page).to_have_url(re.compile("[?&]all="))
    expect(changed.locator("tbody tr").nth(lines)).to_be_visible()


def test_less_drawdown_is_better_and_less_sharpe_is_worse(weeks: Weeks, in_weeks: Open) -> None:
    found = compared(weeks, "2026-W12")["instruments"]
    page = in_weeks(pair(weeks, "2026-W12"))
    column = {"sharpe": 0, "max_dd_pct": 3}
    for name, better in (("max_dd_pct", -1), ("sharpe", 1)):
        told = 0
        for instrument, change in found.items():
            moved = change["metrics"].get(name, {}).get("delta")
            if not moved:
                continue
            row = page.get_by_test_id("compare").locator(f"tr[data-instrument={instrument}]")
            cell = row.locator("td").nth(column[name])
            word = "better" if moved * better > 0 else "worse"
            expect(cell.locator(f"[data-verdict={word}]")).to_contain_text(word)
            told += 1
        assert told > 0


def test_other_rules_and_instruments_of_one_week_only_are_named(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = in_weeks(pair(weeks, "2026-W11"))
    expect(page.get_by_role("alert")).to_contain_text("Not comparable: profile changed")
    expect(page.locator("[data-only=base]")).to_contain_text(worlds.REMOVED.replace("_", "/"))
    expect(page.locator("[data-only=head]")).to_contain_text(worlds.ADDED.replace("_", "/"))
