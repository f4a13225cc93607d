"""What is known of a file before its rows are read: by the user, its format, name and head."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from hotband.errors import BarsError
from hotband.feeds import dukascopy, dukascopy_json
from hotband.feeds.assembly import OnCrossed
from hotband.feeds.files import GRANULARITY_ALIASES
from hotband.feeds.formats import Format, Head, Kind, detect, head_of
from hotband.feeds.mapped import Mapping, load_mapping
from hotband.market.bars import SideOrigin
from hotband.market.spreads import OneSide

_PAIR: Final = re.compile(r"(?<![A-Za-z])([A-Z]{3})[_/-]?([A-Z]{3})(?![a-z])")
_LENGTH: Final = re.compile(r"(?<![A-Za-z])(M1|M5|M15|M30|H1|H4|D1|Daily)(?![A-Za-z0-9])")
_MT4_NAME: Final = re.compile(r"[A-Z]{6}(1|5|15|30|60|240|1440)\.csv")
_MT4_LENGTHS: Final = {
    "1": "M1", "5": "M5", "15": "M15", "30": "M30", "60": "H1", "240": "H4", "1440": "D",
}  # fmt: skip
MAPPED: Final = "mapping"


@dataclass(frozen=True, slots=True)
class FileWords:
    """What is said of files on import; None = the file says it.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        granularity: Of the bars in the file, or of those to make of ticks.
        side: ``bid``, ``ask`` or ``mid`` of bars that have one.
        on_crossed: Whether quotes with the ask below the bid are refused or left out.
        zone: Of times that carry none: an IANA name, ``UTC+2`` or ``NY+7``.
        format: One of ``feeds.formats``, where the content does not tell.
        mapping: Description of a format that is none of them.
        accept_zone: Take the zone even where the market's weeks contradict it.
    """

    instrument: str | None = None
    granularity: str | None = None
    side: SideOrigin | None = None
    on_crossed: OnCrossed = "refuse"
    zone: str | None = None
    format: str | None = None
    mapping: Path | None = None
    accept_zone: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose format is known.

    Attributes:
        path: The file, or a folder of bi5 files.
        form: Its format.
        words: What the user says of it.
        mapping: What the mapping file says of it, if there is one.
        head: Its first lines, for text.
        bi5: The bi5 files that it is.
        document: What it holds, for JSON.
    """

    path: Path
    form: Format
    words: FileWords
    mapping: Mapping | None
    head: Head
    bi5: tuple[Path, ...]
    document: dict[str, Any]

    @property
    def is_text(self) -> bool:
        """Whether the rows are lines."""
        return bool(self.head.line or self.head.header)


def open_file(path: Path, words: FileWords) -> Opened:
    """Tell the format of a file and look at its head.

    Raises:
        BarsError: The format cannot be told, or the mapping file not be used.
    """
    mapping = None if words.mapping is None else load_mapping(words.mapping)
    form = _mapped_format(mapping) if mapping else detect(path, words.format)
    bi5: tuple[Path, ...] = ()
    head = Head(path, "", "")
    document: dict[str, Any] = {}
    if _packed(form):
        bi5 = tuple(dukascopy.files_in(path)[form.kind == "bars"]) or (path,)
    elif form.name.startswith("dukascopy-json"):
        document = dukascopy_json.read_document(path)
    elif path.suffix.lower() != ".parquet":
        head = head_of(path)
    return Opened(path, form, words, mapping, head, bi5, document)


def zone_of(file: Opened) -> str:
    """Zone of the times; BarsError where nobody says it."""
    zone = file.words.zone or file.form.zone
    if zone is None and file.form.name == "hotband-ticks":
        return "UTC"
    if zone is None:
        raise BarsError(
            f"zone of {file.path.name}",
            f"no word, and {file.form.title} files do not say",
            "NY+7 (most MetaTrader servers), an IANA zone, or a fixed offset such as UTC+2",
            "Pass --zone; a wrong one moves every bar.",
        )
    return zone


def side_of(file: Opened) -> OneSide:
    """The side of bars that have one; BarsError where nobody says it, or two disagree."""
    side = file.words.side or file.form.side or _word(file.path, ("bid", "ask", "mid"))
    if side is None or side == "ba":
        raise BarsError(
            f"side of {file.path.name}",
            "one side, and no word on which",
            "bid, ask or mid",
            "Pass --side; a wrong side is wrong by a spread in every fill.",
        )
    if file.form.side not in {None, side}:
        raise BarsError(
            f"side of {file.path.name}",
            side,
            f"{file.form.side}, as {file.form.title} files have",
            "Leave --side out.",
        )
    return cast("OneSide", side)


def instrument_of(file: Opened, table: Collection[str]) -> str:
    """Name of the pair; BarsError where nobody says it."""
    said = file.words.instrument or (file.mapping.instrument if file.mapping else None)
    if said:
        return said
    if _packed(file.form):
        names = {dukascopy.symbol_of(one) for one in file.bi5}
        if len(names) > 1:
            raise BarsError(
                f"instruments of {file.path.name}",
                ", ".join(sorted(names)),
                "one",
                "Import the folder of one symbol at a time.",
            )
        return names.pop()
    if file.form.name == "truefx":
        return file.head.line[:7].replace("/", "_")
    named = pairs_named(file)
    known = [name for name in named if name in table]
    if known:
        return known[0]
    raise BarsError(
        f"instrument of {file.path.name}",
        f"{named[-1]}, which the table of instruments lacks" if named else "none in the file name",
        "a name such as EUR_USD or EURUSD in it, or the option",
        "Add it with --broker FILE." if named else "Pass --instrument.",
    )


def pairs_named(file: Opened) -> list[str]:
    """What the name of the file, or of the member of an archive, may mean as a pair."""
    names = dict.fromkeys((file.path.name, file.head.name))
    return [f"{one[1]}_{one[2]}" for name in names for one in _PAIR.finditer(name)]


def require_name(file: Opened, instrument: str, table: Collection[str]) -> None:
    """Refuse an instrument that is said of a file whose name says another.

    Raises:
        BarsError: Known pairs stand in the name, and the instrument is none of them.
    """
    named = pairs_named(file)
    if _packed(file.form):
        named = [dukascopy.symbol_of(one) for one in file.bi5]
    known = sorted({name for name in named if name in table})
    if known and instrument not in known:
        raise BarsError(
            f"instrument of {file.path.name}",
            instrument,
            f"{' or '.join(known)}, which the name says",
            "Correct --instrument, or rename the file.",
        )


def granularity_of(file: Opened) -> str:
    """Length of the bars: by the user, by the format, or by the file's name."""
    said = file.words.granularity or (file.mapping.granularity if file.mapping else None)
    is_bars = file.form.kind == "bars"
    fixed = {"histdata-m1": "M1", "histdata-mt": "M1"}.get(file.form.name)
    if file.form.name == "dukascopy-candles":
        fixed = dukascopy.granularity_of(file.bi5[0]) if said is None else None
    if file.form.name == "dukascopy-json-candles":
        fixed = dukascopy_json.granularity_of(file.document, file.path.name)
    if fixed and said not in {None, fixed}:
        raise BarsError(f"granularity of {file.path.name}", said, fixed, "Leave --granularity out.")
    if file.form.name == "mt4" and said is None:
        minutes = _MT4_NAME.fullmatch(file.head.name)
        fixed = _MT4_LENGTHS[minutes[1]] if minutes else None
    named = _LENGTH.search(f"{file.path.name} {file.head.name}") if is_bars else None
    name = said or fixed or (named[1] if named else None)
    if name is None:
        ticks = not is_bars
        raise BarsError(
            f"granularity of {file.path.name}",
            "ticks, and no word on the bars to make" if ticks else "no word",
            "S5 to H1, such as M1" if ticks else "the length of its bars, such as M1, M5 or H1",
            "Pass --granularity M1." if ticks else "Pass --granularity.",
        )
    return {"Daily": "D", **GRANULARITY_ALIASES}.get(name, name)


def require_words(file: Opened, table: Collection[str]) -> None:
    """Refuse a file of which neither itself nor the user says enough; all that lacks at once.

    Raises:
        BarsError: The first that lacks of zone, instrument, granularity and side; each other
            one stands in a note.
    """
    asked: list[Callable[[], str]] = [
        lambda: zone_of(file),
        lambda: instrument_of(file, table),
        lambda: granularity_of(file),
    ]
    both = _packed(file.form) or (file.mapping is not None and file.mapping.kind == "two sides")
    if file.form.kind == "bars" and not both:
        asked.append(lambda: side_of(file))
    missing = []
    for ask in asked:
        try:
            ask()
        except BarsError as error:
            missing.append(error)
    for other in missing[1:]:
        missing[0].add_note(str(other))
    if missing:
        raise missing[0]


def _mapped_format(mapping: Mapping) -> Format:
    kind: Kind = "ticks" if mapping.kind == "ticks" else "bars"
    zone = "UTC" if mapping.in_utc else mapping.zone
    title = "mapped"
    return Format(MAPPED, title, kind, zone, mapping.side, mapping.source, bool)


def _packed(form: Format) -> bool:
    return form.name in {"dukascopy-ticks", "dukascopy-candles"}


def _word(path: Path, words: tuple[str, ...]) -> str | None:
    found = [word for word in words if re.search(rf"(?<![a-z]){word}(?![a-z])", path.name.lower())]
    return found[0] if len(found) == 1 else None
