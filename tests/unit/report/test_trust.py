"""The page says how far an instrument's numbers can be trusted, and what is missing says why."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from tests.unit.artefacts.artefact_samples import judgement
from tests.unit.report.page_reader import numeral, read
from tests.unit.report.report_runs import PAIRS, demo_run, tradeless_run
from tests.unit.report.trust_samples import (
    DAYS,
    JUDGED,
    PASSED,
    RETURNS,
    ROW,
    SELECTION,
    STRESS,
    WALK_FORWARD,
    entry_with,
    full,
    gate,
    parts_of,
)

from hotband.artefacts.judgement import Finding, PromotionFacts
from hotband.errors import StoreError
from hotband.report.trust import MEASURES
from hotband.research.promotion import promotion_of
from hotband.research.promotion_settings import PromotionSettings
from hotband.research.selection import Selection
from hotband.research.stress import STRESSES, TAGS

HOSTILE = """</td><script>alert(1)</script><img src=x onerror="a()">&amp;'\""""
NO_DAYS = DAYS.clear()
SHOWN = {
    "gates": (
        "75.3 %≥ 51.2 %611 trades", "129≥ 61612 days", "613≥ 101614 trades", "97≥ 22615 days",
        "+4,321.05> 0616 trades", "1.37> 1617 trades", "0.0123≤ 0.051618 days",
        "0.9612> 0.952619 trials", "3.45 %> 0621 days", "0.0234≤ 0.052622 days",
        "0.0456≤ 0.10323 instruments",
    ),
    "compared": (
        "trades6233", "PnL+1.16−87.65", "44.4 %32.1 % to 56.7 %", "turnovern/a – not in the "
        "artefact12.34", "75.0 %87.1 %", "longest gap45 min37 min", "73, 62745, 39",
        "valkeyparquet", "681", "25", "promises 0.123 % of NAV a week",
        "standard deviation of 0.456 %", "one week only", "Sun 5 Jan 2025", "Fri 18 Apr 2025",
    ),
    "stress": (
        "1.5× the costs+311.111.41", "twice the costs−322.220.93",
        "every order one bar later+333.331.22", "1.74×", "33.6 %", "12.7 %",
        TAGS[STRESS.tags[0]][1:],
    ),
    "power": ("Sharpe ratio of 6.12 a year with 80 % power among 192 cells", "1 cell3.53 a year"),
    "search": (
        "5,760", "Cells192", "0.32 a year", "0.020 a day", "1.15 a year", "0.071 a day",
        "1.83 a year", "0.9911", "BLP2012", "0.9922", "0.9613", "0.0124", "4,999 resamples",
        "blocks of 3.4 days", "seed 8642", "17 cells", "0.41 0.49 ± 0.15 on noise",
        "16 blocks of days", "82 days", "Li and Ji 24.6", "linear 15.7",
    ),
    "forward": (
        "Net return−1.02 %", "−1.42−3.13 to 0.26", "0.7788", "−0.46", "hold 45 min",
        "repetitions ≥ 7", "64401+4,002.50", "55.3 %", "3.11", "2.21 %47.3", "231−1,010.10",
        "no cell qualified: nothing was traded, its days count as flat",
    ),
}  # fmt: skip
"""Part of the page -> texts that stand there once: numbers with their units and neighbours."""


@pytest.mark.parametrize("part", SHOWN)
def test_every_number_of_a_judgement_appears_once_with_its_unit(part: str) -> None:
    text = parts_of(entry_with(full()))[part].text
    counts = {shown: text.count(shown) for shown in SHOWN[part]}
    assert [shown for shown, n in counts.items() if n == 0] == []
    long = [shown for shown, n in counts.items() if n > 1 and len(shown) > 3]
    assert long == []


def test_a_promoted_cell_passed_every_test_in_one_sentence() -> None:
    said = parts_of(entry_with(full()))["verdict"].text
    assert said.strip() == "Promoted Every one of 11 tests was passed."


def test_the_verdict_names_the_first_gate_that_failed_with_both_numbers() -> None:
    asked = (*PASSED[:5], PASSED[5].model_copy(update={"passed": False, "statistic": 0.87}))
    late = gate("instruments", "p_by", passed=False)
    facts = PromotionFacts(promoted=False, first_failed="costs", gates=(*asked, late))
    said = parts_of(entry_with(full(promotion=facts)))["verdict"].text
    assert said.strip() == (
        "Not promoted The first gate that failed is costs: profit factor at 1.5× the costs 0.87, "
        "asked > 1; 2 of 7 tests failed."
    )


def test_a_gate_not_asked_yet_says_so_and_does_not_count_as_failed() -> None:
    waiting = gate("instruments", "p_by", passed=None, statistic=None)
    facts = PromotionFacts(promoted=False, first_failed=None, gates=(*PASSED[:2], waiting))
    made = parts_of(entry_with(full(promotion=facts)))
    assert "Nothing failed, but p beside the others (BY) was not asked yet." in made["verdict"].text
    assert made["gates"].one("table").rows()[-1][-1] == "not asked yet"


def test_findings_stand_with_warnings_first() -> None:
    items = parts_of(entry_with(full()))["findings"].all("li")
    assert [item.text.strip() for item in items] == [
        "warning A gap of 37 minutes.",
        "note All entries in one session.",
    ]
    assert "found nothing" in parts_of(entry_with(full(findings=())))["findings"].text


def test_numbers_that_are_missing_say_why() -> None:
    made = parts_of(entry_with(judgement()), NO_DAYS)
    rows = {row[0]: row[1] for row in made["search"].one("table").rows()}
    assert rows["PSR"] == "n/a – too few days for this test"
    assert rows["DSR"] == "n/a – fewer than two eligible days"
    assert rows["Step-down p"] == "n/a – too few days for this test"
    assert rows["PBO"].strip() == "n/a – too few days for this test 0.49 ± 0.15 on noise"
    assert rows["Minimum track record"].startswith("n/a – the Sharpe ratio is not above 0")
    assert rows["Haircut Sharpe ratio"].startswith("n/a – the Sharpe ratio is not above 0")
    assert "Made by the best traden/a – no profit to share" in made["stress"].text
    assert "No promise for a week: no cell qualified" in made["compared"].text


def test_without_a_hold_out_its_reason_stands_in_its_place() -> None:
    made = parts_of(entry_with(judgement()), NO_DAYS)
    assert "No hold-out: history is too short." in made["compared"].text
    assert "no weeks after the choice: history is too short." in made["forward"].text
    assert not made["compared"].all("table")
    assert not made["forward"].all("svg")


@pytest.mark.parametrize(
    ("measure", "name", "why"),
    [
        ("step_down_p", "search", "the grid has one cell"),
        ("dsr", "deflation", "fewer than two eligible days"),
        ("net_return", "out_of_sample", "no weeks after the choice"),
        ("p_value", "out_of_sample", "no weeks after the choice"),
        ("profit_factor_at_1_5x_costs", "costs", "not stressed, or no losing trade"),
    ],
)
def test_a_gate_without_a_statistic_says_why(measure: str, name: str, why: str) -> None:
    alone = gate(name, measure, passed=False, statistic=None)
    facts = PromotionFacts(promoted=False, first_failed=name, gates=(alone,))
    found = SELECTION.model_copy(update={"step_down_p": None, "step_down_reason": "one_cell"})
    judged = full(promotion=facts, selection=found, walk_forward=None)
    made = parts_of(entry_with(judged), NO_DAYS)
    assert made["gates"].one("table").rows()[1][3] == f"n/a – {why}"
    assert f"undefined, {why}, asked" in made["verdict"].text


def test_a_cell_that_was_not_stressed_says_so() -> None:
    none = dict.fromkeys(STRESS.pnl)
    bare = STRESS.model_copy(
        update={"pnl": none, "profit_factor": none, "break_even_costs_x": None, "tags": ()}
    )
    text = parts_of(entry_with(full(stress=bare)))["stress"].text
    assert text.count("n/a – not stressed: it did not qualify") == 3
    assert "No tag: the cell was not stressed." in text


def test_without_a_day_the_history_can_prove_nothing() -> None:
    assert "Nothing: the look-back has no eligible day." in (
        parts_of(entry_with(full(provable={})))["power"].text
    )


def test_hostile_texts_stay_texts_in_every_part() -> None:
    finding = Finding(code="x", severity="note", text=HOSTILE)
    held = JUDGED.model_copy(update={"notes": (HOSTILE,), "source": HOSTILE})
    judged = full(findings=(finding,), hold_out=held)
    made = parts_of(entry_with(judged))
    assert HOSTILE in made["findings"].text
    assert made["compared"].text.count(HOSTILE) == 2
    without = parts_of(entry_with(judgement(hold_out_reason=HOSTILE)), NO_DAYS)
    assert HOSTILE in without["compared"].text
    assert HOSTILE in without["forward"].text
    for part in (*made.values(), *without.values()):
        assert not part.all("script")
        assert not part.all("img")


def test_every_table_has_a_name_and_every_head_a_scope() -> None:
    for part in parts_of(entry_with(full())).values():
        for table in part.all("table"):
            assert table.all("caption") or table.attributes.get("aria-label")
        for head in part.all("th"):
            assert head.attributes["scope"] in {"col", "row", "rowgroup"}


def test_the_rows_of_a_fold_are_as_wide_as_its_head() -> None:
    table = parts_of(entry_with(full()))["forward"].all("table")[1]
    widths = []
    for row in table.all("tr"):
        cells = [cell for cell in row.all() if cell.name in {"td", "th"}]
        widths.append(sum(int(cell.attributes.get("colspan", "1")) for cell in cells))
    assert widths[1:] == [widths[0], widths[0] - 1, widths[0] - 1, widths[0], widths[0] - 1]


def test_the_stitched_curve_ends_at_the_net_return_and_its_table_adds_up() -> None:
    made = parts_of(entry_with(full()))["forward"]
    rows = made.all("table")[0].rows()[1:]
    assert sum(numeral(row[1]) for row in rows) == len(RETURNS)
    assert numeral(rows[-1][3]) == pytest.approx(WALK_FORWARD.net_return_pct, abs=0.0006)
    gained = 1.0
    for row in rows:
        gained *= 1.0 + numeral(row[2]) / 100.0
    assert 100.0 * (gained - 1.0) == pytest.approx(-1.02, abs=0.002)
    assert min(numeral(row[4]) for row in rows) == pytest.approx(-2.0, abs=0.0006)
    assert "net −1.02 percent" in made.one("svg").attributes["aria-label"]


@pytest.mark.parametrize("days", [NO_DAYS, DAYS.head(2)], ids=["none", "some"])
def test_days_of_another_run_are_refused(days: pl.DataFrame) -> None:
    with pytest.raises(StoreError, match=r"oos of USD_JPY: got \d.days; allowed: 3.days"):
        parts_of(entry_with(full()), days)


def test_every_measure_of_promotion_has_its_words_and_signs() -> None:
    row: dict[str, Any] = dict.fromkeys(
        ("trades", "days", "active_days", "pnl", "costs_1_5x_profit_factor", "real_fraction")
    )
    facts = Selection(**{**SELECTION.model_dump(), "dsr": None})
    asked = promotion_of(row, facts, None, PromotionSettings()).gates
    assert {each.measure for each in asked} == set(MEASURES)
    strict = promotion_of(
        row | {"trades": 100.0, "pnl": 0.0, "costs_1_5x_profit_factor": 1.0},
        replace(facts, dsr=0.95), None, PromotionSettings(),
    ).gates  # fmt: skip
    at_limit = {g.measure for g in strict if g.statistic == g.threshold and not g.passed}
    assert at_limit == {"pnl", "profit_factor_at_1_5x_costs", "dsr"}
    assert at_limit < {name for name, measure in MEASURES.items() if measure.above}


def test_every_stress_has_its_words() -> None:
    none = dict.fromkeys([name for name, _, _ in STRESSES], 1.0)
    bare = STRESS.model_copy(update={"pnl": none, "profit_factor": none, "tags": tuple(TAGS)})
    made = parts_of(entry_with(full(stress=bare)))["stress"]
    assert [row[0] for row in made.one("table").rows()[2:]] == [
        "1.5× the costs", "twice the costs", "every order one bar later",
    ]  # fmt: skip
    assert len(made.one("ul").all("li")) == len(TAGS)


def test_the_page_of_a_run_has_the_verdict_before_the_score() -> None:
    run = demo_run()
    page = read(run.html())
    for name in PAIRS:
        inside = page.one("section", id=name).text
        places = [inside.index(word) for word in ("Not promoted", "Gates of promotion", "Score")]
        assert places == sorted(places)
        found = run.entry(name).judgement.selection
        assert f"Trials{found.trials:,}" in inside
    summary = page.one("table", class_="summary").text
    assert summary.count("Not promoted: data, enough trades on recorded gates.") == len(PAIRS)


def test_a_run_without_trades_says_why_its_gates_have_no_numbers() -> None:
    run = tradeless_run()
    for name in PAIRS:
        section = read(run.html()).one("section", id=name)
        table = section.one("table", **{"aria-label": f"Gates of promotion of {name}"})
        found = {row[2]: row[3] for row in table.rows()[1:]}
        assert found["PnL, account currency"] == "n/a – no trade in the window"


def test_the_hold_out_has_a_heat_map_of_the_same_cells_beside_that_of_the_scores() -> None:
    run = demo_run()
    rows = run.rows.with_columns(hold_out_return_pct=pl.col("score") / 10.0 - 5.0)
    judged = run.entry("EUR_USD").judgement.model_copy(
        update={"hold_out": JUDGED, "hold_out_reason": None}
    )
    latest = run.changed("EUR_USD", judgement=judged)
    section = read(run.html(latest=latest, rows=rows)).one("section", id="EUR_USD")
    first, second = section.all("svg", class_="chart heat")
    assert len(first.all("rect")) == len(second.all("rect")) > 10
    assert "hold-out" in second.attributes["aria-label"]
    with pytest.raises(StoreError, match="rows of EUR_USD: got no column hold_out_return_pct"):
        run.html(latest=latest)


def test_samples_name_every_reason_column() -> None:
    assert set(ROW) <= set(demo_run().rows.columns)
