"""Sessions as profiles write them: a name, hours with a zone, a list, or the older forms.

Accepted: ``london``; ``{start: "08:00", end: "17:00", zone: Europe/London}``; a list of these;
``{open, close}`` and ``"08:00,17:00"`` with or without a trailing Z, all of which are UTC.
"""

from hotband.errors import InputError, ProfileError
from hotband.market.sessions import Session, get_session, parse_session
from hotband.profile.document import as_mapping
from hotband.profile.settings import SessionPart

_ALIASES = (("open", "start"), ("close", "end"))


def _one(raw: object, path: str) -> dict[str, object]:
    if isinstance(raw, str):
        start, comma, end = raw.partition(",")
        return {"start": start.strip(), "end": end.strip()} if comma else {"name": raw}
    values = as_mapping(raw, path)
    for alias, key in _ALIASES:
        if alias in values:
            if key in values:
                raise ProfileError(
                    f"{path}.{key} and {path}.{alias}", "both", "one of the two", "Remove one."
                )
            values[key] = values.pop(alias)
    return values


def session_parts(raw: object, path: str) -> list[dict[str, object]]:
    """Any accepted form as a list of plain mappings, not yet checked; null is an empty list."""
    if raw is None:
        return []
    if isinstance(raw, list | tuple):
        return [_one(item, f"{path}[{i}]") for i, item in enumerate(raw)]
    return [_one(raw, path)]


def build_session(part: SessionPart, path: str) -> Session:
    """The session of one part; hours without zone or Z are UTC (``zone_missing`` says so).

    Raises ProfileError naming ``path`` for a name with hours, a missing time, an unknown zone
    or name, a time that is no HH:MM, and a session of no length.
    """
    hours = (part.start, part.end, part.zone)
    try:
        if part.name is not None:
            if any(value is not None for value in hours):
                raise ProfileError(
                    path, "a name and hours", "one of the two", "Remove name, or the hours."
                )
            return get_session(part.name)
        if part.start is None or part.end is None:
            raise ProfileError(
                path, f"start {part.start}, end {part.end}", "both", "Give the missing time."
            )
        zone = "UTC" if zone_missing(part) else part.zone
        return parse_session(f"{part.start}-{part.end}", part.start, part.end, zone)
    except InputError as error:
        what = error.what if error.what == path else f"{path}: {error.what}"
        near = [error.suggestion] if error.suggestion else []
        raise ProfileError(what, error.got, error.allowed, error.do, near=near) from error


def zone_missing(part: SessionPart) -> bool:
    """Whether hours name no zone in any way, so that they are taken as UTC."""
    return part.name is None and part.zone is None and not (part.start or "").endswith("Z")
