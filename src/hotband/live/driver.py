"""Journal first, then the session: whatever a session does was written down before it was done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotband.core.records import Records
from hotband.errors import IntegrityError
from hotband.live.recording import Recording, to_values
from hotband.live.session import Fate, PaperSession, Step
from hotband.live.spec import SessionSpec
from hotband.market.calendar import format_time


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

    @classmethod
    def begin(cls, folder: Path, spec: SessionSpec, warm_up: Any) -> "PaperDriver":
        """A new session, recorded in a new folder."""
        return cls(PaperSession(spec, warm_up), Recording.create(folder, spec, warm_up))

    @classmethod
    def resume(cls, folder: Path) -> "PaperDriver":
        """The session of a recording, as it was when it ended, by whatever.

        Raises:
            IntegrityError: What it did then is not what it does now: other code, or a damaged
                file. Such a session must not go on.
        """
        recording = Recording(folder)
        made = cls(PaperSession(recording.spec(), recording.warm_up()), recording)
        made._take_in_again()
        recording.append("restart")
        return made

    def _take_in_again(self) -> None:
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
                    pending = self.session.close(values["t"])
                case "step":
                    self._require_same(pending.pop(0) if pending else None, values)
        # What a closing brought, and was not written down before the end.
        for step in pending:
            self.recording.append("step", **told(step))

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
        return self._count(self.session.take_bar(instrument, quote))

    def take_gate(self, instrument: str, gate: Records) -> Fate:
        """Write a gate down and take it in."""
        self.recording.append("gate", i=instrument, v=to_values(gate))
        return self._gate(instrument, gate)

    def _gate(self, instrument: str, gate: Records) -> Fate:
        known = int(gate["known"][0])
        self.last_gates[instrument] = max(known, self.last_gates.get(instrument, known))
        return self._count(self.session.take_gate(instrument, gate))

    def set_kill_switch(self, *, engaged: bool) -> None:
        """Write the switch down and set it."""
        self.recording.append("switch", engaged=engaged)
        self.session.set_kill_switch(engaged=engaged)

    def close(self, t_ns: int) -> Sequence[Step]:
        """Write down that open times up to ``t_ns`` are over, then do them."""
        if not any(t <= t_ns for t in self.session.waiting):
            return ()
        self.recording.append("close", t=t_ns)
        self.recording.sync()
        steps = self.session.close(t_ns)
        for step in steps:
            self.recording.append("step", **told(step))
        return steps

    def stop(self) -> None:
        """Close the recording; the session can be resumed."""
        self.recording.close()

    def _count(self, fate: Fate) -> Fate:
        self.fates[fate] = self.fates.get(fate, 0) + 1
        return fate


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
    }
