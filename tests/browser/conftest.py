"""A browser, services for it to look at, and a guard that fails a test for what went wrong."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from hotband.service import app
from hotband.service.pages import Pages
from tests.browser import worlds
from tests.browser.visitor import ARGUMENTS, Visitor, program
from tests.service import held
from tests.service.running import Here, enter, finished_home, make_home, service_here, until

PAGE_FOLDER: Final = "BROWSER_TEST_PAGE"
"""Variable that names another built page than the package's."""
AXE: Final = Path(__file__).parents[2] / "apps/frontend/node_modules/axe-core/axe.min.js"


expect.set_options(timeout=20_000)
"""The service and the browser share two cores with others."""


class Serve(Protocol):
    """Makes services over a state folder, which are stopped behind the test."""

    def __call__(self, home: Path, **options: Any) -> Here: ...


Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as the lock of the front end has it."""
    if not AXE.is_file():
        pytest.fail("axe-core is not there: run 'make front' first")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="session")
def page_files() -> Pages:
    """The built page; the tests are about it, so they fail without one."""
    named = os.environ.get(PAGE_FOLDER)
    pages = Pages() if named is None else Pages(Path(named))
    if not pages.built:
        pytest.fail("the dashboard is not built: run 'make page' first")
    return pages


# Scopes are modules: while Playwright runs, its thread has an event loop, in which the tests of
# other modules could start none of their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium; without one a test is skipped, and fails in CI."""
    with playwright.chromium.launch(executable_path=program(), args=ARGUMENTS) as made:
        yield made


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens pages in a context of their own, in Tokyo; each must stay without a fault."""
    visitors: list[Visitor] = []

    def opened(url: str, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, url, **options))
        return visitors[-1]

    yield opened
    faults = [fault for each in visitors for fault in each.faults]
    for each in visitors:
        each.context.close()
    assert not faults


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tests share what takes long to make."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def empty(base: Path, tmp_path: Path) -> Path:
    """A state folder with bars, in which nothing was run yet."""
    return make_home(base, tmp_path / "home")


@pytest.fixture
def finished(base: Path, tmp_path: Path) -> Path:
    """A state folder in which one run of two instruments has finished."""
    return finished_home(base, tmp_path / "home")


@pytest.fixture
def archive(base: Path, tmp_path: Path) -> Path:
    """A state folder with three archived weeks of twelve instruments."""
    return worlds.archive_home(base, tmp_path / "home")


@pytest.fixture
def serve(page_files: Pages, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Services with held runners, unless a test says otherwise."""
    monkeypatch.setattr(app, "Pages", lambda: page_files)
    with ExitStack() as stack:

        def served(home: Path, **options: Any) -> Here:
            shutil.rmtree(home / held.STEPS, ignore_errors=True)
            enter(monkeypatch, home)
            return stack.enter_context(service_here(home, **options))

        yield served


@pytest.fixture(scope="module")
def weeks(
    tmp_path_factory: pytest.TempPathFactory, page_files: Pages
) -> Iterator[tuple[str, Here, Path]]:
    """A service over three archived weeks that nothing changes: its address, itself, its folder."""
    base = tmp_path_factory.getbasetemp()
    home = worlds.archive_home(base, tmp_path_factory.mktemp("weeks") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "Pages", lambda: page_files)
        enter(patch, home)
        with service_here(home) as here:
            until(lambda: len(here.client.get("/api/backtests").json()["items"]) == 4, "weeks")
            yield str(here.client.base_url).rstrip("/"), here, home


@pytest.fixture
def in_weeks(weeks: tuple[str, Here, Path], visit: Visit) -> Callable[..., Page]:
    """Opens a path of the page over the archived weeks."""

    def opened(path: str = "/", **options: Any) -> Page:
        return visit(f"{weeks[0]}{path}", **options).page

    return opened
