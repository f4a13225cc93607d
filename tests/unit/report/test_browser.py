"""A real browser shows the page: its style sheet passes its own policy."""

import re
import subprocess
from pathlib import Path

from tests.browser.visitor import program
from tests.unit.report.report_runs import demo_run


def test_chromium_shows_the_page_with_its_own_style(tmp_path: Path) -> None:
    page, picture = tmp_path / "run.html", tmp_path / "run.png"
    page.write_text(demo_run().html(), "utf-8")
    done = subprocess.run(
        [
            program(), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1240,2000", f"--screenshot={picture}", page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )  # fmt: skip
    assert picture.stat().st_size > 50_000
    assert not re.search("CONSOLE|Content Security Policy", done.stderr)
