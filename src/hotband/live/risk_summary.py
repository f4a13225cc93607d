"""What a live trader last said of its account, on the server that both stacks share."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hotband.errors import StoreError, StoreUnavailableError
from hotband.stores.valkey_address import parse_valkey_url
from hotband.stores.valkey_wire import ValkeyWire

SUMMARY: Final = "ops:risk_summary"
COUNT: Final = "ops:position_count"
NO_SERVER: Final = "no server is set up (VALKEY_URL): nothing trades here"


@dataclass(frozen=True, slots=True)
class RiskSummary:
    """NAV and exposure; None with a ``reason`` where nobody said so lately."""

    nav_snapshot: float | None = None
    total_units: float | None = None
    exposure_usd: float | None = None
    last_updated: str | None = None
    positions: int | None = None
    reason: str | None = None


def read_risk_summary(environment: Mapping[str, str] | None = None) -> RiskSummary:
    """The summary on the server of ``VALKEY_URL``; never raises for a server that is away."""
    env = os.environ if environment is None else environment
    url = env.get("VALKEY_URL")
    if not url:
        return RiskSummary(reason=NO_SERVER)
    wire = ValkeyWire(parse_valkey_url(url))
    try:
        with wire.operation() as operation:
            summary, count = operation.ask([("GET", SUMMARY), ("GET", COUNT)])
    except StoreUnavailableError as error:
        return RiskSummary(reason=f"the server is {error.state}")
    except StoreError as error:
        return RiskSummary(reason=f"{error.what}: {error.got}")
    finally:
        wire.close()
    if not isinstance(summary, bytes):
        return RiskSummary(reason=f"{SUMMARY} is not there: no trader runs, or it has stopped")
    return _read(summary, count)


def _read(summary: bytes, count: object) -> RiskSummary:
    try:
        held = json.loads(summary)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        return RiskSummary(reason=f"{SUMMARY} is not the JSON of a summary")
    updated = held.get("last_updated")
    text = count.decode("ascii", "replace") if isinstance(count, bytes) else ""
    return RiskSummary(
        nav_snapshot=_number(held.get("nav_snapshot")),
        total_units=_number(held.get("total_units")),
        exposure_usd=_number(held.get("exposure_usd")),
        last_updated=None if updated is None else str(updated)[:64],
        positions=int(text) if text.isdigit() and len(text) < 7 else None,
    )


def _number(value: object) -> float | None:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
