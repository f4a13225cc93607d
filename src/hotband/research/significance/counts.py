"""Refusals of counts and shares that the statistics of selection have in common."""

import math
import operator
from typing import Final, SupportsIndex

from hotband.errors import InputError

MOST: Final = 10**15
"""Counts beyond this are refused: a whole number is still exact in floating point."""


def require_count(what: str, value: SupportsIndex, least: int = 1) -> int:
    """``value`` as an int; anything but a whole number of ``least`` to 1e15 raises InputError."""
    try:
        count = operator.index(value)
    except TypeError:
        count = least - 1
    if isinstance(value, bool) or not least <= count <= MOST:
        do = f"Pass the number of {what} as an integer."
        raise InputError(what, repr(value), f"whole numbers from {least} to {MOST:g}", do)
    return count


def require_share(what: str, value: float) -> float:
    """``value`` as a float; anything but a number strictly between 0 and 1 raises InputError."""
    if not 0.0 < value < 1.0:
        do = "Pass a probability as a fraction, 0.05 for 5 %."
        raise InputError(what, value, "a number above 0 and below 1", do)
    return float(value)


def require_positive(what: str, value: float) -> float:
    """``value`` as a float; anything but a finite number above 0 raises InputError."""
    if not (math.isfinite(value) and value > 0.0):
        raise InputError(what, value, "a finite number above 0", "Pass the number with its unit.")
    return float(value)
