"""The bars that the benchmarks run on: real EUR_USD where there is a folder of it, else demo."""

import os
from pathlib import Path

import numpy as np

from hotband.core.records import GATE, Records, empty, with_sentinel
from hotband.core.shared import Shared, share
from hotband.feeds.demo import demo_bars
from hotband.feeds.files import read_bars
from hotband.gates.events import Gates, align
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.financing import load_financing
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.strategy import Profile, effective, load_profile
from hotband.research.feed import Surroundings, bar_records

WEEK_BARS = 7_200
_FILE = "EUR_USD.M1.dukascopy.20250401_20250418.parquet"
_PROFILE = {
    "account": {"total_exposure": 20.0, "currency_cap": 20.0},
    "global": {
        "hazard_max": 0.15,
        "exposure": 5.0,
        "nav_risk_pct": 0.01,
        "vol_target_pct": 0.006,
        "stop_loss_pips": 25.0,
        "take_profit_pips": 40.0,
        "flat_before_weekend": True,
        "exit": {"hold_minutes": 30.0},
    },
}


def week_of_bars() -> tuple[Bars, str]:
    """7,200 M1 bars of EUR_USD and the words for where they are from."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HOTBAND_TEST_DATA", str(beside)))
    if (folder / _FILE).is_file():
        bars, _ = read_bars(folder / _FILE)
        named = "real EUR_USD M1, April 2025"
    else:
        bars = year_of_bars(weeks=2)
        named = "demo EUR_USD M1"
    data = bars.data[:WEEK_BARS]
    return Bars.from_records("EUR_USD", "M1", data, source=bars.source), named


def year_of_bars(weeks: int = 52) -> Bars:
    """Demo M1 bars of EUR_USD over so many weeks."""
    start = parse_time("2025-01-05T22:00:00Z")
    end = start + weeks * 7 * 86_400_000_000_000
    return demo_bars(("EUR_USD",), start, end)["EUR_USD"]


def profile() -> Profile:
    """Stops, targets, risk, volatility parity, caps and costs all on."""
    return load_profile(_PROFILE)


def records_of(bars: Bars) -> Records:
    """BAR records of all of ``bars``."""
    table = load_instruments()
    loaded = profile()
    around = Surroundings(
        home="USD",
        hours=loaded.account.market_hours(),
        table=table,
        conversion=loaded.account.conversion_model(),
        financing=load_financing(),
        quotes={"EUR_USD": (bars.data, bars.granularity_ns)},
    )
    end = int(bars.data["t"][-1]) + bars.granularity_ns
    return bar_records(bars, effective(loaded, "EUR_USD"), around, 0, end)


def shared_of(bars: Bars, every: int) -> Shared:
    """What cells share, with a gate on every ``every``-th bar, three in four admitted."""
    records = records_of(bars)
    rng = np.random.default_rng(1)
    at = np.arange(5, len(records), every)
    columns = empty(GATE, len(at))
    columns["known"] = records["t"][at]
    columns["side"] = rng.choice([1, -1], len(at))
    columns["admit"] = 1
    columns["hazard"] = rng.random(len(at)) * 0.2
    columns["reps"] = rng.integers(1, 5, len(at))
    columns["metrics"] = 0.5
    gates = Gates("EUR_USD", columns, "memory")
    live, judged, _ = align(np.ascontiguousarray(records["t"]), gates.data["known"], gates.data)
    return share(records, live + 1, with_sentinel(judged))


def cell_rules(cells: int) -> Records:
    """RULES of so many cells around the profile: hazard caps, repetitions, exposure, stops."""
    table = load_instruments()
    pair = table["EUR_USD"]
    base = compile_rules(profile(), pair, currencies([pair], "USD"))
    rules = np.repeat(base, cells).view(np.recarray)
    numbers = np.arange(cells)
    rules["hazard_max"] = 0.12 + 0.01 * (numbers % 7)
    rules["exposure"] = 3.0 + 0.1 * (numbers % 11)
    rules["stop_abs"] = 20e-4 + 1e-4 * (numbers % 13)
    return rules


def limits() -> Records:
    """The profile's LIMITS."""
    return compile_limits(profile())
