"""A store whose disk has no room says so, and keeps what it had."""

import os
import subprocess
import sys
from pathlib import Path

from tests.canary.sizes import ROOT
from tests.contract.samples import quotes

from hotband.market.bars import Bars
from hotband.stores.urls import open_bar_store

SOURCES = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
APPEND = """
import resource, sys
from tests.unit.stores.test_full_disk import some_bars
from hotband.errors import StoreError
from hotband.stores.urls import open_bar_store

store = open_bar_store(f"parquet://{sys.argv[1]}")
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    store.append(some_bars(range(10_000), 1.2), replace=True)
except StoreError as error:
    print(error)
"""


def some_bars(minutes: range, price: float) -> Bars:
    data = quotes(tuple(minutes), price)
    for name in ("bid_o", "ask_o"):
        data[name] += 1e-5 * (data["t"] // 60_000_000_000 * 7919 % 1009) / 1009
    for side in ("bid", "ask"):
        data[f"{side}_h"] += 1e-4
    return Bars.from_records("EUR_USD", "M1", data, source="oanda")


def test_an_append_without_room_is_a_store_error_and_changes_nothing(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path}")
    store.append(some_bars(range(100), 1.1))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", APPEND, str(tmp_path)],
        env=os.environ | SOURCES, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "File too large" in done.stdout
    assert "Check that it exists, its rights and the free space." in done.stdout
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
