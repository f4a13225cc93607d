"""Installed outside the checkout, with no Node and no compiler in reach, the wheel is it all."""

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.visitor import ARGUMENTS, Visitor, program
from tests.canary.sizes import ROOT
from tests.service.whole_service import END, GRID, PAIRS, START, Whole, address_in
from tests.wheel.built import Installed, build_wheel, check, install

pytestmark = pytest.mark.timeout(1800)
"""The first test that runs waits for some 50 packages to be fetched and unpacked."""

MONTH: Final = "month=2026-03"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("installed")
    made = install(build_wheel(ROOT, folder), folder)
    yield made
    shutil.rmtree(made.programs.parent)  # nearly a gigabyte, of which pytest would keep three


@pytest.fixture(scope="module")
def demo(installed: Installed) -> str:
    """What ``hotband demo`` prints; its market is in ``demo`` of the state folder."""
    return installed.run("demo")


@pytest.fixture(scope="module")
def imported(installed: Installed, demo: str) -> str:
    """Two pairs of the demo's market, as files that ``hotband data import`` brings in."""
    assert demo
    held = installed.home / "demo" / "bars"
    files = []
    for pair in PAIRS:
        (part,) = held.glob(f"instrument={pair}/granularity=M1/{MONTH}/*.parquet")
        files.append(installed.folder / f"{pair}.M1.demo.parquet")
        shutil.copyfile(part, files[-1])
    return installed.run("data", "import", *files)


@pytest.fixture(scope="module")
def week(installed: Installed, imported: str) -> str:
    """What ``hotband weekly`` prints over the imported bars, in JSON."""
    assert imported
    (installed.folder / "grid.yaml").write_text(GRID.format(points=2))
    pairs = [word for pair in PAIRS for word in ("-i", pair)]
    return installed.run("weekly", *pairs, "--start", START, "--end", END, "--json")


@contextmanager
def up(installed: Installed) -> Iterator[Whole]:
    """``hotband up`` on a free port, for as long as the block takes."""
    output = installed.folder / "up.output"
    with output.open("wb") as said:
        process = subprocess.Popen(
            [installed.command, "up", "--port", "0", "--schedule", "off"],
            cwd=installed.folder,
            env=installed.environment,
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
        )
    try:
        port = urlsplit(address_in(output, process)).port
        assert port is not None
        yield Whole(installed.home, process, port, None, output)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_no_package_lacks_or_contradicts_another(installed: Installed) -> None:
    check(installed)


def test_the_code_that_runs_is_not_that_of_the_checkout(installed: Installed) -> None:
    where = "import hotband; print(hotband.__file__)"
    file = Path(installed.run_program(installed.python, "-c", where).strip())
    assert file.is_relative_to(installed.programs.parent)
    assert not file.is_relative_to(ROOT)


def test_no_node_and_no_compiler_is_in_reach(installed: Installed) -> None:
    tools = ("node", "npm", "npx", "gcc", "cc", "clang", "c++", "rustc")
    assert [tool for tool in tools if shutil.which(tool, path=installed.environment["PATH"])] == []


def test_both_ways_to_call_it_say_the_same_version(installed: Installed) -> None:
    said = f"hotband {version('hotband')}\n"
    assert installed.run("--version") == said
    assert installed.run_program(installed.python, "-m", "hotband", "--version") == said


def test_the_demo_shows_its_market_and_keeps_the_artefact(installed: Installed, demo: str) -> None:
    assert "SIMULATED MARKET" in demo
    latest = installed.home / "demo" / "output" / "backtests" / "latest.json"
    assert set(json.loads(latest.read_bytes())["instruments"]) == {"GBP_USD", *PAIRS}


def test_files_of_bars_are_imported(imported: str) -> None:
    for pair in PAIRS:
        assert f"{pair} M1, ba, " in imported


def test_the_week_is_run_on_the_imported_bars(week: str) -> None:
    instruments = json.loads(week)["instruments"]
    assert {name: entry["state"] for name, entry in instruments.items()} == dict.fromkeys(
        PAIRS, "completed"
    )


def test_the_report_is_one_file_with_its_style_inside(installed: Installed, week: str) -> None:
    assert week
    file = installed.folder / "report.html"
    installed.run("report", "--to", file)
    text = file.read_text("utf-8")
    assert "<style" in text
    assert all(pair in text for pair in PAIRS)


def test_up_serves_the_dashboard_of_the_week_and_ends_when_told(
    installed: Installed, week: str
) -> None:
    assert week
    with up(installed) as whole:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program(), args=ARGUMENTS)
            visitor = Visitor(browser, whole.base_url)
            expect(visitor.page).to_have_title(re.compile("hotband"))
            expect(visitor.page.get_by_test_id("tile")).to_have_count(len(PAIRS), timeout=60_000)
            visitor.context.close()
            browser.close()
        assert visitor.faults == []
        whole.process.send_signal(signal.SIGTERM)
        assert whole.process.wait(timeout=60) == 0, whole.said()
        with pytest.raises(httpx.ConnectError), whole.client() as client:
            client.get("/health/live")
