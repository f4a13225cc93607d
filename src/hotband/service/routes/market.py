"""Gates as they are now, the account of a live trader, the roster, the kill switch."""

from typing import Annotated

from fastapi import APIRouter, Query

from hotband.artefacts.roster import RosterFolder
from hotband.live.risk_summary import read_risk_summary
from hotband.service.container import Current
from hotband.service.market_replies import (
    GatesReply,
    KillSwitchPost,
    KillSwitchReply,
    NavReply,
    RosterReply,
    gates_now,
    nav_of,
    roster_reply,
)
from hotband.service.problems import problems

router = APIRouter(prefix="/api", tags=["market"])


@router.get("/metrics/gates", operation_id="getGates")
def gates(service: Current) -> GatesReply:
    """The latest gate of each instrument: what its producer and what the profile says of it."""
    return gates_now(service)


@router.get("/metrics/nav", operation_id="getNav")
def nav(service: Current) -> NavReply:
    """What a live trader last said of its account."""
    return nav_of(read_risk_summary(), service.switch.read(), service.clock)


@router.get("/roster", operation_id="getRoster", responses=problems(422))
def roster(
    service: Current,
    week: Annotated[str | None, Query(pattern=r"^\d{4}-W\d{2}$")] = None,
) -> RosterReply:
    """Which instruments trade, with which cell, and why; a week's decisions, or the newest."""
    return roster_reply(RosterFolder(service.folder.root), week, service.parities.of_week)


@router.get("/kill-switch", operation_id="getKillSwitch")
def kill_switch(service: Current) -> KillSwitchReply:
    """Whether entries are stopped; what cannot be read counts as engaged."""
    return KillSwitchReply.of(service.switch.read())


@router.post("/kill-switch", operation_id="setKillSwitch", responses=problems(403, 422, 503))
def set_kill_switch(service: Current, post: KillSwitchPost) -> KillSwitchReply:
    """Set the switch; a body that does not say so in full never disengages it."""
    service.switch.write(engaged=post.kill_switch)
    return KillSwitchReply.of(service.switch.read())
