"""Two runs side by side: what differs between them, and nothing else."""

from typing import Any, TypeAlias

from pydantic import Field

from hotband.artefacts.schemas import Entry, FailedInstrument, Instrument, Latest, Params
from hotband.artefacts.values import Window
from hotband.service.results.replies import Reply

Plain: TypeAlias = float | str | bool | None


class Change(Reply):
    """A value in both runs; null = undefined, off, or not there."""

    base: Plain
    head: Plain


class NumberChange(Reply):
    """A number in both runs; null = undefined, or not there."""

    base: float | None
    head: float | None
    delta: float | None
    """Head less base; null unless both are numbers."""
    base_reason: str | None = None
    head_reason: str | None = None
    """Why a null is one."""


class InstrumentChange(Reply):
    """What differs of an instrument that both runs have."""

    facts: dict[str, Change]
    """Of ``state``, ``error``, ``qualified``, ``score_reason``, ``source``, ``roster_action``
    and ``roster_size_x``."""
    params: dict[str, Change]
    """Parameters of the chosen cell, those of further axes by their own names."""
    metrics: dict[str, NumberChange]
    """Metrics of the look-back, ``score``, and those of the hold-out as ``hold_out_NAME``."""
    made_of: tuple[str, ...]
    """Of ``bars`` and ``gates``."""


class Comparison(Reply):
    """What differs from ``base`` to ``head``; equal runs have nothing here."""

    base_run_id: str
    head_run_id: str
    base_window: Window
    head_window: Window
    same: bool
    """Whether nothing that is compared differs."""
    window_changed: bool
    only_in_base: tuple[str, ...]
    only_in_head: tuple[str, ...]
    provenance: dict[str, Change]
    """Of ``profile``, ``grid``, ``code_version`` and ``seed``."""
    comparable: bool
    """Whether numbers of both can be set side by side: profile, grid and code are the same."""
    instruments: dict[str, InstrumentChange]
    """Those that both have and that differ."""
    unchanged: int = Field(ge=0)
    """Instruments that both have and that do not."""


def compare(base: Latest, head: Latest) -> Comparison:
    """The differences of two results; a mirror of ``compare(head, base)``.

    Ids, times of writing and files are not compared.
    """
    both = sorted(base.instruments.keys() & head.instruments.keys())
    changes = {name: _instrument(base, head, name) for name in both}
    changed = {name: change for name, change in changes.items() if _differs(change)}
    only_base = tuple(sorted(base.instruments.keys() - head.instruments.keys()))
    only_head = tuple(sorted(head.instruments.keys() - base.instruments.keys()))
    made = _changes(*(_made(run) for run in (base, head)))
    moved = base.window != head.window
    return Comparison(
        base_run_id=base.run_id,
        head_run_id=head.run_id,
        base_window=base.window,
        head_window=head.window,
        same=not (changed or only_base or only_head or made or moved),
        window_changed=moved,
        only_in_base=only_base,
        only_in_head=only_head,
        provenance=made,
        comparable=not made.keys() & {"profile", "grid", "code_version"},
        instruments=changed,
        unchanged=len(both) - len(changed),
    )


def _differs(change: InstrumentChange) -> bool:
    return bool(change.facts or change.params or change.metrics or change.made_of)


def _made(run: Latest) -> dict[str, Plain]:
    made = run.provenance
    return {
        "profile": made.profile,
        "grid": made.grid,
        "code_version": made.code_version,
        "seed": made.seed,
    }


def _instrument(base: Latest, head: Latest, name: str) -> InstrumentChange:
    old, new = base.instruments[name], head.instruments[name]
    made = [(run.provenance.bars.get(name), run.provenance.gates.get(name)) for run in (base, head)]
    return InstrumentChange(
        facts=_changes(_facts(base, name), _facts(head, name)),
        params=_changes(_params(old), _params(new)),
        metrics=_number_changes(_numbers(old), _numbers(new)),
        made_of=tuple(
            what for what, was, now in zip(("bars", "gates"), *made, strict=True) if was != now
        ),
    )


def _changes(base: dict[str, Any], head: dict[str, Any]) -> dict[str, Change]:
    """Keys whose values differ; one that a side lacks counts as null there, but differs."""
    return {
        key: Change(base=base.get(key), head=head.get(key))
        for key in sorted(base.keys() | head.keys())
        if (key in base, base.get(key)) != (key in head, head.get(key))
    }


def _facts(run: Latest, name: str) -> dict[str, Plain]:
    entry = run.instruments[name]
    verdict = run.roster.decisions.get(name)
    found: dict[str, Plain] = {
        "state": entry.state,
        "error": entry.error.message if isinstance(entry, FailedInstrument) else None,
        "qualified": entry.qualified,
        "score_reason": entry.score_reason if isinstance(entry, Instrument) else None,
        "source": entry.source if isinstance(entry, Instrument) else None,
        "roster_action": None if verdict is None else verdict.action,
        "roster_size_x": None if verdict is None else verdict.size_x,
    }
    return found


def _params(entry: Entry) -> dict[str, Plain]:
    if isinstance(entry, FailedInstrument):
        return {}
    own = {name: getattr(entry.params, name) for name in Params.model_fields if name != "settings"}
    return own | dict(entry.params.settings)


def _numbers(entry: Entry) -> dict[str, tuple[float | None, str | None]]:
    """Value and reason by name."""
    if isinstance(entry, FailedInstrument):
        return {}
    found: dict[str, tuple[float | None, str | None]] = {
        name: (item.value, item.reason) for name, item in entry.metric_details.items()
    }
    found["score"] = (entry.score, entry.score_reason)
    after = entry.judgement.hold_out
    held = {} if after is None else after.metric_details
    return found | {f"hold_out_{name}": (item.value, item.reason) for name, item in held.items()}


def _number_changes(
    base: dict[str, tuple[float | None, str | None]],
    head: dict[str, tuple[float | None, str | None]],
) -> dict[str, NumberChange]:
    found: dict[str, NumberChange] = {}
    for key in sorted(base.keys() | head.keys()):
        was, now = base.get(key, (None, None)), head.get(key, (None, None))
        if was == now and (key in base) == (key in head):
            continue
        delta = None if was[0] is None or now[0] is None else now[0] - was[0]
        found[key] = NumberChange(
            base=was[0], head=now[0], delta=delta, base_reason=was[1], head_reason=now[1]
        )
    return found
