"""From an empty state to a finished week through the page alone, with the real runner."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Serve, Visit
from tests.service.running import REAL_RUNS, WEEK


def test_a_run_goes_from_empty_to_completed_without_a_reload(
    empty: Path, serve: Serve, visit: Visit
) -> None:
    visitor = visit(str(serve(empty, command=REAL_RUNS).client.base_url))
    page = visitor.page
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Run backtest").click()
    banner = page.get_by_test_id("run-banner")
    expect(banner).to_have_attribute("data-state", "running", timeout=60_000)
    expect(banner).to_have_attribute("data-state", "completed", timeout=120_000)
    expect(page.get_by_test_id("tile")).to_have_count(2)
    expect(banner).to_contain_text("Completed")
    expect(page.get_by_label("Week")).to_have_value(WEEK)
    assert len(visitor.asked("GET", "/")) == 1
    assert len(visitor.asked("POST", "/api/backtests/run")) == 1
