"""The score of a grid row: one number that ranks, with every term and every cap behind it.

Five terms, each between 0 and 1, are weighted, then scaled by how deep and how real the sample
is; what speaks against the row caps the result, so that the one cap which binds can be named.
The score ranks and explains. It is no gate: promotion needs the tests of significance.

It is non-decreasing in sharpe, return_pct, pnl_nav_pct, pf, real_frac, psr, dsr, trades and
pnl, and non-increasing in maxdd_pct, maxdd and churn. It is not monotone in days where sharpe
is negative (shrinkage fades), and one more losing trade can raise it through trade depth.
Source of all numbers: reference/statistics.md, section 7.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from hotband.errors import IntegrityError
from hotband.research.metric import FLAGS, REASONS
from hotband.research.score_inputs import INPUTS, Columns, ScoreInputs, checked
from hotband.research.score_tags import TAGS
from hotband.research.series import BoolArray, FloatArray

__all__ = [
    "INFORMATIONAL",
    "INPUTS",
    "TAGS",
    "WEIGHTS",
    "Component",
    "Penalty",
    "Reliability",
    "Score",
    "ScoreInputs",
    "score",
    "scores",
    "tag_masks",
]

WEIGHTS: Final[Mapping[str, float]] = {
    "sharpe": 0.30,
    "return_pct": 0.15,
    "pnl_nav_pct": 0.10,
    "pf": 0.20,
    "maxdd_pct": 0.25,
}
"""Component -> share of the 100 points."""
SHARPE_PRIOR_DAYS: Final = 60.0
"""A Sharpe ratio over this many days is shrunk by the square root of a half."""
SHARPE_SCALE: Final = 1.5
RETURN_SCALE_PCT: Final = 10.0
DRAWDOWN_HALF_PCT: Final = 5.0
"""Each drawdown of this size halves its term."""
DEPTH_FLOOR: Final = 0.25
DEPTH_PRIOR_TRADES: Final = 30.0
COVERAGE_FLOOR: Final = 0.4

INFORMATIONAL: Final[Mapping[str, str]] = {
    **FLAGS,
    "high_pbo": "the choice among cells is likely overfitted",
    "overnight_gap_risk": "positions were held over closed markets",
}
"""Flags that say something about a row and cap nothing: code -> text."""


@dataclass(frozen=True, slots=True)
class Component:
    """One term: ``points`` = 100 ``weight`` ``u``. ``shrunk``: of sharpe only, by its days."""

    name: str
    input: float | None
    shrunk: float | None
    u: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The factors (0..1] for few trades and for synthetic data, and the points they take."""

    trade_depth: float
    real_coverage: float
    points_lost: float


@dataclass(frozen=True, slots=True)
class Penalty:
    """A raised tag: the ``value`` that met the ``threshold``, and what its ``cap`` took."""

    tag: str
    value: float | None
    threshold: float | None
    cap: float
    points_lost: float


@dataclass(frozen=True, slots=True)
class Score:
    """A score of 0..100 and its explanation.

    Points of the components - points lost to reliability - points lost to penalties = value,
    within 1e-9. Without trades ``value`` is None, ``reason`` no_trades, and there is nothing to
    explain. ``binding`` names the tag whose cap is the value; None where no cap lowers it.
    ``flags`` say more about the row and cost nothing.
    """

    value: float | None
    reason: str | None
    raw: float | None
    binding: str | None
    components: tuple[Component, ...]
    reliability: Reliability | None
    penalties: tuple[Penalty, ...]
    flags: tuple[str, ...]
    next_step: str

    def to_dict(self) -> dict[str, object]:
        """JSON-safe values; ``value`` is under the key "score"."""
        found = asdict(self)
        return {"score": found.pop("value"), **found}


# Many rows at once --------------------------------------------------------------------------


def _sigmoid(x: FloatArray) -> FloatArray:
    """From 0 to 1, rational and increasing; 0 for null."""
    half: FloatArray = np.where(np.isnan(x), 0.0, 0.5 + 0.5 * (x / np.hypot(1.0, x)))
    return half


def _shrunk_sharpe(columns: Columns) -> FloatArray:
    days = columns["days"]
    shrunk: FloatArray = columns["sharpe"] * np.sqrt(days / (days + SHARPE_PRIOR_DAYS))
    return shrunk


def _terms(columns: Columns) -> dict[str, FloatArray]:
    pf, fall = columns["pf"], columns["maxdd_pct"]
    return {
        "sharpe": _sigmoid(_shrunk_sharpe(columns) / SHARPE_SCALE),
        "return_pct": _sigmoid(columns["return_pct"] / RETURN_SCALE_PCT),
        "pnl_nav_pct": _sigmoid(columns["pnl_nav_pct"] / RETURN_SCALE_PCT),
        "pf": np.where(np.isnan(pf), 0.0, (pf / np.hypot(1.0, pf)) ** 2),
        "maxdd_pct": np.where(np.isnan(fall), 0.0, np.exp2(-fall / DRAWDOWN_HALF_PCT)),
    }


def _factors(columns: Columns) -> tuple[FloatArray, FloatArray]:
    """(trade depth, real coverage), each in (0, 1]."""
    n = columns["trades"]
    depth: FloatArray = DEPTH_FLOOR + (1.0 - DEPTH_FLOOR) * (n / (n + DEPTH_PRIOR_TRADES))
    coverage: FloatArray = COVERAGE_FLOOR + (1.0 - COVERAGE_FLOOR) * columns["real_frac"]
    return depth, coverage


def _masks(columns: Columns, traded: BoolArray) -> dict[str, BoolArray]:
    return {tag.name: np.asarray(tag.raised(columns) & traded) for tag in TAGS}


def _raw(columns: Columns, terms: Columns) -> FloatArray:
    depth, coverage = _factors(columns)
    quality = sum(WEIGHTS[name] * u for name, u in terms.items())
    raw: FloatArray = np.minimum(100.0 * quality * depth * coverage, 100.0)
    return raw


def scores(columns: Columns) -> FloatArray:
    """The scores 0..100 of many rows, as ``score`` gives them one by one.

    ``columns``: one array per name of ``INPUTS``, all of one shape, NaN = null; further columns
    are not read. Returns that shape, NaN in rows without trades. Raises IntegrityError as
    ScoreInputs does, and for a missing column.
    """
    found, traded = checked(columns)
    value = _raw(found, _terms(found))
    for tag, mask in zip(TAGS, _masks(found, traded).values(), strict=True):
        value = np.minimum(value, np.where(mask, tag.cap, np.inf))
    scored: FloatArray = np.where(traded, value, np.nan)
    return scored


def tag_masks(columns: Columns) -> dict[str, BoolArray]:
    """Tag -> which rows raise it, in the order of ``TAGS``; none is raised without trades.

    ``columns`` as for ``scores``.
    """
    return _masks(*checked(columns))


# One row with its explanation ---------------------------------------------------------------


def _components(inputs: ScoreInputs, columns: Columns) -> tuple[Component, ...]:
    made = []
    for name, u in _terms(columns).items():
        given, weight, unit = getattr(inputs, name), WEIGHTS[name], float(u[0])
        pulled = name == "sharpe" and given is not None
        shrunk = float(_shrunk_sharpe(columns)[0]) if pulled else None
        made.append(Component(name, given, shrunk, unit, weight, 100.0 * weight * unit))
    return tuple(made)


def _penalties(inputs: ScoreInputs, masks: Mapping[str, BoolArray], raw: float) -> list[Penalty]:
    made, current = [], raw
    for tag in TAGS:
        if not masks[tag.name][0]:
            continue
        against = tag.threshold
        threshold = getattr(inputs, against) if isinstance(against, str) else against
        lost = max(0.0, current - tag.cap)
        made.append(Penalty(tag.name, getattr(inputs, tag.value), threshold, tag.cap, lost))
        current -= lost
    return made


def _next_step(inputs: ScoreInputs, tag: str | None, lost: Mapping[str, float]) -> str:
    if tag is not None:
        return next(known.step(inputs) for known in TAGS if known.name == tag)
    name = max(lost, key=lost.__getitem__)
    return f"nothing caps the score; most is lost to {name}: {lost[name]:.2f} points"


def _known_flags(flags: Iterable[str]) -> tuple[str, ...]:
    given = set(flags)
    unknown = sorted(given - set(INFORMATIONAL))
    if unknown:
        allowed, do = ", ".join(INFORMATIONAL), "Add the code to its table."
        raise IntegrityError("flag of a score", unknown[0], allowed, do, near=INFORMATIONAL)
    return tuple(name for name in INFORMATIONAL if name in given)


def score(inputs: ScoreInputs, flags: Iterable[str] = ()) -> Score:
    """The score of one row with every term and penalty.

    ``flags``: codes of ``INFORMATIONAL``, handed on in its order; an unknown one raises
    IntegrityError. ``next_step`` speaks of the cap that binds, else of the first raised tag,
    else of where most points are lost.
    """
    told = _known_flags(flags)
    columns = inputs.columns()
    if not inputs.trades:
        step = f"{REASONS['no_trades']}: a longer window or looser thresholds"
        return Score(None, "no_trades", None, None, (), None, (), told, step)
    components = _components(inputs, columns)
    raw = float(_raw(columns, _terms(columns))[0])
    depth, coverage = (float(factor[0]) for factor in _factors(columns))
    unreliable = max(0.0, sum(part.points for part in components) - raw)
    reliability = Reliability(depth, coverage, unreliable)
    penalties = _penalties(inputs, tag_masks(columns), raw)
    binding = next((p.tag for p in penalties if p.points_lost > 0.0), None)
    value = min([raw, *(p.cap for p in penalties)])
    lost = {part.name: 100.0 * part.weight - part.points for part in components}
    lost["few trades or synthetic data"] = reliability.points_lost
    first = penalties[0].tag if penalties else None
    step = _next_step(inputs, binding or first, lost)
    return Score(value, None, raw, binding, components, reliability, tuple(penalties), told, step)
