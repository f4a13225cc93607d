"""Pictures of every page and state: ``python -m tests.browser.screenshots FOLDER``."""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from unittest.mock import patch

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from hotband.service import app
from hotband.service.pages import Pages
from tests.browser import worlds
from tests.browser.conftest import PAGE_FOLDER
from tests.browser.test_run_states import begun, progress
from tests.browser.visitor import ARGUMENTS, program
from tests.service.running import Here, enter, finished_home, make_home, service_here, until

WIDE: Final = ViewportSize(width=1440, height=900)
NARROW: Final = ViewportSize(width=390, height=844)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
PAIR: Final = "/instruments/EUR_USD"
RESULTS: Final = {
    "overview-completed": "/",
    "overview-partial": "/?week=2026-W12",
    "overview-unknown-week": "/?week=2020-W01",
    "instrument-summary": PAIR,
    "instrument-grid": f"{PAIR}?tab=grid&metric=pnl",
    "instrument-curves": f"{PAIR}?tab=curves",
    "instrument-trades": f"{PAIR}?tab=trades&trade=5",
    "instrument-decisions": f"{PAIR}?tab=decisions",
    "instrument-data": f"{PAIR}?tab=data",
    "roster": "/roster",
    "compare": "/compare",
    "history": "/history",
    "system": "/system",
}
NARROW_TOO: Final = ("overview-completed", "instrument-summary", "instrument-trades", "roster")
FAULT: Final = {"kind": "StoreError", "message": "The bars of USD_JPY could not be read."}


@dataclass(frozen=True)
class Camera:
    """Takes pictures into a folder."""

    browser: Browser
    folder: Path

    def take(self, here: Here, name: str, path: str = "/", *, narrow: bool = False) -> None:
        """A page in both themes; ``narrow``: on a telephone."""
        for scheme in SCHEMES:
            size = NARROW if narrow else WIDE
            with self.browser.new_context(
                viewport=size,
                color_scheme=scheme,
                timezone_id="Europe/Berlin",
                locale="en-GB",
                reduced_motion="reduce",
            ) as context:
                page = context.new_page()
                page.goto(f"{str(here.client.base_url).rstrip('/')}{path}")
                settled(page)
                width = "-390" if narrow else ""
                page.screenshot(path=self.folder / f"{name}{width}-{scheme}.png")


def settled(page: Page) -> None:
    """Wait until everything is drawn."""
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=30_000)
    page.wait_for_load_state("networkidle")
    expect(page.locator("main [aria-busy=true]")).to_have_count(0, timeout=30_000)
    page.wait_for_timeout(400)


@contextmanager
def service(home: Path, **options: Any) -> Iterator[Here]:
    """A service with held runners over a state folder."""
    with pytest.MonkeyPatch.context() as own:
        enter(own, home)
        with service_here(home, **options) as here:
            yield here


def take_results(camera: Camera, base: Path) -> None:
    """Every page over three finished weeks."""
    with service(worlds.archive_home(base, base / "shown")) as here:
        until(lambda: len(here.client.get("/api/backtests").json()["items"]) == 4, "weeks")
        for name, path in RESULTS.items():
            camera.take(here, name, path)
        for name in NARROW_TOO:
            camera.take(here, name, RESULTS[name], narrow=True)


def take_states(camera: Camera, base: Path) -> None:
    """The Overview in the states of a run."""
    states: dict[str, Callable[[Here], Any]] = {
        "running": lambda here: begun(here, progress=progress(312)),
        "failed": lambda here: begun(here, end="error", error=FAULT),
        "cancelled": lambda here: begun(here, end="cancelled"),
        "interrupted": lambda here: begun(here, end="interrupted", error=FAULT),
    }
    for name, lead_to in states.items():
        with service(finished_home(base, base / name)) as here:
            lead_to(here)
            if name != "running":
                here.client.until("error", "cancelled", "interrupted")
            camera.take(here, f"overview-{name}")
    with service(make_home(base, base / "nothing")) as here:
        for page in ("overview-empty", "roster-empty", "compare-empty", "history-empty"):
            path = page.partition("-")[0]
            camera.take(here, page, "/" if path == "overview" else f"/{path}")
        camera.take(here, "overview-empty", narrow=True)
    with service(make_home(base, base / "read-only"), read_only=True) as here:
        camera.take(here, "overview-read-only")
    with service(finished_home(base, base / "token"), auth="token") as here:
        camera.take(here, "sign-in")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    named = os.environ.get(PAGE_FOLDER)
    pages = Pages() if named is None else Pages(Path(named))
    base = Path(tempfile.mkdtemp(prefix="screenshots-"))
    try:
        with (
            patch.object(app, "Pages", lambda: pages),
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=program(), args=ARGUMENTS) as browser,
        ):
            camera = Camera(browser, folder)
            take_results(camera, base)
            take_states(camera, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
