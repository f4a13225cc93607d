"""Gate events made from bars alone, for the stretches in which no real gates are recorded.

A derived gate is judged by the same function and the same thresholds as a real one, and only
those that pass are handed on. It says of itself that it is synthetic.

Per bar that closes inside a directional run (``gates.runs`` has the arithmetic), with k the
steps of the run so far, W the steps of the window and d its rolling returns m(i)/m(i-w) - 1:

* repetitions = k, side = sign of the run
* coherence = min(k, W) / W
* stability = 1 / (1 + var(d) / mean(d)^2) = (sum d)^2 / (k sum d^2) over the run, in [1/k, 1]
* entropy = Shannon entropy in bits of the shares of up and down labels in the window
* surprise = 1 - S(k), S(k) = P(run length >= k) among the last ``history_runs`` completed runs
* hazard = a :class:`LambdaMap` of the surprise

The existing stack's fallback inverts a variance in price units and caps its hazard at the
profile's own limit; here stability has no unit and a hazard above the limit is refused.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, TypedDict

import numpy as np

from hotband.core import codes
from hotband.core.records import GATE, RULES, Record, Records, empty, readable
from hotband.errors import BarsError
from hotband.gates import runs
from hotband.gates.deriver_state import DeriverSettings, DeriverState
from hotband.gates.events import Gates
from hotband.gates.keys import keys_of
from hotband.gates.lambda_map import LambdaMap
from hotband.gates.runs import FloatArray, IntArray
from hotband.market.bars import Bars
from hotband.market.calendar import MILLISECOND_NS

THRESHOLDS: Final = "synthetic:thresholds"
MIN_REPS_MET: Final = "synthetic:min_reps_met"
_PLAIN: Final = (THRESHOLDS,)
_BORDERLINE: Final = (THRESHOLDS, MIN_REPS_MET)

_Memory: TypeAlias = tuple[
    Record, FloatArray, IntArray, IntArray, IntArray, FloatArray, FloatArray, Record, IntArray
]

SyntheticEvent = TypedDict(
    "SyntheticEvent",
    {
        "instrument": str,
        "ts_ms": int,
        "known_ns": int,
        "signal_key": str,
        "direction": str,
        "lambda": float,
        "repetitions": int,
        "repetition_count": int,
        "admit": bool,
        "hard_blocked": bool,
        "reasons": list[str],
        "source": str,
        "metrics": dict[str, float | None],
    },
)
"""One derived gate as a payload: ``ts_ms`` is the open of its bar, ``lambda`` the hazard;
an undefined metric is ``None``."""


@dataclass(frozen=True, eq=False, slots=True)
class DerivedGates:
    """What a derivation gave.

    Attributes:
        gates: the events, by the time they are known; their key is the run's, see
            :class:`GateDeriver`.
        reasons: one tuple of reason names per event.
        run_start_ns: per event, open of the bar of its run's first step.
        counts: ``candidates``, ``emitted``, and per reason name the candidates it refused
            (each under its first reason); candidates = emitted + the rest.
        granularity_ns: length of the bars.
    """

    gates: Gates
    reasons: tuple[tuple[str, ...], ...]
    run_start_ns: IntArray
    counts: dict[str, int]
    granularity_ns: int

    def __len__(self) -> int:
        return len(self.reasons)

    def events(self) -> list[SyntheticEvent]:
        """The events as payloads, equal to what :meth:`GateDeriver.on_bar` gives."""
        data = self.gates.data
        rows = zip(data, self.run_start_ns.tolist(), self.reasons, strict=True)
        name = self.gates.instrument
        return [_event(name, gate, start, self.granularity_ns, why) for gate, start, why in rows]


class GateDeriver:
    """Derives gates bar by bar; :func:`derive_gates` runs the same steps in one compiled loop.

    Every bar of a run that clears the thresholds gives a new gate, with the hazard and the
    repetitions of that bar, known at the bar's close. All gates of one run carry one signal
    key, ``synthetic:{instrument}:{open of its first bar in ms}``: a run is one signal, which
    refreshes while it lives, and suppression of duplicates lets it make one entry.
    """

    def __init__(
        self,
        instrument: str,
        granularity_ns: int,
        rules: Record,
        settings: DeriverSettings | None = None,
        lambda_map: LambdaMap | None = None,
        state: DeriverState | None = None,
    ) -> None:
        self.instrument = instrument
        self.granularity_ns = granularity_ns
        self.settings = settings or DeriverSettings()
        self.lambda_map = lambda_map or LambdaMap.scaled(self.settings.lambda_scale)
        self._rules = empty(RULES, 1)
        self._rules[0] = rules
        fresh = DeriverState.fresh(self.settings, granularity_ns)
        self.state = fresh if state is None else state.matching(fresh)
        """Live; take a ``copy()`` to keep it."""
        self._gate = empty(GATE, 1)

    @property
    def counts(self) -> dict[str, int]:
        """As in :class:`DerivedGates`, over all bars so far."""
        return _counts(self.state.tally)

    def on_bar(self, bar: Record) -> SyntheticEvent | None:
        """Take one closed bar, a ``records.QUOTE``; its event, if it clears the thresholds.

        Raises BarsError where the bar is not after the last one or its mid close is not a
        positive number; the state is then as before.
        """
        mid = (float(bar["bid_c"]) + float(bar["ask_c"])) * 0.5
        t = int(bar["t"])
        _check(t, mid, int(self.state.record["last_t"][0]))
        gate = self._gate[0]
        if runs.derive_step(*self._memory(), mid, t, gate) != 0:
            return None
        start = int(self.state.record["start_t"][0])
        why = _reasons(int(gate["reps"]), int(self._rules["min_reps"][0]))
        return _event(self.instrument, gate, start, self.granularity_ns, why)

    def on_bars(self, quotes: Records) -> tuple[Records, IntArray]:
        """Take many closed bars at once: (gates without keys, open of each one's run).

        ``quotes`` is an array of ``records.QUOTE``. Raises BarsError as :meth:`on_bar` does,
        before any bar is taken.
        """
        _check_bars(quotes, self.state)
        gates = empty(GATE, max(1, len(quotes)))
        starts = np.zeros(max(1, len(quotes)), np.int64)
        n = runs.derive_path(*self._memory(), readable(quotes), gates, starts)
        return readable(gates[:n].copy()), starts[:n].copy()

    def _memory(self) -> _Memory:
        state, levels = self.state, self.lambda_map
        return (
            state.record[0],
            state.mids,
            state.labels,
            state.runs,
            state.counts,
            levels.surprises,
            levels.hazards,
            self._rules[0],
            state.tally,
        )


def derive_gates(
    bars: Bars,
    rules: Record,
    settings: DeriverSettings | None = None,
    lambda_map: LambdaMap | None = None,
    warm_up_until_ns: int | None = None,
) -> DerivedGates:
    """Every gate that ``bars`` give under ``rules``, each from bars closed by then alone.

    Args:
        bars: any number, oldest first.
        rules: one ``records.RULES``; its gating fields are read.
        settings: defaults where None.
        lambda_map: where None, ``LambdaMap.scaled(settings.lambda_scale)``.
        warm_up_until_ns: gates known before it are neither returned nor counted; None = all
            are.

    Returns:
        The events, none where nothing clears; ``counts`` then says why.
    """
    deriver = GateDeriver(bars.instrument, bars.granularity_ns, rules, settings, lambda_map)
    split = 0
    if warm_up_until_ns is not None:
        split = int(np.searchsorted(bars.known_ns, warm_up_until_ns))
        deriver.on_bars(bars.data[:split])
        deriver.state.tally[:] = 0
    data, starts = deriver.on_bars(bars.data[split:])
    gates = Gates.from_columns(
        bars.instrument,
        data["known"],
        data["side"],
        data["hazard"],
        data["reps"],
        {name: data["metrics"][:, slot] for name, slot in runs.DERIVED.items()},
        synthetic=True,
        key=keys_of(f"synthetic:{bars.instrument}", starts // MILLISECOND_NS),
        source="synthetic",
    )
    why = tuple(_reasons(reps, int(rules["min_reps"])) for reps in gates.data["reps"].tolist())
    return DerivedGates(gates, why, starts, deriver.counts, bars.granularity_ns)


def surprises_of(
    bars: Bars, settings: DeriverSettings | None = None
) -> tuple[IntArray, FloatArray]:
    """When each candidate of ``bars`` is known (ns), and its surprise (0..1).

    Bars outside a run, and those before ``min_history_runs``, are left out. This is the
    sample for :meth:`LambdaMap.from_recorded`; cut it where the window begins.
    """
    chosen = settings or DeriverSettings()
    state = DeriverState.fresh(chosen, bars.granularity_ns)
    found = np.empty(len(bars.data))
    rings = (state.mids, state.labels, state.runs, state.counts)
    runs.surprise_path(state.record[0], *rings, readable(bars.data), found)
    known = np.isfinite(found)
    return bars.known_ns[known], found[known]


def _signal_key(instrument: str, start_ns: int) -> str:
    return f"synthetic:{instrument}:{start_ns // MILLISECOND_NS}"


def _reasons(reps: int, min_reps: int) -> tuple[str, ...]:
    return _BORDERLINE if reps == min_reps else _PLAIN


def _counts(tally: IntArray) -> dict[str, int]:
    bits = np.flatnonzero(tally[: codes.MASK_BITS])
    refused = {codes.name_of(int(bit)): int(tally[bit]) for bit in bits}
    totals = {"candidates": int(tally[runs.CANDIDATES]), "emitted": int(tally[runs.EMITTED])}
    return totals | refused


def _event(
    instrument: str, gate: Record, start_ns: int, granularity_ns: int, why: tuple[str, ...]
) -> SyntheticEvent:
    metrics = {name: float(gate["metrics"][slot]) for name, slot in runs.DERIVED.items()}
    return {
        "instrument": instrument,
        "ts_ms": (int(gate["known"]) - granularity_ns) // MILLISECOND_NS,
        "known_ns": int(gate["known"]),
        "signal_key": _signal_key(instrument, start_ns),
        "direction": "BUY" if gate["side"] > 0 else "SELL",
        "lambda": float(gate["hazard"]),
        "repetitions": int(gate["reps"]),
        "repetition_count": int(gate["reps"]),
        "admit": True,
        "hard_blocked": False,
        "reasons": list(why),
        "source": "synthetic",
        "metrics": {name: v if np.isfinite(v) else None for name, v in metrics.items()},
    }


def _check_bars(quotes: Records, state: DeriverState) -> None:
    mids = (quotes["bid_c"] + quotes["ask_c"]) * 0.5
    before = np.concatenate((state.record["last_t"], quotes["t"][:-1]))[: len(quotes)]
    wrong = (quotes["t"] <= before) | ~(mids > 0.0) | ~np.isfinite(mids)
    if wrong.any():
        i = int(wrong.argmax())
        _check(int(quotes["t"][i]), float(mids[i]), int(before[i]))


def _check(t: int, mid: float, before: int) -> None:
    if t <= before:
        raise BarsError(
            "bar time t", t, f"above {before}, the bar before", "Sort bars, drop repeats."
        )
    if not (mid > 0.0 and np.isfinite(mid)):
        raise BarsError(
            "mid close of the bar", mid, "a positive number", f"Mend or drop the bar at {t}."
        )
