"""Whether an edge that was promised is still there: CUSUM, e-detector and SPRT.

The CUSUM adds up how far weeks fall short of half the promise and alarms above a threshold that
is chosen by how long it must stay silent while the promise holds (its run length). The e-detector
does the same for days without assuming a distribution. Source: reference/statistics.md, 5.4
(Page 1954; Siegmund 1985; Shin, Ramdas, Rinaldo 2024; Wald 1947).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from scipy import optimize, special

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.roster.evidence import MIXTURE, MOST_WEALTH
from hotband.roster.states import check_numbers, read_state, state_values

WEEKS_PER_YEAR: Final = 52
LEAST_ALLOWANCE: Final = 0.01
MOST_ALLOWANCE: Final = 5.0
MOST_WEEKS: Final = 100_000.0
"""Longest run length that a threshold is sought for: far beyond, rounding decides."""
_ROOT_2PI: Final = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class CusumState:
    """``value`` after ``weeks`` weeks; ``alarmed_on`` is the first week, from 1, above h."""

    weeks: int = 0
    value: float = 0.0
    alarmed_on: int | None = None

    def __post_init__(self) -> None:
        check_numbers(self)

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values."""
        return state_values(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CusumState":
        """The state of :meth:`to_dict`; raises InputError for other keys or values."""
        return read_state(cls, values)


@dataclass(frozen=True, slots=True)
class Cusum:
    """S = max(0, S + k - z), alarm at S > h; z is a week's net over the promised deviation.

    Attributes:
        allowance: k: half the promised weekly Sharpe ratio.
        threshold: h.

    Raises:
        InputError: Either is not a finite number above 0.
    """

    allowance: float
    threshold: float

    def __post_init__(self) -> None:
        _above_zero("allowance", self.allowance)
        _above_zero("threshold", self.threshold)

    def step(self, state: CusumState, z: float) -> CusumState:
        """The state after one more week; an alarm stays. Raises InputError unless z is finite."""
        _finite(f"week {state.weeks + 1}", z)
        value = min(max(0.0, state.value + self.allowance - z), MOST_WEALTH)
        alarmed = state.alarmed_on
        if alarmed is None and value > self.threshold:
            alarmed = state.weeks + 1
        return CusumState(state.weeks + 1, value, alarmed)

    def path(self, z: Iterable[float]) -> FloatArray:
        """S (n,) after each of n weeks, from 0."""
        state, values = CusumState(), []
        for value in z:
            state = self.step(state, value)
            values.append(state.value)
        return np.array(values, dtype=np.float64)


def allowance_for(sharpe_annual: float) -> float:
    """The k of a promised annual Sharpe ratio, SR / (2 sqrt(52)); InputError unless above 0."""
    _above_zero("sharpe_annual", sharpe_annual)
    return sharpe_annual / (2.0 * math.sqrt(WEEKS_PER_YEAR))


def run_length(threshold: float, drift: float) -> float:
    """Mean weeks to the first alarm of a CUSUM from 0 with normal increments, deviation 1.

    Solves the integral equation L(s) = 1 + L(0) Phi(-s - d) + int_0^h L(y) phi(y - s - d) dy by
    Gauss-Legendre nodes, four per unit of h and 32 at least, where the kernel has width 1.

    Args:
        threshold: h, to 500.
        drift: d, the mean of an increment k - z: -k while the promise holds, k at a true edge of 0.

    Raises:
        InputError: h outside (0, 500], or a drift that is not finite; or a run length beyond 1e12,
            which rounding would decide.
    """
    if not 0.0 < threshold <= 500.0:
        raise InputError("threshold", threshold, "above 0, at most 500", "Choose another.")
    _finite("drift", drift)
    found = _run_length(threshold, drift)
    if not 1.0 <= found <= 1e12:
        raise InputError("run length", f"{found:.3g} for h {threshold:g}, drift {drift:g}",
                         "1 to 1e12 weeks", "Lower the threshold.")  # fmt: skip
    return found


@lru_cache(maxsize=64)
def _nodes(n: int) -> tuple[FloatArray, FloatArray]:
    nodes, weights = special.roots_legendre(n)
    return np.asarray(nodes, np.float64), np.asarray(weights, np.float64)


def _run_length(threshold: float, drift: float) -> float:
    n = max(32, 4 * math.ceil(threshold))
    unit, weight = _nodes(n)
    y = np.append(0.5 * threshold * (unit + 1.0), 0.0)
    w = np.append(0.5 * threshold * weight, 0.0)
    kernel = w * np.exp(-0.5 * (y[None, :] - y[:, None] - drift) ** 2) / _ROOT_2PI
    kernel[:, -1] = special.ndtr(-y - drift)
    return float(np.linalg.solve(np.eye(n + 1) - kernel, np.ones(n + 1))[-1])


def siegmund_run_length(threshold: float, drift: float) -> float:
    """Siegmund's approximation (exp(-2 d b) + 2 d b - 1) / (2 d^2), b = h + 1.166.

    For tiny d b its limit b^2 (1 - 2 d b / 3). Raises InputError as :func:`run_length`.
    """
    _above_zero("threshold", threshold)
    _finite("drift", drift)
    b = threshold + 1.166
    if abs(drift * b) < 1e-5:
        return b * b * (1.0 - 2.0 * drift * b / 3.0)
    if -2.0 * drift * b > 700.0:
        raise InputError("drift", drift, "a run length below 1e300", "Lower the threshold.")
    return (math.expm1(-2.0 * drift * b) + 2.0 * drift * b) / (2.0 * drift * drift)


@lru_cache(maxsize=1024)
def threshold_for(weeks: float, allowance: float) -> float:
    """The h at which a CUSUM stays silent for ``weeks`` on average while the promise holds.

    Args:
        weeks: The run length at drift -k; above that of h = 0, 1 / Phi(-k), to MOST_WEEKS.
        allowance: k, from LEAST_ALLOWANCE to MOST_ALLOWANCE.

    Raises:
        InputError: Either outside its range.
    """
    if not LEAST_ALLOWANCE <= allowance <= MOST_ALLOWANCE:
        raise InputError("allowance", allowance, f"{LEAST_ALLOWANCE:g} to {MOST_ALLOWANCE:g}",
                         "Take half the promised weekly Sharpe ratio.")  # fmt: skip
    least = 1.0 / float(special.ndtr(-allowance))
    if not least < weeks <= MOST_WEEKS:
        raise InputError("weeks", weeks, f"above {least:.4g}, at most {MOST_WEEKS:g}",
                         "Ask for another run length.")  # fmt: skip
    high = 0.25
    while _run_length(high, -allowance) < weeks:
        high *= 1.25
    return float(
        optimize.brentq(
            lambda h: math.log(_run_length(h, -allowance) / weeks), 1e-12, high,
            xtol=1e-12, rtol=1e-13,
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DetectorState:
    """Detectors, one per stake, after ``days``; ``alarmed_on`` is the first day at or above c."""

    days: int = 0
    values: tuple[float, ...] = (0.0,) * len(MIXTURE)
    alarmed_on: int | None = None

    def __post_init__(self) -> None:
        check_numbers(self)

    @property
    def value(self) -> float:
        """The e-detector: the mean over the stakes."""
        return math.fsum(self.values) / len(self.values)

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values."""
        return state_values(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DetectorState":
        """The state of :meth:`to_dict`; raises InputError for other keys or values."""
        return read_state(cls, values)


@dataclass(frozen=True, slots=True)
class EDetector:
    """Shiryaev-Roberts e-detector: M = (M + 1) e, e = 1 + stake (m0 - min(r, U)) / (U - m0).

    M is the mean over ``stakes`` of one detector each: the page names no stake. Alarm at M >= c;
    while the mean of min(r, U) given the past is at least m0, the mean time to an alarm is at
    least c days, whatever the distribution. It is the mean of returns cut at U, not of returns:
    gains above U do not count as proof of life.

    Attributes:
        floor: m0, the mean return below which the edge counts as gone.
        ceiling: U, above m0: what a day's gain is cut to.
        threshold: c, in days.
        stakes: From 0 to below 1.

    Raises:
        InputError: A setting outside the ranges above.
    """

    floor: float
    ceiling: float
    threshold: float = 260.0
    stakes: tuple[float, ...] = MIXTURE

    def __post_init__(self) -> None:
        _finite("floor", self.floor)
        _finite("ceiling", self.ceiling)
        if self.ceiling <= self.floor:
            raise InputError("ceiling", self.ceiling, f"above the floor, {self.floor:g}",
                             "Raise it.")  # fmt: skip
        _above_zero("threshold", self.threshold)
        if not (self.stakes and all(0.0 <= stake < 1.0 for stake in self.stakes)):
            raise InputError("stakes", self.stakes, "from 0 to below 1", "Stake less than all.")

    def start(self) -> DetectorState:
        """The state before the first day."""
        return DetectorState(values=(0.0,) * len(self.stakes))

    def step(self, state: DetectorState, value: float) -> DetectorState:
        """The state after one more daily return; an alarm stays.

        Raises InputError for a return that is not finite or a state with other stakes.
        """
        _finite(f"return {state.days + 1}", value)
        if len(state.values) != len(self.stakes):
            raise InputError("detector state", f"{len(state.values)} stakes",
                             f"{len(self.stakes)}", "Resume with equal settings.")  # fmt: skip
        gap = (self.floor - min(value, self.ceiling)) / (self.ceiling - self.floor)
        values = tuple(
            min((m + 1.0) * (1.0 + stake * gap), MOST_WEALTH)
            for m, stake in zip(state.values, self.stakes, strict=True)
        )
        alarmed = state.alarmed_on
        if alarmed is None and math.fsum(values) / len(values) >= self.threshold:
            alarmed = state.days + 1
        return DetectorState(state.days + 1, values, alarmed)

    def advance(self, state: DetectorState, values: Iterable[float]) -> DetectorState:
        """The state after all ``values``, in their order."""
        for value in values:
            state = self.step(state, value)
        return state


@dataclass(frozen=True, slots=True)
class Sprt:
    """Wald's sequential test of pass rate ``p0`` against ``p1`` on weeks that pass or fail.

    ``alpha`` and ``beta`` are the chances to accept p1 at p0, and p0 at p1. Raises InputError
    unless 0 < p0 < p1 < 1, both chances lie above 0 and their sum below 1.
    """

    p0: float
    p1: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not 0.0 < self.p0 < self.p1 < 1.0:
            raise InputError("p0, p1", (self.p0, self.p1), "0 < p0 < p1 < 1", "Order them.")
        if not (self.alpha > 0.0 and self.beta > 0.0 and self.alpha + self.beta < 1.0):
            raise InputError("alpha, beta", (self.alpha, self.beta),
                             "above 0, with a sum below 1", "Lower them.")  # fmt: skip

    @property
    def increments(self) -> tuple[float, float]:
        """What a passing and a failing week add to the log likelihood ratio."""
        return math.log(self.p1 / self.p0), math.log((1.0 - self.p1) / (1.0 - self.p0))

    @property
    def bounds(self) -> tuple[float, float]:
        """(lower, upper): at or below accepts p0, at or above p1."""
        return math.log(self.beta / (1.0 - self.alpha)), math.log((1.0 - self.beta) / self.alpha)

    @property
    def lines(self) -> tuple[float, float, float]:
        """(h0, h1, slope) of the acceptance lines over passes against weeks."""
        up, down = self.increments
        lower, upper = self.bounds
        return lower / (up - down), upper / (up - down), -down / (up - down)

    @property
    def mean_weeks(self) -> tuple[float, float]:
        """Wald's mean weeks to a decision, at p0 and at p1; overshoot is left out."""
        up, down = self.increments
        lower, upper = self.bounds
        ends = ((self.p0, self.alpha), (self.p1, 1.0 - self.beta))
        at = [(c * upper + (1.0 - c) * lower) / (p * up + (1.0 - p) * down) for p, c in ends]
        return at[0], at[1]


def _finite(what: str, value: float) -> None:
    if not math.isfinite(value):
        raise InputError(what, value, "a finite number", "Leave it out, or correct it.")


def _above_zero(what: str, value: float) -> None:
    if not 0.0 < value < math.inf:
        raise InputError(what, value, "a finite number above 0", "Give one.")
