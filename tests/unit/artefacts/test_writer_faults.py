"""Killed writers, full disks and folders that refuse: the last good result stays whole."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.canary.sizes import ROOT
from tests.forked import SOURCES, Forked
from tests.unit.artefacts.artefact_samples import error, latest, partial, run_id, tables
from tests.unit.artefacts.full_disk_process import CANNOT_MOUNT
from tests.unit.artefacts.writer_process import SIZE, artefacts, fails

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

KILLS = 80


def next_good(number: int) -> int:
    """The first run from that number on that publishes a result."""
    return number + 1 if fails(number) else number


def published(folder: ArtefactFolder) -> int | None:
    """The number of the result in the folder, every file of which is whole."""
    partial_now, error_now = folder.read_partial(), folder.read_error()
    for found, place in ((partial_now, 0), (error_now, 2)):
        if found is not None and found.run_id is not None:
            assert found == artefacts(int(found.run_id, 16))[place]
    assert folder.read_interrupted() == partial_now
    result = folder.read_latest()
    if result is None:
        return None
    number = int(result.run_id, 16)
    assert result == artefacts(number)[1]
    for name, rows in tables(SIZE + number).items():
        assert_frame_equal(pl.read_parquet(folder.root / result.files[name]), rows)
    return number


def test_a_killed_writer_leaves_the_old_result_or_the_new_one(tmp_path: Path) -> None:
    draw = random.Random(20250416)  # noqa: S311 - moments to kill at, not secrets
    folder = ArtefactFolder(tmp_path)
    before, first, drafts = None, 0, 0
    with Forked("tests.unit.artefacts.writer_process", str(tmp_path)) as writers:
        longest = 0.0
        for _ in range(KILLS):
            writers.begin(first)
            started, said = time.monotonic(), list[int]()
            if longest == 0.0:  # as long as two results take on this machine
                said = [int(writers.line()) for _ in range(2)]
                longest = time.monotonic() - started
            else:
                time.sleep(draw.uniform(0, longest))
            said += map(int, writers.kill())
            drafts += any(tmp_path.rglob(".*.new"))
            now = published(folder)
            last = said[-1] if said else before
            assert now in {last, next_good(said[-1] + 1 if said else first)}
            before, first = now, first + 100
    assert before is not None
    assert drafts > 0, "no kill fell into a write"
    for entry in folder.list_archive():
        kept = folder.read_archive(entry.week, entry.version)
        assert kept == artefacts(int(kept.run_id, 16))[1]
    with folder.exclusive():
        assert not any(tmp_path.rglob(".*.new"))


Outcomes: TypeAlias = dict[str, dict[str, object]]


def outcomes(kind: str, root: Path, *spaces: str) -> Outcomes:
    """What came of each write of ``full_disk_process``."""
    done = subprocess.run(
        [*spaces, sys.executable, "-m", "tests.unit.artefacts.full_disk_process", kind, str(root)],
        env=os.environ | SOURCES,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == CANNOT_MOUNT:
        pytest.skip("mounting is refused here")
    assert done.returncode == 0, done.stderr
    found: Outcomes = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """A small disk of its own: full, then read-only."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("a small disk needs the name spaces of Linux")
    spaces = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*spaces, "true"], check=False, capture_output=True).returncode:
        pytest.skip("name spaces are refused here")
    return outcomes("disk", tmp_path_factory.mktemp("disk"), *spaces)


@pytest.mark.parametrize(
    ("write", "file"),
    [
        ("table", f"runs/{run_id(1)}/rows.parquet"),
        ("latest", "latest.json"),
        ("partial", "latest.partial.json"),
        ("error", "latest.error.json"),
        ("archive", "2025-W16.json"),
    ],
)
def test_a_full_disk_is_named_and_changes_nothing(
    full_disk: Outcomes, write: str, file: str
) -> None:
    assert f"{file}: got No space left on device" in str(full_disk[write]["told"])
    assert full_disk[write]["changed"] == []


def test_a_read_only_disk_is_named_and_its_result_can_be_read(
    full_disk: Outcomes,
) -> None:
    assert ".lock: got Read-only file system" in str(full_disk["read-only"]["told"])
    assert full_disk["read-only"]["changed"] == []
    assert full_disk["held"]["run"] == latest().run_id


def test_a_file_that_may_not_grow_is_named_and_changes_nothing(tmp_path: Path) -> None:
    """A limit on file sizes fails a write where a full disk would, on any machine."""
    found = outcomes("files", tmp_path)
    files = {"table": "rows.parquet", "latest": "latest.json", "partial": "latest.partial.json"}
    for write, file in files.items():
        assert f"{file}: got File too large" in str(found[write]["told"])
        assert found[write]["changed"] == []
    assert found["held"]["run"] == latest().run_id


@pytest.mark.parametrize("act", ["partial", "latest", "error", "archive"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, act: str) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = ArtefactFolder(tmp_path / "file" / "backtests")
    acts: dict[str, Callable[[], object]] = {
        "partial": lambda: folder.write_partial(partial()),
        "latest": lambda: folder.write_latest(latest(), tables()),
        "error": lambda: folder.write_error(error()),
        "archive": lambda: folder.archive(latest()),
    }
    with pytest.raises(StoreError, match=r"file/backtests.*got Not a directory.*Check the folder"):
        acts[act]()
    with pytest.raises(StoreError, match=r"latest\.json: got Not a directory"):
        folder.read_latest()


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    folder = ArtefactFolder(tmp_path)
    (tmp_path / "latest.json").mkdir()
    with pytest.raises(StoreError, match=r"latest\.json: got Is a directory"):
        folder.read_latest()
    with pytest.raises(StoreError, match=r"latest\.json: got Is a directory"):
        folder.write_latest(latest(), tables())
    assert not any(tmp_path.rglob(".*.new"))
