"""The replies about gates, account, roster and kill switch."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, StrictBool

from hotband.artefacts.parity import Parity
from hotband.artefacts.roster import Roster, RosterFolder, RosterWeek
from hotband.errors import StoreError, StoreUnavailableError
from hotband.live.clock import Clock
from hotband.live.kill_switch import SwitchState
from hotband.live.latest import LatestGate, latest_gates
from hotband.live.risk_summary import RiskSummary
from hotband.market.calendar import format_time
from hotband.service.problems import redacted
from hotband.service.results.replies import Reply
from hotband.stores.urls import open_gate_store

if TYPE_CHECKING:
    from hotband.service.container import Service

STRUCTURE = ("coherence_tau_slope", "domain_wall_slope", "spectral_lowf_share")


class GateNow(Reply):
    """One instrument's latest gate; the fields of the existing stack among them.

    ``bundle_*`` and ``raw`` are null: gates are kept as numbers, not as payloads.
    """

    instrument: str
    admit: bool
    """By the profile's thresholds and maximum age."""
    age_seconds: float
    updated_at: str
    """When it was known."""
    hazard: float | None
    """Lambda."""
    hazard_threshold: float | None
    repetitions: int
    reasons: tuple[str, ...]
    hard_blocked: bool
    source: Literal["real", "synthetic"]
    direction: str
    regime: str | None
    regime_confidence: float | None
    metrics: dict[str, float | None]
    components: dict[str, float | None]
    structure_metrics: dict[str, float | None]
    producer: str | None
    producer_admit: bool
    producer_reasons: tuple[str, ...]
    bundle_hits: None = None
    bundle_blocks: None = None
    bundle_readiness: None = None
    raw: None = None


class GatesReply(Reply):
    """The latest gates of a store, as of now."""

    as_of: str
    available: bool
    reason: str | None
    """Why there are none."""
    gates: tuple[GateNow, ...]


def gates_now(service: "Service") -> GatesReply:
    """The latest gates of the service's store; a store that is away is said, not raised."""
    as_of = format_time(service.clock.now_ns())
    try:
        store = open_gate_store(service.places.gates)
        found = latest_gates(store, service.clock, service.places.pairs or None)
    except StoreUnavailableError as error:
        text = f"the store of gates is {error.state}"
        return GatesReply(as_of=as_of, available=False, reason=text, gates=())
    except StoreError as error:
        text = redacted(f"{error.what}: {error.got}")
        return GatesReply(as_of=as_of, available=False, reason=text, gates=())
    reason = None if found else "the store holds no gates yet"
    return GatesReply(
        as_of=as_of, available=True, reason=reason, gates=tuple(_gate(gate) for gate in found)
    )


def _gate(gate: LatestGate) -> GateNow:
    structure = {name: gate.metrics.get(name) for name in STRUCTURE}
    return GateNow(
        instrument=gate.instrument,
        admit=gate.admit,
        age_seconds=gate.age_seconds,
        updated_at=gate.known,
        hazard=gate.hazard,
        hazard_threshold=gate.hazard_threshold,
        repetitions=gate.repetitions,
        reasons=tuple(gate.reasons),
        hard_blocked=gate.hard_blocked,
        source="synthetic" if gate.synthetic else "real",
        direction=gate.direction,
        regime=gate.regime,
        regime_confidence=gate.regime_confidence,
        metrics=gate.metrics,
        components={n: v for n, v in gate.metrics.items() if n not in STRUCTURE},
        structure_metrics=structure,
        producer=gate.producer,
        producer_admit=gate.producer_admit,
        producer_reasons=tuple(gate.producer_reasons),
    )


class Nav(Reply):
    """An account as a live trader last said it."""

    nav_snapshot: float | None
    total_units: float | None
    exposure_usd: float | None
    last_updated: str | None
    positions: int | None
    kill_switch: bool
    trading_active: bool
    """A trader has said something, and the switch lets it enter."""
    timestamp: str
    reason: str | None
    """Why there are no numbers."""


class NavReply(Reply):
    """The account under the key that the existing stack has for it."""

    nav: Nav


def nav_of(summary: RiskSummary, switch: SwitchState, clock: Clock) -> NavReply:
    """The account, the switch, and when both were read."""
    return NavReply(
        nav=Nav(
            nav_snapshot=summary.nav_snapshot,
            total_units=summary.total_units,
            exposure_usd=summary.exposure_usd,
            last_updated=summary.last_updated,
            positions=summary.positions,
            kill_switch=switch.engaged,
            trading_active=summary.nav_snapshot is not None and not switch.engaged,
            timestamp=format_time(clock.now_ns()),
            reason=summary.reason,
        )
    )


class RosterReply(Reply):
    """The roster as it stands, and the decisions of one week."""

    state: Literal["empty", "decided"]
    message: str | None
    weeks: tuple[str, ...]
    """That were decided, ascending."""
    week: str | None
    run_ids: dict[str, str] = Field(default_factory=dict)
    """The run that each instrument was decided on."""
    roster: Roster | None
    decided: RosterWeek | None
    parity: dict[str, Parity] = Field(default_factory=dict)
    """What is proven now of the cells that the week's newest archived result has."""


def roster_reply(
    folder: RosterFolder, week: str | None, parity_of: Callable[[str], dict[str, Parity]]
) -> RosterReply:
    """A week's decisions, or the newest; InputError for a week that was not decided.

    ``parity_of``: what is proven of a week's cells now, by instrument.
    """
    weeks = tuple(folder.weeks())
    if not weeks and week is None:
        text = "No week was decided yet: the first finished run decides one."
        return RosterReply(
            state="empty", message=text, weeks=(), week=None, roster=None, decided=None
        )
    decided = folder.read_week(week or weeks[-1])
    return RosterReply(
        state="decided",
        message=None,
        weeks=weeks,
        week=decided.week,
        run_ids={name: entry.run_id for name, entry in decided.decided.items()},
        roster=folder.read(),
        decided=decided,
        parity=parity_of(decided.week),
    )


class KillSwitchReply(Reply):
    """The kill switch."""

    kill_switch: bool
    """Engaged: no new entries; exits always work."""
    set: bool
    """Somebody wrote a value; else it counts as engaged."""
    reason: str

    @classmethod
    def of(cls, state: SwitchState) -> "KillSwitchReply":
        """The switch as it was read."""
        return cls(kill_switch=state.engaged, set=state.set, reason=state.reason)


class KillSwitchPost(Reply):
    """What the switch is to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kill_switch: StrictBool
