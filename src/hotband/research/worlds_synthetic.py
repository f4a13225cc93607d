"""Null worlds N1 and N2: markets drawn from nothing, in which no past tells the next move.

The mid is a martingale in price: every move is a simple return with mean 0 given the past, so
that E[next price | past] is the price. Within a bar the path is a Brownian motion whose
deviation is that bar's own, drawn before the path: a fat-tailed move is a wild bar, not a jump
at its end. Stops and limits then fire as often as on the whole path, and gain nothing.
"""

import math
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.jit import kernel
from hotband.core.records import QUOTE, Records, empty
from hotband.research.world_clock import WorldClock

Floats: TypeAlias = npt.NDArray[np.float64]

MEMORY: Final = 0.97
"""Of the log variance, per hour."""
VARIANCE_SD: Final = 0.55
"""Stationary deviation of the log variance: our choice; the reference leaves it open."""
OMEGA: Final = 0.01
ALPHA: Final = 0.07
BETA: Final = 0.92
FREEDOM: Final = 5.0
"""Degrees of freedom of the t innovations, scaled to variance 1."""
MAX_SIGMA: Final = 0.05
"""The wildest bar, as a fraction of the price: no path can reach 0."""
UPDATES: Final = 60.0
"""Price updates of an average minute; the made-up volume grows with the bar's deviation."""


@kernel
def ar1_path(noise: Floats, memory: float, deviation: float, out: Floats) -> None:
    """x[0] = d z[0]; x[i] = m x[i-1] + d sqrt(1 - m^2) z[i]: stationary with deviation d."""
    fresh = deviation * math.sqrt(1.0 - memory * memory)
    level = deviation * noise[0]
    out[0] = level
    for i in range(1, len(noise)):
        level = memory * level + fresh * noise[i]
        out[i] = level


@kernel
def garch_path(noise: Floats, omega: float, alpha: float, beta: float, out: Floats) -> None:
    """Variances h[0] = omega / (1 - alpha - beta); h[i+1] = omega + (alpha z[i]^2 + beta) h[i]."""
    variance = omega / (1.0 - alpha - beta)
    for i in range(len(noise)):
        out[i] = variance
        variance = omega + (alpha * noise[i] * noise[i] + beta) * variance


@kernel
def _quote(mid: float, half: float, scale: float) -> tuple[float, float]:
    """Bid and ask in whole points, at least one apart: a simulated market is never free."""
    bid = np.rint((mid - half) * scale)
    ask = max(np.rint((mid + half) * scale), bid + 1.0)
    return bid / scale, ask / scale


@kernel
def quote_path(
    moves: Floats,
    sigma: Floats,
    extremes: Floats,
    gaps: Floats,
    half_spread: Floats,
    scale: float,
    start: float,
    out: Records,
) -> None:
    """Two-sided bars of a mid that starts at ``start``, in whole points of 1 / ``scale``.

    Within a bar the mid is a Brownian motion of deviation ``sigma`` that ends at ``moves``, as
    fractions of the open. Its highest point, given the end x, is (x + sqrt(x^2 + 2 s^2 E)) / 2
    with E exponential (Karatzas & Shreve 1991, 2.8); the lowest likewise with its own E, so
    that each is exact given the end and only their dependence is not that of one path.
    """
    mid = start
    for i in range(len(out)):
        bar = out[i]
        opened = mid * (1.0 + gaps[i])
        x, double = moves[i], 2.0 * sigma[i] * sigma[i]
        top = 0.5 * (x + math.sqrt(x * x + double * extremes[0, i]))
        bottom = 0.5 * (x - math.sqrt(x * x + double * extremes[1, i]))
        mid = opened * (1.0 + x)
        high, low = max(opened * (1.0 + top), mid), min(opened * (1.0 + bottom), mid)
        half = half_spread[i]
        bar.bid_o, bar.ask_o = _quote(opened, half, scale)
        bar.bid_h, bar.ask_h = _quote(high, half, scale)
        bar.bid_l, bar.ask_l = _quote(low, half, scale)
        bar.bid_c, bar.ask_c = _quote(mid, half, scale)


def stochastic_deviation(clock: WorldClock, draws: np.random.Generator) -> Floats:
    """N1: exp(v / 2) per bar, v an hourly AR(1), scaled to mean square 1 over all paths."""
    noise = draws.standard_normal(int(clock.hour[-1]) + 1)
    log_variance = np.empty_like(noise)
    ar1_path(noise, MEMORY, VARIANCE_SD, log_variance)
    hourly = np.exp((log_variance - VARIANCE_SD**2 / 2) / 2)
    return np.asarray(hourly[clock.hour])


def t_mixing(draws: np.random.Generator, size: int) -> Floats:
    """sqrt(W) such that sqrt(W) times a normal is t with ``FREEDOM``, scaled to variance 1."""
    gamma = draws.standard_gamma(FREEDOM / 2, size)
    mixing: Floats = np.sqrt((FREEDOM / 2 - 1) / gamma)
    return mixing


class Shape(NamedTuple):
    """What a drawn market looks like, before chance."""

    sigma: Floats
    """Deviation of each bar's move, as a fraction of the price."""
    half_spread: Floats
    """Per bar, in quote currency."""
    scale: float
    """Points in one unit of price."""
    start: float
    """Mid at the first open."""
    gap_sigma: float
    """Deviation of a weekend's gap, as a fraction of the price."""


def drawn_quotes(
    world: str, clock: WorldClock, shape: Shape, spread_noise: float, draws: np.random.Generator
) -> Records:
    """The QUOTE records of world N1 or N2; all randomness is drawn here, in one order."""
    n = len(clock.t)
    normal = draws.standard_normal(n)
    relative = t_mixing(draws, n)
    extremes = draws.standard_exponential((2, n))
    if world == "N1":
        relative *= stochastic_deviation(clock, draws)
    else:
        variance = np.empty(n)
        garch_path(relative * normal, OMEGA, ALPHA, BETA, variance)
        relative *= np.sqrt(variance)
    sigma = np.minimum(relative * shape.sigma, MAX_SIGMA)
    gaps = np.zeros(n)
    gaps[clock.opens] = shape.gap_sigma * draws.standard_normal(len(clock.opens))
    half = shape.half_spread * np.exp(spread_noise * draws.standard_normal(n))
    out = empty(QUOTE, n)
    out["t"] = clock.t
    out["volume"] = 1.0 + np.floor(UPDATES * relative)
    moves = sigma * normal
    quote_path(moves, sigma, extremes, gaps, half, shape.scale, shape.start, out)
    return out.view(np.ndarray)
