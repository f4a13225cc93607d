"""Charts as inline SVG: plain shapes in classes, so that the page's style sheet colours them.

Every chart is an image with a label for those who do not see it; the table beside it holds the
same numbers. Colour never says anything alone: a length, a sign, a ring or a hatch says it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hotband.report.markup import Markup, coordinate, element, join
from hotband.report.numbers import number, plain, short_time
from hotband.research.series import FloatArray

HATCH: Final = "url(#hatch)"
RAMP: Final = 7
"""Steps of the sequential ramp."""
CURVES: Final = ("Realised PnL, account currency", "Below its peak")
_TICKS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: ``value`` of ``full``, both at least 0, and the words on either side.

    ``full`` draws a track behind the bar where it is above ``value``.
    """

    label: str
    value: float
    full: float
    shown: str
    kind: str = "bar"
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell: its ``value`` (None = undefined), what it says inside and when pointed at."""

    column: int
    row: int
    value: float | None
    shown: str
    title: str
    chosen: bool


def image(
    width: float,
    height: float,
    label: str,
    *children: Markup | None,
    name: str = "",
    fit: str | None = None,
) -> Markup:
    """An SVG of ``width`` x ``height`` units that scales with the page."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width,
        height=height,
        preserveAspectRatio=fit,
        role="img",
        aria_label=label,
        class_=f"chart {name}".strip(),
    )


def hatches() -> Markup:
    """The patterns that all charts of the page share, once per page: undefined, and derived."""
    made = [
        element(
            "pattern",
            element("rect", width=6, height=6, class_=under),
            element("path", d="M-1 1L1 -1M0 6L6 0M5 7L7 5", class_=stripe),
            id=name,
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        )
        for name, under, stripe in (("hatch", "card", "stripe"), ("derived", "synthetic", "cut"))
    ]
    return element(
        "svg", element("defs", *made), width=0, height=0, aria_hidden="true", class_="defs"
    )


def words_at(x: float, y: float, words: str, kind: str = "") -> Markup:
    """A text at a place; ``kind`` "end" and "mid" say which of its points is there."""
    return element("text", words, x=x, y=y, class_=kind or None)


def bars(rows: Sequence[Bar], label: str, *, left: float = 150, width: float = 520) -> Markup:
    """Horizontal bars on one scale, a label before and a number behind each."""
    step, right = 26.0, 118.0
    longest = max((max(row.start + row.value, row.full) for row in rows), default=0.0) or 1.0
    scale = (width - left - right) / longest
    drawn: list[Markup] = []
    for i, row in enumerate(rows):
        top = step * i + 4
        drawn.append(words_at(left - 10, top + 13, row.label, "end"))
        if row.full > row.value:
            drawn.append(_box(left, top, row.full * scale, 18, "track"))
        size = row.value * scale
        at = left + row.start * scale
        drawn.append(_box(at, top, max(size, 1.5) if row.value > 0 else 0.0, 18, row.kind))
        ends = left + max(row.start + row.value, row.full) * scale
        drawn.append(words_at(ends + 8, top + 13, row.shown, "strong"))
    return image(width, step * len(rows) + 4, label, *drawn)


def ribbon(parts: Sequence[tuple[str, float, str]], label: str) -> Markup:
    """Shares of a whole beside each other: (kind, share, title)."""
    drawn, at, width = [], 0.0, 180.0
    for kind, share, title in parts:
        size = share * width
        if size > 0.0:
            drawn.append(_box(at, 0, size, 14, kind, title))
        at += size
    return image(width, 14, label, *drawn, name="ribbon", fit="none")


def _box(
    x: float, y: float, width: float, height: float, kind: str, title: str | None = None
) -> Markup:
    inner = None if title is None else element("title", title)
    return element("rect", inner, x=x, y=y, width=width, height=height, class_=kind)


# Heat map --------------------------------------------------------------------------------------


def step_of(value: float, low: float, high: float) -> int:
    """The step of the ramp, 0..RAMP-1; the middle one where all values are equal."""
    if high <= low:
        return RAMP // 2
    return min(int((value - low) / (high - low) * RAMP), RAMP - 1)


def heat_map(
    cells: Sequence[HeatCell],
    axes: tuple[str, str],
    columns: Sequence[str],
    rows: Sequence[str],
    label: str,
) -> Markup:
    """Cells over two axes, the smallest row value below; the chosen one has a ring.

    Undefined cells are hatched. ``axes`` name columns and rows.
    """
    left, top, width = 72.0, 24.0, 1060.0
    w = min((width - left - 4) / len(columns), 118.0)
    h = 34.0 if len(rows) <= 12 else 26.0
    values = [cell.value for cell in cells if cell.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    drawn: list[Markup] = []
    ring: Markup | None = None
    for cell in cells:
        x, y = left + w * cell.column, top + h * (len(rows) - 1 - cell.row)
        kind = "null" if cell.value is None else f"h{step_of(cell.value, low, high)}"
        fill = HATCH if cell.value is None else None
        drawn.append(
            element("rect", element("title", cell.title), x=x + 1, y=y + 1, width=w - 2,
                    height=h - 2, rx=2, class_=kind, fill=fill)
        )  # fmt: skip
        if w >= 34 and cell.value is not None:
            drawn.append(words_at(x + w / 2, y + h / 2 + 4, cell.shown, f"mid on{kind[1:]}"))
        if cell.chosen:
            ring = element("rect", x=x + 1, y=y + 1, width=w - 2, height=h - 2, rx=3, class_="ring")
    bottom = top + h * len(rows)
    for i, words in enumerate(rows):
        drawn.append(words_at(left - 8, top + h * (len(rows) - i - 0.5) + 4, words, "end"))
    every = max(1, int(np.ceil(54.0 / w)))
    for i, words in enumerate(columns):
        if i % every == 0:
            drawn.append(words_at(left + w * (i + 0.5), bottom + 18, words, "mid"))
    across = left + w * len(columns)
    drawn.append(words_at((left + across) / 2, bottom + 38, axes[0], "mid name"))
    drawn.append(words_at(left, 14, axes[1], "name"))
    used = max(across + 4, 320.0)
    return image(used, bottom + 46, label, *drawn, ring, name="heat")


def ramp(low: str, high: str) -> Markup:
    """The legend of the ramp."""
    boxes = [_box(14.0 * i, 0, 14, 12, f"h{i}") for i in range(RAMP)]
    strip = element(
        "svg", *boxes, viewBox=f"0 0 {14 * RAMP} 12", width=14 * RAMP, height=12, aria_hidden="true"
    )
    return element("span", join(low, " ", strip, " ", high), class_="ramp")


# Curves ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Curve:
    """A step curve and its drawdown: ``t_ns`` ascending, ``equity`` from then on, ``under`` <= 0.

    ``window_ns`` is what the time axis shows; before the first time equity is 0.
    """

    t_ns: FloatArray
    equity: FloatArray
    under: FloatArray
    window_ns: tuple[int, int]


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most ``most`` + 1 of them, 0 among them."""
    if high <= low:
        return [low]
    rough = (high - low) / most
    size = 10.0 ** np.floor(np.log10(rough))
    step = next(float(size * each) for each in _TICKS if size * each >= rough * (1 - 1e-9))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [step * i for i in range(first, last + 1)]


def curves(curve: Curve, label: str, names: tuple[str, str] = CURVES) -> Markup:
    """Equity above, how far it is below its peak beneath, on one time axis.

    ``names`` of the two say in what they are measured.
    """
    width, left, right = 1060.0, 72.0, 1044.0
    first, second, bottom = (24.0, 190.0), (256.0, 90.0), 346.0
    start, end = curve.window_ns
    across = (right - left) / (end - start)
    x = left + (curve.t_ns - float(start)) * across
    drawn: list[Markup] = []
    for at, words in _time_ticks(start, end):
        place = left + (at - start) * across
        for top, height in (first, second):
            drawn.append(_line(place, top, place, top + height, "grid"))
        drawn.append(words_at(place, bottom + 18, words, "mid"))
    drawn.append(words_at(left, first[0] - 9, names[0], "name"))
    drawn.append(words_at(left, second[0] - 9, names[1], "name"))
    drawn += _panel(x, curve.equity, first, (left, right), "equity")
    drawn += _panel(x, curve.under, second, (left, right), "under")
    return image(width, bottom + 28, label, *drawn, name="curves")


def _panel(
    x: FloatArray,
    values: FloatArray,
    place: tuple[float, float],
    ends: tuple[float, float],
    kind: str,
) -> list[Markup]:
    """A step curve with its own scale, in ``place``: top and height."""
    top, height = place
    low, high = min(0.0, values.min(initial=0.0)), max(0.0, values.max(initial=0.0))
    if high == low:
        low, high = low - 1.0, high + (kind == "equity")
    scale = height / (high - low)
    drawn: list[Markup] = []
    for value in ticks(low, high, 4 if kind == "equity" else 2):
        y = top + (high - value) * scale
        drawn.append(_line(ends[0], y, ends[1], y, "zero" if value == 0 else "grid"))
        shown = plain(value) if high - low < 10 else number(value, 0)
        drawn.append(words_at(ends[0] - 8, y + 4, shown, "end"))
    y_of = top + (high - values) * scale
    return drawn + _stepped(x, y_of, top + high * scale, ends, kind)


def _stepped(
    x: FloatArray, y: FloatArray, zero: float, ends: tuple[float, float], kind: str
) -> list[Markup]:
    """Area and line of a step curve from ``zero`` on, held to the end."""
    path = f"M{coordinate(round(ends[0], 1))} {coordinate(round(zero, 1))}"
    for place, level in zip(np.round(x, 1).tolist(), np.round(y, 1).tolist(), strict=True):
        path += f"H{coordinate(place)}V{coordinate(level)}"
    path += f"H{coordinate(round(ends[1], 1))}"
    area = f"{path}V{coordinate(round(zero, 1))}Z"
    return [
        element("path", d=area, class_=f"{kind} area"),
        element("path", d=path, class_=f"{kind} line"),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def _time_ticks(start: int, end: int) -> list[tuple[int, str]]:
    """Midnights UTC, every one or every few, and their days."""
    day = 86_400_000_000_000
    first = -(-start // day) * day
    days = max(1, (end - first) // day + 1)
    every = day * max(1, -(-days // 9))
    return [(at, short_time(at).rsplit(" ", 1)[0]) for at in range(first, end, every)]
