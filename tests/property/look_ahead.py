"""The look-ahead proof: what is known at a time must not depend on anything after it.

``assert_no_look_ahead`` takes any way of running a strategy over bars and replays it on two
other worlds for every time of interest: one that ends then, and one that goes on differently.
Gates, decisions, fills and equity up to then must be the same to the last bit. A bar that is
under way at the time is known by its open alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.records import Records
from hotband.gates.encoder import encode_gates
from hotband.market.bars import Bars
from hotband.market.calendar import format_time
from hotband.profile.strategy import Profile
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator

Market: TypeAlias = Mapping[str, Bars]
Int64Array: TypeAlias = npt.NDArray[np.int64]
PRICE_SIDES = ("bid", "ask")


@dataclass(frozen=True, eq=False)
class Trace:
    """What a strategy did, as rows with times in ns.

    ``gates`` are GATE records by instrument, each known at ``known``. ``decisions`` and
    ``fills`` are DECISION and FILL records, stamped with the open of their bar; a fill with
    ``intrabar`` is known at the bar's end, as is a row of ``equity``.
    """

    granularity_ns: int
    gates: Mapping[str, Records]
    decisions: Records
    fills: Records
    equity: Records

    def until(self, t_ns: int) -> dict[str, Records]:
        """The rows that are known at ``t_ns``, by kind."""
        ended = t_ns - self.granularity_ns
        inside = self.fills["intrabar"] != 0
        filled = np.where(inside, self.fills["t"] <= ended, self.fills["t"] <= t_ns)
        known = {name: rows[rows["known"] <= t_ns] for name, rows in self.gates.items()}
        return known | {
            "decisions": self.decisions[self.decisions["t"] <= t_ns],
            "fills": self.fills[filled],
            "equity": self.equity[self.equity["t"] <= ended],
        }

    def events(self, start_ns: int, end_ns: int) -> Int64Array:
        """Every time in [start, end) at which a gate became known or a fill happened."""
        closed = self.fills["t"] + self.granularity_ns * (self.fills["intrabar"] != 0)
        times = np.concatenate([*(rows["known"] for rows in self.gates.values()), closed])
        unique: Int64Array = np.unique(times)
        return unique[(unique >= start_ns) & (unique < end_ns)]


Run: TypeAlias = Callable[[Market], Trace]


def trace_of(result: SimulationResult, granularity_ns: int) -> Trace:
    """The trace of a simulation."""
    account = result.account[0]
    return Trace(
        granularity_ns,
        {name: part.chosen.gates.data for name, part in result.parts.items()},
        result.logs.decisions[: account.decisions],
        result.fills,
        result.logs.equity,
    )


def simulation(
    names: Iterable[str], start: str, end: str, profile: Profile, *, encoded: bool = False
) -> Run:
    """A run of ``profile`` over [start, end) of whatever bars it is given.

    Gates are derived, or ``encoded`` from the same bars and read as recorded ones.
    """
    traded = list(names)

    def run(bars: Market) -> Trace:
        length = bars[traded[0]].granularity
        gates = {name: encode_gates(bars[name]).gates for name in traded if encoded}
        driver = BacktestSimulator(
            traded, start, end, profile=profile, bars=bars, gates=gates, granularity=length
        )
        return trace_of(driver.run(), driver.granularity_ns)

    return run


def cut(bars: Bars, t_ns: int) -> Bars:
    """The bars as known at ``t_ns``: those complete, and the open of the one under way."""
    data = bars.data[bars.data["t"] <= t_ns].copy()
    under_way = data["t"] + bars.granularity_ns > t_ns
    for side in PRICE_SIDES:
        for letter in "hlc":
            data[f"{side}_{letter}"][under_way] = data[f"{side}_o"][under_way]
    data["volume"][under_way] = np.nan
    return _rebuilt(bars, data)


def scrambled(bars: Bars, t_ns: int, rng: np.random.Generator) -> Bars:
    """The same bars up to ``t_ns``; then other prices and spreads, and some bars missing."""
    data = bars.data[(bars.data["t"] <= t_ns) | (rng.random(len(bars)) < 0.8)].copy()
    later = data["t"] + bars.granularity_ns > t_ns
    n = int(later.sum())
    under_way = data["t"][later] <= t_ns
    drift = np.where(under_way, 0.0, rng.normal(0.0, 0.002, n)).cumsum()
    inner = rng.normal(0.0, 0.002, (3, n))
    wider = 1.0 + rng.uniform(0.0, 0.0005, n) * ~under_way
    for side in PRICE_SIDES:
        first = data[f"{side}_o"][later] * np.exp(drift) * (wider if side == "ask" else 1.0)
        last = first * np.exp(inner[0])
        data[f"{side}_o"][later], data[f"{side}_c"][later] = first, last
        data[f"{side}_h"][later] = np.maximum(first, last) * np.exp(np.abs(inner[1]))
        data[f"{side}_l"][later] = np.minimum(first, last) * np.exp(-np.abs(inner[2]))
    data["volume"][later] = rng.integers(0, 1000, n)
    return _rebuilt(bars, data)


def _rebuilt(bars: Bars, data: Records) -> Bars:
    return Bars.from_records(
        bars.instrument, bars.granularity, data, source=bars.source, side_origin=bars.side_origin
    )


def _difference(left: dict[str, Records], right: dict[str, Records]) -> str:
    """The first row that differs, in words; empty where all are the same bytes."""
    for kind, rows in left.items():
        others = right[kind]
        if rows.tobytes() == others.tobytes():
            continue
        shared = min(len(rows), len(others))
        for i in range(shared):
            if rows[i].tobytes() != others[i].tobytes():
                return f"{kind} row {i}: {rows[i]} became {others[i]}"
        return f"{kind}: {len(rows)} rows became {len(others)}"
    return ""


def assert_no_look_ahead(
    run: Run, bars: Market, cut_times_ns: Iterable[int], *, seed: int = 0
) -> int:
    """Fail where anything known at one of the times depends on what comes after it.

    Args:
        run: runs the strategy over the bars it is given, from scratch.
        bars: all bars it may read, those for conversion included. Each traded instrument must
            have a bar in the run's window by the first cut time.
        cut_times_ns: times to prove it at.
        seed: of the other futures.

    Returns:
        How many decisions and fills were compared, so that a test can ask for more than none.
    """
    whole = run(bars)
    compared = 0
    for t_ns in cut_times_ns:
        known = whole.until(t_ns)
        compared += len(known["decisions"]) + len(known["fills"])
        rng = np.random.default_rng((seed, t_ns))
        worlds = {
            "nothing": {name: cut(held, t_ns) for name, held in bars.items()},
            "another future": {name: scrambled(held, t_ns, rng) for name, held in bars.items()},
        }
        for what, world in worlds.items():
            found = _difference(known, run(world).until(t_ns))
            assert not found, f"with {what} after {format_time(t_ns)}, {found}"
    return compared
