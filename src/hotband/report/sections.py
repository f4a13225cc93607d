"""One instrument on the page: why its score, where its gates went, its grid, curve and exits."""

from typing import Any, Final

import polars as pl

from hotband.artefacts.schemas import Instrument, ScoreTerms
from hotband.artefacts.values import Window
from hotband.report.amounts import (
    amount,
    interval_of,
    params_text,
    penalty_numbers,
    signed_kind,
    value_of,
)
from hotband.report.judged import compared, stress, walk_forward
from hotband.report.markup import Markup, element, join
from hotband.report.numbers import (
    CODE_TEXTS,
    DASH,
    SPACE,
    count,
    day,
    minutes,
    missing,
    money,
    number,
    percent,
    short_time,
    words,
)
from hotband.report.parts import bullets, figure, folded, pairs, paragraph, spaced, table
from hotband.report.plane import Plane, axis_name, chosen_row, plane, value_text
from hotband.report.realised import by_exit, realised
from hotband.report.search import power, search
from hotband.report.svg import Bar, HeatCell, bars, curves, heat_map, ramp
from hotband.report.trust import findings, gates, verdict_line
from hotband.research.metric import FLAGS
from hotband.research.score import INFORMATIONAL

COMPONENTS: Final = {
    "sharpe": "Sharpe", "return_pct": "return", "pnl_nav_pct": "PnL over NAV",
    "pf": "profit factor", "maxdd_pct": "drawdown",
}  # fmt: skip
FIRST: Final = {
    name: place
    for place, name in enumerate(
        ("trades", "pnl", "return_pct", "profit_factor", "win_rate", "sharpe", "max_dd",
         "max_dd_pct")
    )
}  # fmt: skip
"""Metrics in the order of the page; the others follow by name."""
STAGES: Final = ("gates", "admitted", "sized", "planned", "filled")


def instrument_section(
    name: str,
    entry: Instrument,
    rows: pl.DataFrame,
    trades: pl.DataFrame,
    days: pl.DataFrame,
    window: Window,
) -> Markup:
    """All of an instrument; ``rows``, ``trades`` and ``days`` (out of sample) are its own."""
    row = chosen_row(rows, entry.params, name)
    return element(
        "section",
        element("h2", name),
        paragraph(_cell_line(entry), kind="lead"),
        verdict_line(entry, row),
        findings(entry),
        gates(name, entry, row),
        element(
            "div",
            compared(name, entry),
            element("div", stress(name, entry), power(name, entry)),
            class_="two",
        ),
        walk_forward(name, entry, days),
        search(name, entry, row),
        element("div", _score(entry, row), _funnel(name, entry), class_="two"),
        _heat(name, entry, rows),
        _heat_after(name, entry, rows),
        _curve(name, entry, trades, window),
        element("div", _exits(name, trades), _notes(entry), class_="two"),
        folded("All metrics of the cell shown", _metrics(name, entry)),
        id=name,
        class_="instrument",
    )


def _cell_line(entry: Instrument) -> Markup:
    what = "Chosen cell" if entry.qualified else "Best cell, for research only"
    if entry.score is None:
        what = "No cell has a score; shown is the first"
    return join(element("strong", what), ": ", params_text(entry.params))


# Score -----------------------------------------------------------------------------------------


def _score(entry: Instrument, row: dict[str, Any]) -> Markup:
    terms = entry.score_terms
    if terms is None:
        caption = f"No score: {missing(entry.score_reason).split(f'{DASH} ')[-1]}."
        return figure("Score", None, caption, None)
    rows = [
        Bar(COMPONENTS.get(c.name, words(c.name)), c.points, 100.0 * c.weight, number(c.points, 1))
        for c in terms.components
    ]
    label = "Points per component: " + "; ".join(
        f"{bar.label} {bar.shown} of {number(bar.full, 0)}" for bar in rows
    )
    twin = table(
        ("Component", "Input", "After shrinking", "Term", "Weight", "Points"), "tnnnnn",
        [
            (
                COMPONENTS.get(c.name, words(c.name)),
                "undefined" if c.input is None else amount(c.name, c.input),
                DASH if c.shrunk is None else number(c.shrunk),
                number(c.u, 3), number(c.weight), number(c.points, 2),
            )
            for c in terms.components
        ],
    )  # fmt: skip
    caption = "Points of each component out of its most; what few trades and caps take off below."
    return figure(
        f"Score {number(entry.score or 0.0, 1)} of 100",
        join(bars(rows, label, left=110), _ledger(entry, terms), _penalties(entry, row)),
        caption,
        twin,
    )


def _ledger(entry: Instrument, terms: ScoreTerms) -> Markup:
    points = sum(part.points for part in terms.components)
    trust = terms.reliability
    lost = sum(penalty.points_lost for penalty in entry.penalties)
    cap = "No cap lowers it" if terms.binding is None else f"Cap of {words(terms.binding)}"
    scale = f"trade depth {number(trust.trade_depth)}, real coverage {number(trust.real_coverage)}"
    items = [
        ("Components together", number(points)),
        (f"Reliability ({scale})", number(-trust.points_lost)),
        (cap, number(-lost)),
        ("Score", element("strong", number(entry.score or 0.0))),
    ]
    step = paragraph(f"Next step: {terms.next_step}.") if terms.next_step else None
    return join(pairs(items, "ledger"), step, _plateau(entry))


def _plateau(entry: Instrument) -> Markup | None:
    found = entry.plateau
    if found is None:
        return None
    near = count(found.neighbours, "neighbour")
    text = f"Plateau {number(found.score, 1)}: own score {number(found.own_score, 1)}, {near} from "
    text += (
        f"{number(found.neighbourhood_min, 1)}, {number(found.neighbourhood_mean, 1)} on average."
    )
    if found.border:
        text += (
            " It lies at the end of these axes: "
            + ", ".join(axis_name(axis) for axis in found.border)
            + "."
        )
    return paragraph(text, kind="muted")


def _penalties(entry: Instrument, row: dict[str, Any]) -> Markup | None:
    if not entry.penalties:
        return None
    binding = None if entry.score_terms is None else entry.score_terms.binding
    made = []
    for penalty in entry.penalties:
        found, limit = penalty_numbers(penalty, entry, row)
        name = words(penalty.tag) + (" (binds)" if penalty.tag == binding else "")
        cap = DASH if penalty.cap is None else number(penalty.cap, 0)
        made.append((name, found, limit or "any number", cap, number(-penalty.points_lost, 1)))
    heads = ("Penalty", "Value", "Limit", "Caps at", "Points")
    return table(heads, "twnnn", made, "Penalties")


# Funnel ----------------------------------------------------------------------------------------


def _funnel(name: str, entry: Instrument) -> Markup:
    funnel = entry.funnel
    whole = funnel.gates
    rows = []
    for stage in STAGES:
        here = getattr(funnel, stage)
        share = f" · {percent(here / whole)}" if whole and stage != "gates" else ""
        rows.append(Bar(stage, here, whole, f"{here:,}{share}"))
    label = f"Gates of {name} by stage: " + ", ".join(f"{bar.label} {bar.shown}" for bar in rows)
    lost = sorted(funnel.refusals.items(), key=lambda item: (-item[1], item[0]))
    stopped = table(
        ("Stopped by", "Meaning", "Gates", "Share"), "twnn",
        [
            (words(code), CODE_TEXTS.get(code, ""), f"{n:,}", percent(n / whole) if whole else DASH)
            for code, n in lost
        ],
        f"What stopped the other gates of {name}",
    )  # fmt: skip
    twin = table(
        ("Stage", "Gates", "Share"), "tnn",
        [
            (stage, f"{getattr(funnel, stage):,}",
             percent(getattr(funnel, stage) / whole) if whole else DASH)
            for stage in STAGES
        ],
    )  # fmt: skip
    caption = f"{count(whole, 'gate')} in the window, {count(funnel.filled, 'entry', 'entries')}."
    inner = join(bars(rows, label, left=80), stopped if lost else None)
    return figure("Funnel", inner, caption, twin)


# Grid ------------------------------------------------------------------------------------------


def _heat_after(name: str, entry: Instrument, rows: pl.DataFrame) -> Markup | None:
    """The same cells in the weeks after; None where none came after."""
    if entry.judgement.hold_out is None:
        return None
    return _heat(name, entry, rows, "hold_out_return_pct", "return in the hold-out, percent")


def _heat(
    name: str, entry: Instrument, rows: pl.DataFrame, metric: str = "score", what: str = "score"
) -> Markup:
    seen = plane(rows, entry.params, metric)
    across, up = seen.axes
    columns = [value_text(across, value) for value in seen.columns]
    lines = [value_text(up, value) for value in seen.rows]
    names = (axis_name(across), axis_name(up))
    values = [cell.value for cell in seen.cells if cell.value is not None]
    if values:
        extent = f"{number(min(values), 1)} to {number(max(values), 1)}"
    else:
        extent = "undefined everywhere"
    label = f"{what.capitalize()} of {name} over {names[0]} and {names[1]}: "
    label += f"{count(len(seen.cells), 'cell')}, {extent}"
    caption = _plane_caption(seen, entry.cells.total, "score" if metric == "score" else "number")
    legend = ramp(number(min(values), 1), number(max(values), 1)) if values else None
    label_of = {(cell.column, cell.row): _in_table(cell) for cell in seen.cells}
    body = [
        (lines[r], *(label_of.get((c, r), "") for c in range(len(columns))))
        for r in reversed(range(len(lines)))
    ]
    heads = (f"{names[1]} \\ {names[0]}", *columns)
    twin = table(
        heads, "t" + "n" * len(columns), body, f"Grid of {name}, {what}; ( ) is the cell shown"
    )
    chart = join(
        element("div", heat_map(seen.cells, names, columns, lines, label), class_="scroll"),
        legend, _best(entry) if metric == "score" else None,
    )  # fmt: skip
    return figure(f"Grid: {what}", chart, caption, twin)


def _in_table(cell: HeatCell) -> str:
    return f"({cell.shown})" if cell.chosen else cell.shown


def _plane_caption(seen: Plane, total: int, what: str) -> str:
    text = f"{len(seen.cells):,} of {count(total, 'cell')}"
    if seen.fixed:
        fixed = ", ".join(f"{axis_name(k)} {value_text(k, v)}" for k, v in seen.fixed.items())
        text += f"; the other axes stand at the cell shown: {fixed}"
    text += f". The ring is the cell shown; a hatched cell has no {what}."
    if seen.thinned:
        text += (
            f" Shown are {len(seen.columns)} of {seen.held[0]} values across and "
            f"{len(seen.rows)} of {seen.held[1]} up."
        )
    return text


def _best(entry: Instrument) -> Markup:
    cells = entry.cells
    text = f"{count(cells.total, 'cell')}: {cells.scored:,} with a score, "
    text += f"{cells.qualified:,} qualified."
    best = entry.best_of_all
    if best is None:
        return paragraph(text + " No cell has a score.", kind="muted")
    if best.params == entry.params:
        return paragraph(text + " The chosen cell is also the best single one.", kind="muted")
    shown = [f"score {DASH if best.score is None else number(best.score, 1)}"]
    for metric in ("trades", "pnl"):
        value = best.metrics.get(metric)
        shown.append(f"{words(metric)} {'n/a' if value is None else amount(metric, value)}")
    text += (
        f" Best single cell, for research only: {params_text(best.params)} ({', '.join(shown)})."
    )
    return paragraph(text, kind="muted")


# Trades ----------------------------------------------------------------------------------------


def _curve(name: str, entry: Instrument, trades: pl.DataFrame, window: Window) -> Markup:
    if trades.is_empty():
        return figure("Realised equity", None, "No trade was closed in the window.", None)
    found = realised(trades, window)
    head = (
        f"Realised PnL of {name} went to {money(found.final)} over {count(trades.height, 'trade')}"
    )
    deepest = "it was never below its peak"
    if found.deepest_ns is not None:
        deepest = (
            f"deepest {number(found.deepest)} below its peak on {short_time(found.deepest_ns)} UTC"
        )
    caption = f"{head}; {deepest}. Account currency, from closed trades only, each at its exit."
    deep = entry.metrics["max_dd"]
    if deep is not None:
        caption += f" With open positions marked at every bar the drawdown is {number(-deep)}."
    if any("open_tickets" in detail.flags for detail in entry.metric_details.values()):
        caption += " Positions still open at the end count there, not here."
    periods = [
        (day(_ns(start)), f"{n:,}", money(pnl), money(equity), number(under))
        for start, n, pnl, equity, under in found.periods.iter_rows()
    ]
    heads = (
        f"{found.period.capitalize()} (UTC)",
        "Trades",
        "PnL",
        "At its end",
        "Deepest below peak",
    )
    chart = element("div", curves(found.curve, f"{head}; {deepest}"), class_="scroll")
    return figure("Realised equity and drawdown", chart, caption, table(heads, "tnnnn", periods))


def _ns(moment: Any) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def _exits(name: str, trades: pl.DataFrame) -> Markup:
    if trades.is_empty():
        return figure("Exits", None, "No trade was closed in the window.", None)
    found = by_exit(trades)
    rows, body = [], []
    for reason, n, wins, pnl, hold in found.iter_rows():
        rows.append(Bar(words(reason), n, 0.0, f"{n:,} · {money(pnl)}"))
        body.append(
            (words(reason), CODE_TEXTS.get(reason, ""), f"{n:,}", percent(wins / n),
             element("span", money(pnl), class_=signed_kind(pnl)), money(pnl / n), minutes(hold))
        )  # fmt: skip
    label = f"Trades of {name} by exit: " + ", ".join(f"{bar.label} {bar.shown}" for bar in rows)
    heads = ("Exit", "Meaning", "Trades", "Won", "PnL", "Per trade", "Held")
    sources = trades.group_by("source").len().sort("source").rows()
    caption = "Trades and PnL by what closed them; entered on "
    caption += ", ".join(count(n, f"{_source(source)} gate") for source, n in sources) + "."
    return figure("Exits", bars(rows, label, left=130), caption, table(heads, "twnnnnn", body))


def _source(source: str) -> str:
    return {"real": "recorded", "synthetic": "derived"}.get(source, words(source))


def _notes(entry: Instrument) -> Markup:
    flags = () if entry.score_terms is None else entry.score_terms.flags
    known = [f"{words(flag)}: {INFORMATIONAL.get(flag, '')}".removesuffix(": ") for flag in flags]
    items = [*entry.notes, *known]
    inner = bullets(items) if items else paragraph("None.", kind="muted")
    return element("div", element("h3", "Notes"), inner, class_="notes")


def _metrics(name: str, entry: Instrument) -> Markup:
    body = []
    details = entry.metric_details
    for metric in sorted(details, key=lambda name: (FIRST.get(name, len(FIRST)), name)):
        detail = details[metric]
        flags = [element("span", words(f), title=FLAGS.get(f, "")) for f in detail.flags]
        body.append(
            (
                words(metric),
                value_of(metric, detail),
                interval_of(metric, detail) or DASH,
                DASH if detail.n is None else f"{detail.n:,}",
                detail.period or DASH,
                join(detail.method or DASH),
                spaced(*flags) if flags else DASH,
            )
        )
    heads = ("Metric", "Value", f"90{SPACE}% interval", "Observations", "Per", "Method", "Flags")
    return table(heads, "tnnntww", body, f"All metrics of {name}")
