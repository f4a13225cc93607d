"""The Overview of finished weeks: tiles, gates, coverage, and the choice of a week."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import worlds
from tests.service.running import Here

Open = Callable[..., Page]
Weeks = tuple[str, Here, Path]
SHOWN = ("sharpe", "pnl", "profit_factor", "win_rate", "max_dd_pct", "trades")
LABELS = ("Sharpe", "P&L", "PF", "Win rate", "Max drawdown", "Trades")
MINUS = "\u2212"


def overview(weeks: Weeks, week: str = "2026-W13") -> dict[str, Any]:
    run = worlds.run_of(weeks[2], week)
    found: dict[str, Any] = weeks[1].client.get(f"/api/backtests/{run}/overview").json()
    return found


def tile(page: Page, instrument: str) -> Locator:
    return page.locator(f"[data-testid=tile][data-instrument={instrument}]")


def compact(value: float) -> str:
    """1.3k or 262.5: one digit after the point, none where it is 0."""
    size, unit = (abs(value) / 1000, "k") if abs(value) >= 999.5 else (abs(value), "")
    return f"{size:.1f}".removesuffix(".0") + unit


def written(name: str, value: float, currency: str) -> str:
    """A number as the page has to write it: said here once more, in another language."""
    match name:
        case "trades":
            text = f"{value:,.0f}"
        case "pnl":
            text = f"{'+' if value > 0 else '-'}{compact(value)} {currency}"
        case "win_rate":
            text = f"{100 * value:.1f} %"
        case "max_dd_pct":
            text = f"{value:.1f} %"
        case _:
            text = f"{value:.2f}"
    return text.replace("-", MINUS)


def test_every_instrument_has_a_tile_whose_six_values_are_those_of_the_api(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = in_weeks("/")
    expect(page.get_by_test_id("tile")).to_have_count(12)
    for found in overview(weeks)["tiles"]:
        own = tile(page, found["instrument"])
        for label in LABELS:
            expect(own.get_by_text(label, exact=True)).to_be_visible()
        for name in SHOWN:
            wanted = written(name, found["metrics"][name]["value"], found["currency"])
            expect(own.locator(f"[data-metric={name}]")).to_have_text(wanted)


def test_a_partial_week_says_how_many_instruments_it_has_and_why_one_has_none(
    in_weeks: Open,
) -> None:
    page = in_weeks("/?week=2026-W12")
    expect(tile(page, worlds.FAILED)).to_contain_text(f"No result: {worlds.NO_PRICES}")
    option = page.get_by_label("Week").locator("option", has_text="2026-W12")
    expect(option).to_contain_text("incomplete, 11 of 12")
    without = page.get_by_test_id("strip").locator("div", has_text="Without a result")
    expect(without.last).to_contain_text("1")


def test_each_failed_gate_is_a_chip_with_label_value_and_limit(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = in_weeks("/")
    (found,) = [t for t in overview(weeks)["tiles"] if t["instrument"] == "EUR_USD"]
    own = tile(page, "EUR_USD")
    assert found["failed_gates"]
    for gate in found["failed_gates"]:
        chip = own.locator(f"[data-chip='gate:{gate['name']}:{gate['measure']}']")
        value, limit = gate["statistic"], gate["threshold"]
        shown = "n/a" if value is None else f"{value:.3g}"
        sign = "≥" if gate["at_least"] else "≤"
        text = (chip.text_content() or "").replace(MINUS, "-").replace(",", "")
        assert re.search(r"^[A-Z]\w+|^p ", text)
        if value is None or abs(value) < 1000:
            assert f" {shown}needs" in text.replace(", needs", "needs").replace(" needs", "needs")
        assert f"needs {sign} {limit:g}" in text.replace("needs", " needs").replace("  ", " ")


def test_a_reason_that_the_page_does_not_know_is_shown_as_the_service_has_it(
    in_weeks: Open,
) -> None:
    own = tile(in_weeks("/"), worlds.STRANGE)
    chip = own.locator(f"[data-chip='penalty:{worlds.STRANGE_TAG}']")
    expect(chip).to_contain_text("Moon phase adverse 0.7")


def test_synthetic_minutes_are_text_a_hatched_part_of_the_bar_and_a_badge(in_weeks: Open) -> None:
    own = tile(in_weeks("/"), worlds.SYNTHETIC)
    ribbon = own.get_by_test_id("ribbon")
    expect(ribbon).to_contain_text("Synthetic 40 %")
    shares = [int(n) for n in re.findall(r"(\d+) %", ribbon.inner_text())]
    assert sum(shares) == 100
    part = ribbon.locator("[data-part=synthetic]")
    assert (part.get_attribute("fill") or "").startswith("url(#")
    whole, found = ribbon.locator("svg").bounding_box(), part.bounding_box()
    assert whole is not None
    assert found is not None
    assert found["width"] == pytest.approx(0.4 * whole["width"], abs=1.0)
    expect(own.get_by_text("Synthetic gates")).to_be_visible()


def test_the_week_selector_lists_weeks_newest_first_with_their_state(in_weeks: Open) -> None:
    select = in_weeks("/").get_by_label("Week")
    expect(select.locator("option")).to_have_count(3)
    texts = select.locator("option").all_text_contents()
    assert [text[:8] for text in texts] == list(worlds.WEEKS)
    assert texts[0] == "2026-W13 (latest)"
    assert "incomplete" in texts[1]


def test_choosing_a_week_changes_address_title_and_tiles_and_back_returns(
    weeks: Weeks, in_weeks: Open
) -> None:
    page = in_weeks("/")
    tiles = page.get_by_test_id("tiles")
    expect(tiles).to_have_attribute("data-run", worlds.run_of(weeks[2], "2026-W13"))
    newest = page.get_by_test_id("tiles").inner_text()
    page.get_by_label("Week").select_option("2026-W12")
    expect(page).to_have_url(re.compile(r"[?&]week=2026-W12"))
    expect(page).to_have_title(re.compile("2026-W12"))
    expect(tiles).to_have_attribute("data-run", worlds.run_of(weeks[2], "2026-W12"))
    older = tiles.inner_text()
    assert older != newest
    expect(page.get_by_text("You are viewing 2026-W12")).to_be_visible()
    page.go_back()
    expect(tiles).to_have_attribute("data-run", worlds.run_of(weeks[2], "2026-W13"))
    expect(page.get_by_label("Week")).to_have_value("2026-W13")
    expect(tiles).to_have_text(re.compile(re.escape(newest.split("\n", maxsplit=1)[0])))
