"""A year of M1 from the stub of the broker: how long, how many requests, how fast at most."""

import tempfile
import time
from pathlib import Path
from typing import Final

from tests.oanda.stub import Stub, most_within

from benchmarks.rows import Row
from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.market.calendar import DEFAULT_HOURS, parse_time
from hotband.market.instruments import load_instruments
from hotband.research.fetching import Backfill, FetchPlan
from hotband.stores.urls import open_bar_store

YEAR: Final = ("2025-01-05T22:00:00Z", "2026-01-04T22:00:00Z")


def oanda() -> list[Row]:
    """One instrument into an empty Parquet store, then again; the stub runs in this process."""
    start_ns, end_ns = (parse_time(text) for text in YEAR)
    plan = FetchPlan("EUR_USD", "M1", start_ns, end_ns)
    with Stub() as stub, tempfile.TemporaryDirectory() as folder:
        client = OandaClient(OandaAccess.from_environment(stub.environment))
        with client:
            home = Path(folder)
            store, place = open_bar_store(f"parquet://{home}"), f"parquet://{home}"
            backfill = Backfill(client, store, home, place, load_instruments(), DEFAULT_HOURS)
            begun = time.perf_counter()
            report = backfill.fetch(plan)
            first = time.perf_counter() - begun
            asked = len(stub.seen)
            backfill.fetch(plan)
            again = time.perf_counter() - begun - first
        named = f"stub, {report.bars_added:,} bars"
        refused = stub.turned_away
        connections = most_within(stub.connected, 1.0)
        return [
            Row("year of M1 from the broker", first, "s", "", named),
            Row("year of M1: requests", asked, "requests", "75", named),
            Row("year of M1: most requests in a second", stub.peak_rate(), "1/s", "120", named),
            Row("year of M1: most connections in a second", connections, "1/s", "2", named),
            Row("year of M1: connections turned away", refused, "", "0", named),
            Row("year of M1: fetched again", again, "s", "", named),
        ]
