"""One small run of the demo market, with the tables that newer runs have besides."""

from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from hotband.artefacts.schemas import Instrument, Latest, files_of
from hotband.artefacts.writer import ArtefactFolder
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.stores.memory import memory_bars
from hotband.stores.ports import BarStore
from tests.service.results.frames import decision_rows, equity_rows
from tests.unit.report.report_runs import DATA, PAIRS, run_into
from tests.unit.report.trust_samples import JUDGED

MISSING = "GBP_USD"
HELD_OUT = 3
"""Trades of each instrument after the choice."""


@dataclass(frozen=True)
class Held:
    """A finished run, and the bars it was made of."""

    folder: ArtefactFolder
    latest: Latest
    older: Latest
    """The same as a run that kept nothing of its cells but their trades."""
    store: BarStore

    def entry(self, name: str) -> Instrument:
        found = self.latest.instruments[name]
        assert isinstance(found, Instrument)
        return found

    @property
    def judged(self) -> Latest:
        """The same with weeks after the choice of the first instrument."""
        own = self.entry(PAIRS[0]).judgement
        return self.changed(
            PAIRS[0],
            judgement=own.model_copy(update={"hold_out": JUDGED, "hold_out_reason": None}),
        )

    def changed(self, name: str, **changes: Any) -> Latest:
        entries = {**self.latest.instruments, name: self.entry(name).model_copy(update=changes)}
        return self.latest.model_copy(update={"instruments": entries})


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Two instruments that finished and one that has no bars."""
    root = tmp_path_factory.mktemp("results")
    made = run_into(root, None, MISSING).latest
    tables = [*made.files, "equity", "decisions", "hold_out_trades"]
    latest = made.model_copy(update={"files": files_of(made.run_id, tables)})
    after = pl.read_parquet(root / latest.files["trades"]).group_by("instrument").tail(HELD_OUT)
    after.write_parquet(root / latest.files["hold_out_trades"])
    for name, rows in (("equity", equity_rows), ("decisions", decision_rows)):
        pl.concat([rows(pair) for pair in PAIRS]).write_parquet(root / latest.files[name])
    start, end = (parse_time(text) for text in DATA)
    store = memory_bars("results of a demo run")
    for bars in demo_bars(PAIRS, start, end, seed=5).values():
        store.append(bars)
    older = made.model_copy(update={"files": files_of(made.run_id)})
    return Held(ArtefactFolder(root), latest, older, store)
