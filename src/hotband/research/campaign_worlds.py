"""What one campaign of the noise certificate runs on: a market without an edge, and its gates.

Gates are encoded from the bars by the encoder that live trading uses, or made by a producer of
somebody's own, so that they count as recorded and every gate of promotion is asked. An edge may
be planted, to measure power.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from hotband.errors import BarsError, InputError
from hotband.feeds.demo import demo_bars
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.events import Gates
from hotband.gates.producer import produced
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, MINUTE_NS, parse_time
from hotband.market.elapsed import weeks_within
from hotband.profile.strategy import Profile, effective, load_profile
from hotband.research.grid_settings import GridSettings, load_grid
from hotband.research.nullworlds import WORLDS, World, null_bars, shifted_gates
from hotband.research.planted import plant_drift
from hotband.research.worlds_resampled import span_weeks
from hotband.stores.plugins import identity_of, producer_of

START_NS: Final = parse_time("2024-01-07T22:00:00Z")
"""Where the history of worlds without real bars begins: a Sunday, 17:00 New York."""
DAYS_PER_WEEK: Final = 5
WARM_UP_NS: Final = 7 * DAY_NS
"""Bars and gates begin so much before a made-up history, as they do in production."""
MOST_DAYS: Final = 2600
DRAWN_FROM: Final = 5
"""N4 draws its days from a demo market so many times as long as the campaign.

Cells keep the luck that they had in the days that are drawn from: on a source of S days, the
t-statistic of T drawn days has the variance 1 + T / S, where a null has 1.
"""
GRID: Final[dict[str, Any]] = {
    "default": {
        "hazard": {"points": 2, "widen_from": 0.0, "quantiles": [0.5, 0.6, 0.7, 0.8, 0.9]},
        "min_reps": [1, 2, 3],
        "hold_minutes": [15, 30, 60, 120],
        "exposure": [1.0],
        "stop_loss_pips": [15, 40],
    }
}
"""192 cells: 3 caps on hazard and 5 quantiles of it, 3 repetitions, 4 holds, 2 stops."""
EDGE_HOLD_MINUTES: Final = 30
EDGE_HOURS_UTC: Final = (9, 16)
"""A planted edge sits behind one gate every half hour from 9 to 16 UTC, and lasts as long."""


@dataclass(frozen=True, eq=False, slots=True)
class CampaignSettings:
    """One campaign; impossible values raise InputError.

    Attributes:
        days: of history, whole trading weeks of five.
        every_weeks: a choice is made at the close of the last week and of every so many before
            it, as far back as a look-back can have the days that promotion asks for.
        costs: False = no spread, commission or slippage: the mean of every cell is exactly 0,
            the hardest null.
        balance: at the start of every window, in the profile's home currency.
        granularity: of bars, M1 to H1.
        instrument: traded alone; the gate over all instruments then asks one.
        stride_bars: of the encoder: a gate at every such bar.
        producer: URL of the gate store plug-in that makes the gates; None = our encoder.
        edge: annual Sharpe ratio to plant, before costs; 0 = a null world.
        grid, profile: what is swept, and the strategy.
    """

    days: int = 260
    every_weeks: int = 4
    costs: bool = True
    balance: float = 100_000.0
    granularity: str = "M1"
    instrument: str = "EUR_USD"
    stride_bars: int = 5
    edge: float = 0.0
    producer: str | None = None
    grid: GridSettings = field(default_factory=lambda: load_grid(GRID))
    profile: Profile = field(default_factory=load_profile)

    def __post_init__(self) -> None:
        whole = DAYS_PER_WEEK <= self.days <= MOST_DAYS and self.days % DAYS_PER_WEEK == 0
        rules = (
            ("days", whole, f"whole weeks: a multiple of 5 from 5 to {MOST_DAYS}"),
            ("every_weeks", self.every_weeks >= 1, "1 or more"),
            ("balance", 0 < self.balance < np.inf, "a finite amount above 0"),
            ("edge", bool(np.isfinite(self.edge)), "a finite annual Sharpe ratio"),
        )
        for name, holds, allowed in rules:
            if not holds:
                what = f"{name} of a campaign"
                raise InputError(what, getattr(self, name), allowed, "Choose another.")

    @property
    def traded(self) -> Profile:
        """The profile, without slippage where there are no costs."""
        if self.costs:
            return self.profile
        account = self.profile.account.model_copy(update={"slippage_bps": 0.0})
        return replace(self.profile, account=account)

    @property
    def cost_bps(self) -> float | None:
        """Commission as the simulator takes it; None = the profile's."""
        return None if self.costs else 0.0

    def to_dict(self) -> dict[str, object]:
        """All that decides a campaign beside its world, seed and base, JSON-safe."""
        names = (
            "days", "every_weeks", "costs", "balance", "granularity", "instrument",
            "stride_bars", "edge",
        )  # fmt: skip
        shown: dict[str, object] = {name: getattr(self, name) for name in names}
        grid = self.grid.model_dump(mode="json")
        if self.producer is not None:
            shown |= {"producer": identity_of(self.producer)}
        return shown | {"grid": grid, "profile": self.profile.content_hash}


@dataclass(frozen=True, eq=False, slots=True)
class CampaignMarket:
    """History of one campaign: ``window`` (start_ns, end_ns) in whole weeks, bars and gates."""

    window: tuple[int, int]
    bars: Bars
    gates: Gates


def campaign_market(
    world: World, seed: int, settings: CampaignSettings, base: Bars | None = None
) -> CampaignMarket:
    """The market of one campaign; the same arguments give the same bytes.

    Args:
        world: ``N1`` to ``N5``; see ``nullworlds.WORLDS``.
        seed: 0 or more. Where N5 has a base, seed k shifts by 1 + k mod (weeks - 1) weeks.
        settings: Of the campaign.
        base: Real bars. N3 and N5 run on their last ``days``, N4 draws from all of them; N1 and
            N2 take their shape. None: N3 to N5 stand on bars of the demo market, drawn anew for
            each seed, which have no edge and are not real; N4 on DRAWN_FROM times as many days.

    Raises:
        InputError: An unknown world, or a seed below 0.
        BarsError: A base of another instrument or granularity, or too short for the days.
    """
    if world not in WORLDS:
        allowed = ", ".join(WORLDS)
        raise InputError("world", world, allowed, "Name one of them.", near=WORLDS)
    if seed < 0:
        raise InputError("seed", seed, "0 or more", "Choose another.")
    window = _window(world, settings, base)
    stand = base if base is not None or world in ("N1", "N2") else _demo(world, seed, settings)
    if world == "N5" and stand is not None:
        bars = stand
        gates = _shifted(stand, seed, settings)
    else:
        bars = null_bars(
            world,
            seed,
            instrument=settings.instrument,
            start_ns=window[0] - WARM_UP_NS,
            end_ns=window[1],
            granularity=settings.granularity,
            base=stand,
        )
        gates = _encoded(bars, settings)
    if settings.edge:
        gates = _sparse(gates)
        bars = plant_drift(bars, gates, EDGE_HOLD_MINUTES, settings.edge)
    return CampaignMarket(window, bars if settings.costs else _without_spread(bars), gates)


def shifts_of(base: Bars) -> int:
    """How many different shifts N5 has on a base: campaigns beyond them repeat earlier ones."""
    return span_weeks(_span(base)) - 1


def _window(world: World, settings: CampaignSettings, base: Bars | None) -> tuple[int, int]:
    weeks = settings.days // DAYS_PER_WEEK
    if base is None or world not in ("N3", "N5"):
        end = START_NS + (7 * weeks + 7) * DAY_NS
        return START_NS, weeks_within(START_NS, end, DEFAULT_HOURS)[weeks - 1][1]
    given = (base.instrument, base.granularity)
    if given != (settings.instrument, settings.granularity):
        allowed = f"{settings.instrument} {settings.granularity}"
        raise BarsError(f"base of {world}", " ".join(given), allowed, "Use the pair's own bars.")
    held = weeks_within(*_span(base), DEFAULT_HOURS) if len(base) else []
    if len(held) < weeks:
        raise BarsError(
            f"base of {world}",
            f"{len(held)} whole trading weeks",
            f"{weeks}, for {settings.days} days",
            "Import a longer history, or ask for fewer days.",
        )
    return held[-weeks][0], held[-1][1]


def _span(base: Bars) -> tuple[int, int]:
    """The base's time; a first week whose first bar comes within a day of its opening counts."""
    return int(base.data["t"][0]) - DAY_NS, int(base.known_ns[-1]) + DAY_NS // 24


def _demo(world: World, seed: int, settings: CampaignSettings) -> Bars:
    start, end = _window(world, settings, None)
    start -= WARM_UP_NS
    if world == "N4":
        end += (DRAWN_FROM - 1) * (settings.days // DAYS_PER_WEEK) * 7 * DAY_NS
    made = demo_bars((settings.instrument,), start, end, settings.granularity, seed)
    return made[settings.instrument]


def _encoded(bars: Bars, settings: CampaignSettings) -> Gates:
    if settings.producer is not None:
        return produced(producer_of(settings.producer), bars)
    own = effective(settings.profile, settings.instrument)
    values = own.encoder.model_dump() | {"stride_bars": settings.stride_bars}
    return encode_gates(bars, EncoderSettings(**values, lambda_scale=own.lambda_scale)).gates


def _shifted(bars: Bars, seed: int, settings: CampaignSettings) -> Gates:
    opening = weeks_within(*_span(bars), DEFAULT_HOURS)[0][0]
    span = (opening, int(bars.known_ns[-1]) + 1)
    weeks = 1 + seed % max(1, span_weeks(span) - 1)
    return shifted_gates(_encoded(bars, settings).window(*span), weeks, span)


def _sparse(gates: Gates) -> Gates:
    """Of the gates within EDGE_HOURS_UTC, those that come first after each planted hold."""
    known = gates.data["known"]
    minute = known // MINUTE_NS % (24 * 60)
    open_ = (minute >= EDGE_HOURS_UTC[0] * 60) & (minute <= EDGE_HOURS_UTC[1] * 60)
    slot = known // (EDGE_HOLD_MINUTES * MINUTE_NS)
    first = np.diff(slot, prepend=slot[:1] - 1) > 0
    return replace(gates, data=np.ascontiguousarray(gates.data[open_ & first]), details=None)


def _without_spread(bars: Bars) -> Bars:
    data = bars.data.copy()
    for corner in "ohlc":
        mid = 0.5 * (data[f"bid_{corner}"] + data[f"ask_{corner}"])
        data[f"bid_{corner}"] = data[f"ask_{corner}"] = mid
    return replace(bars, data=data)
