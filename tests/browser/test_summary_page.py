"""What the first tab of an instrument and the system page tell, against what the service says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from hotband.service.roles import roles_of
from tests.browser import worlds
from tests.browser.conftest import Serve, Visit
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]


def entry(here: Here, run: str) -> dict[str, Any]:
    reply = here.client.get(f"/api/backtests/{run}/instruments/EUR_USD")
    found: dict[str, Any] = reply.json()["entry"]
    return found


def test_stresses_stand_under_the_run_as_it_was(weeks: Weeks, in_weeks: Open) -> None:
    found = entry(weeks[1], worlds.run_of(weeks[2], "2026-W13"))
    table = in_weeks("/instruments/EUR_USD").get_by_test_id("stress").locator("tr[data-stress]")
    expect(table.first).to_have_attribute("data-stress", "base")
    expect(table.first).to_contain_text("Costs 1\u00d7, as run")
    expect(table.first).to_contain_text(f"{abs(found['metrics']['pnl']):,.2f}")
    expect(table.first).to_contain_text(f"{found['metrics']['profit_factor']:.2f}")
    names = [row.get_attribute("data-stress") for row in table.all()]
    assert set(names[1:]) == set(found["judgement"]["stress"]["pnl"])


def test_a_probability_that_the_days_cannot_give_has_its_reason(
    finished: Path, serve: Serve, visit: Visit
) -> None:
    here = serve(finished)
    found = entry(here, here.client.get("/api/backtests/latest").json()["run_id"])
    assert found["judgement"]["selection"]["dsr"] is None
    assert found["metric_details"]["sharpe"]["reason"] == "window_too_short"
    page = visit(f"{str(here.client.base_url).rstrip('/')}/instruments/EUR_USD").page
    facts = page.get_by_test_id("selection").locator("dl > div")
    for name in ("Deflated Sharpe", "Probabilistic Sharpe"):
        told = facts.filter(has=page.get_by_text(name, exact=True)).locator("dd")
        expect(told).to_have_text("n/a \u2013 too few days")


def test_the_checks_name_places_by_what_they_are_for(weeks: Weeks, in_weeks: Open) -> None:
    page = in_weeks("/system")
    check = page.locator("[data-check=folders]")
    expect(check).to_contain_text("The state folder and the output folder are there.")
    expect(page.locator("[data-check=bars]")).to_contain_text("The bar store (parquet) has")
    expect(page.locator("[data-check=bars]")).to_contain_text(re.compile(r"\d+ d \d+ h"))
    told = page.get_by_test_id("system-checks").inner_text()
    assert "[path]" not in told
    for place in roles_of(weeks[1].service.places):
        assert place not in told
