"""The trial ledger counts every trial once, keeps it for good, and says where it is damaged."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.canary.sizes import ROOT
from tests.unit.roster.recorder_process import CELLS, INPUTS, MANY

from hotband.errors import InputError, InstrumentError, IntegrityError, StoreError, WindowError
from hotband.roster import trial_files
from hotband.roster.trials import Entry, Recorded, TrialLedger

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = (1, 2)
SOURCES = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
RECORDER = [sys.executable, "-m", "tests.unit.roster.recorder_process"]


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def only_file(root: Path) -> Path:
    (path,) = (root / "trials" / "EUR_USD").glob("*.trials")
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> TrialLedger:
    return TrialLedger(tmp_path)


def test_recording_adds_every_cell_once(ledger: TrialLedger) -> None:
    twice = np.concatenate((CELLS[:5], CELLS[:5]))
    assert ledger.record("EUR_USD", WINDOW, INPUTS, twice) == Recorded(added=5, total=5)
    assert ledger.count("EUR_USD") == 5


def test_recording_the_same_again_changes_no_byte(ledger: TrialLedger, tmp_path: Path) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:5])
    before = files(tmp_path)
    assert ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[4::-1]) == Recorded(added=0, total=5)
    assert files(tmp_path) == before


def test_grids_over_the_same_inputs_share_their_cells(ledger: TrialLedger) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    assert ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[6:14]) == Recorded(added=4, total=14)
    assert ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[2:8]) == Recorded(added=0, total=14)


@pytest.mark.parametrize(
    ("window", "inputs"), [((1, 3), INPUTS), ((0, 2), INPUTS), (WINDOW, INPUTS[::-1])]
)
def test_the_same_cells_on_another_window_or_inputs_are_other_trials(
    ledger: TrialLedger, window: tuple[int, int], inputs: str
) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    assert ledger.record("EUR_USD", window, inputs, CELLS[:10]) == Recorded(added=10, total=20)


def test_instruments_are_counted_apart(ledger: TrialLedger) -> None:
    ledger.record("USD_JPY", WINDOW, INPUTS, CELLS[:3])
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    assert ledger.counts() == {"EUR_USD": 10, "USD_JPY": 3}
    assert ledger.count("GBP_USD") == 0


def test_a_file_that_appears_while_a_folder_is_listed_is_no_damage(
    ledger: TrialLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    listed = trial_files.visible

    def then_another_records(folder: Path) -> list[Path]:
        monkeypatch.setattr(trial_files, "visible", listed)
        found = listed(folder)
        ledger.record("EUR_USD", (5, 9), INPUTS, CELLS[:3])
        return found

    monkeypatch.setattr(trial_files, "visible", then_another_records)
    assert ledger.count("EUR_USD") == 10
    assert ledger.count("EUR_USD") == 13


def test_an_empty_ledger_counts_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "none")
    assert (ledger.counts(), ledger.count("EUR_USD"), ledger.entries("EUR_USD")) == ({}, 0, [])
    assert ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:0]) == Recorded(added=0, total=0)
    assert not (tmp_path / "none").exists()


def test_entries_say_what_was_recorded(ledger: TrialLedger, tmp_path: Path) -> None:
    ledger.record("EUR_USD", (5, 9), INPUTS, CELLS[:3])
    last = only_file(tmp_path).name
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    first, second = ledger.entries("EUR_USD")
    assert (first.window, first.inputs, first.cells) == (WINDOW, INPUTS, 10)
    assert second == Entry((5, 9), INPUTS, 3, last)


def test_a_file_is_a_header_and_sorted_keys_under_the_hash_of_both(
    ledger: TrialLedger, tmp_path: Path
) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:100])
    path = only_file(tmp_path)
    content = path.read_bytes()
    assert path.name == f"{hashlib.sha256(content).hexdigest()}.trials"
    header, _, body = content.partition(b"\n")
    assert header == (
        b'{"end_ns":2,"format":1,"inputs":"0123456789abcdef","instrument":"EUR_USD",'
        b'"start_ns":1,"trials":100}'
    )
    keys = [body[at : at + 16] for at in range(0, len(body), 16)]
    assert keys == sorted(set(keys))
    bare = header.replace(b'"trials":100', b'"trials":0') + b"\n"
    expected = {
        hashlib.blake2b(bare + row.tobytes(), digest_size=16).digest() for row in CELLS[:100]
    }
    assert set(keys) == expected


@pytest.mark.parametrize(
    "cells",
    [
        np.array([(1, 2.0), (1, 3.0)], [("reps", "i8"), ("hazard", "f8")]),
        np.array([[1, 2], [3, 4]], np.int16),
        np.array([1.5, 2.5]),
        np.arange(16).reshape(4, 4)[::3, 1:3],
    ],
)
def test_cells_may_be_records_or_rows_of_any_layout(
    ledger: TrialLedger, cells: npt.NDArray[Any]
) -> None:
    assert ledger.record("EUR_USD", WINDOW, INPUTS, cells).added == 2
    assert ledger.record("EUR_USD", WINDOW, INPUTS, cells.copy()).added == 0


def test_what_lies_between_the_fields_of_a_record_is_no_part_of_the_cell(
    ledger: TrialLedger,
) -> None:
    holed = np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8]})
    one, other = (np.full(16, fill, np.uint8).view(holed) for fill in (0, 255))
    for cell in (one, other):
        cell["a"], cell["b"] = 1, 2.0
    assert one.tobytes() != other.tobytes()
    ledger.record("EUR_USD", WINDOW, INPUTS, one)
    assert ledger.record("EUR_USD", WINDOW, INPUTS, other).added == 0


@pytest.mark.parametrize(
    ("instrument", "window", "inputs", "cells", "text"),
    [
        ("EURUSD", WINDOW, INPUTS, CELLS, "instrument: got EURUSD; .* mean 'EUR_USD'"),
        ("../EUR", WINDOW, INPUTS, CELLS, "instrument: got ../EUR; allowed: BASE_QUOTE"),
        ("EUR_USD", (2, 2), INPUTS, CELLS, "window: got .*; allowed: start before end"),
        ("EUR_USD", WINDOW, "XYZ", CELLS, "inputs: got 'XYZ'; allowed: 16 to 128 hex digits"),
        ("EUR_USD", WINDOW, INPUTS, np.array([None]), "cells: got object .*; allowed: rows of"),
        ("EUR_USD", WINDOW, INPUTS, np.array(1.0), r"cells: got float64 of shape \(\)"),
        ("EUR_USD", WINDOW, INPUTS, np.zeros((3, 0)), r"cells: got float64 of shape \(3, 0\)"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    ledger: TrialLedger,
    instrument: str,
    window: tuple[int, int],
    inputs: str,
    cells: npt.NDArray[Any],
    text: str,
) -> None:
    with pytest.raises((InputError, InstrumentError, WindowError), match=text):
        ledger.record(instrument, window, inputs, cells)
    assert not ledger.root.exists()


@pytest.mark.parametrize("place", [0, 40, 110, -1])
@pytest.mark.parametrize("act", ["count", "entries", "record"])
def test_a_changed_byte_is_an_error_that_names_the_file(
    ledger: TrialLedger, tmp_path: Path, place: int, act: str
) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    calls: dict[str, Callable[[], object]] = {
        "count": lambda: ledger.count("EUR_USD"),
        "entries": lambda: ledger.entries("EUR_USD"),
        "record": lambda: ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10]),
    }
    with pytest.raises(IntegrityError, match=path.name):
        calls[act]()


@pytest.mark.parametrize("kept", [0, 50, 200])
def test_a_file_cut_short_is_an_error_that_names_it(
    ledger: TrialLedger, tmp_path: Path, kept: int
) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(IntegrityError, match=path.name):
        ledger.count("EUR_USD")


def reseal(path: Path, content: bytes) -> None:
    path.unlink()
    (path.parent / f"{hashlib.sha256(content).hexdigest()}.trials").write_bytes(content)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: c[:-1], "159 bytes of keys for 10 trials"),
        (lambda c: c[:-32] + c[-16:] + c[-32:-16], "keys out of order or repeated"),
        (lambda c: c[:-16] + c[-32:-16], "keys out of order or repeated"),
        (lambda c: c.replace(b"EUR_USD", b"USD_JPY"), "trials of USD_JPY in the folder of another"),
        (lambda c: c.replace(b'"format":1', b'"format":2'), "a first line that is no header"),
        (lambda c: c.replace(b'"trials":10', b'"trials":"x"'), "a first line that is no header"),
        (lambda c: c.replace(b'"end_ns"', b'"ends_ns"'), "a first line that is no header"),
    ],
)
def test_a_file_is_checked_beyond_its_hash(
    ledger: TrialLedger, tmp_path: Path, change: Any, text: str
) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    path = only_file(tmp_path)
    reseal(path, change(path.read_bytes()))
    with pytest.raises(IntegrityError, match=text):
        ledger.count("EUR_USD")


def test_a_renamed_file_is_not_taken_for_none(ledger: TrialLedger, tmp_path: Path) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    path = only_file(tmp_path)
    path.rename(path.with_suffix(".old"))
    with pytest.raises(IntegrityError, match=r"\.old: got a name that is no SHA-256"):
        ledger.count("EUR_USD")


def test_a_renamed_folder_is_not_taken_for_none(ledger: TrialLedger) -> None:
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    (ledger.root / "EUR_USD").rename(ledger.root / "EURUSD")
    with pytest.raises(IntegrityError, match="EURUSD: got a name that is no instrument"):
        ledger.counts()


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("a file")
    ledger = TrialLedger(tmp_path)
    with pytest.raises(StoreError, match=r"trial ledger .*EUR_USD: got Not a directory"):
        ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])


def test_a_disk_without_room_is_a_store_error_and_keeps_what_was_there(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path)
    ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:10])
    limited = subprocess.run(
        [*RECORDER, "full", str(tmp_path)],
        env=SOURCES, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "StoreError: trial ledger" in limited.stderr
    assert "File too large" in limited.stderr
    assert ledger.count("EUR_USD") == 10
    assert ledger.record("EUR_USD", WINDOW, INPUTS, CELLS[:20]) == Recorded(added=10, total=20)


def test_threads_that_record_at_once_lose_nothing_and_repeat_nothing(ledger: TrialLedger) -> None:
    def record(start: int) -> int:
        cells = CELLS[start : start + 60]
        return TrialLedger(ledger.root.parent).record("EUR_USD", WINDOW, INPUTS, cells).added

    with ThreadPoolExecutor(8) as pool:
        added = sum(pool.map(record, [20 * i for i in range(24)]))
    assert added == ledger.count("EUR_USD") == 20 * 23 + 60


def test_processes_that_record_at_once_lose_nothing_and_repeat_nothing(
    ledger: TrialLedger, tmp_path: Path
) -> None:
    seeds, times = range(3), 12
    running = [
        subprocess.Popen(
            [*RECORDER, "few", str(tmp_path), str(seed), str(times)],
            env=SOURCES, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for seed in seeds
    ]  # fmt: skip
    told = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 3
    drawn = set()
    for seed in seeds:
        draw = np.random.default_rng(seed)
        for _ in range(times):
            drawn |= set(draw.choice(len(CELLS), 500, replace=False).tolist())
    assert sum(int(line) for text in told for line in text.split()) == len(drawn)
    assert ledger.count("EUR_USD") == len(drawn)


def killed_while_writing(root: Path) -> tuple[int, bool]:
    """Start a recorder, kill it when it has a draft: what it finished, and if the draft stayed."""
    with subprocess.Popen(
        [*RECORDER, "many", str(root)], env=SOURCES, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        end = time.monotonic() + 30
        while time.monotonic() < end and not any(root.glob("trials/EUR_USD/.*.new")):
            time.sleep(0.0001)
        process.send_signal(signal.SIGKILL)
        assert time.monotonic() < end
        assert process.stdout is not None
        finished = len(process.stdout.read().split())
    return finished, any(root.glob("trials/EUR_USD/.*.new"))


def test_a_killed_writer_loses_no_finished_trial_and_leaves_no_half_one(tmp_path: Path) -> None:
    for attempt in range(10):
        root = tmp_path / str(attempt)
        finished, draft = killed_while_writing(root)
        ledger = TrialLedger(root)
        # A file may be in place though its writer was killed before it could say so.
        there = ledger.count("EUR_USD")
        assert there in {finished * len(MANY), (finished + 1) * len(MANY)}
        if draft:
            break
    else:
        pytest.fail("no kill in ten hit a writer in the middle")
    added = ledger.record("EUR_USD", WINDOW, INPUTS[::-1], CELLS[:10])
    assert added == Recorded(10, there + 10)
    assert not list(root.glob("trials/EUR_USD/.*.new"))


records = st.lists(
    st.tuples(
        st.sampled_from(["EUR_USD", "USD_JPY"]),
        st.integers(1, 2),
        st.sampled_from([INPUTS, INPUTS * 2]),
        st.frozensets(st.integers(0, 12)),
    ),
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(records, st.randoms(use_true_random=False))
def test_the_count_is_that_of_a_set_in_whatever_order_things_come(
    calls: list[tuple[str, int, str, frozenset[int]]], order: Any
) -> None:
    shuffled = list(calls)
    order.shuffle(shuffled)
    found = []
    for sequence in (calls, shuffled):
        with tempfile.TemporaryDirectory() as folder:
            ledger = TrialLedger(Path(folder))
            trials: set[tuple[str, int, str, int]] = set()
            for instrument, end, inputs, cells in sequence:
                new = {(instrument, end, inputs, cell) for cell in cells} - trials
                trials |= new
                rows = np.array(sorted(cells), np.int32)
                total = sum(trial[0] == instrument for trial in trials)
                recorded = ledger.record(instrument, (0, end), inputs, rows)
                assert recorded == Recorded(len(new), total)
            assert sum(ledger.counts().values()) == len(trials)
            found.append(files(Path(folder)))
    assert found[0] == found[1]
