"""What the commands that fetch understand by instruments and times."""


def names_of(instrument: list[str] | None) -> list[str]:
    """The instruments given, else those of HOTBAND_PAIRS, each once; InputError for none."""
    from hotband.errors import InputError
    from hotband.stores.location import Locations

    found = list(dict.fromkeys(instrument or Locations.from_environment().pairs))
    if not found:
        do = "Name them with -i EUR_USD, or in HOTBAND_PAIRS."
        raise InputError("instruments", "none", "one or more", do)
    return found


def instant_of(text: str, option: str) -> int:
    """A day's begin in UTC, or a time with a zone, ns; WindowError that names the option."""
    from hotband.errors import WindowError
    from hotband.market.calendar import parse_time

    try:
        return parse_time(f"{text}T00:00:00Z" if len(text) == 10 else text)
    except WindowError as cause:
        allowed = "a date such as 2025-01-31, or RFC 3339 such as 2025-01-31T08:00:00Z"
        raise WindowError(option, text, allowed, "Correct it.") from cause
