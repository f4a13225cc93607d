"""What would change a verdict: the next step of each of the two machines, in words and numbers."""

from hotband.roster.decay import WEEKS_PER_YEAR
from hotband.roster.decision import RosterState
from hotband.roster.evidence import years_to_reach
from hotband.roster.settings import RosterSettings
from hotband.roster.week import Promise


def outlook(
    state: RosterState, settings: RosterSettings, promise: Promise | None = None
) -> tuple[str, ...]:
    """One sentence for each thing that changes the rule's word or the stage.

    Numbers are those that the state holds now; where a machine only shows and does not act, its
    sentences say so. ``promise`` of the newest week says how long evidence would take.
    """
    acts = {"rule": "", "evidence": ""}
    acts["rule" if settings.promotion == "evidence" else "evidence"] = " (shown, does not act)"
    rule = (f"rule{acts['rule']}: {text}" for text in _rule(state, settings))
    stage = (f"stage{acts['evidence']}: {text}" for text in _stage(state, settings, promise))
    return (*rule, *stage)


def _passing(settings: RosterSettings) -> str:
    factor = f"{settings.min_profit_factor:g}"
    if settings.profit_factor_c is not None:
        factor = f"1 + {settings.profit_factor_c:g} / sqrt(trades)"
    return (
        f"a passing week (at least {settings.min_trades} trades, Sharpe ratio above "
        f"{settings.min_sharpe:g}, profit factor above {factor})"
    )


def _rule(state: RosterState, settings: RosterSettings) -> tuple[str, ...]:
    if state.rule.word == "disable":
        return (f"only {_passing(settings)} re-enables it",)
    left = settings.failing_weeks - state.rule.failing_weeks
    weeks = "one more failing week disables" if left == 1 else f"{left} failing weeks disable"
    disable = f"{weeks} it (neither ratio above its threshold)"
    if state.rule.word == "keep":
        return (f"any week but {_passing(settings)} tightens it", disable)
    return (f"{_passing(settings)} lifts the tightening", disable)


def _stage(
    state: RosterState, settings: RosterSettings, promise: Promise | None
) -> tuple[str, ...]:
    if state.stage in {"candidate", "disabled"}:
        return _coming_in(state, settings, promise)
    size = f"size {settings.tightened_size:g}"
    found = [
        f"{_passing(settings)} lifts the tightening"
        if state.stage == "tightened"
        else f"{settings.failing_weeks} failing weeks in a row tighten it to {size}",
        f"a day below -{settings.loss_limit:.2%} disables it",
    ]
    numbers = None if state.last is None else state.last.evidence
    if numbers is not None and numbers.cusum is not None:
        found.append(
            f"a CUSUM above {numbers.cusum_threshold:.4g} disables it; it is {numbers.cusum:.4g}"
        )
    if numbers is not None and numbers.detector is not None:
        found.append(
            f"an e-detector of {numbers.detector_threshold:g} disables it; "
            f"it is {numbers.detector:.4g}"
        )
    return tuple(found)


def _coming_in(
    state: RosterState, settings: RosterSettings, promise: Promise | None
) -> tuple[str, ...]:
    if state.evidence.ruined_on is not None:
        evidence = "evidence is ruined: a day broke the loss limit, and none can grow from it"
    else:
        days = state.evidence.days
        evidence = (
            f"evidence of {settings.evidence:g} makes it active; its peak is "
            f"{state.evidence.peak:.4g} after {days} {'day' if days == 1 else 'days'}"
            f"{_time(promise, settings)}"
        )
    if state.stage == "disabled":
        return (evidence,)
    return (evidence, "passing all promotion gates in one week makes it active")


def _time(promise: Promise | None, settings: RosterSettings) -> str:
    """How long evidence takes, from 1, at the Sharpe ratio that the promise has."""
    if promise is None or promise.weekly_mean <= 0.0:
        return ""
    ratio = promise.weekly_mean / promise.weekly_sd * WEEKS_PER_YEAR**0.5
    years = years_to_reach(settings.evidence, ratio)
    return f"; at the promised Sharpe ratio of {ratio:.2f} it takes about {years:.1f} years"
