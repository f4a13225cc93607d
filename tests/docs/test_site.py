"""The site builds without a warning, asks no other machine for anything, and no link is broken."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT, pages

_ASSETS: Final = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
_FROM_CSS: Final = re.compile(r"""(?:url\(|@import)\s*["']?(https?:)?//""")


class Page(HTMLParser):
    """What a page loads, links to, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.anchors.add(given["id"] or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        target = given.get(_ASSETS.get(tag, ""))
        if target and given.get("rel") not in {"canonical", "edit"}:
            self.loads.append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def built(site: Path) -> dict[str, Page]:
    return {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }


def outward(page: Page) -> list[str]:
    return [one for one in page.loads if urlsplit(one).netloc]


def broken(built: dict[str, Page], site: Path) -> Iterator[str]:
    for name, page in built.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            other = target.resolve().relative_to(site.resolve()).as_posix()
            if not target.is_file() or (
                parts.fragment
                and other in built
                and unquote(parts.fragment) not in built[other].anchors
            ):
                yield f"{name}: {link}"


def test_every_page_is_built(built: dict[str, Page]) -> None:
    assert {name.replace(".md", ".html") for name in pages()} <= set(built)


def test_the_reference_is_built_from_the_sources(built: dict[str, Page]) -> None:
    anchors = {name: page.anchors for name, page in built.items()}
    assert "gates-freshness" in anchors["reference/commands.html"]
    assert "hotband.research.simulator.BacktestSimulator" in anchors["reference/python.html"]
    assert "certificate" in anchors["reference/artefacts.html"]
    assert "get-apibacktestslatest" in anchors["reference/http.html"]


def test_no_page_loads_anything_from_elsewhere(built: dict[str, Page]) -> None:
    assert {name: outward(page) for name, page in built.items() if outward(page)} == {}


def test_no_style_loads_anything_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    assert [path.name for path in styles if _FROM_CSS.search(path.read_text("utf-8"))] == []


def test_every_link_leads_to_a_place_on_the_site(built: dict[str, Page], site: Path) -> None:
    assert list(broken(built, site)) == []


def test_the_search_is_part_of_the_site(site: Path) -> None:
    assert (site / "search" / "search_index.js").read_text("utf-8").startswith("var __index")


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("")
    pages = {"a.html": Page('<a href="#no"></a><a href="b.html"></a><p id="yes"><a href="#yes">')}
    assert list(broken(pages, tmp_path)) == ["a.html: #no", "a.html: b.html"]


def test_a_font_from_elsewhere_is_seen() -> None:
    assert outward(Page('<link rel="stylesheet" href="//fonts.example/a.css">'))
    assert _FROM_CSS.search("@font-face{src:url(https://fonts.example/a)}")
