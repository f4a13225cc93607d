"""The Parquet stores keep the contracts, in files that others can read, through crashes."""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.dataset
import pytest
from tests.contract.bar_store_contract import BarStoreContract
from tests.contract.samples import END_NS, START_NS, bars_at, gates_at, quotes
from tests.contract.writer_process import MINUTES, version
from tests.forked import Forked

from hotband.errors import StoreError
from hotband.gates.events import GateSource
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, MINUTE_NS
from hotband.stores.commit import JOURNAL, AtomicFolder
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.urls import open_bar_store, open_gate_store
from hotband.testing import GateStoreContract


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


class TestParquetBars(BarStoreContract):
    @pytest.fixture(autouse=True)
    def _root(self, folder: Path) -> None:
        self.root = folder

    def new_store(self, name: str) -> BarStore:
        return open_bar_store(f"parquet://{self.root / name.replace('/', '-')}")


class TestParquetGates(GateStoreContract):
    source: GateSource = "parquet"

    @pytest.fixture(autouse=True)
    def _root(self, folder: Path) -> None:
        self.root = folder

    def new_store(self, name: str) -> GateStore:
        return open_gate_store(f"parquet://{self.root / name.replace('/', '-')}")


def test_any_parquet_tool_reads_the_files(tmp_path: Path) -> None:
    bars = bars_at([0, 9, 10, 11])
    open_bar_store(f"parquet://{tmp_path}").append(bars)
    open_gate_store(f"parquet://{tmp_path}").append(gates_at([0, 15]))
    table = pyarrow.dataset.dataset(tmp_path / "bars", partitioning="hive").to_table()
    rows = table.sort_by("time").to_pylist()
    assert [row["month"] for row in rows] == ["2025-04", "2025-04", "2025-05", "2025-05"]
    assert {row["instrument"] for row in rows} == {"EUR_USD"}
    assert {row["granularity"] for row in rows} == {"M1"}
    assert [row["ask_c"] for row in rows] == bars.data["ask_c"].tolist()
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
    gates = pyarrow.dataset.dataset(tmp_path / "gates", partitioning="hive").to_table()
    assert gates.column("hazard").to_pylist() == [0.5, 0.5]


def test_the_layout_is_one_file_per_month(tmp_path: Path) -> None:
    open_bar_store(f"parquet://{tmp_path}").append(bars_at([0, 11]))
    open_gate_store(f"parquet://{tmp_path}").append(gates_at([0]))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")) == [
        "bars/instrument=EUR_USD/granularity=M1/month=2025-04/part.parquet",
        "bars/instrument=EUR_USD/granularity=M1/month=2025-05/part.parquet",
        "gates/instrument=EUR_USD/month=2025-04/part.parquet",
    ]
    assert not list(tmp_path.rglob("*.new"))


def test_a_second_append_leaves_untouched_months_alone(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path}")
    store.append(bars_at([0]))
    (april,) = tmp_path.rglob("part.parquet")
    before = april.stat().st_ino
    store.append(Bars.from_records("EUR_USD", "M1", quotes([11]), source="oanda"))
    assert april.stat().st_ino == before


@pytest.mark.parametrize("crash_at", range(1, 5))
def test_a_crash_between_files_is_finished_by_the_next_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    """Renames in order: the journal, April, May. A crash before the first leaves the old bars."""
    store = open_bar_store(f"parquet://{tmp_path}")
    store.append(bars_at([0, 11]))
    new = bars_at([0, 11], 1.2)
    calls = 0
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == crash_at:
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        if crash_at <= 3:
            with pytest.raises(KeyboardInterrupt):
                store.append(new, replace=True)
        else:
            store.append(new, replace=True)
    expected = bars_at([0, 11]) if crash_at == 1 else new
    assert store.read("EUR_USD", "M1", START_NS, END_NS).content_hash == expected.content_hash
    assert not (tmp_path / "bars" / JOURNAL).exists()
    assert not list(tmp_path.rglob(".part*"))


def test_a_killed_writer_leaves_the_old_bars_or_the_new_ones(tmp_path: Path) -> None:
    """Twenty kills at random moments of appends over four months."""
    draw = random.Random(7)  # noqa: S311 - moments of kills, no secret
    end_ns = START_NS + (MINUTES[-1] + 1) * MINUTE_NS
    url = f"parquet://{tmp_path}"
    with Forked("tests.contract.writer_process", url) as writers:
        for _ in range(20):
            writers.begin("")
            assert writers.line() == "0"
            time.sleep(draw.uniform(0, 0.15))
            said = [0, *map(int, writers.kill())]
            held = open_bar_store(url).read("EUR_USD", "M1", START_NS, end_ns)
            number = round((float(held.data["bid_o"][0]) - 1.0) * 100)
            assert number in {said[-1], said[-1] + 1}
            assert held.content_hash == version(number).content_hash


def test_concurrent_appenders_lose_nothing(tmp_path: Path) -> None:
    url = f"parquet://{tmp_path}"
    slices = [range(start, 40, 4) for start in range(4)]
    added: list[int] = []

    def append(minutes: range) -> None:
        for minute in minutes:
            piece = quotes(range(40))[minute : minute + 1]
            bars = Bars.from_records("EUR_USD", "M1", piece, source="oanda")
            added.append(open_bar_store(url).append(bars))

    threads = [threading.Thread(target=append, args=(minutes,)) for minutes in slices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert added == [1] * 40
    again = open_bar_store(url).read("EUR_USD", "M1", START_NS, START_NS + DAY_NS)
    assert again.content_hash == bars_at(range(40)).content_hash


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path}")
    store.append(bars_at([0]))
    (path,) = tmp_path.rglob("part.parquet")
    path.write_bytes(b"PAR1 no PAR1")
    with pytest.raises(StoreError, match=r"part\.parquet: got .*Restore it from a copy"):
        store.read("EUR_USD", "M1", START_NS, END_NS)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "bars").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="allowed: a folder that can be written"):
        open_bar_store(f"parquet://{tmp_path}").append(bars_at([0]))


def test_a_failed_write_leaves_no_drafts(tmp_path: Path) -> None:
    folder = AtomicFolder(tmp_path)
    rows = pl.DataFrame({"time": [1]})
    blocked = tmp_path / "a" / "part.parquet"
    (tmp_path / "b").write_text("a file where the folder should be")
    with folder.writing(), pytest.raises(FileExistsError):
        folder.commit({blocked: rows, tmp_path / "b" / "part.parquet": rows})
    assert list((tmp_path / "a").iterdir()) == []
