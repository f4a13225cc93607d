"""The search behind a chosen cell on the page: what it takes away, and what its days can prove."""

import math
from typing import Final

from hotband.artefacts.judgement import SelectionFacts
from hotband.artefacts.schemas import Instrument
from hotband.report.markup import Markup, element
from hotband.report.numbers import SPACE, count, number, words
from hotband.report.parts import paragraph, part, spaced, table
from hotband.report.trust import Row, absent, probability, reason_words, shown_or
from hotband.research.sharpe import DAYS_PER_YEAR

NOISE: Final = f"0.49{SPACE}±{SPACE}0.15 on noise"
"""Where the probability of overfitting lies without any edge (reference/statistics.md, 2.6)."""
YEAR: Final = math.sqrt(DAYS_PER_YEAR)
AUTHORS: Final = {
    "galwey": "Galwey", "nyholt": "Nyholt", "gao": "Gao", "li_ji": "Li and Ji",
    "participation_corrected": "participation corrected for few days",
}  # fmt: skip


def search(name: str, entry: Instrument, row: Row) -> Markup:
    """What the search takes away from the chosen cell's numbers."""
    effective = _effective(entry.judgement.selection)
    caption = (
        "The best of many trials looks good without any edge; this is what is left after that."
    )
    body = [*_spread(entry), *_tests(entry, row), effective]
    heads = ("Quantity", "Value", "What it says")
    return part("The search", table(heads, "tnw", body, f"Search behind {name}", caption))


def _spread(entry: Instrument) -> list[tuple[str, Markup | str, str]]:
    found = entry.judgement.selection
    spread = math.sqrt(found.variance)
    return [
        ("Trials", f"{found.trials:,}", "ever made on the instrument, by the ledger"),
        ("Cells", f"{found.cells:,}", "of this grid"),
        (
            "Spread of the cells", f"{number(spread * YEAR)} a year",
            f"standard deviation of their Sharpe ratios; {number(spread, 3)} a day",
        ),
        (
            "Benchmark Sharpe ratio", f"{number(found.benchmark * YEAR)} a year",
            "what the best of so many trials reaches without an edge; "
            f"{number(found.benchmark, 3)} a day",
        ),
        (
            "Haircut Sharpe ratio",
            shown_or(found.haircut_sharpe, lambda v: f"{number(v)} a year",
                     "the Sharpe ratio is not above 0, or has no value"),
            "what Bonferroni over the trials leaves of it",
        ),
    ]  # fmt: skip


def _tests(entry: Instrument, row: Row) -> list[tuple[str, Markup | str, str]]:
    found = entry.judgement.selection
    pbo = "chosen in one half, below the median in the other; decides nothing"
    if found.pbo_blocks is not None:
        pbo += f"; {found.pbo_blocks} blocks of days"
    length = "days until PSR reaches 0.95, if all stays as it is"
    return [
        (
            "PSR", shown_or(found.psr, probability, reason_words(row.get("psr_null"))),
            f"probability that the true Sharpe ratio is above 0 ({found.definition})",
        ),
        (
            "PSR, 2025 form",
            shown_or(found.psr_2025, probability, reason_words(row.get("psr_null"))),
            "with the error taken at the benchmark; shown, never a gate",
        ),
        (
            "DSR", shown_or(found.dsr, probability, reason_words(row.get("dsr_null"))),
            "probability that it is above the benchmark",
        ),
        (
            "Step-down p",
            shown_or(found.step_down_p, probability, reason_words(found.step_down_reason)),
            _resamples(found),
        ),
        (
            "PBO",
            spaced(shown_or(found.pbo, number, reason_words(found.pbo_reason)),
                   element("small", NOISE)),
            pbo,
        ),
        (
            "Minimum track record",
            shown_or(found.min_track_record_days, lambda v: count(math.ceil(v), "day"),
                     "the Sharpe ratio is not above 0, or has no value"),
            length,
        ),
    ]  # fmt: skip


def _resamples(found: SelectionFacts) -> str:
    text = "adjusted for every other cell of the grid; "
    if found.draws:
        text += f"{count(found.draws, 'resample')}"
        if found.mean_block is not None:
            text += f" in blocks of {number(found.mean_block, 1)} days on average"
        text += f", seed {found.seed}"
    else:
        text += f"no resamples, seed {found.seed}"
    dropped = count(found.dropped, "cell")
    return f"{text}; {dropped} constant or hardly active, counted as trials"


def _effective(found: SelectionFacts) -> tuple[str, Markup | str, str]:
    """How many independent trials the cells amount to, by every method."""
    values = found.effective_trials
    name, means = "Effective trials", "independent trials that the cells amount to"
    if not values:
        why = "fewer than three days, or fewer than two cells whose days differ"
        return name, absent(why), means
    by_method = ", ".join(
        f"{AUTHORS.get(method, words(method))}{SPACE}{number(value, 1)}"
        for method, value in values.items()
    )
    known = count(len(values), "method")
    return name, known, f"{means}: {by_method}; the methods disagree, and no gate uses them"


# Power -----------------------------------------------------------------------------------------


def power(name: str, entry: Instrument) -> Markup:
    """What so many days can prove at all."""
    title = "What this history can prove"
    found = {int(key.rsplit("_", 1)[1]): v for key, v in entry.judgement.provable.items()}
    if not found:
        return part(title, paragraph("Nothing: the look-back has no eligible day.", kind="muted"))
    own = entry.judgement.selection.cells
    detail = entry.metric_details.get("days")
    days = "These days"
    if detail is not None and detail.value is not None:
        days = count(round(detail.value), "day")
    said = None
    if own in found:
        said = paragraph(
            f"{days} can show a Sharpe ratio of {number(found[own])} a year with 80{SPACE}% power "
            f"among {count(own, 'cell')}, as many as this grid has; a smaller edge would most "
            "likely go unseen."
        )
    body = [
        (count(cells, "cell"), f"{number(found[cells])} a year")
        for cells in sorted(found)
        if cells != own
    ]
    others = table(
        ("Among", "Sharpe ratio"), "tn", body, f"Provable Sharpe ratios of {name}",
        "The same days with a search of another size.",
    )  # fmt: skip
    return part(title, said, others if body else None)
