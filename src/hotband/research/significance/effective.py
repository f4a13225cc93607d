"""How many independent trials correlated ones amount to: for planning and reports, not gates.

The methods answer different questions and disagree manyfold, so that a number is worth nothing
without the name of its method. With the variance across trials goes the full number of trials
(see ``deflated``). Source: reference/statistics.md, 2.5.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt
from scipy import linalg

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.research.significance.counts import require_count

GAO_SHARE: Final = 0.995
"""Share of the variance that the components counted by Gao have to exceed."""
_ROUNDING: Final = 1e-8
"""Eigenvalues this close to a whole number are it: Li and Ji cut them into whole and rest."""
_COLUMNS: Final = 16_384
"""Columns standardised at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """What the methods need of an N x N correlation matrix.

    Attributes:
        eigenvalues: In descending order, from 0; those left out are 0.
        trials: N, to which the eigenvalues add up.
        mean_correlation: Of all pairs of different trials; 0 for one trial.
        days: Days that the correlations were estimated from; None where they are known.
    """

    eigenvalues: FloatArray
    trials: int
    mean_correlation: float
    days: int | None


def participation(spectrum: Spectrum) -> float:
    """(sum l)^2 / sum l^2. From few days it is near the number of days, whatever the trials."""
    return float(spectrum.trials**2 / (spectrum.eigenvalues**2).sum())


def participation_corrected(spectrum: Spectrum) -> float:
    """Participation without what chance adds to squared correlations, 1/(T - 1) for each pair.

    Always positive, and it may lie above the number of trials. Its inverse is unbiased; from a
    week of days it is within a factor of two, no better. Where the correlations are known it is
    the participation.
    """
    n, squares = spectrum.trials, float((spectrum.eigenvalues**2).sum())
    chance = 0.0 if spectrum.days is None else n * (n - 1) / (spectrum.days - 1)
    return n**2 / (squares - chance)


def entropy(spectrum: Spectrum) -> float:
    """exp(-sum p ln p) with p the shares of the eigenvalues: the effective rank."""
    shares = spectrum.eigenvalues[spectrum.eigenvalues > 0.0] / spectrum.trials
    return float(np.exp(-(shares * np.log(shares)).sum()))


def galwey(spectrum: Spectrum) -> float:
    """(sum sqrt l)^2 / sum l (Galwey 2009)."""
    return float(np.sqrt(spectrum.eigenvalues).sum() ** 2 / spectrum.trials)


def nyholt(spectrum: Spectrum) -> float:
    """1 + (N - 1)(1 - Var(l)/N) (Nyholt 2004)."""
    n = spectrum.trials
    # Var(l) has N - 1 below the bar, which cancels.
    return float(n - ((spectrum.eigenvalues**2).sum() - n) / n)


def li_ji(spectrum: Spectrum) -> float:
    """Sum of 1(l >= 1) + (l - floor l) (Li and Ji 2005); not rounded down."""
    values = spectrum.eigenvalues
    whole = np.rint(values)
    values = np.where(np.abs(values - whole) < _ROUNDING * np.maximum(whole, 1.0), whole, values)
    return float(((values >= 1.0) + (values - np.floor(values))).sum())


def gao(spectrum: Spectrum) -> float:
    """How many of the largest eigenvalues hold more than 99.5 % of all (Gao 2008)."""
    held = np.cumsum(spectrum.eigenvalues)
    return float(np.searchsorted(held, GAO_SHARE * spectrum.trials * (1.0 + 1e-12), "right") + 1)


def linear(spectrum: Spectrum) -> float:
    """N - r (N - 1) with r the mean correlation, at least 0: from N for none to 1 for full."""
    n, mean = spectrum.trials, max(spectrum.mean_correlation, 0.0)
    return mean + (1.0 - mean) * n


METHODS: Final[Mapping[str, Callable[[Spectrum], float]]] = MappingProxyType(
    {
        "participation": participation,
        "participation_corrected": participation_corrected,
        "entropy": entropy,
        "galwey": galwey,
        "nyholt": nyholt,
        "li_ji": li_ji,
        "gao": gao,
        "linear": linear,
    }
)
"""Name of the method -> effective number of a spectrum."""


def _refuse(what: str, got: object, allowed: str, do: str) -> InputError:
    return InputError(f"{what} of the trials", got, allowed, do)


def _require_pnl(pnl: npt.ArrayLike) -> npt.NDArray[np.floating]:
    given = np.asarray(pnl)
    if given.ndim != 2 or given.shape[0] < 2 or given.shape[1] < 1:
        allowed = "two or more days (rows) of one or more trials (columns)"
        raise _refuse("daily PnL", f"shape {given.shape}", allowed, "Pass days x trials.")
    matrix = given if given.dtype.kind == "f" else given.astype(np.float64)
    usable = np.isfinite(matrix).all(axis=0) & (np.ptp(matrix, axis=0) > 0.0)
    if not usable.all():
        column = int(np.flatnonzero(~usable)[0])
        do = "Leave the column out here; it still counts as a trial elsewhere."
        raise _refuse("daily PnL", f"column {column}", "finite and not constant columns", do)
    return matrix


def _unit_columns(matrix: npt.NDArray[np.floating]) -> Iterator[FloatArray]:
    """Blocks of columns, centred and of length 1: their products are correlations."""
    for first in range(0, matrix.shape[1], _COLUMNS):
        block = matrix[:, first : first + _COLUMNS].astype(np.float64)
        block -= block.mean(axis=0)
        block /= np.abs(block).max(axis=0)  # no square under- or overflows
        block /= np.sqrt((block**2).sum(axis=0))
        yield block


def spectrum_of_pnl(pnl: npt.ArrayLike) -> Spectrum:
    """Spectrum of the correlations of daily PnL (T, N): a day a row, a trial a column.

    Through the T x T products of the days where these are fewer than the trials. Values that
    are not finite, constant columns and fewer than two days raise InputError.
    """
    matrix = _require_pnl(pnl)
    days, n = matrix.shape
    total = np.zeros(days)
    products = np.zeros((days, days))
    if days < n:
        for block in _unit_columns(matrix):
            products += block @ block.T
            total += block.sum(axis=1)
    else:
        unit = np.concatenate(list(_unit_columns(matrix)), axis=1)
        products, total = unit.T @ unit, unit.sum(axis=1)
    pairs = n * (n - 1)
    mean = (float(total @ total) - n) / pairs if pairs else 0.0
    return Spectrum(_eigenvalues(products, n), n, mean, days)


def _eigenvalues(symmetric: FloatArray, trials: int) -> FloatArray:
    """Descending, without rounding below 0, adding up to the number of trials."""
    found = np.maximum(linalg.eigvalsh(symmetric)[::-1], 0.0)
    found[found < found[0] * len(found) * np.finfo(np.float64).eps] = 0.0
    scaled: FloatArray = found * (trials / found.sum())
    return scaled


def spectrum_of_correlation(
    correlation: npt.ArrayLike, days: SupportsIndex | None = None
) -> Spectrum:
    """Spectrum of a correlation matrix (N, N); ``days`` (2 or more) where it is an estimate.

    A matrix that is not square, symmetric, of unit diagonal and positive semi-definite (all to
    1e-8) raises InputError.
    """
    given = np.asarray(correlation, np.float64)
    shaped = given.ndim == 2 and given.shape[0] == given.shape[1] and given.size > 0
    if not (
        shaped
        and bool(np.isfinite(given).all())
        and np.allclose(given, given.T, rtol=0.0, atol=_ROUNDING)
        and np.allclose(np.diagonal(given), 1.0, rtol=0.0, atol=_ROUNDING)
        and linalg.eigvalsh(given)[0] > -_ROUNDING * len(given)
    ):
        allowed = "square, symmetric, 1 on the diagonal, no negative eigenvalue"
        do = "Pass numpy.corrcoef of the columns."
        raise _refuse("correlation matrix", f"shape {given.shape}", allowed, do)
    n = len(given)
    observed = None if days is None else require_count("days", days, 2)
    mean = (float(given.sum()) - n) / (n * (n - 1)) if n > 1 else 0.0
    return Spectrum(_eigenvalues(given, n), n, mean, observed)


def effective_trials(pnl: npt.ArrayLike) -> dict[str, float]:
    """Effective number of trials by every method of ``METHODS``, from daily PnL (T, N).

    Show the name of the method with the number. Refusals as in ``spectrum_of_pnl``.
    """
    spectrum = spectrum_of_pnl(pnl)
    return {name: method(spectrum) for name, method in METHODS.items()}
