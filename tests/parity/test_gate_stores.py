"""The same gates give the same run, whichever store they come from; none give a full one too."""

from pathlib import Path

import numpy as np
import pytest

from hotband.core.gating import threshold_mask, trade_side
from hotband.feeds.demo import demo_bars
from hotband.feeds.files import read_bars
from hotband.gates.encoder import encode_gates
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import load_profile
from hotband.research.encoding import HistoryEncoder
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator
from hotband.stores.ports import GateStore
from hotband.stores.urls import open_bar_store, open_gate_store
from tests.valkey_server import ValkeyServer

DEMO = (parse_time("2025-03-31T00:00:00Z"), parse_time("2025-04-04T21:00:00Z"))
DEMO_WINDOW = ("2025-04-01T00:00:00Z", "2025-04-04T20:00:00Z")
APRIL_WINDOW = ("2025-04-06T21:00:00Z", "2025-04-18T20:00:00Z")


def run(bars: dict[str, Bars], gates: GateStore | str, window: tuple[str, str]) -> SimulationResult:
    return BacktestSimulator(
        sorted(bars), *window, bars=bars, gates=gates, profile=load_profile(), unavailable="fail"
    ).run()


def same(left: SimulationResult, right: SimulationResult) -> None:
    """Decisions, fills, books and equity are the same bytes; only the scheme differs."""
    rows = int(left.account[0].decisions)
    assert left.logs.decisions[:rows].tobytes() == right.logs.decisions[:rows].tobytes()
    assert left.fills.tobytes() == right.fills.tobytes()
    assert left.books.tobytes() == right.books.tobytes()
    assert left.account.tobytes() == right.account.tobytes()
    assert left.logs.equity.tobytes() == right.logs.equity.tobytes()
    assert left.coverage == right.coverage
    assert left.trades.equals(right.trades)


def stores(tmp_path: Path, server: ValkeyServer, name: str) -> dict[str, GateStore]:
    urls = (f"memory://{name}", f"parquet://{tmp_path}", server.url(server.fresh_db()))
    return {url.partition(":")[0]: open_gate_store(url) for url in urls}


def prove(
    bars: dict[str, Bars], held: dict[str, GateStore], window: tuple[str, str]
) -> dict[str, SimulationResult]:
    for store in held.values():
        for series in bars.values():
            store.append(encode_gates(series, details=True).gates.window(0, parse_time(window[1])))
    results = {scheme: run(bars, store, window) for scheme, store in held.items()}
    for scheme, result in results.items():
        assert result.source == scheme
        same(results["memory"], result)
    return results


def test_three_stores_give_one_run_of_the_demo_market(
    tmp_path: Path, valkey_server: ValkeyServer
) -> None:
    bars = demo_bars(("EUR_USD", "USD_JPY"), *DEMO)
    results = prove(bars, stores(tmp_path, valkey_server, "three-demo"), DEMO_WINDOW)
    assert results["valkey"].trades.height > 50


@pytest.mark.real_data
def test_april_runs_on_recorded_gates_where_there_are_and_on_derived_ones_where_not(
    real_data: Path, tmp_path: Path, valkey_server: ValkeyServer
) -> None:
    """Both kinds clear the same guards, and neither is used where the other belongs."""
    bars = {}
    for name in ("EUR_USD", "GBP_USD"):
        file = real_data / f"{name}.M1.dukascopy.20250401_20250418.parquet"
        bars[name] = read_bars(file, on_crossed="drop")[0]
    results = prove(bars, stores(tmp_path, valkey_server, "three-april"), APRIL_WINDOW)
    real = results["valkey"]
    derived = run(bars, open_gate_store("memory://nothing-recorded"), APRIL_WINDOW)
    assert (real.coverage.synthetic_minutes, derived.coverage.real_minutes) == (0.0, 0.0)
    assert (real.coverage.real_fraction or 0.0) > 0.9
    assert derived.source == "synthetic"
    assert derived.coverage.synthetic_minutes > 0.5 * derived.coverage.minutes
    assert min(real.trades.height, derived.trades.height) > 200
    table = load_instruments()
    for result, flag in ((real, 0), (derived, 1)):
        for index, (name, part) in enumerate(result.parts.items()):
            pair = table[name]
            rules = compile_rules(load_profile(), pair, currencies([pair], "USD"))[0]
            gates = part.feed.gates[1:]
            assert set(gates["synthetic"]) == {flag}
            traded = np.isin(
                gates["known"], result.fills["gate"][result.fills["instrument"] == index]
            )
            masks = {
                threshold_mask(gate, trade_side(part.feed.bars[0], gate, rules), rules)
                for gate in gates[traded]
            }
            assert masks == {0}


def test_bars_from_the_candle_keys_give_the_same_run(valkey_server: ValkeyServer) -> None:
    bars = demo_bars(("EUR_USD",), *DEMO)
    url = valkey_server.url(valkey_server.fresh_db())
    store = open_bar_store(url)
    store.append(bars["EUR_USD"])
    gates = open_gate_store(url)
    assert HistoryEncoder(store, gates, "M1").encode_missing("EUR_USD").added > 5000
    from_keys = BacktestSimulator("EUR_USD", *DEMO_WINDOW, bars=url, gates=url).run()
    local = run(bars, gates, DEMO_WINDOW)
    same(from_keys, local)
    assert from_keys.source == "valkey"
