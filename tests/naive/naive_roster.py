"""The e-process, the CUSUM and its run length, and the weekly rule, word by word."""

import math

import numpy as np


def adaptive_wealth(x: list[float], n0: float, v0: float, cap: float) -> list[float]:
    wealth = [1.0]
    for t in range(len(x)):
        past = x[:t]
        if any(value < -1.0 for value in x[: t + 1]):
            wealth.append(0.0)
            continue
        m = sum(past) / (t + n0)
        v = (sum(value**2 for value in past) + n0 * v0) / (t + n0)
        stake = m / (v + m**2)
        stake = 0.0 if stake < 0.0 else cap if stake > cap else stake
        wealth.append(wealth[-1] * (1.0 + stake * x[t]))
    return wealth


def mixture_wealth(x: list[float], stakes: tuple[float, ...]) -> list[float]:
    """The mean over stakes of the products, each taken anew."""
    days = range(len(x) + 1)
    return [
        float(np.mean([math.prod(1.0 + s * value for value in x[:t]) for s in stakes]))
        for t in days
    ]


def cusum_path(z: list[float], k: float) -> list[float]:
    """As the largest sum of the last weeks: what max(0, ...) amounts to."""
    y = [k - value for value in z]
    return [max(0.0, *(sum(y[i : t + 1]) for i in range(t + 1))) for t in range(len(y))]


def run_length_by_chain(h: float, drift: float, states: int) -> float:
    """Brook and Evans (1972): the CUSUM as a Markov chain on a grid of cells."""

    def phi(value: float) -> float:
        return 0.5 * math.erfc(-value / math.sqrt(2.0))

    width = 2.0 * h / (2 * states - 1)
    step = np.empty((states, states))
    for i in range(states):
        step[i, 0] = phi((0.5 - i) * width - drift)
        for j in range(1, states):
            upper, lower = (j - i + 0.5) * width, (j - i - 0.5) * width
            step[i, j] = phi(upper - drift) - phi(lower - drift)
    return float(np.linalg.solve(np.eye(states) - step, np.ones(states))[0])


def rule_words(grades: str) -> list[str]:
    """The actions for weeks p(assing), b(orderline), f(ailing), read off the whole history."""
    found, on = [], True
    for t, letter in enumerate(grades):
        if letter == "p":
            found.append("keep" if on else "re-enable")
            on = True
        elif not on:
            found.append("no_change")
        elif grades[max(0, t - 1) : t + 1] == "ff":
            found.append("disable")
            on = False
        else:
            found.append("tighten")
    return found
