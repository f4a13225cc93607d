"""One run, whatever spreads it: the same bytes of result, rows and trades."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotband.research.grid import SPAN_CELLS
from hotband.stores.parquet import parquet_bars
from tests.contract.test_ray_executor import LOOPBACK
from tests.unit.weekly.grid_runs import PAIRS, market, published, run

MANY = {
    "default": {
        "hazard": {"points": 60},
        "min_reps": [1, 2, 3],
        "hold_minutes": [10, 20, 30],
        "exposure": [0.25, 0.5, 1.0],
        "stop_loss_pips": [5, 10, 20, 40],
    },
    "instruments": {"USD_JPY": {"direction": ["momentum", "mean_reversion"]}},
    "min_trades": 5,
}
"""A dozen spans and more."""

ON_RAY = """
import sys
from pathlib import Path

from ray.cluster_utils import Cluster
from tests.parity.test_executors_agree import MANY
from tests.unit.weekly.grid_runs import run

KILL_AT = 3
cluster = Cluster()
cluster.add_node(num_cpus=1, include_dashboard=False)
victim = cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
told = []

def listen(progress):
    told.append(progress.completed)
    if len(told) == KILL_AT:
        cluster.remove_node(victim)

try:
    run(Path(sys.argv[1]), grid=MANY, executor="ray", ray_address=cluster.address, listener=listen)
finally:
    cluster.shutdown()
print(KILL_AT, len(told))
"""


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the run publishes that does one span after the other."""
    folder = tmp_path_factory.mktemp("serial")
    latest = run(folder, grid=MANY)
    cells = [latest.instruments[name].model_dump()["cells"]["total"] for name in PAIRS]
    assert min(cells) > 5 * SPAN_CELLS
    return published(folder)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_threads_publish_the_bytes_of_the_serial_run(
    workers: int, serial: dict[str, object], tmp_path: Path
) -> None:
    run(tmp_path, grid=MANY, executor="threads", workers=workers)
    assert published(tmp_path) == serial


def on_ray(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The run in a process of its own, whose cluster loses one of two nodes on the way."""
    return subprocess.run(
        [sys.executable, "-c", ON_RAY, str(folder)],
        env=os.environ | LOOPBACK, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def test_two_ray_nodes_of_which_one_is_killed_publish_the_bytes_of_the_serial_run(
    serial: dict[str, object], tmp_path: Path
) -> None:
    done = on_ray(tmp_path)
    assert done.returncode == 0, done.stderr
    killed_at, told = (int(word) for word in done.stdout.split()[-2:])
    assert told > killed_at + 5
    assert published(tmp_path) == serial


def test_bars_from_a_store_publish_the_bytes_of_bars_from_memory(
    serial: dict[str, object], tmp_path: Path
) -> None:
    store = parquet_bars(tmp_path / "bars")
    for bars in market().values():
        store.append(bars)
    run(tmp_path / "out", grid=MANY, bars=store)
    assert published(tmp_path / "out") == serial
