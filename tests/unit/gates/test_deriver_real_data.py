"""The deriver on real minutes: events exist, clear the guards and stay causal."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.naive.naive_deriver import MINUTE, rules_of

from hotband.gates.deriver import GateDeriver, derive_gates
from hotband.market.bars import PRICES, Bars, bar_faults, quotes_from

pytestmark = pytest.mark.real_data

GUARDED = rules_of(3, (0.0, 0.097), min_coherence=0.05, min_stability=0.6, max_entropy=0.999)
MONTHS = (
    ("EUR_USD", "EUR_USD.M1.dukascopy.20250401_20250418.parquet"),
    ("USD_JPY", "USD_JPY.M1.fxcm.20130201_20130301.parquet"),
)


def clean_bars(folder: Path, instrument: str, file: str) -> Bars:
    """The file's bars less the rows that Bars refuses (FXCM has crossed quotes)."""
    frame = pl.read_parquet(folder / file)
    quotes = quotes_from({name: frame[name] for name in ("time", *PRICES)}, instrument)
    faulty = np.any(list(bar_faults(quotes, MINUTE).values()), axis=0)
    return Bars.from_records(instrument, "M1", quotes[~faulty], source="history")


@pytest.mark.parametrize(("instrument", "file"), MONTHS)
def test_real_minutes_without_gates_give_events_that_clear_the_guards(
    real_data: Path, instrument: str, file: str
) -> None:
    got = derive_gates(clean_bars(real_data, instrument, file), GUARDED)
    data = got.gates.data
    coherence, stability, entropy = data["metrics"][:, :3].T
    assert len(got) > 100
    assert data["reps"].min() == 3
    assert 0.0 <= data["hazard"].min() <= data["hazard"].max() <= 0.097
    assert coherence.min() >= 0.05
    assert stability.min() >= 0.6
    assert entropy.max() <= 0.999
    assert set(data["side"].tolist()) == {-1, 1}


@pytest.mark.parametrize(("instrument", "file"), MONTHS)
def test_real_minutes_bar_by_bar_give_what_the_batch_gives(
    real_data: Path, instrument: str, file: str
) -> None:
    bars = clean_bars(real_data, instrument, file)
    batch = derive_gates(bars, GUARDED)
    stream = GateDeriver(instrument, MINUTE, GUARDED)
    events = [event for bar in bars.data if (event := stream.on_bar(bar)) is not None]
    assert events == batch.events()


def test_three_days_of_warm_up_give_the_events_of_the_whole_past(real_data: Path) -> None:
    """2000 completed runs and a window of 60 steps are all that the deriver remembers."""
    bars = clean_bars(real_data, *MONTHS[0])
    since = int(bars.known_ns[-2000])
    whole = derive_gates(bars, GUARDED, warm_up_until_ns=since)
    recent = Bars.from_records("EUR_USD", "M1", bars.data[-8000:], source="history")
    late = derive_gates(recent, GUARDED, warm_up_until_ns=since)
    assert whole.gates.content_hash == late.gates.content_hash
    assert whole.counts == late.counts
