"""Read-only services and signing in; hostile requests are told in tests/service/test_hostile_*."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Serve, Visit
from tests.service.running import Client, service_process

RUN = "/api/backtests/run"


def test_a_read_only_service_says_why_no_run_can_be_started(
    finished: Path, serve: Serve, visit: Visit
) -> None:
    here = serve(finished, read_only=True)
    visitor = visit(str(here.client.base_url), allowed=("status of 403",))
    page = visitor.page
    button = page.get_by_role("banner").get_by_role("button", name="Run backtest")
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description("Read-only mode: runs are off on this server.")
    forced = page.evaluate(
        "async () => { const r = await fetch('/api/backtests/run', {method: 'POST', body: '{}',"
        " headers: {'Content-Type': 'application/json'}});"
        " return [r.status, r.headers.get('content-type'), (await r.json()).type]; }"
    )
    assert forced == [403, "application/problem+json", "urn:hotband:problem:read-only"]


def test_without_a_token_the_api_refuses_and_the_page_asks_for_it(
    finished: Path, serve: Serve, visit: Visit
) -> None:
    here = serve(finished, auth="token")
    refused = here.client.get("/api/backtests/status")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    page = visit(str(here.client.base_url), allowed=("status of 401",)).page
    expect(page.get_by_role("heading", name="Sign-in needed")).to_be_visible()
    page.get_by_label("Access token").fill("wrong-token-of-some-length")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Access token").fill((finished / "service/token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("tile")).to_have_count(2)


@pytest.mark.usefixtures("page_files")
def test_the_start_up_link_signs_in_and_leaves_the_token_nowhere(
    finished: Path, visit: Visit
) -> None:
    with service_process(finished, "--auth", "token") as served:
        link, token = served.url, served.url.partition("#token=")[2]
        assert len(token) >= 40
        visitor = visit(link, allowed=("status of 401",))
        page = visitor.page
        expect(page.get_by_test_id("tile")).to_have_count(2)
        assert token not in page.url
        assert "#" not in page.url
        kept = page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie,"
            " history.state])"
        )
        assert token not in kept
        entries = visitor.context.new_cdp_session(page).send("Page.getNavigationHistory")
        assert not any(token in entry["url"] for entry in entries["entries"])
        page.reload()
        expect(page.get_by_test_id("tile")).to_have_count(2)
        logs = [path for path in finished.rglob("*.log*") if path.is_file()]
        assert all(token not in path.read_text(errors="replace") for path in logs)
        with Client(base_url=link.partition("#")[0]) as stranger:
            assert stranger.get("/api/backtests/status").status_code == 401
