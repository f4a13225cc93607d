"""The week's decisions: groups, reasons with numbers, and the same counts as the Overview."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]


def test_decisions_stand_in_groups_and_every_change_has_a_reason_with_numbers(
    in_weeks: Open,
) -> None:
    page = in_weeks("/roster")
    groups = page.locator("[data-testid=roster] tbody[data-action]")
    expect(groups).to_have_count(3)
    named = [group.get_attribute("data-action") for group in groups.all()]
    assert set(named) == {"keep", "tighten", "disable"}
    rows = page.locator("[data-testid=roster] tr[data-instrument]")
    expect(rows).to_have_count(12)
    for row in rows.all():
        if row.get_attribute("data-action") == "keep":
            continue
        reasons = row.locator("[data-reason]").all_inner_texts()
        assert any(re.search(r"\d", text) for text in reasons), row.inner_text()


def test_the_counts_are_those_of_the_overview(in_weeks: Open) -> None:
    page = in_weeks("/")
    strip = page.get_by_test_id("strip").locator("[data-action]")
    expect(strip).to_have_count(3)
    told = {each.get_attribute("data-action"): each.locator("dd").inner_text()
            for each in strip.all()}  # fmt: skip
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Roster").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Roster of 2026-W13")
    for action, count in told.items():
        own = page.get_by_test_id("roster-counts").locator(f"[data-action={action}] dd")
        expect(own).to_have_text(count)
        group = page.locator(f"[data-testid=roster] tbody[data-action={action}]")
        expect(group.locator("tr[data-instrument]")).to_have_count(int(count))
