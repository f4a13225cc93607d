"""What runs and replays read: bars, gates and a profile, named in any of the ways users have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hotband.errors import InputError
from hotband.gates.reader import GateInput, WhenUnavailable
from hotband.market.calendar import MINUTE_NS, MarketHours, parse_granularity
from hotband.market.instruments import get_instrument, load_instruments
from hotband.profile.strategy import Profile, load_profile
from hotband.research.history import (
    BarInput,
    extent_of,
    held_instruments,
    open_bars,
    open_gates,
)
from hotband.stores.location import Locations

QUIET_END_NS: Final = 15 * MINUTE_NS
"""A week has closed once there are bars up to so much before its close: the last minutes are
thin, and the daily closure begins before it."""


@dataclass(frozen=True, eq=False)
class Sources:
    """As given; None = what the environment names. Meanings are those of ``run_grid``."""

    profile: Profile | Path | str | None = None
    granularity: str = "M1"
    balance: float = 100_000.0
    cost_bps: float | None = None
    bars: BarInput | str | None = None
    gates: GateInput | str = None
    unavailable: WhenUnavailable = "fallback"

    def open(self) -> "Held":
        """The stores opened and the profile read; HotbandError where one cannot be."""
        places = Locations.from_environment()
        given = self.profile
        recorded = places.gates if self.gates is None else self.gates
        bars = open_bars(places.bars if self.bars is None else self.bars)
        options: dict[str, Any] = {
            "balance": self.balance,
            "cost_bps": self.cost_bps,
            "bars": bars,
            "gates": open_gates(recorded, bars, self.granularity),
            "unavailable": self.unavailable,
            "granularity": self.granularity,
        }
        profile = given if isinstance(given, Profile) else load_profile(given or places.profile)
        return Held(bars, self.granularity, profile, places.pairs, options)


DEFAULT_SOURCES: Final = Sources()


@dataclass(frozen=True, eq=False)
class Held:
    """Open sources; ``options`` are those of ``BacktestSimulator``."""

    bars: BarInput
    granularity: str
    profile: Profile
    usual: Sequence[str]
    options: Mapping[str, Any]

    @property
    def hours(self) -> MarketHours:
        """When the profile's market is open."""
        return self.profile.account.market_hours()

    def names(self, given: Sequence[str] | None = None) -> list[str]:
        """The instruments given, else the usual ones, else all held: each once, sorted, known.

        Raises:
            InputError: There are none.
            InstrumentError: One is not known.
        """
        names = sorted(set(given or self.usual or held_instruments(self.bars, self.granularity)))
        if not names:
            raise InputError(
                "instruments", "none", "names, or a store with bars", "Import bars, or name some."
            )
        table = load_instruments()
        for name in names:
            get_instrument(name, table)
        return names

    def last_week(self, names: Sequence[str]) -> tuple[int, int]:
        """The last trading week that has closed by the newest bar; see ``last_week``."""
        return last_week(self.bars, names, self.granularity, self.hours)


def last_week(
    bars: BarInput, instruments: Sequence[str], granularity: str, hours: MarketHours
) -> tuple[int, int]:
    """The last trading week that has closed by the newest bar, up to QUIET_END_NS; in ns.

    Raises InputError where none of the instruments has bars.
    """
    extent = extent_of(bars, instruments, granularity)
    if extent is None:
        raise no_bars(granularity)
    return hours.week_before(extent[1] + parse_granularity(granularity) + QUIET_END_NS)


def no_bars(granularity: str) -> InputError:
    """The error for instruments of which none has bars."""
    what = f"bars of {granularity}"
    return InputError(what, "none", "bars of an instrument", "Import some first.")
