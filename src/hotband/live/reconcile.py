"""The parity certificate: the recorded inputs through the backtest, event by event beside it.

The backtest gets what a complete history would hold: every sound bar and gate, each once, by the
time at which it was known and as it came last, whatever its arrival, and is never stale. Where
the two differ, the journal says why.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

import numpy as np

from hotband.artefacts.certificates import (
    CERTIFICATE_VERSION,
    Certificate,
    Match,
    Mismatch,
    Stage,
)
from hotband.artefacts.provenance import code_version
from hotband.artefacts.values import Window
from hotband.core.records import GATE, QUOTE, Records
from hotband.gates.events import Gates
from hotband.live.causes import Causes, Explained
from hotband.live.clock import Clock, SystemClock
from hotband.live.driver import told
from hotband.live.halts import Halts, halt_bits
from hotband.live.prices import is_sound
from hotband.live.recording import Recording
from hotband.live.session import PaperSession, Step
from hotband.live.spec import SessionSpec, settings_hash
from hotband.market.bars import Bars
from hotband.market.calendar import SECOND_NS, format_time
from hotband.research.feed import Feed, bar_records, make_feed, merge
from hotband.research.portfolio import PortfolioManager

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
MOST_LISTED: Final = 1000


@dataclass
class _Inputs:
    """What was taken in: rows by instrument, and what became of each."""

    bars: dict[str, dict[int, Records]]
    gates: dict[str, dict[int, Records]]
    causes: Causes
    switches: list[tuple[int, bool]] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    last_ns: int = 0


def certify_session(folder: Path, clock: Clock | None = None) -> Certificate:
    """Compare a recorded session with the backtest of its inputs.

    ``clock`` says when the certificate was produced.

    Raises:
        HotbandError: It is no recording, or its inputs cannot be run at all.
    """
    recording = Recording(folder)
    spec, warm_up, head = recording.spec(), recording.warm_up(), recording.head()
    inputs, steps, recorded = _taken_in_again(recording, spec, warm_up)
    backtest = _backtest(spec, warm_up, inputs)
    then, now = str(head["code"]), code_version()
    settings = settings_hash(spec)
    explained = inputs.causes.settled(
        other_settings=head.get("settings", settings) != settings, other_code=then != now
    )
    mismatches: list[Mismatch] = []
    stages = {
        stage: _compared(
            stage, _events(stage, recorded), _events(stage, backtest), explained, mismatches
        )
        for stage in STAGES
    }
    reproduced = [told(step) for step in steps][: len(recorded)] == recorded
    counts = Counter(each.cause for each in mismatches)
    end_ns = max(spec.start_ns, inputs.last_ns) + spec.granularity_ns
    return Certificate(
        schema_version=CERTIFICATE_VERSION,
        session=recording.session_id,
        produced=format_time((clock or SystemClock()).now_ns() // SECOND_NS * SECOND_NS),
        window=Window(start=format_time(spec.start_ns), end=format_time(end_ns)),
        instruments=spec.instruments,
        cells={name: dict(cell) for name, cell in sorted(spec.cells.items())},
        stages=stages,
        mismatches=tuple(mismatches[:MOST_LISTED]),
        mismatch_counts=dict(sorted(counts.items())),
        disturbances=explained.disturbances(MOST_LISTED),
        inputs=dict(sorted(inputs.fates.items())),
        restarts=inputs.restarts,
        code={"recorded": then, "replayed": now},
        reproduced=reproduced,
        match_pct=_match_pct(stages),
        proven=reproduced and stages["decisions"].same > 0 and _agree(stages),
    )


def _agree(stages: Mapping[Stage, Match]) -> bool:
    return all(match.complete for match in stages.values())


def _match_pct(stages: Mapping[Stage, Match]) -> float:
    most = sum(max(match.session, match.backtest) for match in stages.values())
    same = sum(match.same for match in stages.values())
    return 100.0 if most == 0 else 100.0 * same / most


def _taken_in_again(
    recording: Recording, spec: SessionSpec, warm_up: Mapping[str, Bars]
) -> tuple[_Inputs, list[Step], list[dict[str, Any]]]:
    """The inputs, what they bring now, and what was recorded of what they brought then."""
    session = PaperSession(spec, warm_up)
    inputs = _Inputs(
        {pair: {} for pair in spec.pairs},
        {name: {} for name in spec.instruments},
        Causes(spec.granularity_ns, spec.stale_after_s),
    )
    steps: list[Step] = []
    recorded: list[dict[str, Any]] = []
    for entry in recording.entries():
        values = entry.values
        match entry.kind:
            case "bar":
                quote = entry.bar()
                fate = session.take_bar(values["i"], quote)
                _note_bar(inputs, values["i"], quote, fate, spec.granularity_ns)
            case "gate":
                gate = entry.gate()
                fate = session.take_gate(values["i"], gate)
                known = int(gate["known"][0])
                inputs.fates[fate] += 1
                inputs.causes.input("gate", known, fate)
                inputs.gates[values["i"]][known] = gate
            case "switch":
                session.set_kill_switch(engaged=values["engaged"])
                inputs.switches.append((session.closed_ns, values["engaged"]))
            case "close":
                done = session.close(values["t"], values.get("now"))
                inputs.causes.closing(values, [step.t_ns for step in done])
                inputs.last_ns = max(inputs.last_ns, session.closed_ns)
                steps += done
            case "step":
                recorded.append(values)
            case "restart":
                inputs.restarts += 1
                inputs.causes.restart()
            case "clock":
                inputs.causes.clock()
    return inputs, steps, recorded


def _note_bar(inputs: _Inputs, pair: str, quote: Records, fate: str, step_ns: int) -> None:
    """The backtest has every sound bar as it came last."""
    inputs.fates[fate] += 1
    if fate == "conflict" and not is_sound(quote, step_ns):
        return
    t = int(quote["t"][0])
    inputs.causes.input("bar", t, fate)
    if fate in {"taken", "late", "conflict"}:
        inputs.bars[pair][t] = quote


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
        manager.limits["halts"] = halt_bits(found)
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


def _compared(
    stage: Stage,
    session: Mapping[tuple[int, str | None, int], Any],
    backtest: Mapping[tuple[int, str | None, int], Any],
    explained: Explained,
    mismatches: list[Mismatch],
) -> Match:
    same = 0
    for key in sorted({*session, *backtest}, key=lambda k: (k[0], k[1] or "", k[2])):
        mine, theirs = session.get(key), backtest.get(key)
        if mine == theirs:
            same += 1
            continue
        cause, words = explained.of(key[0])
        mismatches.append(
            Mismatch(
                stage=stage, time=format_time(key[0]), instrument=key[1], session=mine,
                backtest=theirs, cause=cause, why=words,
            )
        )  # fmt: skip
    return Match(session=len(session), backtest=len(backtest), same=same)
