"""p-values and e-values of many tests, adjusted for their number.

An adjusted p-value is the level at which its test is just rejected: compare it with the level
that one test alone would have. Bonferroni, Sidak and Holm bound the chance of any false
rejection (the first and the last under any dependence, Sidak under independence); BH, BY and
e-BH the expected share of false ones among the rejected (BH under independence, the others
under any dependence). Source: reference/statistics.md, 2.8 and 2.9.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt
from scipy import stats

from hotband.errors import InputError
from hotband.research.series import BoolArray, FloatArray
from hotband.research.significance.counts import require_count, require_share


def _require_p(p_values: npt.ArrayLike) -> FloatArray:
    given = np.asarray(p_values, np.float64)
    wrong = given[~((given >= 0.0) & (given <= 1.0))]
    if given.ndim != 1 or wrong.size:
        got = f"shape {given.shape}" if given.ndim != 1 else float(wrong[0])
        do = "Leave out tests without a p-value and count them in the number of tests."
        raise InputError("p-values", got, "a row of numbers from 0 to 1", do)
    return given


def _tests(p: FloatArray, tests: SupportsIndex | None) -> int:
    """The number of tests: those given, or more where not all of them kept a p-value."""
    return p.size if tests is None else require_count("tests", tests, max(p.size, 1))


def bonferroni(p_values: npt.ArrayLike, tests: SupportsIndex | None = None) -> FloatArray:
    """N p, at most 1. ``tests``: N where more were made than are given."""
    p = _require_p(p_values)
    adjusted: FloatArray = np.minimum(p * _tests(p, tests), 1.0)
    return adjusted


def sidak(p_values: npt.ArrayLike, tests: SupportsIndex | None = None) -> FloatArray:
    """1 - (1 - p)^N, with the digits of small p kept; exact for independent tests."""
    p = _require_p(p_values)
    n = _tests(p, tests)
    with np.errstate(divide="ignore"):  # log1p(-1) = -inf gives the 1 that is meant
        adjusted: FloatArray = -np.expm1(n * np.log1p(-p))
    return adjusted


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm 1979: the k-th smallest of m times m - k + 1, never below a smaller one's."""
    p = _require_p(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _step_up(p: FloatArray, method: str) -> FloatArray:
    if not p.size:
        return p.copy()
    adjusted: FloatArray = stats.false_discovery_control(p, method=method)
    return adjusted


def bh(p_values: npt.ArrayLike) -> FloatArray:
    """Benjamini and Hochberg 1995; for independent (or positively dependent) tests."""
    return _step_up(_require_p(p_values), "bh")


def by(p_values: npt.ArrayLike) -> FloatArray:
    """Benjamini and Yekutieli 2001: BH times sum 1/i, at most 1; under any dependence."""
    return _step_up(_require_p(p_values), "by")


def bhy_harvey_liu(p_values: npt.ArrayLike) -> FloatArray:
    """The BHY of Harvey and Liu 2015; only to match their digits.

    Their recursion starts at the greatest p-value itself, where BY starts at sum 1/i times it:
    the largest come out too small. Elsewhere the two agree.
    """
    p = _require_p(p_values)
    if not p.size:
        return p.copy()
    m = p.size
    order = np.argsort(p, kind="stable")
    ranks = np.arange(1, m + 1)
    steps = p[order] * (m * float((1.0 / ranks).sum()) / ranks)
    steps[-1] = p[order[-1]]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(steps[::-1])[::-1]
    return adjusted


METHODS: Final[Mapping[str, Callable[[npt.ArrayLike], FloatArray]]] = MappingProxyType(
    {"bonferroni": bonferroni, "sidak": sidak, "holm": holm, "bh": bh, "by": by}
)
"""Name -> adjustment; without that of Harvey and Liu, which is no valid method of its own."""


def adjusted(p_values: npt.ArrayLike, method: str) -> FloatArray:
    """p-values (m,) adjusted by a method of ``METHODS``, in the order given; none for none.

    Values outside 0..1 (NaN too), other shapes and unknown methods raise InputError.
    """
    if method not in METHODS:
        do = "Name one of them."
        raise InputError("method", method, ", ".join(METHODS), do, near=METHODS)
    return METHODS[method](p_values)


def e_bh(e_values: npt.ArrayLike, q: float = 0.1) -> BoolArray:
    """Which of m e-values are rejected at false discovery rate ``q``; any dependence.

    The k largest, with the greatest k for which k e_(k) / m >= 1/q (Wang and Ramdas 2022).
    e-values (m,) are numbers from 0, infinity included; others raise InputError.
    """
    e = np.asarray(e_values, np.float64)
    share = require_share("q", q)
    if e.ndim != 1 or not bool(np.all(e >= 0.0)):
        got = f"shape {e.shape}" if e.ndim != 1 else float(e[~(e >= 0.0)][0])
        raise InputError("e-values", got, "a row of numbers from 0", "Leave out what has none.")
    order = np.argsort(-e, kind="stable")
    ranks = np.arange(1, e.size + 1)
    passing = np.flatnonzero(ranks * e[order] >= e.size / share)
    rejected = np.zeros(e.size, np.bool_)
    rejected[order[: passing[-1] + 1 if passing.size else 0]] = True
    return rejected
