"""What came after the choice: hold-out, walk-forward, and the cell under higher costs."""

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from hotband.artefacts.judgement import FoldEntry, HoldOut, StressFacts, WalkForward
from hotband.artefacts.schemas import Instrument, Params
from hotband.artefacts.values import Coverage, Funnel, MetricValue, Window
from hotband.errors import StoreError
from hotband.market.calendar import DAY_NS, parse_time
from hotband.report.amounts import amount, interval_of, params_text, value_of
from hotband.report.markup import Child, Markup, element, join
from hotband.report.numbers import (
    CODE_TEXTS,
    DASH,
    SPACE,
    count,
    day,
    minutes,
    money,
    number,
    percent,
    span,
    words,
)
from hotband.report.parts import bullets, figure, folded, framed, pairs, paragraph, part, table
from hotband.report.realised import kept_points, period_of
from hotband.report.svg import Curve, curves
from hotband.report.trust import NO_FORWARD, probability, shown_or
from hotband.research.stress import TAGS

COMPARED: Final = (
    "trades", "days", "active_days", "pnl", "return_pct", "profit_factor", "win_rate",
    "expectancy", "sharpe", "daily_t", "max_dd", "max_dd_pct", "cost_total",
)  # fmt: skip
"""Metrics that are always shown side by side; the others on demand."""
FOLDED: Final = (
    "trades", "pnl", "return_pct", "profit_factor", "win_rate", "sharpe", "daily_t", "max_dd_pct",
)  # fmt: skip
"""Metrics of a fold, in the order of its table; days and score have columns of their own."""
TITLES: Final = {"pnl": "PnL", "return_pct": "Return", "max_dd_pct": "Max DD"}
STRESSED: Final = {
    "costs_1_5x": "1.5× the costs",
    "costs_2x": "twice the costs",
    "latency_1_bar": "every order one bar later",
}


# Hold-out --------------------------------------------------------------------------------------


def compared(name: str, entry: Instrument) -> Markup:
    """The chosen cell on the weeks that chose it beside those that did not."""
    judged, title = entry.judgement, "Look-back beside hold-out"
    after = judged.hold_out
    if after is None:
        said = f"No hold-out: {judged.hold_out_reason}. Nothing but the look-back judged the cell."
        return part(title, paragraph(said), _promise(entry))
    before, later = entry.metric_details, after.metric_details
    caption = (
        f"Chosen on {span(judged.look_back)}; judged on {span(after.window)}, which the choice "
        "never saw."
    )
    heads = ("Metric", "Look-back", "Hold-out")
    known = [metric for metric in COMPARED if metric in before or metric in later]
    rest = sorted({*before, *later} - set(COMPARED))
    body = [_side_by_side(metric, before, later) for metric in known]
    body += _inputs(entry, after)
    more = table(
        heads, "tnn", [_side_by_side(metric, before, later) for metric in rest],
        f"All other metrics of {name} in look-back and hold-out",
    )  # fmt: skip
    notes = [note for note in after.notes if note not in entry.notes]
    return part(
        title,
        table(heads, "tnn", body, f"Look-back beside hold-out of {name}", caption),
        _promise(entry),
        bullets(notes, "plain") if notes else None,
        folded("All other metrics", more) if rest else None,
        _stopped(name, after.funnel),
    )


def _side_by_side(
    metric: str, before: dict[str, MetricValue], later: dict[str, MetricValue]
) -> tuple[Child, ...]:
    return (words(metric), *(_measured(metric, found.get(metric)) for found in (before, later)))


def _measured(metric: str, detail: MetricValue | None) -> Markup:
    interval = interval_of(metric, detail)
    return join(value_of(metric, detail), None if interval is None else element("small", interval))


def _inputs(entry: Instrument, after: HoldOut) -> list[tuple[Child, ...]]:
    covers, funnels = (entry.gate_coverage, after.gate_coverage), (entry.funnel, after.funnel)
    return [
        ("minutes with a recorded gate", *(_real(cover) for cover in covers)),
        ("longest gap", *(minutes(cover.longest_gap_minutes) for cover in covers)),
        ("gates, entries", *(f"{each.gates:,}, {each.filled:,}" for each in funnels)),
        ("gates from", entry.source, after.source),
    ]


def _real(cover: Coverage) -> Markup:
    return shown_or(cover.real_fraction, percent, "no minutes with a bar")


def _promise(entry: Instrument) -> Markup:
    promise = entry.judgement.promise
    if promise is None:
        why = "no cell qualified, or all its days returned the same"
        return paragraph(f"No promise for a week: {why}.", kind="muted")
    return paragraph(
        f"The look-back promises {percent(promise.weekly_mean, 3)} of NAV a week, with a standard "
        f"deviation of {percent(promise.weekly_sd, 3)}."
    )


def _stopped(name: str, funnel: Funnel) -> Markup | None:
    lost = sorted(funnel.refusals.items(), key=lambda item: (-item[1], item[0]))
    if not lost:
        return None
    body = [(words(code), CODE_TEXTS.get(code, ""), f"{n:,}") for code, n in lost]
    heads, label = ("Stopped by", "Meaning", "Gates"), f"What stopped gates of {name} after it"
    return folded("What stopped the other gates of the hold-out", table(heads, "twn", body, label))


# Walk-forward ----------------------------------------------------------------------------------


def walk_forward(name: str, entry: Instrument, days: pl.DataFrame) -> Markup:
    """The folds and their stitched series; ``days`` is the instrument's part of table ``oos``.

    Raises:
        StoreError: ``days`` has not the days that the result names.
    """
    found, title = entry.judgement.walk_forward, "Walk-forward"
    held = 0 if found is None else found.days
    if days.height != held:
        do = "Restore the run's files together, or run it again with --force."
        raise StoreError(f"oos of {name}", count(days.height, "day"), count(held, "day"), do)
    if found is None:
        why = entry.judgement.hold_out_reason or "no fold has an eligible day"
        return part(title, paragraph(f"No walk-forward, {NO_FORWARD}: {why}."))
    return element("div", _stitched(name, found, days), _folds(name, found))


def _stitched(name: str, found: WalkForward, days: pl.DataFrame) -> Markup:
    few = "fewer than five days, or every day returned the same"
    facts: list[tuple[Child, Child]] = [
        ("Days", f"{found.days:,}"),
        ("Net return", f"{number(found.net_return_pct, 2, signed=True)}{SPACE}%"),
        (f"Sharpe ratio a year, 90{SPACE}% interval", _measured("sharpe", found.sharpe)),
        ("p of a mean above 0, one-sided", shown_or(found.p_value, probability, few)),
        (
            "Efficiency: out of sample over in sample",
            shown_or(found.efficiency, number, "the Sharpe ratio in sample is not above 0, "
                     "or there is none out of sample"),
        ),
    ]  # fmt: skip
    caption = (
        "The weeks after each choice, put one after the other: the only series here that is out "
        "of sample. Net of costs, by trading day."
    )
    curve, body = _equity(found, days)
    label = f"Out-of-sample return of {name} over {count(found.days, 'day')}: "
    label += f"net {number(found.net_return_pct, 2)} percent, "
    label += f"deepest {number(float(curve.under.min(initial=0.0)), 2)} percent below its peak"
    chart = curves(curve, label, ("Net return, percent", "Below its peak, percent"))
    heads = ("Ending", "Days", "Return", "At its end", "Deepest below peak")
    return figure(
        "Walk-forward: out-of-sample equity",
        join(pairs(facts), element("div", chart, class_="scroll")),
        caption,
        table(heads, "tnnnn", body, f"Out-of-sample return of {name}"),
    )


def _equity(
    found: WalkForward, days: pl.DataFrame
) -> tuple[Curve, list[tuple[str, str, str, str, str]]]:
    """The stitched series in percent, and its table by period."""
    equity = days["equity"].to_numpy()
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    start = parse_time(found.folds[0].hold_out.start)
    end = parse_time(found.folds[-1].hold_out.end)
    ends = (days["day"].to_physical().cast(pl.Int64).to_numpy() + 1) * DAY_NS
    shown = (start, max(end, int(ends[-1]) + DAY_NS))
    net, under = 100.0 * (equity - 1.0), 100.0 * (equity / peak - 1.0)
    _, every = period_of(end - start)
    frame = (
        days.with_columns(pl.Series("net", net), pl.Series("under", under))
        .group_by(pl.col("day").dt.truncate(every).alias("start"))
        .agg(
            last=pl.col("day").last(), n=pl.len(),
            gain=100.0 * ((1.0 + pl.col("return")).product() - 1.0),
            net=pl.col("net").last(), under=pl.col("under").min(),
        )
        .sort("start")
    )  # fmt: skip
    body = [
        (_date(last), f"{n:,}", _percents(gain), _percents(at), _percents(below))
        for _, last, n, gain, at, below in frame.iter_rows()
    ]
    t = ends.astype(np.float64)
    kept = kept_points(t, net, under, shown)
    return Curve(t[kept], net[kept], under[kept], shown), body


def _date(moment: date) -> str:
    return day((moment - date(1970, 1, 1)).days * DAY_NS)


def _percents(value: float) -> str:
    return f"{number(value, 3)}{SPACE}%"


def _folds(name: str, found: WalkForward) -> Markup:
    titles = [TITLES.get(metric, words(metric).capitalize()) for metric in FOLDED]
    heads = ("Fold", "Weeks", "Part", "Days", *titles, "Score")
    head = element(
        "tr",
        *(
            element("th", title, scope="col", class_="n" if i > 2 else None)
            for i, title in enumerate(heads)
        ),
    )
    bodies = [_fold(i, fold) for i, fold in enumerate(found.folds)]
    caption = (
        "Each fold chooses on its look-back as the week did, and is judged on the weeks after it. "
        f"A dash ({DASH}) is a number that is undefined there: too few days or trades."
    )
    return part("Folds", framed(head, bodies, f"Folds of {name}", caption))


def _fold(place: int, fold: FoldEntry) -> Markup:
    width = str(len(FOLDED) + 4)
    name = element("th", str(place + 1), scope="rowgroup", rowspan="3" if fold.chosen else "2")
    inside = None if not fold.chosen else fold.in_sample
    first = [element("td", _dates(fold.look_back)), element("td", "chosen on")]
    second = [element("td", _dates(fold.hold_out)), element("td", "judged on")]
    after = fold.out_of_sample
    if inside is None:
        first.append(
            element("td", "no cell qualified: nothing was traded, its days count as flat",
                    colspan=str(len(FOLDED) + 2), class_="wide")
        )  # fmt: skip
    else:
        days = inside.get("days")
        first += _line(DASH if days is None else number(days, 0), inside)
    second += _line(f"{fold.days:,}", after)
    rows = [element("tr", name, *first), element("tr", *second)]
    if fold.params is not None:
        said = params_text(Params.of(fold.params))
        rows.append(element("tr", element("td", said, colspan=width, class_="more")))
    return element("tbody", *rows, class_="fold")


def _dates(window: Window) -> str:
    """First and last day, UTC."""
    start, end = (day(parse_time(text)).split(" ", 1)[1] for text in (window.start, window.end))
    return f"{start} {DASH} {end}".replace(" ", SPACE)


def _line(days: str, numbers: dict[str, float | None]) -> list[Markup]:
    shown = [days]
    for metric in (*FOLDED, "score"):
        value = numbers.get(metric)
        shown.append(DASH if value is None else _of_fold(metric, value))
    return [element("td", text, class_="n") for text in shown]


def _of_fold(metric: str, value: float) -> str:
    return number(value, 1) if metric == "score" else amount(metric, value)


# Stress ----------------------------------------------------------------------------------------


def stress(name: str, entry: Instrument) -> Markup:
    """What is left when trading costs more or comes later, in numbers and in words."""
    found = entry.judgement.stress
    details = entry.metric_details
    body: list[tuple[Child, ...]] = [
        ("as traded", *(value_of(m, details.get(m)) for m in ("pnl", "profit_factor")))
    ]
    for case in found.pnl:
        pnl, factor = found.pnl[case], found.profit_factor.get(case)
        why = "not stressed" if pnl is None else "no trade, or none lost"
        body.append(
            (
                STRESSED.get(case, words(case)),
                shown_or(pnl, money, "not stressed: it did not qualify"),
                shown_or(factor, number, why),
            )
        )
    tags = [TAGS.get(tag, words(tag)) for tag in found.tags]
    said = [f"{text[:1].upper()}{text[1:]}." for text in tags]
    stressed = any(value is not None for value in found.pnl.values())
    clean = "No tag was raised." if stressed else "No tag: the cell was not stressed."
    return part(
        "Under higher costs",
        table(
            ("Case", "PnL", "Profit factor"), "tnn", body, f"Stress of {name}",
            "The same cell on the same gates; PnL in account currency.",
        ),
        bullets(said, "plain") if said else paragraph(clean, kind="muted"),
        pairs(_shares(found, stressed)),
    )  # fmt: skip


def _shares(found: StressFacts, stressed: bool) -> list[tuple[Child, Child]]:
    even = "more costs take nothing away" if stressed else "not stressed"
    none = "no profit to share"
    return [
        (
            "Costs at which nothing is left",
            shown_or(found.break_even_costs_x, lambda v: f"{number(v)}×", even),
        ),
        ("Made by the best day", shown_or(found.best_day_share, percent, none)),
        ("Made by the best trade", shown_or(found.best_trade_share, percent, none)),
    ]
