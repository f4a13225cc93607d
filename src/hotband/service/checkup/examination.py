"""Asks every check, each for itself: what stops one is its answer, and the others still come."""

from collections.abc import Callable, Mapping
from typing import Final

from hotband.errors import HotbandError
from hotband.service.checkup import machine, market, results
from hotband.service.checkup.check import Check, Status, Surroundings

_Asked = Callable[[Surroundings], Check]
CHECKS: Final[Mapping[str, _Asked]] = {
    "settings": machine.settings,
    "folders": machine.folders,
    "disk": machine.disk,
    "clock": machine.clock,
    "bars": market.bars,
    "gates": market.gates,
    "gate freshness": market.gate_freshness,
    "encoder": market.encoder,
    "profile": market.profile,
    "profile against gates": market.profile_against_gates,
    "last run": results.last_run,
    "trials": results.trials,
}
"""By name, in the order of the report."""
_ORDER: Final[tuple[Status, ...]] = ("failed", "warning", "ok", "skipped")


def checkup(around: Surroundings | None = None) -> list[Check]:
    """Every check's answer, in the order of ``CHECKS``; None = this process's surroundings.

    A check that raises an error of ours has failed with its words. Where the state folder
    itself cannot be named the checks behind the settings are skipped.
    """
    given = around or Surroundings()
    found = [_answer("settings", machine.settings, given)]
    try:
        _ = given.places
    except HotbandError:  # its words are those of the failed settings
        text, do = "The settings cannot be read.", "Mend the settings first."
        return found + [Check(name, "skipped", text, do) for name in CHECKS if name != "settings"]
    return found + [_answer(name, ask, given) for name, ask in CHECKS.items() if name != "settings"]


def _answer(name: str, ask: _Asked, around: Surroundings) -> Check:
    try:
        return ask(around)
    except HotbandError as error:
        text = str(error).removesuffix(error.do).rstrip()
        return Check(name, "failed", text, error.do)


def worst(checks: list[Check]) -> Status:
    """The gravest status of all."""
    return min((check.status for check in checks), key=_ORDER.index)
