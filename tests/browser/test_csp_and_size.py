"""What the page loads, from where, under which policy, and how much of it."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, Response, expect

from hotband.service.headers import CONTENT_SECURITY_POLICY
from tests.browser.conftest import Visit
from tests.browser.test_theme import EVERY, at
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]
MOST_BYTES: Final = 200_000
CODE: Final = (".js", ".css")


def test_every_document_carries_the_policy_with_nothing_unsafe(weeks: Weeks, visit: Visit) -> None:
    assert "unsafe-" not in CONTENT_SECURITY_POLICY
    page = visit("", site=weeks[0]).page
    for path in ("/", "/roster", "/instruments/EUR_USD"):
        reply = page.goto(f"{weeks[0]}{path}")
        assert reply is not None
        assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_no_page_breaks_the_policy_or_asks_anybody_else(weeks: Weeks, visit: Visit) -> None:
    visitor = visit(f"{weeks[0]}/")
    for path in EVERY:
        at(visitor.page, path)
        assert visitor.faults == [], path


def test_the_page_works_with_all_other_hosts_blocked(weeks: Weeks, visit: Visit) -> None:
    visitor = visit("", site=weeks[0])
    others = re.compile(rf"^(?!{re.escape(weeks[0])})")
    visitor.context.route(others, lambda route: route.abort())
    visitor.page.goto(f"{weeks[0]}/")
    expect(visitor.page.get_by_test_id("tile")).to_have_count(12)


def test_the_first_load_stays_below_200_kb_and_leaves_the_charts_out(
    weeks: Weeks, visit: Visit
) -> None:
    visitor = visit("", site=weeks[0])
    sizes: dict[str, int] = {}
    code: dict[str, str] = {}
    held: list[Response] = []
    visitor.page.on("response", lambda reply: held.append(reply))  # noqa: PLW0108 # it takes no builtin
    visitor.page.goto(f"{weeks[0]}/")
    expect(visitor.page.get_by_test_id("tile")).to_have_count(12)
    visitor.page.wait_for_load_state("networkidle")
    for reply in held:
        url = reply.url
        if url.endswith(CODE):
            body: bytes = reply.body()
            sizes[url] = len(gzip.compress(body, 6))
            code[url] = body.decode()
    assert sizes
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    for text in code.values():
        assert "lightweight-charts" not in text
        assert "uplot" not in text or "u-wrap" not in text
