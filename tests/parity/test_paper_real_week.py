"""A real week on paper: EUR/USD and GBP/USD, April 2025, minute by minute, is its backtest."""

from pathlib import Path

import pytest

from hotband.feeds.files import read_bars
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.live.arrivals import history, warm_up_of
from hotband.live.driver import PaperDriver
from hotband.live.reconcile import certify_session
from hotband.live.recording import to_values
from hotband.live.spec import SessionSpec, profile_text
from hotband.market.calendar import parse_time
from hotband.profile.strategy import effective, load_profile
from hotband.research.simulator import BacktestSimulator
from hotband.stores.memory import memory_bars, memory_gates

pytestmark = pytest.mark.real_data
FILES = {name: f"{name}.M1.dukascopy.20250401_20250418.parquet" for name in ("EUR_USD", "GBP_USD")}
START, END = "2025-04-06T21:00:00Z", "2025-04-11T21:00:00Z"


def test_a_real_week_on_paper_is_its_backtest_and_proven(real_data: Path, tmp_path: Path) -> None:
    bars_held, gates_held = memory_bars("real-week"), memory_gates("real-week")
    profile = load_profile()
    for name, file in FILES.items():
        bars = read_bars(real_data / file, on_crossed="drop")[0]
        own = effective(profile, name)
        settings = EncoderSettings(**own.encoder.model_dump(), lambda_scale=own.lambda_scale)
        bars_held.append(bars)
        gates_held.append(encode_gates(bars, settings).gates)
    spec = SessionSpec(tuple(FILES), "M1", parse_time(START), 100_000.0, profile_text(None))
    driver = PaperDriver.begin(tmp_path / "week", spec, warm_up_of(bars_held, spec))
    for arrival in history(spec, bars_held, gates_held, parse_time(END)):
        if arrival.kind == "close":
            driver.close(arrival.t_ns)
        else:
            assert arrival.row is not None
            take = driver.take_bar if arrival.kind == "bar" else driver.take_gate
            take(arrival.instrument, arrival.row)
    driver.stop()
    backtest = BacktestSimulator(
        list(FILES), START, END, bars=bars_held, gates=gates_held, fallback=False
    ).run()
    assert len(backtest.fills) > 50
    assert driver.session.fills.tobytes() == backtest.fills.tobytes()
    driver.session.finish()
    assert driver.session.manager.account.tobytes() == backtest.account.tobytes()
    for name in FILES:
        assert driver.session.funnel(name) == backtest.parts[name].funnel
    found = certify_session(tmp_path / "week")
    assert found.proven
    assert found.stages["fills"].session == len(backtest.fills)
    first = next(e for e in driver.recording.entries() if e.kind == "step" and e.values["fills"])
    assert first.values["fills"][0] == to_values(backtest.fills[:1])
