"""The page of a run is whole, closed to the outside, and says what the artefact says."""

import re

import polars as pl
import pytest
from tests.unit.report.page_reader import Node, numeral, read
from tests.unit.report.report_runs import (
    PAIRS,
    Run,
    demo_run,
    failed_run,
    tradeless_run,
    unqualified_run,
)

from hotband.artefacts.schemas import Cells, Penalty, numbers_of
from hotband.artefacts.values import MetricValue
from hotband.errors import StoreError
from hotband.report.html import report_html
from hotband.report.numbers import words
from hotband.research.metric import REASONS

RUNS = (demo_run, unqualified_run, tradeless_run, failed_run)
HOSTILE = """</td></table><script>alert(1)</script><img src=x onerror="a()">&amp;'"\x00\u202e"""


@pytest.fixture
def run() -> Run:
    return demo_run()


def summary(page: Node) -> dict[str, list[str]]:
    """The first row of each instrument in the table of instruments, by name."""
    rows = page.one("table", class_="summary").rows()
    return {row[0]: row[1:] for row in rows[1:] if len(row) > 1}


def section(page: Node, name: str) -> Node:
    return page.one("section", id=name)


@pytest.mark.parametrize("made", RUNS, ids=lambda made: made.__name__)
def test_every_page_is_well_formed_without_scripts_or_foreign_addresses(made: object) -> None:
    assert callable(made)
    html = made().html()
    page = read(html)
    assert html.startswith("<!DOCTYPE html>")
    names = {node.name for node in page.all()}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for node in page.all():
        assert not any(name.startswith("on") or name == "style" for name in node.attributes)
        for name in ("href", "src", "xlink:href", "action"):
            assert node.attributes.get(name, "#").startswith("#")
    assert "://" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {"#hatch", "#derived"}


def test_the_policy_of_the_page_allows_its_own_style_and_nothing_else(run: Run) -> None:
    (policy,) = [
        node.attributes["content"]
        for node in read(run.html()).all("meta")
        if node.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_numbers_on_the_page_are_those_of_the_artefact(run: Run) -> None:
    shown = summary(read(run.html()))
    for name in PAIRS:
        entry = run.entry(name)
        verdict, score, trades, pnl, factor, _, wins, deepest, real = shown[name]
        metrics = entry.metrics
        assert verdict == ("Qualified" if entry.qualified else "Not qualified")
        assert numeral(score) == pytest.approx(entry.score, abs=0.05)
        assert numeral(trades) == metrics["trades"]
        assert numeral(pnl) == pytest.approx(metrics["pnl"], abs=0.005)
        assert numeral(factor) == pytest.approx(metrics["profit_factor"], abs=0.005)
        assert numeral(wins) == pytest.approx(100 * (metrics["win_rate"] or 0.0), abs=0.05)
        assert numeral(deepest) == pytest.approx(-(metrics["max_dd_pct"] or 0.0), abs=0.05)
        share = entry.gate_coverage.real_fraction
        assert numeral(real) == pytest.approx(100 * (share or 0.0), abs=0.05)


def test_every_metric_without_a_value_shows_its_reason(run: Run) -> None:
    page = read(run.html())
    for name in PAIRS:
        table = section(page, name).one("table", **{"aria-label": f"All metrics of {name}"})
        values = {row[0]: row[1] for row in table.rows()[1:]}
        details = run.entry(name).metric_details
        assert len(values) == len(details)
        assert details["sharpe"].reason is not None
        for metric, detail in details.items():
            if detail.reason is not None:
                shown = values[words(metric)]
                assert REASONS[detail.reason] in shown or shown == "No losses"


def test_every_penalty_stands_beside_its_value_and_limit(run: Run) -> None:
    page = read(run.html())
    for name in PAIRS:
        rows = section(page, name).one("table", **{"aria-label": "Penalties"}).rows()[1:]
        penalties = run.entry(name).penalties
        assert len(rows) == len(penalties) > 0
        for (_, value, limit, cap, lost), penalty in zip(rows, penalties, strict=True):
            assert (penalty.value is None) == value.startswith("n/a – ")
            assert (penalty.threshold is None) == (limit == "any number")
            assert numeral(cap) == penalty.cap
            assert numeral(lost) == pytest.approx(-penalty.points_lost, abs=0.05)


def test_the_funnel_and_what_stopped_the_rest_add_up_on_the_page(run: Run) -> None:
    page = read(run.html())
    for name in PAIRS:
        funnel = run.entry(name).funnel
        label = f"What stopped the other gates of {name}"
        rows = section(page, name).one("table", **{"aria-label": label}).rows()[1:]
        assert sum(numeral(row[2]) for row in rows) == funnel.gates - funnel.filled


def test_the_table_of_periods_ends_at_the_pnl_of_the_closed_trades(run: Run) -> None:
    page = read(run.html())
    for name in PAIRS:
        trades = run.trades.filter(instrument=name)
        figures = section(page, name).all("figure")
        (figure,) = [f for f in figures if "Realised equity" in f.one("h3").text]
        rows = figure.one("table").rows()[1:]
        assert sum(numeral(row[1]) for row in rows) == trades.height > 0
        assert numeral(rows[-1][3]) == pytest.approx(trades["pnl"].sum(), abs=0.006)


def test_every_cell_of_the_heat_map_says_what_it_is(run: Run) -> None:
    page = read(run.html())
    for name in PAIRS:
        chart = section(page, name).one("svg", class_="chart heat")
        cells = [r for r in chart.all("rect") if r.attributes["class"] != "ring"]
        titles = ["".join(map(str, cell.one("title").children)) for cell in cells]
        assert len(titles) == len(set(titles)) == 15
        assert sum("the cell shown" in title for title in titles) == 1
        assert len(chart.all("rect", class_="ring")) == 1


def test_the_ring_lies_on_the_chosen_cell(run: Run) -> None:
    page = read(run.html())
    for name in PAIRS:
        chart = section(page, name).one("svg", class_="chart heat")
        ring = chart.one("rect", class_="ring").attributes
        (cell,) = [r for r in chart.all("rect") if "the cell shown" in str(r.children)]
        assert [ring[key] for key in ("x", "y", "width")] == [
            cell.attributes[key] for key in ("x", "y", "width")
        ]


def test_what_a_cap_takes_off_stands_in_the_penalties_and_under_the_components(run: Run) -> None:
    penalty = Penalty(tag="negative_pnl", value=-5.0, threshold=0.0, cap=25.0, points_lost=3.5)
    terms = run.entry("EUR_USD").score_terms
    assert terms is not None
    bound = terms.model_copy(update={"binding": "negative_pnl"})
    latest = run.changed("EUR_USD", penalties=(penalty,), score_terms=bound)
    inside = section(read(run.html(latest=latest)), "EUR_USD")
    rows = inside.one("table", **{"aria-label": "Penalties"}).rows()
    assert rows[1] == ["negative PnL (binds)", "−5.00", "≥ 0", "25", "−3.5"]
    assert "Cap of negative PnL−3.50" in inside.one("dl", class_="ledger").text


def test_a_sharpe_ratio_shows_its_interval_and_no_losses_are_said_in_words(run: Run) -> None:
    details = run.entry("EUR_USD").metric_details | {
        "sharpe": MetricValue(value=-1.42, ci90=(-3.1, 0.26), n=80),
        "profit_factor": MetricValue(value=None, reason="no_losses", n=29),
    }
    metrics = numbers_of(details)
    latest = run.changed("EUR_USD", metric_details=details, metrics=metrics)
    row = summary(read(run.html(latest=latest)))["EUR_USD"]
    assert row[4:6] == ["No losses", "−1.42−3.10 to 0.26"]


def test_every_chart_is_an_image_with_a_label_and_the_same_numbers_as_a_table(run: Run) -> None:
    page = read(run.html())
    for chart in page.all("svg"):
        if chart.attributes.get("aria-hidden") != "true":
            assert chart.attributes["role"] == "img"
            assert len(chart.attributes["aria-label"]) > 20
    for figure in page.all("figure"):
        assert figure.one("details").all("table")


def test_hostile_texts_stay_texts(run: Run) -> None:
    latest = run.changed("EUR_USD", notes=(HOSTILE,), source=HOSTILE)
    made = latest.provenance.model_copy(update={"code_version": HOSTILE})
    latest = latest.model_copy(update={"provenance": made})
    trades = run.trades.with_columns(pl.lit(HOSTILE).alias("exit_reason"))
    page = read(run.html(latest=latest, trades=trades))
    assert not page.all("script")
    assert not page.all("img")
    visible = HOSTILE.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    visible = visible.replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    assert section(page, "EUR_USD").one("div", class_="notes").all("li")[0].text == visible
    assert visible in page.one("header").text
    notice = read(report_html(run.latest, run.rows, run.trades, run.days, [HOSTILE]))
    assert notice.one("p", class_="notice").text == visible


def test_a_failed_instrument_says_why_and_the_others_stand() -> None:
    run = failed_run()
    page = read(run.html())
    row = summary(page)["GBP_USD"]
    entry = run.latest.instruments["GBP_USD"]
    assert entry.state == "error"
    assert row == ["Failed", f"{entry.error.kind}: {entry.error.message}"]
    assert "1 of 3 instruments failed" in page.text
    assert not page.all("section", id="GBP_USD")
    assert set(summary(page)) == {*PAIRS, "GBP_USD"}


def test_a_run_in_which_nothing_qualified_says_so_first() -> None:
    run = unqualified_run()
    page = read(run.html())
    assert "Nothing qualified" in page.all("p", class_="notice")[0].text
    assert "Nothing qualified" not in demo_run().html()
    for name, row in summary(page).items():
        assert row[0] == "Not qualified"
        assert "Best cell, for research only" in section(page, name).text


def test_a_run_without_trades_shows_no_curve_and_says_that_there_were_none() -> None:
    run = tradeless_run()
    page = read(run.html())
    for name in PAIRS:
        assert run.entry(name).score is None
        inside = section(page, name)
        assert "No cell has a score; shown is the first" in inside.text
        assert "No score: no trade in the window." in inside.text
        assert "No trade was closed in the window." in inside.text
        assert not inside.all("svg", class_="chart curves")
        nulls = inside.all("rect", class_="null")
        assert nulls
        assert {cell.attributes["fill"] for cell in nulls} == {"url(#hatch)"}
        assert all("no trade in the window" in str(cell.one("title").children) for cell in nulls)


def test_a_grid_of_one_cell_is_a_heat_map_of_one_cell(run: Run) -> None:
    chosen = run.trades.group_by("instrument").agg(pl.col("cell").first())
    rows = run.rows.join(chosen, on=["instrument", "cell"], how="semi")
    latest = run.changed("EUR_USD", cells=Cells(total=1, scored=1, qualified=1))
    inside = section(read(run.html(latest=latest, rows=rows)), "EUR_USD")
    chart = inside.one("svg", class_="chart heat")
    assert len(chart.all("title")) == 1
    assert "1 of 1 cell;" in inside.text


def test_tables_of_another_run_are_refused(run: Run) -> None:
    with pytest.raises(StoreError, match="rows of EUR_USD: got 0 of 30 rows with its parameters"):
        run.html(rows=run.rows.with_columns(pl.col("exposure") * 3))
    with pytest.raises(StoreError, match="rows of EUR_USD: got no column hazard_max"):
        run.html(rows=run.rows.drop("hazard_max"))


def test_the_same_run_gives_the_same_bytes(run: Run) -> None:
    assert run.html() == run.html()


def test_ten_instruments_with_thousands_of_cells_and_trades_stay_below_two_megabytes(
    run: Run,
) -> None:
    one = run.rows.filter(instrument="EUR_USD")
    wide = pl.concat(
        [
            one.filter(pl.col("min_reps") == one["min_reps"].min()).with_columns(
                pl.col("hazard_max") + 0.0001 * i, min_reps=pl.lit(reps, pl.Int64)
            )
            for i in range(10)
            for reps in range(1000, 1040)
        ]
    )
    rows = pl.concat([one, wide])
    trades = pl.concat([run.trades.filter(instrument="EUR_USD")] * 300)
    assert rows.height > 4_000
    assert trades.height > 4_000
    names = [f"AA{letter}_USD" for letter in "ABCDEFGHIJ"]
    entries = {name: run.entry("EUR_USD") for name in names}
    html = report_html(
        run.latest.model_copy(update={"instruments": entries}),
        pl.concat([rows.with_columns(instrument=pl.lit(name)) for name in names]),
        pl.concat([trades.with_columns(instrument=pl.lit(name)) for name in names]),
        run.days,
    )
    read(html)
    assert 200_000 < len(html.encode()) < 2_000_000
