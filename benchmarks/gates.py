"""What gates cost: encoding, payloads, a server's answer, a year from Parquet."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from valkey import Valkey
from valkey.exceptions import ValkeyError

from benchmarks import market
from benchmarks.rows import Row, best
from hotband.core.records import QUOTE, Records
from hotband.gates.encoder import encode_gates
from hotband.gates.payload import decode, encode
from hotband.market.bars import Bars
from hotband.market.calendar import MINUTE_NS, parse_time
from hotband.stores.urls import open_bar_store, open_gate_store

_E3 = (
    '{"instrument":"EUR_USD","ts_ms":%d,"admit":false,"direction":"BUY","lambda":0.0897,'
    '"hazard":0.897,"hazard_threshold":0.884,"repetitions":1,"structure":{"coherence":0.214,'
    '"stability":0.0,"entropy":0.944,"rupture":0.73,"signature":"c0.214_s0.000_e0.944",'
    '"hazard":0.897,"lambda_scaled":0.0897,"hazard_threshold":0.884},"regime":{"label":'
    '"trend_bull","confidence":1.0},"components":{"bits_b64":"AAECAw=="},"reasons":'
    '["hazard_exceeds_adaptive_threshold"],"source":"regime_manifold","action":"STANDBY"}'
)


def _million() -> Bars:
    """A million minutes of a random walk with spreads and volumes, without a gap."""
    n = 1_000_000
    rng = np.random.default_rng(5)
    mid = 1.1 * np.exp(np.cumsum(rng.normal(0.0, 1e-4, n)))
    data: Records = np.empty(n, QUOTE)
    data["t"] = parse_time("2023-01-01T22:00:00Z") + MINUTE_NS * np.arange(n, dtype=np.int64)
    half = 0.5e-4 * rng.uniform(0.5, 2.0, n)
    opens = np.r_[mid[0], mid[:-1]]
    for side, shift in (("bid", -half), ("ask", half)):
        data[f"{side}_o"], data[f"{side}_c"] = opens + shift, mid + shift
        data[f"{side}_h"] = np.maximum(opens, mid) + 5e-5 + shift
        data[f"{side}_l"] = np.minimum(opens, mid) - 5e-5 + shift
    data["volume"] = rng.integers(1, 500, n)
    return Bars.from_records("EUR_USD", "M1", data, source="random")


def _each(count: int, work: Callable[[], object], repeats: int = 3) -> float:
    return count / best(work, repeats)


@contextmanager
def _server() -> Iterator[str]:
    """A real server on a free loopback port; its address as a URL."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise SystemExit("no valkey-server on PATH: run scripts/install_services.sh")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--save", "", "--dir", folder]
        with subprocess.Popen(
            [*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL
        ) as process:
            try:
                _until_ready(port)
                yield f"valkey://127.0.0.1:{port}/0?read_s=60"
            finally:
                process.terminate()


def _until_ready(port: int) -> None:
    for _ in range(200):
        try:
            with Valkey("127.0.0.1", port) as client:
                client.ping()
            return
        except ValkeyError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def gates() -> list[Row]:
    """Bars per second encoded, payloads per second, and range reads."""
    bars = _million()
    encoded = encode_gates(bars, details=True).gates
    some = encoded.window(int(encoded.data["known"][0]), int(encoded.data["known"][100_000]))
    texts = encode(some)
    start_ms = parse_time("2026-02-02T00:00:00Z") // 1_000_000
    service = [_E3 % (start_ms + 15_000 * i) for i in range(100_000)]
    rows = [
        Row("encode bars to gates", _each(len(bars), lambda: encode_gates(bars)), "bars/s",
            "2,000,000", "1,000,000 random M1 bars, one core"),
        Row("payloads written", _each(len(some), lambda: encode(some)), "1/s", "", "own form"),
        Row("payloads read", _each(len(some), lambda: decode(texts, "EUR_USD")), "1/s", "",
            "own form"),
        Row("payloads of the existing service read",
            _each(len(service), lambda: decode(service, "EUR_USD")), "1/s", "", "E3 form"),
    ]  # fmt: skip
    span = int(some.data["known"][0]), int(some.data["known"][-1]) + 1
    with _server() as url:
        store = open_gate_store(url)
        store.append(some)
        seconds = best(lambda: store.read("EUR_USD", *span), 3)
        rows.append(Row("Valkey range read of 100,000 gates", seconds, "s", "2", "loopback"))
    year = market.year_of_bars()
    of_year = encode_gates(year).gates
    with tempfile.TemporaryDirectory() as folder:
        url = f"parquet://{Path(folder)}"
        open_bar_store(url).append(year)
        open_gate_store(url).append(of_year)
        whole = int(year.data["t"][0]), int(year.known_ns[-1]) + 1

        def read() -> None:
            open_bar_store(url).read("EUR_USD", "M1", *whole)
            open_gate_store(url).read("EUR_USD", *whole)

        on = f"{len(year):,} bars, {len(of_year):,} gates"
        rows.append(
            Row("Parquet read of a year of M1 bars and gates", best(read, 5), "s", "0.2", on)
        )
    return rows
