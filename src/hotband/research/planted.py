"""A planted edge: bars in which taking the gates does earn, by a chosen amount.

Power is measured as false promotions are: campaigns in which something is there to be found.
The edge sits where a gate-driven strategy looks for it, inside the gates' holding time, and
nowhere else.
"""

from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.records import Records
from hotband.errors import GatesError, InputError
from hotband.gates.events import Gates
from hotband.market.bars import SIDES, Bars
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS
from hotband.research.sharpe import DAYS_PER_YEAR

Sides: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

LEAST_DAYS: Final = 2
"""A deviation of daily moves takes two days."""
MAX_DRIFT: Final = 0.01
"""The largest drift of one bar that is still a drift."""


def held_side(bars: Bars, gates: Gates, hold_minutes: float) -> Sides:
    """Side per bar of who takes each gate at the first open from when it is known and holds.

    A gate holds every bar that opens from when it is known to before ``hold_minutes`` later,
    or until the next gate with a direction; shape (bars,), 0 = flat. Gates of side 0 have none.
    """
    sided = gates.data[gates.data["side"] != 0]
    t = bars.data["t"]
    if not len(sided):
        return np.zeros(len(t), np.int64)
    latest = np.searchsorted(sided["known"], t, side="right") - 1
    live = (latest >= 0) & (t - sided["known"][latest] < hold_minutes * MINUTE_NS)
    side: Sides = np.where(live, sided["side"][latest], 0).astype(np.int64)
    return side


def daily_moves(bars: Bars, side: Sides) -> Floats:
    """Sum of side x log move from open to close of the mid per trading day, days with bars."""
    data = bars.data
    move = np.log((data["bid_c"] + data["ask_c"]) / (data["bid_o"] + data["ask_o"]))
    _, day = np.unique(DEFAULT_HOURS.trading_day(data["t"]), return_inverse=True)
    return np.bincount(day, side * move).astype(np.float64)


def plant_drift(bars: Bars, gates: Gates, hold_minutes: float, annual_sharpe: float) -> Bars:
    """Bars with a drift in the gates' direction while they are held, and nowhere else.

    Let side_i be ``held_side``, x_d the daily sums of side_i times the bar's log move (0 on
    days without a gate), s their deviation (T - 1) over the D days, n the held bars. Each held
    bar gets the log drift

        delta = annual_sharpe * s * D / (sqrt(260) * n)

    times its side, which raises the mean of x_d by annual_sharpe * s / sqrt(260): taking each
    gate, before costs, gains ``annual_sharpe`` on what it had without: 0 +- 1 / sqrt(years)
    in a null world. Uneven days add to s, so that the gain is a little less for many gates on
    few days. Drift sums up along the bars; the whole bar moves with what came before it, its
    close by the drift of its own, its high or low by that of its direction. Spreads stay as a
    fraction of the price. Prices are not rounded.

    Args:
        bars: of any world.
        gates: of the same instrument, as recorded: gates derived anew from the planted bars
            differ where the drift changes a bar enough.
        hold_minutes: above 0.
        annual_sharpe: to add; below 0 plants a loss, 0 gives equal prices.

    Raises:
        InputError: A hold or Sharpe outside the above, or so large that one bar would drift by
            more than ``MAX_DRIFT``.
        GatesError: Gates of another instrument, or none that holds a bar, or days without moves.
    """
    if not 0 < hold_minutes < np.inf:
        raise InputError("hold_minutes", hold_minutes, "above 0, finite", "Choose a holding time.")
    if not np.isfinite(annual_sharpe):
        raise InputError("annual_sharpe", annual_sharpe, "a finite number", "Choose an edge.")
    if gates.instrument != bars.instrument:
        do = "Use the gates of the same pair."
        raise GatesError("gates to plant", gates.instrument, bars.instrument, do)
    side = held_side(bars, gates, hold_minutes)
    held = int(np.count_nonzero(side))
    days = daily_moves(bars, side) if held else np.empty(0)
    if len(days) < LEAST_DAYS or not np.std(days) > 0:
        raise GatesError(
            f"gates of {gates.instrument} to plant",
            f"{held} held bars on {len(days)} days, or no move on them",
            f"a bar to hold and {LEAST_DAYS} days or more that differ",
            "Use gates known inside the bars, or a longer history.",
        )
    total = annual_sharpe * float(np.std(days, ddof=1)) * len(days) / DAYS_PER_YEAR**0.5
    drift = total / held
    if abs(drift) > MAX_DRIFT:
        do = "Plant a smaller edge, or hold longer."
        raise InputError(f"annual_sharpe, a drift of {drift:.3g} a bar", annual_sharpe,
                         f"a drift of {MAX_DRIFT} or less", do)  # fmt: skip
    data = _drifted(bars.data, side * drift)
    made = Bars.from_records(
        bars.instrument, bars.granularity, data,
        source=f"{bars.source}-planted", side_origin=bars.side_origin,
    )  # fmt: skip
    note = f"planted: Sharpe {annual_sharpe:g} a year over {hold_minutes:g} minutes after each gate"
    return replace(made, notes=(*bars.notes, note))


def _drifted(quotes: Records, drift: Floats) -> Records:
    """``quotes`` with a log drift per bar, from its open to its close."""
    data = quotes.copy()
    after = np.cumsum(drift)
    factors = {
        "o": np.exp(after - drift),
        "h": np.exp(after - drift + np.maximum(drift, 0.0)),
        "l": np.exp(after - drift + np.minimum(drift, 0.0)),
        "c": np.exp(after),
    }
    for letter, factor in factors.items():
        for side in SIDES:
            data[f"{side}_{letter}"] *= factor
    return data
