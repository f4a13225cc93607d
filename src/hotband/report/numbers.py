"""How the report writes numbers, times and words: one spelling for every table and chart.

A true minus stands before negative numbers, commas between thousands, and a unit or the column's
heading beside every number. Nothing here is ever NaN: what is missing says why.
"""

from datetime import UTC, datetime
from typing import Final

from hotband.artefacts.values import Window
from hotband.core.codes import REASONS as CODES
from hotband.market.calendar import SECOND_NS, parse_time
from hotband.research.metric import REASONS

MINUS: Final = "−"
DASH: Final = "–"
SPACE: Final = "\N{NO-BREAK SPACE}"
CODE_TEXTS: Final = {reason.name: reason.text for reason in CODES.values()}
_WORDS: Final = {
    "sharpe": "Sharpe",
    "pnl": "PnL",
    "pf": "PF",
    "dd": "DD",
    "maxdd": "max DD",
    "psr": "PSR",
}


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """``value`` with ``digits`` decimals; ``signed`` puts a plus before what is above zero.

    What rounds to zero has no sign.
    """
    text = f"{abs(value):,.{digits}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    sign = MINUS if value < 0.0 else "+" if signed else ""
    return sign + text


def money(value: float) -> str:
    """An amount in account currency, with its sign."""
    return number(value, 2, signed=True)


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as percent."""
    return f"{number(100.0 * share, digits)}{SPACE}%"


def plain(value: float | str | None, digits: int = 6) -> str:
    """A parameter as short as it can be said; null = off."""
    if value is None:
        return "off"
    if isinstance(value, str):
        return value
    text = f"{abs(value):,.{digits}f}".rstrip("0").rstrip(".") or "0"
    return f"{MINUS if value < 0 and text != '0' else ''}{text}"


def words(name: str) -> str:
    """A name of code as words: ``negative_pnl`` is "negative PnL"."""
    return " ".join(_WORDS.get(part, part) for part in name.split("_"))


def count(value: int, one: str, many: str | None = None) -> str:
    """A number of things: "1 trade", "72 trades"."""
    return f"{value:,}{SPACE}{one if value == 1 else many or one + 's'}"


def missing(reason: str | None) -> str:
    """What stands for a null."""
    if reason is None:
        return "n/a"
    return f"n/a{SPACE}{DASH} {REASONS.get(reason, words(reason))}"


def instant(text: str) -> str:
    """An artefact's time for people, with its zone."""
    moment = _moment(parse_time(text))
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M} UTC"


def short_time(t_ns: int) -> str:
    """Day and minute without the zone, which stands beside it."""
    moment = _moment(t_ns)
    return f"{moment.day} {moment:%b %H:%M}"


def day(t_ns: int) -> str:
    """The UTC day."""
    moment = _moment(t_ns)
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def span(window: Window) -> str:
    """Start and end, the zone once."""
    return f"{instant(window.start).removesuffix(' UTC')} {DASH} {instant(window.end)}"


def minutes(value: float) -> str:
    """A length of time in two units at most."""
    whole = round(value)
    if whole < 60:
        return f"{whole}{SPACE}min"
    hours, rest = divmod(whole, 60)
    if hours < 48:
        return f"{hours}{SPACE}h" + (f" {rest}{SPACE}min" if rest else "")
    days, rest = divmod(hours, 24)
    return f"{days}{SPACE}d" + (f" {rest}{SPACE}h" if rest else "")


def _moment(t_ns: int) -> datetime:
    return datetime.fromtimestamp(t_ns // SECOND_NS, UTC)
