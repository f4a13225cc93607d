"""The parity certificate: the recorded inputs through the backtest, event by event beside it.

The backtest gets what a complete history would hold: every sound bar and gate, each once, by the
time at which it was known, whatever its arrival. Where the two differ, what is known of the
session says why: an input that came late, a setting, other code, or nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from hotband.artefacts.provenance import code_version
from hotband.core.records import GATE, QUOTE, Records
from hotband.gates.events import Gates
from hotband.live.driver import told
from hotband.live.halts import Halts
from hotband.live.recording import Recording
from hotband.live.session import PaperSession, Step
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars
from hotband.market.calendar import format_time
from hotband.research.feed import Feed, bar_records, make_feed, merge
from hotband.research.portfolio import PortfolioManager

STAGES: Final = ("gates", "decisions", "sizes", "fills", "pnl")
Cause: TypeAlias = Literal["late_data", "restart", "clock", "setting", "code", "unexplained"]
MOST_MISMATCHES: Final = 1000


@dataclass(frozen=True)
class Mismatch:
    """One event that differs."""

    stage: str
    time: str
    instrument: str | None
    session: Any
    backtest: Any
    cause: Cause
    why: str


@dataclass(frozen=True)
class Match:
    """Events of one stage on both sides, and how many are the same."""

    session: int
    backtest: int
    same: int

    @property
    def complete(self) -> bool:
        """Whether nothing differs."""
        return self.session == self.backtest == self.same


@dataclass(frozen=True)
class Certificate:
    """What a recording proves."""

    recording: str
    start: str
    end: str
    instruments: tuple[str, ...]
    stages: dict[str, Match]
    mismatches: tuple[Mismatch, ...]
    inputs: dict[str, int]
    """What became of inputs."""
    restarts: int
    code: dict[str, str]
    """That recorded it, and that replayed it."""
    reproduced: bool
    """Taking the inputs in again gave what was recorded, to the last bit."""
    notes: tuple[str, ...] = field(default=())

    @property
    def proven(self) -> bool:
        """Both sides agree on every event."""
        return self.reproduced and all(match.complete for match in self.stages.values())

    @property
    def match_pct(self) -> float:
        """Same events over all, in percent; 100 without any."""
        most = sum(max(m.session, m.backtest) for m in self.stages.values())
        same = sum(m.same for m in self.stages.values())
        return 100.0 if most == 0 else 100.0 * same / most

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-safe values."""
        return asdict(self) | {"proven": self.proven, "match_pct": self.match_pct}


@dataclass
class _Inputs:
    """What was taken in: rows by instrument, and what became of each."""

    bars: dict[str, dict[int, Records]]
    gates: dict[str, dict[int, Records]]
    switches: list[tuple[int, bool]]
    fates: Counter[str]
    late_ns: list[int]
    restarts: int = 0
    last_ns: int = 0


def certify_session(folder: Path) -> Certificate:
    """Compare a recorded session with the backtest of its inputs.

    Raises:
        HotbandError: It is no recording, or its inputs cannot be run at all.
    """
    recording = Recording(folder)
    spec, warm_up = recording.spec(), recording.warm_up()
    inputs, steps, recorded = _taken_in_again(recording, spec, warm_up)
    again = [told(step) for step in steps]
    backtest = _backtest(spec, warm_up, inputs)
    then, now = str(recording.head()["code"]), code_version()
    why = _Why(inputs, then != now)
    mismatches: list[Mismatch] = []
    stages = {
        stage: _compared(stage, _events(stage, recorded), _events(stage, backtest), why, mismatches)
        for stage in STAGES
    }
    return Certificate(
        recording=folder.name,
        start=format_time(spec.start_ns),
        end=format_time(max(spec.start_ns, inputs.last_ns) + spec.granularity_ns),
        instruments=spec.instruments,
        stages=stages,
        mismatches=tuple(mismatches[:MOST_MISMATCHES]),
        inputs=dict(sorted(inputs.fates.items())),
        restarts=inputs.restarts,
        code={"recorded": then, "replayed": now},
        reproduced=again[: len(recorded)] == recorded,
    )


def _taken_in_again(
    recording: Recording, spec: SessionSpec, warm_up: Mapping[str, Bars]
) -> tuple[_Inputs, list[Step], list[dict[str, Any]]]:
    """The inputs, what they bring now, and what was recorded of what they brought then."""
    session = PaperSession(spec, warm_up)
    inputs = _Inputs(
        {pair: {} for pair in spec.pairs}, {name: {} for name in spec.instruments}, [],
        Counter(), [],
    )  # fmt: skip
    steps: list[Step] = []
    recorded: list[dict[str, Any]] = []
    for entry in recording.entries():
        values = entry.values
        match entry.kind:
            case "bar":
                quote = entry.bar()
                fate = session.take_bar(values["i"], quote)
                _note_bar(inputs, values["i"], quote, fate)
            case "gate":
                gate = entry.gate()
                fate = session.take_gate(values["i"], gate)
                inputs.fates[fate] += 1
                known = int(gate["known"][0])
                if fate in {"late", "superseded"}:
                    inputs.late_ns.append(known)
                inputs.gates[values["i"]].setdefault(known, gate)
            case "switch":
                session.set_kill_switch(engaged=values["engaged"])
                inputs.switches.append((session.closed_ns, values["engaged"]))
            case "close":
                steps += session.close(values["t"])
                inputs.last_ns = max(inputs.last_ns, session.closed_ns)
            case "step":
                recorded.append(values)
            case "restart":
                inputs.restarts += 1
    return inputs, steps, recorded


def _note_bar(inputs: _Inputs, pair: str, quote: Records, fate: str) -> None:
    inputs.fates[fate] += 1
    t = int(quote["t"][0])
    if fate in {"late", "conflict", "unsound"}:
        inputs.late_ns.append(t)
    if fate in {"taken", "late"}:
        inputs.bars[pair].setdefault(t, quote)


def _backtest(
    spec: SessionSpec, warm_up: Mapping[str, Bars], inputs: _Inputs
) -> list[dict[str, Any]]:
    """What the backtest's driver makes of the inputs, as the session tells its own steps."""
    end = inputs.last_ns + spec.granularity_ns
    bars = {pair: _history(spec, pair, warm_up[pair], inputs.bars[pair]) for pair in spec.pairs}
    around = spec.surroundings({p: (b.data, b.granularity_ns) for p, b in bars.items()})
    feeds = []
    for name in spec.instruments:
        rows = [row for _, row in sorted(inputs.gates[name].items())]
        data = np.concatenate(rows) if rows else np.zeros(0, GATE)
        gates = Gates(name, data, "memory")
        window = (spec.start_ns, end)
        if not len(bar_records(bars[name], spec.settings(name), around, *window)):
            continue
        feeds.append(make_feed(bars[name], gates, spec.settings(name), around, window))
    return _walked(spec, feeds, inputs.switches) if feeds else []


def _history(spec: SessionSpec, pair: str, before: Bars, rows: Mapping[int, Records]) -> Bars:
    own = [row for _, row in sorted(rows.items())]
    data = np.concatenate([before.window(0, spec.start_ns).data, *own])
    return Bars.from_records(pair, spec.granularity, data.astype(QUOTE), source=before.source)


def _walked(
    spec: SessionSpec, feeds: Sequence[Feed], switches: Sequence[tuple[int, bool]]
) -> list[dict[str, Any]]:
    """Step a merged history through the pipeline, one open time after another."""
    names = [feed.instrument.name for feed in feeds]
    rules = spec.rules()
    timeline = merge(list(feeds))
    manager = PortfolioManager(
        names, np.concatenate([rules[n] for n in names]).view(np.recarray), spec.limits(),
        spec.balance,
    )  # fmt: skip
    halts = Halts(spec.breakers, spec.balance)
    told_steps = []
    for row in timeline.event_bar:
        events: dict[str, tuple[Records, Records | None]] = {}
        for k, at in enumerate(row):
            if at >= 0:
                live = timeline.gate_of_bar[at]
                gate = timeline.gates[live : live + 1] if live > 0 else None
                events[names[k]] = (timeline.bars[at : at + 1], gate)
        first = next(iter(events.values()))[0]
        t, day = int(first["t"][0]), int(first["day"][0])
        engaged = [on for since, on in switches if since < t]
        found = halts.at(day, manager.nav, engaged=bool(engaged and engaged[-1]))
        manager.limits["kill_switch"] = int(bool(found))
        decisions, fills = manager.on_bars(events)
        halts.mark(manager.nav)
        balance = float(manager.account[0].balance)
        step = Step(t, tuple(events), tuple(decisions), fills, manager.nav, balance, found)
        told_steps.append(told(step))
    return told_steps


Event: TypeAlias = tuple[int, str | None, Any]


def _events(stage: str, steps: Sequence[dict[str, Any]]) -> dict[tuple[int, str | None, int], Any]:
    """The events of a stage, by open time, instrument and their place there."""
    found: dict[tuple[int, str | None, int], Any] = {}
    for step in steps:
        if not step["i"]:
            continue
        for at, (name, event) in enumerate(_of_step(stage, step)):
            found[step["t"], name, at] = event
    return found


def _of_step(stage: str, step: dict[str, Any]) -> list[tuple[str | None, Any]]:
    decisions = step["decisions"]
    match stage:
        case "gates":
            return [(d["instrument"], (d["gate_known"], d["metrics"])) for d in decisions]
        case "decisions":
            return [(d["instrument"], (d["admit"], d["reasons"], d["hard_blocked"]))
                    for d in decisions]  # fmt: skip
        case "sizes":
            return [(d["instrument"], d["units"]) for d in decisions if d["units"]]
        case "fills":
            return [(None, fill) for fill in step["fills"]]
    return [(None, (step["nav"], step["balance"]))]


@dataclass(frozen=True)
class _Why:
    """What is known of a session that can explain a difference."""

    inputs: _Inputs
    other_code: bool

    def of(self, t_ns: int) -> tuple[Cause, str]:
        """The cause of a difference at an open time."""
        late = [each for each in self.inputs.late_ns if each <= t_ns]
        if late:
            at = format_time(min(late))
            return "late_data", f"an input of {at} was late, or differed when it came again"
        if self.other_code:
            return "code", "it was recorded by another version of the code"
        return "unexplained", "nothing that was recorded explains it"


def _compared(
    stage: str,
    session: Mapping[tuple[int, str | None, int], Any],
    backtest: Mapping[tuple[int, str | None, int], Any],
    why: _Why,
    mismatches: list[Mismatch],
) -> Match:
    same = 0
    for key in sorted({*session, *backtest}, key=lambda k: (k[0], k[1] or "", k[2])):
        mine, theirs = session.get(key), backtest.get(key)
        if mine == theirs:
            same += 1
            continue
        cause, words = why.of(key[0])
        mismatches.append(Mismatch(stage, format_time(key[0]), key[1], mine, theirs, cause, words))
    return Match(len(session), len(backtest), same)
