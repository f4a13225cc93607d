"""Pictures of a simulation: whole SVG documents that say what they show."""

import base64
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.unit.research.demo_runs import PLAIN, simulate

from hotband.errors import InputError
from hotband.report.pictures import KINDS
from hotband.research.result import SimulationResult

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def result() -> SimulationResult:
    return simulate("EUR_USD", profile=PLAIN)


def texts(svg: str) -> list[str]:
    """The words that are drawn."""
    return [found.text or "" for found in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 # made here


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_whole_document_with_its_style_and_label(
    result: SimulationResult, kind: str
) -> None:
    picture = result.plot(kind)
    root = ET.fromstring(picture.svg)  # noqa: S314 - made by the test's own process
    assert root.tag == f"{SVG}svg"
    assert "--accent" in (root.findtext(f"{SVG}style") or "")
    assert picture.label.startswith("EUR_USD: ")
    assert texts(picture.svg) != []


def test_the_funnel_shows_the_numbers_of_the_result(result: SimulationResult) -> None:
    shown = texts(result.plot("funnel").svg)
    assert f"{result.funnel.gates:,}" in shown
    assert f"{result.funnel.filled:,}" in shown


def test_the_refusals_are_those_of_the_funnel(result: SimulationResult) -> None:
    shown = texts(result.plot("refusals").svg)
    assert {f"{n:,}" for n in result.funnel.refusals.values()} <= set(shown)


def test_the_equity_ends_where_the_account_does(result: SimulationResult) -> None:
    gained = result.equity_curve["equity"][-1] - result.balance
    assert f"{abs(gained):,.2f}" in result.plot().label


def test_a_result_without_a_trade_is_drawn_too() -> None:
    empty = simulate("EUR_USD", gates={}, profile=PLAIN, fallback=False)
    assert empty.trades.height == 0
    for kind in KINDS:
        assert empty.plot(kind).svg.startswith("<svg ")


def test_a_notebook_gets_an_image_that_holds_the_same_svg(result: SimulationResult) -> None:
    picture = result.plot()
    shown = re.fullmatch(
        r'<img alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)"/>', picture._repr_html_()
    )
    assert shown is not None
    assert shown[1] == picture.label
    assert base64.b64decode(shown[2]).decode() == picture.svg == picture._repr_svg_()


def test_a_picture_is_saved_as_it_is(result: SimulationResult, tmp_path: Path) -> None:
    path = result.plot().save(tmp_path / "equity.svg")
    assert path.read_text("utf-8") == result.plot().svg


def test_another_kind_of_file_is_refused(result: SimulationResult, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"name of a picture: got equity.png; allowed: NAME.svg"):
        result.plot().save(tmp_path / "equity.png")


def test_an_unknown_kind_is_refused_with_the_nearest(result: SimulationResult) -> None:
    with pytest.raises(InputError, match=r"kind of picture: got equty; .*mean 'equity'"):
        result.plot("equty")
