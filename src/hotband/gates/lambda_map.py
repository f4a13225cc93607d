"""From the surprise of a run to a hazard on the scale that real gates use.

A surprise is a probability and fills 0..1; the hazards of recorded gates live on whatever
scale their producer chose. Thresholds of a profile are written for the latter.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.errors import GatesError
from hotband.gates.runs import FloatArray

MIN_RECORDED: Final = 30
"""Fewer recorded hazards or surprises than this give no usable quantiles."""


@dataclass(frozen=True, eq=False, slots=True)
class LambdaMap:
    """A never-falling, piecewise linear map from surprise (0..1) to hazard (0..1).

    ``kind`` is ``scaled`` or ``recorded``; ``surprises`` are rising nodes, ``hazards`` the
    values there. Outside the nodes the map is flat.
    """

    kind: str
    surprises: FloatArray
    hazards: FloatArray

    @classmethod
    def scaled(cls, lambda_scale: float = 0.1) -> "LambdaMap":
        """``lambda_scale`` x surprise, for when no real gates are known before the window.

        Raises GatesError unless 0 < ``lambda_scale`` <= 1.
        """
        if not 0.0 < lambda_scale <= 1.0:
            raise GatesError(
                "lambda_scale",
                lambda_scale,
                "a number above 0, at most 1",
                "Give the hazard of a run longer than any before it; 0.1 is the default.",
            )
        return cls("scaled", np.array([0.0, 1.0]), np.array([0.0, lambda_scale]))

    @classmethod
    def from_recorded(cls, surprises: npt.ArrayLike, hazards: npt.ArrayLike) -> "LambdaMap":
        """Map each surprise to the hazard of the same rank among the recorded ones.

        Both samples must have been known before the window that the map is used for; they
        need not be paired. Surprises repeat (every first step of a run has surprise 0), so
        a node stands at the middle of its ties: level P(X < x) + P(X = x) / 2, hazard =
        that quantile (linear, NumPy's default) of ``hazards``.

        Args:
            surprises: own past surprises, any order, from ``surprises_of``.
            hazards: recorded hazards, any order, on the scale 0..1.

        Raises:
            GatesError: a sample has fewer than ``MIN_RECORDED`` values, or one outside 0..1.
        """
        own = _sample("surprises", surprises)
        real = _sample("hazards", hazards)
        nodes, ties = np.unique(own, return_counts=True)
        level = (np.cumsum(ties) - ties / 2) / own.size
        return cls("recorded", nodes, np.maximum.accumulate(np.quantile(real, level)))


def _sample(name: str, values: npt.ArrayLike) -> FloatArray:
    sample = np.asarray(values, dtype=np.float64).ravel()
    if sample.size < MIN_RECORDED:
        raise GatesError(
            name,
            f"{sample.size} values",
            f"at least {MIN_RECORDED}",
            "Use LambdaMap.scaled where too few gates are recorded before the window.",
        )
    wrong = sample[~((sample >= 0.0) & (sample <= 1.0))]
    if wrong.size:
        raise GatesError(
            name, wrong[0], "numbers in 0..1", "Leave out what is missing; normalise the rest."
        )
    return sample
