"""The common pictures of a simulation, for notebooks and files: one self-contained SVG each."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from hotband.artefacts.values import Window
from hotband.durable import write_whole
from hotband.errors import InputError
from hotband.report.markup import Markup, text
from hotband.report.numbers import count, money, number, words
from hotband.report.realised import by_exit, kept_points, realised
from hotband.report.svg import Bar, Curve, bars, curves

if TYPE_CHECKING:
    from hotband.research.result import SimulationResult

_OWN_STYLE: Final = (
    "svg { background: var(--card); font: 14px/1.5 system-ui, sans-serif; }"
    " .chart { min-width: 0; }"
)
"""What the report's page says of its body, a picture says of itself."""
_STAGES: Final = ("gates", "admitted", "sized", "planned", "filled")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that notebooks show by themselves; ``label`` says what it shows."""

    label: str
    svg: str
    """A whole SVG document, its style inside."""

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        """As an image, so that its style and the notebook's leave each other alone."""
        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{text(self.label)}" src="data:image/svg+xml;base64,{data}"/>'

    def save(self, path: Path | str) -> Path:
        """Write the SVG, whole or not at all; where it was written.

        Raises:
            InputError: A name that does not end in ``.svg``.
            StoreError: The file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise InputError("name of a picture", target.name, "NAME.svg", "Rename it.")
        write_whole(target, lambda file: file.write(self.svg.encode()))
        return target


def plot(result: "SimulationResult", kind: str = "equity") -> Picture:
    """One picture of a simulation.

    ``equity``: profit and loss at the market, bar by bar, and how far it was below its peak.
    ``trades``: the same of closed trades alone. ``funnel``: gates, and how many got how far.
    ``refusals``: why gates did not trade. ``exits``: trades by why they ended.

    Raises:
        InputError: A kind that is none of ``KINDS``.
    """
    if kind not in KINDS:
        allowed = ", ".join(KINDS)
        raise InputError("kind of picture", kind, allowed, "Name one of them.", near=KINDS)
    label, drawn = KINDS[kind](result)
    label = f"{', '.join(result.instruments)}: {label}"
    style = files("hotband.report").joinpath("page.css").read_text("utf-8") + _OWN_STYLE
    head, _, rest = drawn.partition(">")
    named = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return Picture(label, f"{named}><style>{text(style)}</style>{rest}")


def _equity(result: "SimulationResult") -> tuple[str, Markup]:
    rows = result.logs.equity
    t = rows["t"].astype(np.float64)
    gained = rows["equity"] - result.balance
    under = gained - np.maximum(np.maximum.accumulate(gained), 0.0)
    kept = kept_points(t, gained, under, result.window)
    curve = Curve(t[kept], gained[kept], under[kept], result.window)
    final = money(float(gained[-1])) if len(gained) else money(0.0)
    label = f"profit and loss at the market, {final} {result.currency} at the end"
    names = (f"Profit and loss at the market, {result.currency}", "Below its peak")
    return label, curves(curve, label, names)


def _trades(result: "SimulationResult") -> tuple[str, Markup]:
    found = realised(result.trades, Window.of(*result.window))
    label = f"realised profit and loss, {money(found.final)} {result.currency} at the end"
    names = (f"Realised profit and loss, {result.currency}", "Below its peak")
    return label, curves(found.curve, label, names)


def _funnel(result: "SimulationResult") -> tuple[str, Markup]:
    steps = [(name, int(getattr(result.funnel, name))) for name in _STAGES]
    rows = [Bar(name, n, steps[0][1], number(n, 0)) for name, n in steps]
    label = f"{count(steps[0][1], 'gate')}, of which {number(steps[-1][1], 0)} traded"
    return label, bars(rows, label)


def _refusals(result: "SimulationResult") -> tuple[str, Markup]:
    found = sorted(result.funnel.refusals.items(), key=lambda each: (-each[1], each[0]))
    rows = [Bar(words(name), n, n, number(n, 0)) for name, n in found]
    label = f"why {count(sum(result.funnel.refusals.values()), 'gate')} did not trade"
    return label, bars(rows, label, left=230, width=640)


def _exits(result: "SimulationResult") -> tuple[str, Markup]:
    rows = [
        Bar(words(row["exit_reason"]), row["trades"], row["trades"],
            f"{count(row['trades'], 'trade')}, {money(row['pnl'])}")
        for row in by_exit(result.trades).iter_rows(named=True)
    ]  # fmt: skip
    label = f"{count(result.trades.height, 'trade')} by why they ended, {result.currency}"
    return label, bars(rows, label, left=170, width=640)


KINDS: Final[Mapping[str, Callable[["SimulationResult"], tuple[str, Markup]]]] = {
    "equity": _equity,
    "trades": _trades,
    "funnel": _funnel,
    "refusals": _refusals,
    "exits": _exits,
}
"""The pictures there are: each gives its label and the drawing."""
