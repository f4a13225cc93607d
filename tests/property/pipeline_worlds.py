"""Random markets changed in one respect, and portfolios of them, for the laws of the pipeline."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from tests.parity.markets import Case, random_case
from tests.parity.test_path_equals_step import run

from hotband.core import records as r
from hotband.core.records import Records
from hotband.core.shared import share
from hotband.market.instruments import load_instruments
from hotband.research.feed import Feed, Timeline, merge
from hotband.research.portfolio import Logs, PortfolioManager

BALANCE = 10_000.0
NAMES = ("EUR_USD", "GBP_USD", "EUR_GBP")
_CURRENCIES = ((0, 1), (2, 1), (0, 2))
_PRICES = tuple(f"{side}_{letter}" for side in ("bid", "ask") for letter in "ohlc")


def changed(case: Case, bars: Records | None = None, gates: Records | None = None) -> Case:
    """``case`` with other bars or gates; ``copies`` gives arrays to change."""
    shared = case.shared
    new_bars = shared.bars if bars is None else bars
    new_gates = shared.gates if gates is None else gates
    live = shared.gate_of_bar[: len(new_bars)]
    return Case(share(new_bars, live, new_gates), case.rules.copy(), case.limits.copy())


def copies(case: Case) -> tuple[Records, Records]:
    """Writeable copies of bars and gates."""
    return case.shared.bars.copy(), case.shared.gates.copy()


def outcome(case: Case, balance: float = BALANCE) -> tuple[Records, Records, Records, Records]:
    """(account, books, fills, days) of ``path``, logs cut to what was written."""
    account, books, fills, days = run(case, skipping=True, balance=balance)
    return account, books, fills[: int(account[0].fills)], days[: int(account[0].days)]


def fixed_size(case: Case) -> Case:
    """``case`` with orders of 1,000 units that no limit binds: its trades do not know its NAV."""
    rules, limits = case.rules, case.limits
    rules["risk_frac"] = rules["vol_target"] = 0.0
    rules["exposure"], rules["max_units"], rules["min_units"] = 1e6, 1_000.0, 1.0
    limits["total_exposure"] = limits["currency_cap"] = np.inf
    limits["closeout"] = 0.0
    return case


def without_levels(case: Case) -> Case:
    """``case`` without stops and targets: its trades do not know their entry price."""
    for level in ("stop", "target", "breakeven", "trail"):
        case.rules[f"{level}_frac"] = case.rules[f"{level}_abs"] = 0.0
    return case


def stressed(case: Case) -> Case:
    """``case`` with so much borrowed that small moves close the account out."""
    case.limits["closeout"], case.limits["margin_budget"] = 1.7, 0.99
    case.rules["exposure"], case.rules["margin_rate"], case.rules["risk_frac"] = 28.0, 0.02, 0.0
    case.rules["vol_target"], case.rules["max_units"] = 0.0, np.inf
    return case


def shifted(case: Case, weeks: int) -> Case:
    """``case`` so many weeks later."""
    bars, gates = copies(case)
    bars["t"] += weeks * 7 * 86_400_000_000_000
    bars["day"] += weeks * 7
    gates["known"][1:] += weeks * 7 * 86_400_000_000_000
    return changed(case, bars, gates)


def richer(case: Case, factor: float) -> Case:
    """``case`` for an account ``factor`` times as large, trading in units as much larger."""
    out = changed(case)
    for name in ("min_units", "max_units", "max_position", "unit_step"):
        out.rules[name] *= factor
    return out


def redenominated(case: Case, factor: float) -> Case:
    """``case`` in a quote currency of which ``factor`` make one of before."""
    bars, _ = copies(case)
    for name in _PRICES:
        bars[name] *= factor
    for name in ("gain_o", "gain_c", "loss_o", "loss_c"):
        bars[name] /= factor
    out = changed(case, bars)
    for level in ("stop", "target", "breakeven", "trail"):
        out.rules[f"{level}_abs"] *= factor
    out.rules["price_scale"] /= factor
    return out


GRID = 2.0**-17
AXIS = 2.25


def on_binary_grid(case: Case) -> Case:
    """``case`` at prices and distances that binary floats hold exactly, without slippage."""
    bars, _ = copies(case)
    for name in _PRICES:
        bars[name] = np.round(bars[name] / GRID) * GRID
    bars["fin_long"] = bars["fin_short"] = 0.0  # the mirror of a price pays another amount
    out = changed(case, bars)
    for level in ("stop", "target", "breakeven", "trail"):
        distance = out.rules[f"{level}_abs"] + out.rules[f"{level}_frac"]
        out.rules[f"{level}_abs"] = np.round(distance / GRID) * GRID
        out.rules[f"{level}_frac"] = 0.0
    out.rules["slippage"], out.rules["price_scale"] = 0.0, 1 / GRID
    return out


def mirrored(case: Case) -> Case:
    """``case`` with prices reflected at ``AXIS``, bid and ask changing roles, and sides turned."""
    bars, gates = copies(case)
    old = case.shared.bars
    for side, other in (("bid", "ask"), ("ask", "bid")):
        for letter, opposite in ("oo", "hl", "lh", "cc"):
            bars[f"{side}_{letter}"] = 2 * AXIS - old[f"{other}_{opposite}"]
    up, down = old["marks"] & r.UP_MOVE, old["marks"] & r.DOWN_MOVE
    rest = old["marks"] & ~(r.UP_MOVE | r.DOWN_MOVE)
    bars["marks"] = rest + (up > 0) * r.DOWN_MOVE + (down > 0) * r.UP_MOVE
    gates["side"] *= -1
    return changed(case, bars, gates)


def disturbed(case: Case, at: int, seed: int) -> Case:
    """``case`` with everything after bar ``at`` exchanged: prices, rates, flags and gates."""
    rng = np.random.default_rng(seed)
    bars, gates = copies(case)
    rest = len(bars) - at - 1
    jump = rng.uniform(0.9, 1.1, rest)
    for name in (*_PRICES, "gain_o", "loss_o", "gain_c", "loss_c", "base_o", "base_c", "vol"):
        bars[name][at + 1 :] *= jump
    bars["marks"][at + 1 :] = rng.permutation(bars["marks"][at + 1 :])
    later = int(case.shared.gate_of_bar[at]) + 1
    for name in ("side", "hazard", "reps", "admit", "metrics"):
        gates[name][later:] = rng.permutation(gates[name][later:])
    return changed(case, bars, gates)


def cut(case: Case, at: int) -> Case:
    """``case`` up to and with bar ``at``, and with the gates judged until then."""
    bars, gates = copies(case)
    return changed(case, bars[: at + 1], gates[: int(case.shared.gate_of_bar[at]) + 1])


# Portfolios ------------------------------------------------------------------------------------


def feed_of(case: Case, name: str) -> Feed:
    shared = case.shared
    instrument = load_instruments()[name]
    return Feed(instrument, 60_000_000_000, shared.bars, shared.gates, shared.gate_of_bar, 0)


def timeline_of(cases: Sequence[Case]) -> Timeline:
    return merge([feed_of(case, name) for case, name in zip(cases, NAMES, strict=True)])


def portfolio(seed: int, n: int = 300, every: int = 4) -> tuple[list[Case], Timeline]:
    """Three instruments that share currencies, on one time axis."""
    cases = [random_case(seed + k, n=n, every=every) for k in range(len(NAMES))]
    for case, (base, quote) in zip(cases, _CURRENCIES, strict=True):
        case.rules["base_ccy"], case.rules["quote_ccy"] = base, quote
    return cases, timeline_of(cases)


def manager(cases: Sequence[Case], balance: float = BALANCE) -> PortfolioManager:
    """A new account over ``cases``, with the limits of the first."""
    rules = np.concatenate([case.rules for case in cases]).view(np.recarray)
    return PortfolioManager(NAMES[: len(cases)], rules, cases[0].limits, balance)


def replayed(cases: Sequence[Case], timeline: Timeline) -> tuple[PortfolioManager, Logs]:
    """A whole history, with every log large enough."""
    n = len(timeline.bars)
    logs = Logs.sized(20 * n, n, len(timeline.event_bar), n)
    account = manager(cases)
    account.replay(timeline, logs)
    return account, logs


def events_at(timeline: Timeline, m: int) -> dict[str, Any]:
    """What ``PortfolioManager.on_bars`` takes for the m-th open time."""
    events = {}
    for k, i in enumerate(timeline.event_bar[m].tolist()):
        if i >= 0:
            g = int(timeline.gate_of_bar[i])
            gate = timeline.gates[g : g + 1] if g else None
            events[NAMES[k]] = (timeline.bars[i : i + 1], gate)
    return events


def digest(seeds: Sequence[int], n: int = 120) -> str:
    """Hash of all that ``path`` and the portfolio loop give for a few random markets."""
    found = hashlib.sha256()
    for seed in seeds:
        case = random_case(seed, n=n, every=3)
        for part in outcome(stressed(case) if seed % 2 else case):
            found.update(np.ascontiguousarray(part).tobytes())
        cases, timeline = portfolio(seed, n=n // 3)
        account, logs = replayed(cases, timeline)
        for part in (account.account, account.books, *logs.bundle()):
            found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()
