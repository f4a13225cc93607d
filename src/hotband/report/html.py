"""A run as one HTML file that needs nothing else: no script, no request, no plotting library.

Its style sheet and its charts are inside; a policy in its head forbids everything else, so that
nothing in a note or a name can reach out. It follows the reader's light or dark scheme.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl

from hotband.artefacts.archive import week_of
from hotband.artefacts.schemas import FailedInstrument, Instrument, Latest
from hotband.artefacts.values import Coverage
from hotband.artefacts.writer import ArtefactFolder
from hotband.durable import write_whole
from hotband.errors import StoreError
from hotband.report.amounts import (
    drawdown,
    interval_of,
    params_text,
    penalty_numbers,
    signed_kind,
    trades_behind,
    value_of,
    verdict,
)
from hotband.report.markup import Markup, element, join
from hotband.report.numbers import (
    DASH,
    SPACE,
    count,
    instant,
    minutes,
    number,
    percent,
    span,
    words,
)
from hotband.report.parts import chip, pairs, paragraph, short_hash, spaced, table
from hotband.report.plane import chosen_row
from hotband.report.sections import instrument_section
from hotband.report.svg import hatches, ribbon
from hotband.report.trust import refusal_words

Tables: TypeAlias = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
"""Rows, trades and out-of-sample days of one instrument."""
COLUMNS: Final = (
    ("Instrument", "t"),
    ("Verdict", "t"),
    ("Score", "n"),
    ("Trades", "n"),
    ("PnL", "n"),
    ("Profit factor", "n"),
    ("Sharpe", "n"),
    ("Win rate", "n"),
    ("Max drawdown", "n"),
    ("Real gates", "n"),
)


def report_html(
    latest: Latest,
    rows: pl.DataFrame,
    trades: pl.DataFrame,
    days: pl.DataFrame,
    notices: Sequence[str] = (),
) -> str:
    """The page of a run.

    Args:
        latest: The run's result.
        rows: Its table ``rows``, of all instruments.
        trades: Its table ``trades``.
        days: Its table ``oos``.
        notices: What to say above everything else.

    Raises:
        StoreError: The tables are not of the same run as the result.
    """
    per: dict[str, Tables] = {
        name: (
            rows.filter(instrument=name),
            trades.filter(instrument=name),
            days.filter(instrument=name),
        )
        for name in latest.instruments
    }
    week = week_of(latest.window)
    done = {n: e for n, e in latest.instruments.items() if isinstance(e, Instrument)}
    body = element(
        "body",
        hatches(),
        _header(latest, week),
        element(
            "main",
            *(paragraph(notice, kind="notice") for notice in (*notices, *_warnings(latest))),
            _tiles(latest, done),
            _summary(latest, per),
            _data(latest, done),
            *(
                instrument_section(name, entry, *per[name], latest.window)
                for name, entry in done.items()
            ),
        ),
        _footer(latest),
    )
    html = element("html", _head(f"hotband {week}, run {latest.run_id}"), body, lang="en-GB")
    return f"<!DOCTYPE html>\n{html}\n"


def _head(title: str) -> Markup:
    style = files("hotband.report").joinpath("page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **{"http-equiv": "Content-Security-Policy"}, content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        Markup(f"<style>{style}</style>"),
    )


def _header(latest: Latest, week: str) -> Markup:
    made = latest.provenance
    facts = [
        ("Window", span(latest.window)),
        ("Produced", instant(latest.generated_at)),
        ("Run", element("code", latest.run_id)),
        ("Code", element("code", made.code_version)),
        ("Profile", short_hash(made.profile)),
        ("Grid", short_hash(made.grid)),
        ("Seed", str(made.seed)),
    ]
    state = chip(latest.state.capitalize(), "good")
    title = element("h1", spaced(element("span", "hotband", class_="brand"), week, state))
    return element("header", title, pairs(facts))


def _warnings(latest: Latest) -> list[str]:
    entries = latest.instruments.values()
    found = []
    bad = sum(isinstance(entry, FailedInstrument) for entry in entries)
    if bad:
        found.append(f"{bad} of {count(len(entries), 'instrument')} failed; the table says why.")
    if not any(entry.qualified for entry in entries):
        found.append(
            "Nothing qualified. What follows shows the best cells for research, not for trading."
        )
    return found


def _tiles(latest: Latest, done: dict[str, Instrument]) -> Markup:
    good = sum(entry.qualified for entry in done.values())
    promoted = sum(entry.judgement.promotion.promoted for entry in done.values())
    cells = sum(entry.cells.total for entry in done.values())
    trades = sum(round(entry.metrics["trades"] or 0.0) for entry in done.values())
    minutes_ = sum(entry.gate_coverage.minutes for entry in done.values())
    real = sum(entry.gate_coverage.real_minutes for entry in done.values())
    items = [
        ("Qualified", f"{good} of {len(latest.instruments)}"),
        ("Promoted", f"{promoted} of {len(latest.instruments)}"),
        ("Cells swept", f"{cells:,}"),
        ("Trades of the cells shown", f"{trades:,}"),
        ("Minutes with a recorded gate", percent(real / minutes_) if minutes_ else DASH),
    ]
    return pairs(items, "tiles")


# Instruments -----------------------------------------------------------------------------------


def _summary(latest: Latest, per: dict[str, Tables]) -> Markup:
    heads = [
        element("th", name, scope="col", class_="n" if kind == "n" else None)
        for name, kind in COLUMNS
    ]
    bodies = []
    for name, entry in latest.instruments.items():
        if isinstance(entry, FailedInstrument):
            bodies.append(_failed(name, entry))
        else:
            bodies.append(_entry(name, entry, per[name][0]))
    made = element("table", element("thead", element("tr", *heads)), *bodies, class_="summary")
    caption = f"Amounts in account currency; Sharpe with its 90{SPACE}% interval."
    return element(
        "section",
        element("h2", "Instruments"),
        paragraph(caption, kind="muted"),
        element("div", made, class_="scroll", tabindex="0", role="group", aria_label="Instruments"),
    )


def _failed(name: str, entry: FailedInstrument) -> Markup:
    said = join(element("strong", entry.error.kind), ": ", entry.error.message)
    row = element(
        "tr",
        element("th", name, scope="row"),
        element("td", chip("Failed", "error")),
        element("td", said, colspan=str(len(COLUMNS) - 2), class_="wide"),
    )
    return element("tbody", row)


def _entry(name: str, entry: Instrument, rows: pl.DataFrame) -> Markup:
    details = entry.metric_details
    word, kind, why = verdict(entry)
    interval = interval_of("sharpe", details["sharpe"])
    real = entry.gate_coverage.real_fraction
    cells: list[tuple[Markup | str, str | None]] = [
        (chip(word, kind, why), None),
        (DASH if entry.score is None else element("strong", number(entry.score, 1)), "n"),
        (value_of("trades", details["trades"]), "n"),
        (value_of("pnl", details["pnl"]), f"n {signed_kind(entry.metrics['pnl']) or ''}".strip()),
        (value_of("profit_factor", details.get("profit_factor")), "n"),
        (join(value_of("sharpe", details["sharpe"]), _small(interval)), "n"),
        (join(value_of("win_rate", details["win_rate"]), _small(trades_behind(entry))), "n"),
        (drawdown(entry), "n"),
        (DASH if real is None else percent(real), "n"),
    ]
    link = element("a", name, href=f"#{name}")
    first = element(
        "tr",
        element("th", link, scope="row"),
        *(element("td", cell, class_=kind) for cell, kind in cells),
    )
    reason = None if entry.qualified else element("strong", f"{why[:1].upper()}{why[1:]}. ")
    chips = _chips(entry, chosen_row(rows, entry.params, name))
    evidence = element("strong", f"{refusal_words(entry)} ")
    inner = join(element("div", evidence, reason, params_text(entry.params)), chips)
    second = element("tr", element("td", inner, colspan=str(len(COLUMNS)), class_="more"))
    return element("tbody", first, second)


def _small(words_: str | None) -> Markup | None:
    return element("small", words_) if words_ else None


def _chips(entry: Instrument, row: dict[str, object]) -> Markup | None:
    if not entry.penalties:
        return None
    made = []
    for penalty in entry.penalties:
        found, limit = penalty_numbers(penalty, entry, row)
        said = join(element("b", words(penalty.tag)), " ", found)
        if limit is not None:
            said = join(said, ", limit ", limit)
        made.append(element("li", said))
    return element("ul", *made, class_="chips", aria_label="Penalties")


# Data ------------------------------------------------------------------------------------------


def _data(latest: Latest, done: dict[str, Instrument]) -> Markup:
    made = latest.provenance
    rows = []
    for name, entry in done.items():
        cover, gates = entry.gate_coverage, made.gates.get(name)
        real, derived, none = shares(cover)
        rows.append(
            (
                name,
                _ribbon(name, cover),
                percent(real), percent(derived), percent(none),
                minutes(cover.longest_gap_minutes),
                entry.source,
                short_hash(None if gates is None else gates.sha256, "derived"),
                short_hash(made.bars.get(name)),
            )
        )  # fmt: skip
    heads = (
        "Instrument", "Minutes with a bar", "Recorded gate", "Derived gate", "No live gate",
        "Longest gap", "Gates from", "Gates", "Bars",
    )  # fmt: skip
    return element(
        "section",
        element("h2", "Data"),
        paragraph(
            spaced(
                element("span", class_="key real"), "recorded gates",
                element("span", class_="key synthetic"), "gates derived from bars",
                element("span", class_="key none"), "no live gate",
            ),
            kind="muted",
        ),
        table(heads, "ttnnnnttt", rows, "Data of each instrument"),
    )  # fmt: skip


def shares(cover: Coverage) -> tuple[float, float, float]:
    """Minutes with a recorded, a derived and no live gate, as shares of 1; no minutes: none."""
    if cover.minutes == 0.0:
        return 0.0, 0.0, 0.0
    real, derived = cover.real_minutes / cover.minutes, cover.synthetic_minutes / cover.minutes
    return real, derived, max(0.0, 1.0 - real - derived)


def _ribbon(name: str, cover: Coverage) -> Markup:
    if cover.minutes == 0.0:
        return element("span", "no minutes with a bar", class_="muted")
    real, derived, none = shares(cover)
    named = (("real", real, "recorded"), ("derived", derived, "derived"), ("none", none, "none"))
    label = f"Gates of {name}: " + ", ".join(f"{word} {percent(s)}" for _, s, word in named)
    return ribbon([(kind, s, f"{word} {percent(s)}") for kind, s, word in named], label)


def _footer(latest: Latest) -> Markup:
    said = "A backtest says what would have been, on the data named above. It is no promise."
    tables = ", ".join(latest.files[name] for name in sorted(latest.files))
    return element("footer", paragraph(said), paragraph(f"Every row and trade: {tables}"))


# Files -----------------------------------------------------------------------------------------


def write_report(
    folder: ArtefactFolder, latest: Latest, to: Path | None = None, notices: Sequence[str] = ()
) -> Path:
    """Write the page of a run; where it lies.

    Args:
        folder: Of the artefacts, with the run's tables.
        latest: The run.
        to: The file; None = ``runs/RUN_ID/run-RUN_ID.html`` in the folder.
        notices: What to say above everything else.

    Raises:
        StoreError: A table cannot be read or is not of this run, or the file cannot be written.
    """
    rows, trades, days = (_table(folder, latest, name) for name in ("rows", "trades", "oos"))
    data = report_html(latest, rows, trades, days, notices).encode()
    path = to or folder.root / "runs" / latest.run_id / f"run-{latest.run_id}.html"
    write_whole(path, lambda file: file.write(data))
    return path


def _table(folder: ArtefactFolder, latest: Latest, name: str) -> pl.DataFrame:
    path = folder.root / latest.files[name]
    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as cause:
        got = "no file" if not path.is_file() else str(cause)
        do = "Restore it, or run the week again with --force."
        raise StoreError(f"file {path}", got, f"the {name} of run {latest.run_id}", do) from cause
