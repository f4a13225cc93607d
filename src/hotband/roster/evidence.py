"""Evidence that a strategy earns, valid on whatever day one stops to look: an e-process.

Its value is the wealth of a bettor who starts with 1 and stakes a part of it each day on a
return above the null. Under the null no rule of betting earns, so wealth reaches 20 with a
probability of at most 1/20, at any time and however often one looks (Ville). Nothing is assumed
of returns but a loss limit that holds. Source: reference/statistics.md, 5.2 (Waudby-Smith and
Ramdas 2024; Ramdas et al. 2023).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.roster.states import check_numbers, read_state, state_values

Leg: TypeAlias = Literal["mean", "sharpe", "profit_factor"]
MIXTURE: Final = (0.02, 0.04, 0.08, 0.15, 0.3, 0.6)
"""Stakes of the mixture in 5.2."""
MOST_WEALTH: Final = 1e300
"""Wealth is cut here, so that it stays a number; what is cut was never needed as evidence."""


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """What an e-process remembers after ``days`` returns.

    Attributes:
        days: Returns seen.
        wealths: One per stake; one alone where the stake adapts.
        sum_x: Sum of the bets' outcomes, in units of the loss floor.
        sum_x2: Sum of their squares.
        sum_r2: Sum of squared returns in units of the loss limit.
        peak: The greatest wealth so far, 1 at the start.
        ruined_on: The day, from 1, that broke the loss floor; None = none did. Wealth is 0 from
            that day on.
    """

    days: int = 0
    wealths: tuple[float, ...] = (1.0,)
    sum_x: float = 0.0
    sum_x2: float = 0.0
    sum_r2: float = 0.0
    peak: float = 1.0
    ruined_on: int | None = None

    def __post_init__(self) -> None:
        check_numbers(self, signed=("sum_x",))
        if self.peak < max(1.0, self.wealth):
            raise InputError("EvidenceState.peak", self.peak, "at least 1 and the wealth",
                             "Hand in a state that was kept whole, or start anew.")  # fmt: skip

    @property
    def wealth(self) -> float:
        """The e-value: the mean of the wealths."""
        return math.fsum(self.wealths) / len(self.wealths)

    @property
    def p_value(self) -> float:
        """min(1, 1 / peak): a p-value that holds at any time."""
        return min(1.0, 1.0 / self.peak)

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values."""
        return state_values(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EvidenceState":
        """The state of :meth:`to_dict`; raises InputError for other keys or values."""
        return read_state(cls, values)


@dataclass(frozen=True, slots=True)
class EProcess:
    """How evidence is gathered.

    With ``mean`` the null is a mean return of at most ``above``; with ``sharpe`` a Sharpe ratio
    per day of at most ``above``; with ``profit_factor`` a profit factor of at most ``above``,
    over trades instead of days. The outcome of a bet is x = X / floor, at least -1:

        mean           X = r - above                             floor = L + above
        sharpe         X = r - above/2 (a + r^2/a)               floor = L + above/2 (a + L^2/a)
        profit_factor  X = r for a gain, above r for a loss      floor = above L

    ``a`` is the root mean square of the returns before, with ``prior_days`` days at
    ``prior_square``. The stake is clip(m / (v + m^2), 0, cap), of the mean m and mean square v of
    the outcomes before, again with the prior; or it is given and constant.

    An outcome below -1 broke the floor: wealth is 0 from then on. For ``sharpe`` that also
    happens on a gain above L + 2 a / above, where X is below its floor too; the page does not say
    so, and without it the null would not be kept.

    Attributes:
        loss_limit: L, the hard limit of a day's (a trade's) loss, in the units of the returns.
        prior_days: n0.
        prior_square: v0, in units of the squared floor.
        cap: The largest adaptive stake, below 1.
        stakes: None = adaptive; one = fixed; several = the mean of their wealths (mixture).
        leg: Which null.
        above: Its bound; above 0 for a profit factor.

    Raises:
        InputError: A setting outside the ranges above.
    """

    loss_limit: float
    prior_days: float = 20.0
    prior_square: float = 0.1
    cap: float = 0.5
    stakes: tuple[float, ...] | None = None
    leg: Leg = "mean"
    above: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss_limit", "prior_days", "prior_square"):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise InputError(name, value, "a number above 0", "Give one.")
        for name, stakes in (("cap", (self.cap,)), ("stakes", self.stakes)):
            if stakes is not None and not (stakes and all(0.0 <= s < 1.0 for s in stakes)):
                raise InputError(name, stakes, "stakes from 0 to below 1", "Stake less than all.")
        if self.leg not in get_args(Leg):
            raise InputError("leg", self.leg, ", ".join(get_args(Leg)), "Name one of them.",
                             near=get_args(Leg))  # fmt: skip
        if not 0.0 <= self.above < math.inf or (self.leg == "profit_factor" and self.above == 0.0):
            raise InputError("above", self.above, "a number from 0, above 0 for a profit factor",
                             "Give the bound of the null.")  # fmt: skip

    def start(self) -> EvidenceState:
        """The state before the first return: wealth 1."""
        return EvidenceState(wealths=(1.0,) * (1 if self.stakes is None else len(self.stakes)))

    def step(self, state: EvidenceState, value: float) -> EvidenceState:
        """The state after one more return (or one trade's profit for ``profit_factor``).

        Raises:
            InputError: A return that is not finite, or a state with another number of stakes.
        """
        expected = 1 if self.stakes is None else len(self.stakes)
        if len(state.wealths) != expected:
            raise InputError("evidence state", f"{len(state.wealths)} stakes", f"{expected}",
                             "Resume with the settings that began it.")  # fmt: skip
        if not math.isfinite(value):
            raise InputError(f"return {state.days + 1}", value, "a finite number",
                             "Leave out days without a return.")  # fmt: skip
        x = self._outcome(state, value)
        ruined_on = state.ruined_on
        if ruined_on is None and x < -1.0:
            ruined_on = state.days + 1
        if ruined_on is None:
            stakes = (self.stake(state),) if self.stakes is None else self.stakes
            wealths = tuple(
                min(wealth * (1.0 + stake * x), MOST_WEALTH)
                for wealth, stake in zip(state.wealths, stakes, strict=True)
            )
        else:
            wealths = (0.0,) * expected
        scaled = value / self.loss_limit
        return EvidenceState(
            days=state.days + 1,
            wealths=wealths,
            sum_x=state.sum_x + x,
            sum_x2=state.sum_x2 + x * x,
            sum_r2=state.sum_r2 + scaled * scaled,
            peak=max(state.peak, math.fsum(wealths) / expected),
            ruined_on=ruined_on,
        )

    def advance(self, state: EvidenceState, values: Iterable[float]) -> EvidenceState:
        """The state after all ``values``, in their order."""
        for value in values:
            state = self.step(state, value)
        return state

    def wealth_path(self, values: Iterable[float]) -> FloatArray:
        """Wealth (n + 1,) before the first and after each of n returns."""
        state = self.start()
        path = [state.wealth]
        for value in values:
            state = self.step(state, value)
            path.append(state.wealth)
        return np.array(path)

    def stake(self, state: EvidenceState) -> float:
        """The adaptive stake of the next day, from what was known before it."""
        weight = state.days + self.prior_days
        mean = state.sum_x / weight
        square = (state.sum_x2 + self.prior_days * self.prior_square) / weight
        return min(max(mean / (square + mean * mean), 0.0), self.cap)

    def _outcome(self, state: EvidenceState, value: float) -> float:
        limit, above = self.loss_limit, self.above
        if self.leg == "mean":
            return (value - above) / (limit + above)
        if self.leg == "profit_factor":
            return (value if value > 0.0 else above * value) / (above * limit)
        squares = state.sum_r2 + self.prior_days * self.prior_square
        scale = limit * math.sqrt(squares / (state.days + self.prior_days))
        drag = 0.5 * above * (scale + value * value / scale)
        return (value - drag) / (limit + 0.5 * above * (scale + limit * limit / scale))


def years_to_reach(threshold: float, sharpe_annual: float) -> float:
    """About how long evidence of ``threshold`` takes at a true ratio: 2 ln(threshold) / SR^2 years.

    Raises:
        InputError: A threshold not above 1, or a ratio not above 0: it would never be reached.
    """
    if not (threshold > 1.0 and math.isfinite(threshold)):
        raise InputError("threshold", threshold, "a number above 1", "Give 20 for 5 %.")
    if not (sharpe_annual > 0.0 and math.isfinite(sharpe_annual)):
        raise InputError("sharpe_annual", sharpe_annual, "a number above 0", "Give an edge.")
    return 2.0 * math.log(threshold) / sharpe_annual**2
