"""axe over every page, light and dark, in every state that the page has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.browser.conftest import Serve, Visit
from tests.browser.test_run_states import begun, progress
from tests.browser.test_theme import EVERY, at

SCHEMES: Final = ("light", "dark")

FEW: Final = ("/", "/roster", "/compare", "/history", "/system")
"""Pages that there are without a result."""


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds, of any weight: rule and place."""
    # Scripts of the protocol are no scripts of the page: the policy stays as it is.
    page.evaluate(f"(() => {{ if (!window.axe) {{ {axe} }} }})()")
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:160]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def judged(page: Page, paths: tuple[str, ...], axe: str) -> dict[str, list[str]]:
    """The violations of every path in both themes, where there are any."""
    found = {}
    for path in paths:
        at(page, path)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            if faults := violations(page, axe):
                found[f"{path} {scheme}"] = faults
    return found


def test_finished_weeks_have_no_violation(in_weeks: Callable[..., Page], axe: str) -> None:
    assert judged(in_weeks("/"), (*EVERY, "/?week=2026-W12", "/?week=2020-W01"), axe) == {}


def test_an_empty_state_has_no_violation(empty: Path, serve: Serve, visit: Visit, axe: str) -> None:
    assert judged(visit(str(serve(empty).client.base_url)).page, FEW, axe) == {}


def test_a_run_on_its_way_has_no_violation(
    finished: Path, serve: Serve, visit: Visit, axe: str
) -> None:
    here = serve(finished)
    begun(here, progress=progress(48))
    page = visit(str(here.client.base_url)).page
    assert judged(page, FEW, axe) == {}
    page.get_by_role("banner").get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page, axe) == []


def test_a_failed_run_has_no_violation(
    finished: Path, serve: Serve, visit: Visit, axe: str
) -> None:
    here = serve(finished)
    begun(here, end="error", error={"kind": "StoreError", "message": "no room on the disk"})
    here.client.until("error")
    assert judged(visit(str(here.client.base_url)).page, FEW, axe) == {}


def test_sign_in_has_no_violation(finished: Path, serve: Serve, visit: Visit, axe: str) -> None:
    here = serve(finished, auth="token")
    page = visit(str(here.client.base_url), allowed=("status of 401",)).page
    assert judged(page, ("/",), axe) == {}
