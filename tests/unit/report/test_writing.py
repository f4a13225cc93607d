"""How the report writes numbers, times and markup."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.page_reader import read

from hotband.artefacts.values import Window
from hotband.report.markup import Markup, element, join, text
from hotband.report.numbers import (
    instant,
    minutes,
    missing,
    money,
    number,
    percent,
    plain,
    span,
    words,
)

SPACE = "\N{NO-BREAK SPACE}"


def test_numbers_have_a_true_minus_and_commas_between_thousands() -> None:
    assert number(-1113.049) == "−1,113.05"
    assert number(1204.0, 0) == "1,204"
    assert number(1.42) == "1.42"


def test_amounts_carry_their_sign_and_zero_has_none() -> None:
    assert money(1284.5) == "+1,284.50"
    assert money(-0.31) == "−0.31"
    assert money(0.0) == money(-0.0) == money(-0.004) == money(0.004) == "0.00"


def test_percent_parameters_and_lengths_of_time_have_their_units() -> None:
    assert percent(0.5424) == f"54.2{SPACE}%"
    assert [plain(v) for v in (0.048141, 30.0, -2.5, None, "momentum")] == [
        "0.048141", "30", "−2.5", "off", "momentum",
    ]  # fmt: skip
    assert minutes(78.0) == f"1{SPACE}h 18{SPACE}min"
    assert minutes(3000.0) == f"2{SPACE}d 2{SPACE}h"
    assert minutes(59.4) == f"59{SPACE}min"


def test_times_name_their_zone() -> None:
    assert instant("2025-04-18T21:00:00Z") == "Fri 18 Apr 2025, 21:00 UTC"
    window = Window(start="2025-04-13T21:00:00Z", end="2025-04-18T21:00:00Z")
    assert span(window) == "Sun 13 Apr 2025, 21:00 – Fri 18 Apr 2025, 21:00 UTC"


def test_names_of_code_become_words_and_reasons_their_texts() -> None:
    assert words("negative_pnl") == "negative PnL"
    assert missing("window_too_short") == f"n/a{SPACE}– too few eligible days to annualise"
    assert missing("not_known_here") == f"n/a{SPACE}– not known here"


@given(st.floats(-1e15, 1e15), st.integers(0, 6))
def test_a_written_number_reads_back_as_the_rounded_one(value: float, digits: int) -> None:
    again = float(number(value, digits).replace("−", "-").replace(",", ""))
    assert again == float(f"{value:.{digits}f}")


@given(st.text(), st.text())
def test_any_text_comes_back_from_the_page_as_text(inside: str, title: str) -> None:
    page = read(join(element("html", element("p", inside, title=title))))
    (node,) = page.children
    assert not isinstance(node, str)
    shown = [child for child in node.children if isinstance(child, str)]
    assert len(shown) == len(node.children)
    seen = set("".join(shown) + node.attributes["title"])
    assert not {c for c in seen if ord(c) < 32 and c not in "\n\t"}
    if inside.isprintable() and title.isprintable():
        assert "".join(shown) == inside
        assert node.attributes["title"] == title


def test_markup_is_escaped_once_and_none_leaves_an_attribute_out() -> None:
    once = text("a < b & c")
    assert once == "a &lt; b &amp; c"
    assert text(once) == once
    assert isinstance(element("b", once), Markup)
    assert element("b", once, class_=None, aria_label='"') == (
        '<b aria-label="&quot;">a &lt; b &amp; c</b>'
    )
    assert element("rect", x=1.0, y=0.126) == '<rect x="1" y="0.13"/>'
