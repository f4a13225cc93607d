"""Journal first, then the session: whatever a session does was written down before it was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from hotband.artefacts.provenance import code_version
from hotband.core.records import Records
from hotband.errors import IntegrityError, StoreError
from hotband.live.recording import Recording, to_values
from hotband.live.session import Fate, PaperSession, Step
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars
from hotband.market.calendar import format_time

REMEMBERED: Final = 1024
"""At least so many bars, and gates, of an instrument are known again when they come again."""


@dataclass
class PaperDriver:
    """A session with its recording.

    Attributes:
        session: What trades.
        recording: What it took in.
        fates: What became of inputs, counted.
    """

    session: PaperSession
    recording: Recording
    fates: dict[str, int] = field(default_factory=dict)
    last_bars: dict[str, int] = field(default_factory=dict)
    """By pair the open time of its last bar, whatever became of it."""
    last_gates: dict[str, int] = field(default_factory=dict)
    """By instrument the known time of its last gate."""
    _recent: dict[tuple[str, str], dict[int, bytes]] = field(default_factory=dict)

    @classmethod
    def begin(cls, folder: Path, spec: SessionSpec, warm_up: Mapping[str, Bars]) -> "PaperDriver":
        """A new session, recorded in a new folder."""
        rehearse(spec, warm_up)
        return cls(PaperSession(spec, warm_up), Recording.create(folder, spec, warm_up))

    @classmethod
    def resume(cls, folder: Path) -> "PaperDriver":
        """The session of a recording, as it was when it ended, by whatever.

        Raises:
            IntegrityError: What it did then is not what it does now: other code, or a damaged
                file. Such a session must not go on.
            StoreError: It runs in another process, or its files cannot be used.
        """
        recording = Recording(folder)
        made = cls(PaperSession(recording.spec(), recording.warm_up()), recording)
        try:
            # Before the first line is read: a session that is about to end writes a few more.
            recording.claim()
            undone = made._take_in_again()
            # What a closing brought, and was not written down before the end.
            for step in undone:
                recording.append("step", **told(step))
            recording.append("restart", code=code_version())
            recording.sync()
        except BaseException:
            recording.close()
            raise
        return made

    def _take_in_again(self) -> list[Step]:
        pending: list[Step] = []
        for entry in self.recording.entries():
            values = entry.values
            match entry.kind:
                case "bar":
                    self._bar(values["i"], entry.bar())
                case "gate":
                    self._gate(values["i"], entry.gate())
                case "switch":
                    self.session.set_kill_switch(engaged=values["engaged"])
                case "close":
                    pending += self.session.close(values["t"], values.get("now"))
                case "step":
                    self._require_same(pending.pop(0) if pending else None, values)
        return pending

    def _require_same(self, step: Step | None, values: dict[str, Any]) -> None:
        now = None if step is None else told(step)
        if now != values:
            at = format_time(values["t"])
            raise IntegrityError(
                f"recording {self.recording.folder}",
                f"another outcome at {at}",
                "what was done then",
                "Replay it for a certificate; begin a new session.",
            )

    def take_bar(self, instrument: str, quote: Records) -> Fate:
        """Write a bar down and take it in."""
        self.recording.append("bar", i=instrument, v=to_values(quote))
        return self._bar(instrument, quote)

    def _bar(self, instrument: str, quote: Records) -> Fate:
        t = int(quote["t"][0])
        self.last_bars[instrument] = max(t, self.last_bars.get(instrument, t))
        self._remember("bar", instrument, t, quote)
        return self._count(self.session.take_bar(instrument, quote))

    def take_gate(self, instrument: str, gate: Records) -> Fate:
        """Write a gate down and take it in."""
        self.recording.append("gate", i=instrument, v=to_values(gate))
        return self._gate(instrument, gate)

    def _gate(self, instrument: str, gate: Records) -> Fate:
        known = int(gate["known"][0])
        self.last_gates[instrument] = max(known, self.last_gates.get(instrument, known))
        self._remember("gate", instrument, known, gate)
        return self._count(self.session.take_gate(instrument, gate))

    def knows(self, kind: str, instrument: str, row: Records) -> bool:
        """Whether this very bar or gate is among the last that were taken in."""
        at = int(row["t" if kind == "bar" else "known"][0])
        return self._recent.get((kind, instrument), {}).get(at) == row.tobytes()

    def _remember(self, kind: str, instrument: str, at: int, row: Records) -> None:
        recent = self._recent.setdefault((kind, instrument), {})
        recent[at] = row.tobytes()
        if len(recent) > 2 * REMEMBERED:
            for old in sorted(recent)[:REMEMBERED]:
                del recent[old]

    def set_kill_switch(self, *, engaged: bool) -> None:
        """Write the switch down and set it."""
        self.recording.append("switch", engaged=engaged)
        self.session.set_kill_switch(engaged=engaged)

    def note(self, kind: Literal["clock", "trouble"], **values: Any) -> None:
        """Write down what is no input, and may explain a difference."""
        self.recording.append(kind, **values)

    def close(self, t_ns: int, now_ns: int | None = None) -> Sequence[Step]:
        """Write down that open times up to ``t_ns`` are over, then do them.

        ``now_ns``: as of ``PaperSession.close``.

        Raises:
            StoreError: The recording cannot be written. Nothing is done then, and may be
                closed once it can be.
        """
        if not any(t <= t_ns for t in self.session.waiting):
            return ()
        now = {} if now_ns is None else {"now": now_ns}
        self.recording.append("close", t=t_ns, **now)
        try:
            self.recording.sync()
        except StoreError:
            self.recording.take_back()
            raise
        steps = self.session.close(t_ns, now_ns)
        for step in steps:
            self.recording.append("step", **told(step))
        return steps

    def stop(self) -> None:
        """Close the recording; the session can be resumed."""
        self.recording.close()

    def _count(self, fate: Fate) -> Fate:
        self.fates[fate] = self.fates.get(fate, 0) + 1
        return fate


def rehearse(spec: SessionSpec, warm_up: Mapping[str, Bars]) -> None:
    """Do the last bars before the start in a session that is thrown away.

    Compiled code is loaded by its first call, which the first decision should not wait for.
    """
    held = {pair: bars.data[-1:] for pair, bars in warm_up.items() if len(bars)}
    if not held:
        return
    last = max(int(row["t"][0]) for row in held.values())
    past = PaperSession(replace(spec, start_ns=last), warm_up)
    for pair, row in held.items():
        past.take_bar(pair, row)
    past.close(last)


def told(step: Step) -> dict[str, Any]:
    """What a step brought, as values for a line."""
    return {
        "t": step.t_ns,
        "i": list(step.instruments),
        "decisions": [decision.to_dict() for decision in step.decisions],
        "fills": [to_values(step.fills[k : k + 1]) for k in range(len(step.fills))],
        "nav": step.nav,
        "balance": step.balance,
        "halts": list(step.halts),
        "unpriced": list(step.unpriced),
    }
