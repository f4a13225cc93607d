"""Parity on the pages: chips, the roster's column, certificates, and recorded paper sessions."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hotband.artefacts.certificates import write_certificate
from tests.browser.conftest import Serve, Visit
from tests.browser.test_accessibility import judged
from tests.service.paper_state import SESSION, certificate, certify, differing, recorded
from tests.service.running import Here

OTHER = "20260315T210000Z-0123abcd"
SIZE = {"width": 1280, "height": 900}


@pytest.fixture
def here(finished: Path, serve: Serve) -> Here:
    """A service over a finished run of EUR/USD and USD/JPY."""
    return serve(finished)


@pytest.fixture
def certified(here: Here) -> Here:
    """EUR/USD is proven; USD/JPY differs, in a session whose certificate is listed first."""
    latest = here.service.library.latest()
    assert latest is not None
    root = here.service.folder.root
    certify(root, latest, "EUR_USD", certificate())
    certify(root, latest, "USD_JPY", differing(OTHER, produced="2026-03-21T00:00:00Z"))
    return here


def at(here: Here, visit: Visit, path: str) -> Page:
    return visit(f"{str(here.client.base_url).rstrip('/')}{path}", viewport=SIZE).page


def row(page: Page, name: str) -> str:
    found = page.locator(f"[data-testid=roster] tr[data-instrument={name}]")
    return found.get_by_test_id("parity").inner_text()


def test_without_a_certificate_every_cell_is_unproven_with_the_reason(
    here: Here, visit: Visit
) -> None:
    page = at(here, visit, "/roster")
    expect(page.get_by_test_id("roster").get_by_test_id("parity")).to_have_count(2)
    assert row(page, "EUR_USD") == "Unproven no paper session has traded this cell"
    expect(page.get_by_test_id("certificates")).to_contain_text(
        "No paper session was certified yet"
    )
    expect(page.get_by_test_id("certificates")).to_contain_text("hotband replay")


def test_the_roster_tells_what_is_proven_and_what_differs(certified: Here, visit: Visit) -> None:
    page = at(certified, visit, "/roster")
    expect(page.get_by_test_id("roster").get_by_test_id("parity")).to_have_count(2)
    assert row(page, "EUR_USD").startswith("Proven 100 % of events, week of 8 Mar 2026")
    assert row(page, "USD_JPY").startswith("Differs 97.30 % same; late data 5")


def test_the_link_of_a_row_opens_its_certificate_with_the_first_mismatches(
    certified: Here, visit: Visit
) -> None:
    page = at(certified, visit, "/roster")
    own = page.locator("[data-testid=roster] tr[data-instrument=USD_JPY]")
    own.get_by_role("link", name="Certificate").click()
    expect(page).to_have_url(re.compile(f"certificate={OTHER}"))
    opened = page.get_by_test_id("certificate")
    expect(opened).to_be_in_viewport()
    expect(opened).to_contain_text("The first 1 of 5 mismatches.")
    cells = opened.get_by_test_id("mismatches").locator("tbody tr")
    expect(cells).to_have_count(1)
    for text in ("9 Mar 2026 10:00:00", "Fills", "EUR/USD", "nothing", "units 1000",
                 "late data: a bar came after its closing"):  # fmt: skip
        expect(cells.first).to_contain_text(text)


def test_the_list_of_certificates_has_stages_and_causes_newest_first(
    certified: Here, visit: Visit
) -> None:
    rows = at(certified, visit, "/roster").locator("tr[data-certificate]")
    expect(rows).to_have_count(2)
    named = [each.get_attribute("data-certificate") for each in rows.all()]
    assert named == [OTHER, SESSION]
    expect(rows.first.locator("[data-stage=fills]")).to_have_text("5 / 10")
    expect(rows.first.locator("[data-stage=gates]")).to_have_text("10 / 10")
    expect(rows.first).to_contain_text("late data 5")
    expect(rows.last).to_contain_text("Proven")


def test_a_certificate_that_is_gone_is_told_and_the_list_stays(
    certified: Here, visit: Visit
) -> None:
    gone = SESSION.replace("2026", "2020", 1)
    url = f"{str(certified.client.base_url).rstrip('/')}/roster?certificate={gone}"
    page = visit(url, allowed=("status of 404",)).page
    expect(page.get_by_role("alert")).to_contain_text("No certificate of such a session is kept.")
    expect(page.locator("tr[data-certificate]")).to_have_count(2)


def test_a_tile_says_in_words_whether_it_is_proven(certified: Here, visit: Visit) -> None:
    page = at(certified, visit, "/")
    for name, told in (("EUR_USD", "Parity proven"), ("USD_JPY", "Parity differs")):
        tile = page.locator(f"[data-testid=tile][data-instrument={name}]")
        expect(tile.get_by_test_id("parity")).to_contain_text(told)


def test_an_instruments_summary_says_why_it_is_unproven(here: Here, visit: Visit) -> None:
    page = at(here, visit, "/instruments/EUR_USD")
    expect(page.get_by_test_id("head").get_by_test_id("parity")).to_have_text(
        "Parity unproven no paper session has traded this cell"
    )


def test_without_a_recording_the_system_page_says_how_a_session_starts(
    here: Here, visit: Visit
) -> None:
    panel = at(here, visit, "/system").get_by_test_id("paper")
    expect(panel).to_contain_text("No paper session was recorded yet")
    expect(panel).to_contain_text("hotband paper starts one")


def test_a_running_and_an_ended_session_are_told_as_the_service_has_them(
    here: Here, visit: Visit
) -> None:
    recorded(here.service.places.home, "20260308T220000Z", 0.3).stop()
    driver = recorded(here.service.places.home, "20260308T220000Z.2", 0.6)
    page = at(here, visit, "/system")
    rows = page.get_by_test_id("paper").locator("tr[data-paper]")
    expect(rows).to_have_count(2)
    expect(page.locator("tr[data-running=true]")).to_contain_text("Running")
    expect(page.locator("tr[data-running=false]")).to_contain_text("Ended")
    told = page.locator("tr[data-running=true]")
    expect(told).to_contain_text(f"{driver.session.manager.nav:,.2f} USD")
    (found,) = [e for e in here.client.get("/api/paper").json()["items"] if e["running"]]
    positions = told.locator("[data-label=positions]")
    for each in found["positions"]:
        expect(positions).to_contain_text(each["instrument"].replace("_", "/"))
    if not found["positions"]:
        expect(positions).to_have_text("none")
    driver.stop()


def test_a_damaged_recording_is_named_on_the_page(here: Here, visit: Visit) -> None:
    folder = here.service.places.home / "recordings" / "damaged"
    folder.mkdir(parents=True)
    (folder / "session.jsonl").write_text("{")
    panel = at(here, visit, "/system").get_by_test_id("paper")
    expect(panel.get_by_role("note")).to_contain_text("damaged cannot be read")


def test_certificates_and_sessions_have_no_violation(
    certified: Here, visit: Visit, axe: str
) -> None:
    write_certificate(certified.service.folder.root, certificate("20260322T210000Z-0123abcd"))
    recorded(certified.service.places.home, "20260308T220000Z", 0.5).stop()
    page = at(certified, visit, "/")
    paths = ("/", "/roster", f"/roster?certificate={OTHER}", "/system", "/instruments/EUR_USD")
    assert judged(page, paths, axe) == {}
