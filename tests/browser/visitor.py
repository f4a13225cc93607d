"""A browser context that notes whatever must not happen, and how tests start the browser."""

import os
import re
import shutil
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, WebError

ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
LOUD: Final = frozenset({"error", "warning", "assert"})
CSP: Final = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


def program() -> str:
    """The browser's program; without one the test is skipped, and fails in CI."""
    found = next((path for path in map(shutil.which, NAMES) if path is not None), None)
    if found is None:
        message = "no Chromium on PATH: run scripts/install_services.sh"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


class Visitor:
    """One context with one page; ``faults`` is what the test must end without.

    Args:
        browser: To open it in.
        url: Where the page goes; empty: nowhere yet.
        allowed: Patterns of console lines that belong to what the test does.
        clock: Whether the page's clock is the test's (``page.clock``).
        init: A script that runs before those of the page.
        site: Whose requests are not foreign, where ``url`` does not say it.
        options: Further ones of ``Browser.new_context``.
    """

    def __init__(
        self,
        browser: Browser,
        url: str = "",
        *,
        allowed: tuple[str, ...] = (),
        clock: bool = False,
        init: str = "",
        site: str = "",
        **options: Any,
    ) -> None:
        self.allowed = list(allowed)
        self.faults: list[str] = []
        self.requests: list[Request] = []
        self._own = urlsplit(site or url).netloc
        self.context = browser.new_context(
            **({"timezone_id": "Asia/Tokyo", "locale": "en-GB", "reduced_motion": "reduce"}
               | options)
        )  # fmt: skip
        self.context.set_default_timeout(30_000)
        self.context.add_init_script(CSP + init)
        self.context.on("console", self._heard)
        self.context.on("weberror", self._broke)
        self.context.on("request", self._asked)
        if clock:
            self.context.clock.install()
        self.page: Page = self.context.new_page()
        if url:
            self.page.goto(url)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in LOUD and not self._is_allowed(message.text):
            self.faults.append(f"console: {message.text}")

    def _broke(self, error: WebError) -> None:
        self.faults.append(f"page: {error.error}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        host = urlsplit(request.url).netloc
        if host != self._own and not request.url.startswith("blob:"):
            self.faults.append(f"foreign: {request.url}")

    def _is_allowed(self, text: str) -> bool:
        return any(re.search(pattern, text) for pattern in self.allowed)

    def asked(self, method: str, path: str) -> list[Request]:
        """Requests so far with a method and a path."""
        return [r for r in self.requests if (r.method, urlsplit(r.url).path) == (method, path)]
