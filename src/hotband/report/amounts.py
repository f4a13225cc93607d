"""The metrics and penalties of an entry in words: each with its unit, or why it is missing."""

from typing import Any, Final

from hotband.artefacts.schemas import Instrument, Params, Penalty
from hotband.artefacts.values import MetricValue
from hotband.report.markup import Markup, element, join
from hotband.report.numbers import DASH, SPACE, count, missing, money, number, percent, plain
from hotband.report.plane import axis_name, value_text
from hotband.research.score_tags import TAGS

MONEY: Final = frozenset(
    {"pnl", "expectancy", "median_trade_pnl", "avg_mfe", "best_trade", "worst_trade"}
)
AMOUNTS: Final = frozenset(
    {"max_dd", "max_dd_daily", "maxdd", "avg_mae", "cost_total", "cost_commission", "cost_slippage",
     "cost_spread", "cost_conversion", "cost_financing"}
)  # fmt: skip
SHARES: Final = frozenset({"win_rate", "exposure_time", "cost_share", "real_frac", "churn"})
PERCENTS: Final = frozenset(
    {"return_pct", "max_dd_pct", "max_dd_pct_daily", "ulcer", "pnl_nav_pct", "maxdd_pct"}
)
COUNTS: Final = frozenset({"trades", "days", "active_days", "days_excluded"})
PROBABILITIES: Final = frozenset({"psr", "dsr"})
AT_MOST: Final = frozenset({"drawdown_exceeds_pnl", "churn_heavy"})
"""Tags whose limit must not be passed upwards; that of the others not downwards."""
_METRIC_OF: Final = {"pf": "profit_factor_shrunk", "maxdd": "max_dd", "churn": "cost_share"}
_INPUT_OF: Final = {tag.name: tag.value for tag in TAGS}


def amount(name: str, value: float) -> str:
    """A number by what ``name`` measures."""
    if name in MONEY:
        return money(value)
    if name in COUNTS:
        return number(value, 0)
    if name in SHARES:
        return percent(value)
    if name in PERCENTS:
        return f"{number(value, 2)}{SPACE}%"
    if name.endswith("_minutes"):
        return f"{number(value, 1)}{SPACE}min"
    return number(value, 3 if name in PROBABILITIES else 2)


def value_of(name: str, detail: MetricValue | None) -> Markup:
    """A metric, or the reason why it has no value."""
    if detail is None:
        return element("span", f"n/a{SPACE}{DASH} not in the artefact", class_="muted")
    if detail.value is None:
        if name == "profit_factor" and detail.reason == "no_losses":
            return join("No losses")
        return element("span", missing(detail.reason), class_="muted")
    return join(amount(name, detail.value))


def interval_of(name: str, detail: MetricValue | None) -> str | None:
    """The 90 % interval; None where there is none."""
    if detail is None or detail.ci90 is None:
        return None
    low, high = detail.ci90
    return f"{amount(name, low)} to {amount(name, high)}"


def signed_kind(value: float | None) -> str | None:
    """The class that colours an amount."""
    if value is None or value == 0.0:
        return None
    return "gain" if value > 0.0 else "loss"


def drawdown(entry: Instrument) -> Markup:
    """The maximum drawdown: percent, and under it the amount."""
    deep, share = entry.metrics["max_dd"], entry.metrics.get("max_dd_pct")
    if deep is None:
        return value_of("max_dd", entry.metric_details["max_dd"])
    below = number(-deep)
    if share is None:
        return join(below)
    return join(number(-share, 1), f"{SPACE}%", element("small", below))


def params_text(params: Params) -> str:
    """A cell in one line."""
    cap = "no hazard cap"
    if params.hazard_max is not None:
        cap = f"λ ≤ {plain(params.hazard_max)}"
        if params.hazard_x is not None:
            cap += f" ({number(params.hazard_x)}× the profile's)"
    found = [cap, f"repetitions ≥ {params.min_reps:,}", f"hold {plain(params.hold_minutes)} min"]
    found.append(f"exposure {plain(params.exposure)}× NAV")
    found += [f"{axis_name(k)} {value_text(k, v)}" for k, v in sorted(params.settings.items())]
    return " · ".join(found).replace(" min", f"{SPACE}min").replace("≤ ", f"≤{SPACE}")


def penalty_numbers(
    penalty: Penalty, entry: Instrument, row: dict[str, Any]
) -> tuple[str, str | None]:
    """What was found, or why it is missing, and what is allowed; None = any number is."""
    name = _INPUT_OF.get(penalty.tag, penalty.tag)
    if penalty.value is not None:
        found = amount(name, penalty.value)
    else:
        found = f"n/a{SPACE}{DASH} {_why_missing(name, entry, row)}"
    if penalty.threshold is None:
        return found, None
    sign = "≤" if penalty.tag in AT_MOST else "≥"
    limit = plain(penalty.threshold)
    if name in SHARES:
        limit = percent(penalty.threshold)
    elif name in MONEY | AMOUNTS and penalty.threshold != 0.0:
        limit = number(penalty.threshold)
    return found, f"{sign}{SPACE}{limit}"


def _why_missing(name: str, entry: Instrument, row: dict[str, Any]) -> str:
    metric = _METRIC_OF.get(name, name)
    detail = entry.metric_details.get(metric)
    reason = detail.reason if detail is not None else row.get(f"{metric}_null")
    return "no value" if reason is None else missing(reason).split(f"{DASH} ", 1)[1]


def trades_behind(entry: Instrument) -> str:
    """How many trades a win rate rests on."""
    trades = entry.metrics["trades"]
    return "" if trades is None else count(round(trades), "trade")


def verdict(entry: Instrument) -> tuple[str, str, str]:
    """Word, class and reason of the verdict."""
    if entry.qualified:
        return "Qualified", "good", "enough trades and a score"
    if entry.insufficient_data:
        return "Not qualified", "bad", f"too few trades: {trades_behind(entry)}"
    if entry.score is None:
        return "Not qualified", "bad", missing(entry.score_reason)
    return "Not qualified", "bad", "no cell of the grid qualified"
