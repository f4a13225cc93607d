"""What the page shows while a run is started, watched, stopped, or fails."""

import itertools
import os
import signal
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from hotband.service import status as status_module
from hotband.service.index import RunIndex
from tests.browser.conftest import Serve, Visit
from tests.service.running import Here, until

RUN_ID: Final = "0123456789abcdef"
RUN: Final = "/api/backtests/run"
STATUS: Final = "/api/backtests/status"
CELLS: Final = 480


def at(here: Here) -> str:
    """The address of a service."""
    return str(here.client.base_url)


def progress(done: int) -> dict[str, Any]:
    """A runner's word on how far it is."""
    return {
        "instrument": "EUR_USD", "completed": done, "total": CELLS, "cells_per_second": 2.0,
        "eta_seconds": (CELLS - done) / 2.0,
    }  # fmt: skip


def begun(here: Here, **step: Any) -> str:
    """Start a run past the page; its job."""
    here.steps.say(run_id=RUN_ID, **step)
    return str(here.client.start().raise_for_status().json()["job_id"])


def until_done(here: Here, cells: int) -> None:
    """Wait until the service has heard of so many cells."""
    until(lambda: here.client.status()["progress"]["done"] == cells, f"{cells} cells")


def banner(page: Page) -> Any:
    return page.get_by_test_id("run-banner")


def start_button(page: Page) -> Any:
    """The one beside the week; the empty page has another."""
    return page.get_by_role("banner").get_by_role("button", name="Run backtest")


def test_a_fresh_state_says_that_there_are_no_runs_and_can_start_one(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(at(serve(empty))).page
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    expect(start_button(page)).to_be_enabled()
    expect(page.get_by_test_id("tile")).to_have_count(0)


def test_a_start_posts_once_as_json_with_a_key_and_shows_at_once_that_it_starts(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(empty)
    visitor = visit(at(here))
    page, button = visitor.page, start_button(visitor.page)
    button.click()
    expect(page.get_by_role("button", name="Run backtest", disabled=False)).to_have_count(0)
    # The runner has not read its inputs, so the reply to the start is still out.
    expect(banner(page)).to_contain_text("Starting")
    expect(banner(page)).to_have_attribute("data-state", "running")
    here.steps.say(run_id=RUN_ID, progress=progress(48))
    expect(banner(page)).to_contain_text("Running – 48 of 480 combinations (10 %)")
    (posted,) = visitor.asked("POST", RUN)
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["idempotency-key"]


def test_a_double_click_starts_one_run(empty: Any, serve: Serve, visit: Visit) -> None:
    here = serve(empty)
    visitor = visit(at(here))
    here.steps.say(run_id=RUN_ID)
    start_button(visitor.page).dblclick()
    expect(banner(visitor.page)).to_have_attribute("data-run", RUN_ID)
    assert len(visitor.asked("POST", RUN)) == 1
    assert len(here.client.get("/api/backtests").json()["items"]) == 1


def test_the_bar_follows_the_runner_within_four_seconds(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(empty)
    begun(here, progress=progress(0))
    page = visit(at(here), clock=True).page
    bar = page.get_by_role("progressbar", name="Combinations tested")
    expect(bar).to_have_js_property("value", 0)
    for done in (120, 312, 480):
        here.steps.say(progress=progress(done))
        until_done(here, done)
        page.clock.run_for(4_000)
        expect(bar).to_have_js_property("value", done / CELLS)


def test_the_status_line_speaks_at_tenths_of_the_way_and_at_changes_of_phase_only(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(empty)
    begun(here, progress=progress(120))
    page = visit(at(here), clock=True).page
    spoken = page.get_by_test_id("announcer")
    expect(spoken).to_have_text("20 % of 480 combinations tested")
    assert spoken.get_attribute("role") == "status"
    for done, said in ((130, "20 %"), (143, "20 %"), (145, "30 %"), (480, "100 %")):
        here.steps.say(progress=progress(done))
        until_done(here, done)
        page.clock.run_for(4_000)
        expect(banner(page)).to_contain_text(f"{done} of 480")
        expect(spoken).to_have_text(f"{said} of 480 combinations tested")
    here.steps.say(end="error", error={"kind": "StoreError", "message": "no room"})
    here.client.until("error")
    page.clock.run_for(4_000)
    expect(spoken).to_have_text("The run failed")


class Clockwork:
    """Moves a page's clock in tenths of a second, and notes when the status was asked for."""

    def __init__(self, visitor: Any) -> None:
        self.page: Page = visitor.page
        self.now_ms = 0
        self.asked: list[int] = []
        self.tags: list[str | None] = []
        self.answers: list[int] = []
        self._open = 0
        self.page.on("request", self._out)
        self.page.on("response", self._back)
        self.page.on("requestfailed", self._lost)

    def _out(self, request: Any) -> None:
        if request.url.endswith(STATUS):
            self._open += 1
            self.asked.append(self.now_ms)
            self.tags.append(request.headers.get("if-none-match"))

    def _back(self, response: Any) -> None:
        if response.url.endswith(STATUS):
            self._open -= 1
            self.answers.append(response.status)

    def _lost(self, request: Any) -> None:
        if request.url.endswith(STATUS):
            self._open -= 1

    def run(self, for_ms: int, step_ms: int = 100) -> list[int]:
        """Let time pass; when the status was asked for within it."""
        before = len(self.asked)
        for _ in range(for_ms // step_ms):
            self.now_ms += step_ms
            self.page.clock.run_for(step_ms)
            self.settle()
        return self.asked[before:]

    def settle(self) -> None:
        """Wait until nothing is asked for any more; the page's clock stands."""
        self.page.wait_for_timeout(5)
        for _ in range(2_000):
            if self._open == 0:
                return
            self.page.wait_for_timeout(5)
        raise AssertionError("the status was never answered")


def clockwork(visit: Visit, here: Here, shows: str) -> Clockwork:
    """A page whose clock stands, once it has shown a state."""
    visitor = visit("", clock=True, site=at(here))
    made = Clockwork(visitor)
    visitor.page.goto(at(here))
    expect(banner(visitor.page)).to_contain_text(shows)
    visitor.page.clock.pause_at(visitor.page.evaluate("Date.now()") + 1_000)
    made.run(4_000 if shows != "No runs yet" else 100)
    return made


def test_a_run_is_asked_after_every_three_seconds_with_its_tag_and_then_ten_times_less(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(empty)
    begun(here, progress=progress(48))
    work = clockwork(visit, here, "Running")
    while_on = work.run(12_500)
    gaps = [later - earlier for earlier, later in itertools.pairwise(while_on)]
    assert len(gaps) >= 3
    assert all(2_500 <= gap <= 3_500 for gap in gaps)
    assert all(work.tags[1:])
    assert len(work.tags) > 4
    here.steps.say(end="cancelled")
    here.client.until("cancelled")
    work.run(4_000)
    expect(banner(work.page)).to_contain_text("Run cancelled")
    afterwards = work.run(64_000, 500)
    gaps = [later - earlier for earlier, later in itertools.pairwise(afterwards)]
    assert gaps
    assert all(gap >= 25_000 for gap in gaps)
    assert 304 in work.answers


HIDEABLE: Final = """
Object.defineProperty(document, "visibilityState", {get: () => window.hiddenNow ?? "visible"});
window.turn = (to) => {
  window.hiddenNow = to;
  window.dispatchEvent(new Event("visibilitychange"));
  document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
};
"""


def test_a_hidden_page_asks_for_nothing_and_asks_at_once_when_it_is_seen_again(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(empty)
    begun(here, progress=progress(48))
    visitor = visit("", clock=True, site=at(here), init=HIDEABLE)
    work = Clockwork(visitor)
    page = visitor.page
    page.goto(at(here))
    expect(banner(page)).to_contain_text("Running")
    page.clock.pause_at(page.evaluate("Date.now()") + 1_000)
    work.run(3_500)
    page.evaluate("turn('hidden')")
    work.settle()
    assert work.run(60_000, 500) == []
    before = len(work.asked)
    page.evaluate("turn('visible')")
    work.run(1_000)
    assert len(work.asked) > before


def test_a_reload_finds_the_run_again(empty: Any, serve: Serve, visit: Visit) -> None:
    here = serve(empty)
    begun(here, progress=progress(240))
    visitor = visit(at(here))
    page = visitor.page
    for _ in range(2):
        expect(banner(page)).to_have_attribute("data-run", RUN_ID)
        expect(page.get_by_role("progressbar")).to_have_js_property("value", 0.5)
        page.reload()
    assert visitor.asked("POST", RUN) == []


def test_a_failure_names_the_instrument_and_a_reference_and_leaves_the_tiles(
    finished: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(finished)
    message = "The bars of USD_JPY could not be read."
    job = begun(here, end="error", error={"kind": "StoreError", "message": message})
    here.client.until("error")
    page = visit(at(here)).page
    alert = banner(page).get_by_role("alert")
    expect(alert).to_contain_text("USD_JPY")
    expect(alert).to_contain_text(f"Reference {job}")
    expect(alert).to_contain_text("Earlier results are unchanged")
    expect(page.get_by_test_id("tile")).to_have_count(2)
    expect(page.get_by_role("button", name="Try again")).to_be_enabled()


def test_a_run_whose_runner_was_killed_is_interrupted_after_a_restart(
    finished: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(finished)
    begun(here, progress=progress(48))
    job = RunIndex(finished).active()
    assert job is not None
    assert job.process is not None
    os.kill(job.process.pid, signal.SIGKILL)
    here.client.until("interrupted")
    again = serve(finished)
    page = visit(at(again)).page
    expect(banner(page).get_by_role("alert")).to_contain_text("The run was interrupted")
    expect(start_button(page)).to_be_enabled()
    expect(page.get_by_test_id("tile")).to_have_count(2)
    assert RunIndex(finished).active() is None


def test_cancelling_asks_first_and_gives_the_focus_back(
    finished: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(finished)
    begun(here, progress=progress(48))
    page = visit(at(here)).page
    button = page.get_by_role("banner").get_by_role("button", name="Cancel run")
    button.click()
    dialog = page.get_by_role("dialog", name="Cancel the run?")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("(node) => node.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    assert here.client.status()["state"] == "running"


def test_a_cancelled_run_is_stopping_until_it_has_ended_and_leaves_the_archive(
    finished: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(finished)
    latest = (finished / "output/backtests/latest.json").read_bytes()
    job = begun(here, progress=progress(48))
    here.steps.say(deaf=True, line="deaf")
    until(lambda: here.client.get(f"/api/backtests/{job}/log").json()["lines"], "it is deaf")
    page = visit(at(here)).page
    page.get_by_role("banner").get_by_role("button", name="Cancel run").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
    expect(banner(page)).to_contain_text("Stopping")
    here.steps.say(deaf=False)
    expect(banner(page)).to_contain_text("Run cancelled")
    expect(page.get_by_test_id("tile")).to_have_count(2)
    assert (finished / "output/backtests/latest.json").read_bytes() == latest


def test_a_start_beside_a_run_shows_that_run_and_no_error(
    empty: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(empty)
    visitor = visit(at(here), allowed=("status of 409",))
    page = visitor.page
    expect(start_button(page)).to_be_enabled()
    begun(here, progress=progress(48))
    start_button(page).click()
    expect(banner(page)).to_contain_text("Running")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert len(visitor.asked("POST", RUN)) == 1
    assert len(here.client.get("/api/backtests").json()["items"]) == 1


def test_without_the_service_the_page_says_since_when_and_comes_back_by_itself(
    finished: Any, serve: Serve, visit: Visit
) -> None:
    here = serve(finished)
    visitor = visit(at(here), clock=True, allowed=("net::ERR_",))
    page = visitor.page
    tiles = page.get_by_test_id("tiles")
    expect(tiles.get_by_text("Parity unproven")).to_have_count(2)
    shown = tiles.inner_text()
    page.route("**/api/**", lambda route: route.abort())
    page.clock.run_for(31_000)
    offline = page.get_by_test_id("offline")
    expect(offline).to_contain_text("Can’t reach the service. Showing data from")
    expect(offline).to_contain_text("UTC")
    expect(offline).to_contain_text("Trying again in")
    assert tiles.inner_text() == shown
    page.unroute("**/api/**")
    page.clock.run_for(13_000)
    expect(offline).to_have_count(0)
    assert tiles.inner_text() == shown
    assert len(visitor.asked("GET", "/")) == 1


def test_a_runner_that_has_gone_silent_is_said_to_be(
    empty: Any, serve: Serve, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = serve(empty)
    begun(here, progress=progress(48), freeze=True)
    monkeypatch.setattr(status_module, "STALLED_S", 0.5)
    until(lambda: here.client.status()["stalled"], "the run is stalled")
    page = visit(at(here)).page
    expect(banner(page)).to_contain_text("No update for")
    expect(banner(page)).to_contain_text("We keep checking.")
