"""Whether the evidence lets a cell trade, in words: the verdict, the gates of promotion, findings.

What the weeks after the choice and higher costs say is in ``judged``, what the search takes away
in ``search``. A number that is missing says why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hotband.artefacts.judgement import GateFact, PromotionFacts
from hotband.artefacts.schemas import Instrument
from hotband.report.markup import Markup, element, join
from hotband.report.numbers import DASH, SPACE, count, money, number, percent, plain, words
from hotband.report.parts import chip, paragraph, part, spaced, table
from hotband.research.metric import REASONS
from hotband.research.promotion import GATES

Row = Mapping[str, Any]
NO_FORWARD: Final = "no weeks after the choice"
SEARCH_REASONS: Final = {
    "window_too_short": "too few days for this test",
    "one_cell": "the grid has one cell",
    "too_many_cells": "the grid has too many cells for this test",
}
"""Reasons that mean something else here than beside a metric."""


def probability(value: float) -> str:
    """A probability, four digits."""
    return number(value, 4)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a gate of promotion measures: its words, how it is written, what ``n`` counts.

    ``above``: the statistic must be above its threshold; reaching it is not enough.
    """

    words: str
    shown: Callable[[float], str]
    one: str
    above: bool = False


MEASURES: Final = {
    "real_fraction": Measure("trades on recorded gates", percent, "trade"),
    "days": Measure("days", plain, "day"),
    "trades": Measure("trades", plain, "trade"),
    "active_days": Measure("days with an entry", plain, "day"),
    "pnl": Measure("PnL, account currency", money, "trade", above=True),
    "profit_factor_at_1_5x_costs": Measure(
        "profit factor at 1.5× the costs", number, "trade", above=True
    ),
    "step_down_p": Measure("step-down p", probability, "day"),
    "dsr": Measure("deflated Sharpe ratio", probability, "trial", above=True),
    "net_return": Measure(
        "net return out of sample", lambda share: percent(share, 2), "day", above=True
    ),
    "p_value": Measure("p out of sample", probability, "day"),
    "p_by": Measure("p beside the others (BY)", probability, "instrument"),
}
"""By the name of the measure in the artefact."""


def reason_words(code: str | None) -> str:
    """Why a number of the search is missing."""
    if code is None:
        return "no value"
    return SEARCH_REASONS.get(code) or REASONS.get(code, words(code))


def absent(why: str) -> Markup:
    """What stands where a number is missing."""
    return element("span", f"n/a{SPACE}{DASH} {why}", class_="muted")


def shown_or(value: float | None, shown: Callable[[float], str], why: str) -> Markup:
    """The number, or why it is missing."""
    return absent(why) if value is None else join(shown(value))


# Verdict ---------------------------------------------------------------------------------------


def verdict_line(entry: Instrument, row: Row) -> Markup:
    """The verdict in one sentence: what says no first, or that nothing does."""
    promotion = entry.judgement.promotion
    word, kind = ("Promoted", "good") if promotion.promoted else ("Not promoted", "bad")
    return paragraph(spaced(chip(word, kind), _because(promotion, entry, row)), kind="verdict")


def _because(promotion: PromotionFacts, entry: Instrument, row: Row) -> str:
    whole = len(promotion.gates)
    if promotion.promoted:
        return f"Every one of {count(whole, 'test')} was passed."
    first = next(gate for gate in promotion.gates if not gate.passed)
    name = _measure(first).words
    if first.passed is None:
        return f"Nothing failed, but {name} was not asked yet."
    failed = sum(gate.passed is False for gate in promotion.gates)
    found = _statistic(first, entry, row).replace(f"n/a{SPACE}{DASH} ", "undefined, ")
    return (
        f"The first gate that failed is {words(first.name)}: {name} {found}, "
        f"asked {_asked(first)}; {failed} of {count(whole, 'test')} failed."
    )


def refusal_words(entry: Instrument) -> str:
    """The verdict in a few words."""
    promotion = entry.judgement.promotion
    if promotion.promoted:
        return "Promoted."
    if promotion.first_failed is None:
        return "Not promoted yet."
    name = promotion.first_failed
    return f"Not promoted: {words(name)}" + (f", {GATES[name]}." if name in GATES else ".")


def findings(entry: Instrument) -> Markup:
    """What a careful reader would want to know, warnings first."""
    found = sorted(entry.judgement.findings, key=lambda each: each.severity != "warning")
    if not found:
        return part("Findings", paragraph("The run's checks found nothing.", kind="muted"))
    items = [
        element(
            "li",
            spaced(
                chip(each.severity, "bad" if each.severity == "warning" else "note"),
                each.text,
            ),
        )
        for each in found
    ]
    return part("Findings", element("ul", *items, class_="findings"))


# Gates -----------------------------------------------------------------------------------------


def gates(name: str, entry: Instrument, row: Row) -> Markup:
    """Every gate of promotion: what was asked, what was found, and the verdict."""
    body = [
        (
            words(gate.name),
            GATES.get(gate.name, DASH),
            _measure(gate).words,
            join(_shown_statistic(gate, entry, row)),
            _asked(gate),
            count(gate.n, _measure(gate).one),
            _passed(gate.passed),
        )
        for gate in entry.judgement.promotion.gates
    ]
    heads = ("Gate", "Passing it says", "Measure", "Found", "Asked", "Of", "Verdict")
    return part(
        "Gates of promotion",
        table(
            heads, "twwnnnt", body, f"Gates of promotion of {name}",
            "Asked in this order; the first that fails is the reason. The score promotes nothing.",
        ),
    )  # fmt: skip


def _measure(gate: GateFact) -> Measure:
    return MEASURES.get(gate.measure) or Measure(words(gate.measure), plain, "observation")


def _passed(passed: bool | None) -> Markup:
    if passed is None:
        return element("span", "not asked yet", class_="muted")
    return chip("passed", "good") if passed else chip("failed", "bad")


def _asked(gate: GateFact) -> str:
    known = _measure(gate)
    sign = "≤" if not gate.at_least else ">" if known.above else "≥"
    limit = plain(gate.threshold)
    if gate.measure in {"real_fraction", "net_return"} and gate.threshold != 0.0:
        limit = known.shown(gate.threshold)
    return f"{sign}{SPACE}{limit}"


def _shown_statistic(gate: GateFact, entry: Instrument, row: Row) -> Markup:
    return shown_or(gate.statistic, _measure(gate).shown, _why(gate, entry, row))


def _statistic(gate: GateFact, entry: Instrument, row: Row) -> str:
    if gate.statistic is None:
        return f"n/a{SPACE}{DASH} {_why(gate, entry, row)}"
    return _measure(gate).shown(gate.statistic)


def _why(gate: GateFact, entry: Instrument, row: Row) -> str:
    """Why a gate has no statistic."""
    judged = entry.judgement
    if gate.passed is None:
        return "not asked yet"
    if gate.measure == "step_down_p":
        return reason_words(judged.selection.step_down_reason)
    if gate.measure == "dsr":
        return reason_words(row.get("dsr_null"))
    if gate.name == "out_of_sample":
        if judged.walk_forward is None:
            return NO_FORWARD
        return "fewer than five days, or all the same"
    if gate.name == "costs":
        if not entry.metrics["trades"]:
            return REASONS["no_trades"]
        return "not stressed, or no losing trade"
    return "no value"
