"""The measured rate at which a search promotes noise, stated so that it can be checked.

One trial is one campaign of the length used in production on noise of its own, with all its
weekly decisions; it fails when anything at all is promoted. Weeks of one campaign share data
and are not trials. The number of campaigns is fixed before the first one runs: adding some
until the bound passes makes it false. Source: reference/statistics.md, 4.2 and 4.4.
"""

import math
from dataclasses import dataclass
from typing import SupportsIndex

from scipy import special

from hotband.errors import InputError
from hotband.research.sharpe import DAYS_PER_YEAR
from hotband.research.significance.counts import MOST, require_count, require_share


def _counts(failures: SupportsIndex, campaigns: SupportsIndex) -> tuple[int, int]:
    n = require_count("campaigns", campaigns)
    k = require_count("failures", failures, 0)
    if k > n:
        do = "Count each campaign once, however much it promoted."
        raise InputError("failures", k, f"0 to {n}, the number of campaigns", do)
    return k, n


def upper_bound(failures: SupportsIndex, campaigns: SupportsIndex, level: float = 0.95) -> float:
    """The rate that is not exceeded at ``level`` (Clopper and Pearson 1934, one-sided).

    1 where every campaign failed. More failures than campaigns, no campaign and a level outside
    (0, 1) raise InputError.
    """
    k, n = _counts(failures, campaigns)
    share = require_share("level", level)
    return 1.0 if k == n else float(special.betaincinv(k + 1.0, float(n - k), share))


def lower_bound(successes: SupportsIndex, campaigns: SupportsIndex, level: float = 0.95) -> float:
    """The rate that is reached at ``level``, one-sided; for power. 0 without any success."""
    k, n = _counts(successes, campaigns)
    share = require_share("level", level)
    return 0.0 if k == 0 else float(special.betaincinv(float(k), n - k + 1.0, 1.0 - share))


def interval(
    failures: SupportsIndex, campaigns: SupportsIndex, level: float = 0.95
) -> tuple[float, float]:
    """(lower, upper) bound of the rate at ``level`` together: half the error on each side."""
    one_sided = 0.5 + 0.5 * require_share("level", level)
    return (
        lower_bound(failures, campaigns, one_sided),
        upper_bound(failures, campaigns, one_sided),
    )


def campaigns_needed(failures: SupportsIndex, bound: float = 0.05, level: float = 0.95) -> int:
    """Fewest campaigns for which so many failures still have an upper bound within ``bound``.

    ``bound`` and ``level`` outside (0, 1) and negative failures raise InputError, as does a
    bound so small that more than 1e15 campaigns would be needed.
    """
    k = require_count("failures", failures, 0)
    least, error = require_share("bound", bound), 1.0 - require_share("level", level)

    def passes(campaigns: int) -> bool:
        # P(at most k of n) at the bound: the same as upper_bound <= bound, without its inverse.
        return float(special.betainc(float(campaigns - k), k + 1.0, 1.0 - least)) <= error

    low, high = k, k + 1  # with as many failures as campaigns nothing passes
    while not passes(high):
        low, high = high, 2 * high
        if high > MOST:
            do = "Allow a larger rate, or fewer failures."
            raise InputError("bound", bound, f"what {MOST:g} campaigns can show", do)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class Statement:
    """What the campaigns on one world of noise showed.

    Attributes:
        world: Name of the world.
        campaigns: How many were run, as fixed beforehand.
        promoted: In how many something was promoted.
        upper: Upper bound of the rate at ``level``.
        passed: Whether ``upper`` is within ``bound``; every world has to pass on its own.
        bound: The rate that is promised.
        level: Confidence, one-sided.
    """

    world: str
    campaigns: int
    promoted: int
    upper: float
    passed: bool
    bound: float = 0.05
    level: float = 0.95

    def sentence(self) -> str:
        """The finding in words; percentages rounded up, so that none looks better than it is."""
        upper = math.ceil(self.upper * 1000.0 - 1e-9) / 10.0
        verdict = "within" if self.passed else "not within"
        return (
            f"In {self.campaigns} independent campaigns on noise ({self.world}) something was "
            f"promoted in {self.promoted}: the false-promotion rate is at most {upper:.1f} % "
            f"at {self.level * 100:g} % confidence, {verdict} the {self.bound * 100:g} % promised."
        )


def certify(
    world: str,
    campaigns: SupportsIndex,
    promoted: SupportsIndex,
    *,
    bound: float = 0.05,
    level: float = 0.95,
) -> Statement:
    """The statement for one world. Refusals as in ``upper_bound``; ``bound`` is in (0, 1)."""
    k, n = _counts(promoted, campaigns)
    upper = upper_bound(k, n, level)
    return Statement(world, n, k, upper, upper <= require_share("bound", bound), bound, level)


def sharpe_needed(
    configs: SupportsIndex, days: SupportsIndex, power: float = 0.8, fwer: float = 0.05
) -> float:
    """Annual Sharpe ratio that a search of so many configs finds with probability ``power``.

    (z(1 - fwer/N) + z(power)) sqrt(260/T): Bonferroni on normal ratios over ``days`` eligible
    days, a guide to what a history can prove at all. Numbers below 1 and shares outside (0, 1)
    raise InputError.
    """
    n, t = require_count("configs", configs), require_count("days", days)
    tail, found = require_share("fwer", fwer), require_share("power", power)
    z = float(special.ndtri(found) - special.ndtri(tail / n))
    return z * math.sqrt(DAYS_PER_YEAR / t)
