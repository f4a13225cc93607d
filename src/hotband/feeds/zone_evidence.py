"""Whether times were read in the right zone: the market's week opens and closes tell.

Spot FX trades from Sunday 17:00 to Friday 17:00 New York. Times read in a wrong zone show
weeks that open and close late or early by the same whole hours, all year or in one season.
"""

from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from hotband.errors import BarsError
from hotband.feeds.zones import from_utc, to_utc
from hotband.market.bars import BoolArray, Int64Array
from hotband.market.calendar import HOUR_NS, MINUTE_NS, wall_instants, zone_clock

Verdict: TypeAlias = Literal["fits", "off", "unclear", "cannot say"]

_NEW_YORK: Final = "America/New_York"
_LEAST_GAP_NS: Final = 24 * HOUR_NS
_LONGEST_GAP_NS: Final = 110 * HOUR_NS
_FARTHEST_NS: Final = 15 * HOUR_NS
"""An edge farther from the week's than this is a holiday's, not a weekend's."""
_CANDIDATES: Final = (
    "UTC",
    _NEW_YORK,
    "NY+7",
    "UTC-5",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    *(f"UTC{hours:+d}" for hours in (2, 3, 1, *range(4, 15), *range(-4, 0), *range(-14, -5))),
)
"""Zones that exports are seen in, likeliest first."""


@dataclass(frozen=True, slots=True)
class ZoneEvidence:
    """What the weekends in the data say about the zone that times were read in.

    Attributes:
        zone: The zone.
        verdict: ``off`` where, in some season, most weeks open and close by the same whole
            hours away from New York's; ``unclear`` where few weeks fit and no hours are common;
            ``cannot say`` without a weekend, or for bars above H1.
        weeks_seen: Weekends in the data.
        weeks_fit: Of them, those with an open or a close in the right hour. One edge is
            enough: holidays and indicative quotes before the open move the other.
        off_hours: The commonest whole hours of the weeks that are off; None = none is.
        median_open_minutes: From Sunday 17:00 New York to the first bar; None = none seen.
        median_close_minutes: From Friday 17:00 New York to the end of the last bar.
        suggested: Zones that all weeks fit, likeliest first, where the verdict is ``off``.
    """

    zone: str
    verdict: Verdict
    weeks_seen: int
    weeks_fit: int
    off_hours: int | None
    median_open_minutes: float | None
    median_close_minutes: float | None
    suggested: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self) | {"suggested": list(self.suggested)}

    def __str__(self) -> str:
        if self.verdict == "cannot say":
            return f"zone {self.zone}: cannot say, no weekend seen"
        text = f"zone {self.zone}: {self.weeks_fit} of {self.weeks_seen} weeks fit"
        if self.verdict == "unclear":
            return f"{text}: unclear, compare the zone with the vendor's word"
        return text if self.off_hours is None else f"{text}, others off by {self.off_hours:+d} h"


@dataclass(frozen=True, slots=True)
class _Weeks:
    """Per weekend: what open and close are late by in ns, and the season's number."""

    open_ns: Int64Array
    close_ns: Int64Array
    season: Int64Array

    def hours(self) -> tuple[Int64Array, Int64Array]:
        """Open and close rounded to whole hours."""
        opens, closes = (
            np.rint(late / HOUR_NS).astype(np.int64) for late in (self.open_ns, self.close_ns)
        )
        return opens, closes

    def fit(self) -> BoolArray:
        """Whether an edge is in the right hour."""
        opens, closes = self.hours()
        return np.asarray((opens == 0) | (closes == 0))

    def off(self) -> Int64Array:
        """Hours that both edges agree on; 0 = they fit or say nothing."""
        opens, closes = self.hours()
        return np.where(~self.fit() & (opens == closes), opens, 0)


def zone_evidence(t_ns: Int64Array, granularity_ns: int, zone: str) -> ZoneEvidence:
    """The evidence of bars that open at ``t_ns`` (UTC, ascending), read in ``zone``."""
    weeks = _weeks(t_ns, granularity_ns)
    seen = len(weeks.open_ns)
    if not seen:
        return ZoneEvidence(zone, "cannot say", 0, 0, None, None, None, ())
    off = weeks.off()
    moved = off[off != 0]
    bad = any(
        2 * int((off[weeks.season == season] != 0).sum()) > int((weeks.season == season).sum())
        for season in np.unique(weeks.season)
    )
    few = 2 * int(weeks.fit().sum()) < seen
    return ZoneEvidence(
        zone=zone,
        verdict="off" if bad else "unclear" if few else "fits",
        weeks_seen=seen,
        weeks_fit=int(weeks.fit().sum()),
        off_hours=int(np.bincount(moved + 24).argmax()) - 24 if len(moved) else None,
        median_open_minutes=float(np.median(weeks.open_ns)) / MINUTE_NS,
        median_close_minutes=float(np.median(weeks.close_ns)) / MINUTE_NS,
        suggested=_suggested(t_ns, granularity_ns, zone) if bad else (),
    )


def require_zone(evidence: ZoneEvidence, what: str) -> None:
    """Refuse times that the market's weeks contradict.

    Raises:
        BarsError: The verdict is ``off``.
    """
    if evidence.verdict != "off":
        return
    others = " or ".join(f"--zone {name}" for name in evidence.suggested[:3])
    hours = evidence.off_hours or 0
    raise BarsError(
        f"zone of {what}",
        f"{evidence.zone}, in which {evidence.weeks_seen - evidence.weeks_fit} of "
        f"{evidence.weeks_seen} weeks miss both edges, mostly by {abs(hours)} h "
        f"{'late' if hours > 0 else 'early'}",
        "weeks from Sunday 17:00 to Friday 17:00 New York",
        f"{f'Try {others}' if others else 'Name the right zone with --zone'}, or take the times "
        "as they are with --accept-zone.",
    )


def _weeks(t_ns: Int64Array, granularity_ns: int) -> _Weeks:
    none = np.empty(0, dtype=np.int64)
    if granularity_ns > HOUR_NS:
        return _Weeks(none, none, none)
    ends, starts = t_ns[:-1] + granularity_ns, t_ns[1:]
    gap = (starts - ends >= _LEAST_GAP_NS) & (starts - ends <= _LONGEST_GAP_NS)
    opens = starts[gap]
    late_open = opens - _nearest(opens, 6)
    late_close = ends[gap] - _nearest(ends[gap], 4)
    near = (np.abs(late_open) < _FARTHEST_NS) & (np.abs(late_close) < _FARTHEST_NS)
    season, before = _season(opens[near]), _season(ends[gap][near])
    # A weekend over which a clock changes has one edge on either side: a group of its own.
    return _Weeks(late_open[near], late_close[near], np.where(season == before, season, 4))


def _season(t_ns: Int64Array) -> Int64Array:
    """0 to 3: whether New York (1) and London (2) have summer time."""
    ahead = (zone_clock(name).to_local(t_ns) - t_ns for name in (_NEW_YORK, "Europe/London"))
    new_york, london = ahead
    return (new_york + 5 * HOUR_NS + 2 * london) // HOUR_NS


def _nearest(t_ns: Int64Array, weekday: int) -> Int64Array:
    """The nearest 17:00 New York of that weekday (Monday = 0)."""
    _, instants = wall_instants(_NEW_YORK, 17 * 60, frozenset((weekday,)))
    after = np.clip(np.searchsorted(instants, t_ns), 1, len(instants) - 1)
    earlier, later = instants[after - 1], instants[after]
    return np.where(t_ns - earlier <= later - t_ns, earlier, later)


def _suggested(t_ns: Int64Array, granularity_ns: int, zone: str) -> tuple[str, ...]:
    wall = from_utc(t_ns, zone)
    found: list[tuple[int, int, str]] = []
    for name in _CANDIDATES:
        try:
            weeks = _weeks(to_utc(wall, name, "times"), granularity_ns)
        except BarsError:
            continue  # times that this zone does not have: it is not theirs
        if len(weeks.open_ns) and not weeks.off().any() and weeks.fit().mean() > 0.8:
            found.append((-int(weeks.fit().sum()), len(found), name))
    return tuple(name for _, _, name in sorted(found))
