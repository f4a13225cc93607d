"""The folder of artefacts: what is written, in which order, and what reading makes of it."""

import fcntl
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.unit.artefacts import artefact_samples as samples
from tests.unit.artefacts.artefact_samples import (
    RUN,
    error,
    instrument,
    latest,
    partial,
    run_id,
    tables,
)

from hotband.artefacts.schemas import Document, Entry, Instrument, files_of
from hotband.artefacts.values import Coverage, Progress
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import IntegrityError, StoreError


@pytest.fixture
def folder(tmp_path: Path) -> ArtefactFolder:
    return ArtefactFolder(tmp_path / "backtests")


def names(folder: ArtefactFolder) -> set[str]:
    found = {p.relative_to(folder.root).as_posix() for p in folder.root.rglob("*") if p.is_file()}
    return found - {".lock"}


def test_an_empty_folder_has_nothing_to_read(folder: ArtefactFolder) -> None:
    reads = (folder.read_latest, folder.read_partial, folder.read_error, folder.read_interrupted)
    assert [read() for read in reads] == [None] * 4
    assert not folder.root.exists()


def test_what_is_written_is_read(folder: ArtefactFolder) -> None:
    folder.write_latest(latest(), tables())
    folder.write_partial(partial(run_id(1), generated_at="2025-04-19T02:00:00Z"))
    assert folder.read_latest() == latest()
    assert folder.read_partial() == partial(run_id(1), generated_at="2025-04-19T02:00:00Z")
    folder.write_error(error())
    assert folder.read_error() == error()
    rows = pl.read_parquet(folder.root / latest().files["rows"])
    assert_frame_equal(rows, tables()["rows"])


def test_success_removes_the_partial_and_the_error(folder: ArtefactFolder) -> None:
    folder.write_error(error())
    folder.write_partial(partial())
    folder.write_latest(latest(), tables())
    assert names(folder) == {"latest.json", *files_of(RUN).values()}


def test_failure_removes_the_partial_and_leaves_the_last_good_result(
    folder: ArtefactFolder,
) -> None:
    folder.write_latest(latest(), tables())
    before = (folder.root / "latest.json").read_bytes()
    folder.write_partial(partial(run_id(1)))
    folder.write_error(error(run_id(1)))
    assert names(folder) == {"latest.json", "latest.error.json", *files_of(RUN).values()}
    assert (folder.root / "latest.json").read_bytes() == before


def test_a_result_may_name_more_tables_than_rows_and_trades(folder: ArtefactFolder) -> None:
    files = files_of(RUN, ["rows", "trades", "oos", "winners_equity"])
    folder.write_table(RUN, "winners_equity", pl.DataFrame({"equity": [1.0]}))
    folder.write_latest(latest(files=files), tables())
    assert set(files.values()) <= names(folder)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "files: got runs/0123456789abcdef/rows.parquet; allowed: tables that are there"),
        ({"rows": tables()["rows"]}, "got runs/0123456789abcdef/trades.parquet"),
        (tables() | {"equity": tables()["rows"]}, "table: got equity; allowed: rows, trades"),
    ],
)
def test_a_result_and_its_tables_must_match(
    folder: ArtefactFolder, given: dict[str, pl.DataFrame], message: str
) -> None:
    with pytest.raises(IntegrityError, match=message):
        folder.write_latest(latest(), given)
    assert folder.read_latest() is None


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_no_table_holds_nan_or_infinity(folder: ArtefactFolder, number: float) -> None:
    rows = pl.DataFrame({"cell": [1, 2], "score": [0.5, number], "pnl": [1.0, None]})
    with pytest.raises(IntegrityError, match="table rows: got NaN or infinity in score; allowed"):
        folder.write_latest(latest(), tables() | {"rows": rows})


def test_equal_results_are_equal_bytes_whatever_order_they_were_made_in(tmp_path: Path) -> None:
    made = instrument()
    turned = Instrument(
        **{
            **{name: getattr(made, name) for name in reversed(Instrument.model_fields)},
            "metrics": dict(reversed(made.metrics.items())),
            "metric_details": dict(reversed(made.metric_details.items())),
        }
    )
    orders: list[dict[str, Entry]] = [{"USD_JPY": made, "EUR_USD": samples.failed()}]
    orders.append({"EUR_USD": samples.failed(), "USD_JPY": turned})
    found = []
    for i, entries in enumerate(orders):
        folder = ArtefactFolder(tmp_path / str(i))
        folder.write_latest(latest(instruments=entries), tables())
        found.append({name: (folder.root / name).read_bytes() for name in names(folder)})
    assert found[0] == found[1]


def test_production_times_are_all_that_may_differ(folder: ArtefactFolder) -> None:
    folder.write_latest(latest(), tables())
    before = (folder.root / "latest.json").read_text("utf-8")
    folder.write_latest(latest(generated_at="2025-04-20T00:00:00Z"), tables())
    after = (folder.root / "latest.json").read_text("utf-8")
    assert after == before.replace("2025-04-19T00:00:00Z", "2025-04-20T00:00:00Z")


def test_equal_rows_are_equal_bytes_however_they_lie_in_memory(folder: ArtefactFolder) -> None:
    whole = pl.DataFrame({"a": range(300_000), "b": [i * 0.1 for i in range(300_000)]})
    pieces = pl.concat([whole[i : i + 70_000] for i in range(0, 300_000, 70_000)], rechunk=False)
    assert pieces.n_chunks() > 1
    one = folder.write_table(RUN, "rows", whole).read_bytes()
    assert folder.write_table(RUN, "rows", pieces).read_bytes() == one


def test_whole_numbers_are_written_without_a_fraction(folder: ArtefactFolder) -> None:
    folder.write_latest(latest(), tables())
    text = (folder.root / "latest.json").read_text("utf-8")
    assert '"trades": 62,' in text
    assert '"pnl": 1.16,' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    "document",
    [
        latest().model_copy(update={"run_id": "short"}),
        latest().model_copy(update={"instruments": {}}),
        instrument().gate_coverage.model_copy(update={"minutes": math.nan}),
    ],
)
def test_a_document_that_breaks_its_rules_is_not_written(
    folder: ArtefactFolder, document: Document | Coverage
) -> None:
    broken: object = document
    if isinstance(document, Coverage):
        entry = instrument().model_copy(update={"gate_coverage": document})
        broken = latest().model_copy(update={"instruments": {"USD_JPY": entry}})
    folder.write_latest(latest(), tables())
    before = (folder.root / "latest.json").read_bytes()
    with pytest.raises(IntegrityError, match=r"artefact Latest: got .*Report a defect"):
        folder.write_latest(broken, tables())  # type: ignore[arg-type] # under test
    assert (folder.root / "latest.json").read_bytes() == before


def cut(text: str) -> str:
    return text[: len(text) // 2]


def without_version(text: str) -> str:
    document = json.loads(text)
    del document["schema_version"]
    return json.dumps(document)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (cut, "Invalid JSON"),
        (lambda _: "", "Invalid JSON"),
        (lambda _: "{}", "Field required"),
        (lambda _: "[]", "Input should be an object"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "should be 1"),
        (without_version, "no schema_version"),
        (lambda text: text.replace('"seed": 7', '"seed": NaN'), "valid integer"),
        (
            lambda text: text.replace('"seed"', '"sead"'),
            "Field required .*[.(](selection|provenance).seed",
        ),
        (lambda text: text.replace(samples.WEEK.end, "soon"), "match pattern"),
    ],
)
@pytest.mark.parametrize("name", ["latest", "latest.partial", "latest.error", "2025-W16"])
def test_a_broken_file_is_refused_by_its_name(
    folder: ArtefactFolder, name: str, spoil: Callable[[str], str], fault: str
) -> None:
    folder.archive(latest())
    folder.write_latest(latest(), tables())
    folder.write_error(error())
    folder.write_partial(partial())
    path = folder.root / f"{name}.json"
    path.write_text(spoil(path.read_text("utf-8")), "utf-8")
    reads: dict[str, Callable[[], object]] = {
        "latest": folder.read_latest,
        "latest.partial": folder.read_partial,
        "latest.error": folder.read_error,
        "2025-W16": lambda: folder.read_archive("2025-W16"),
    }
    with pytest.raises(StoreError, match=rf"{name}\.json: got .*{fault}.*docs/schemas"):
        reads[name]()


def test_the_partial_of_a_run_that_finished_counts_as_none(folder: ArtefactFolder) -> None:
    """Its writer was killed after latest.json and before it could remove it."""
    folder.write_latest(latest(), tables())
    folder.write_partial(partial(generated_at="2025-04-18T23:59:59Z"))
    assert folder.read_partial() is None
    folder.write_partial(partial(generated_at="2025-04-19T00:00:01Z"))
    assert folder.read_partial() is not None
    folder.write_partial(partial(run_id(1), generated_at="2025-04-18T23:59:59Z"))
    assert folder.read_partial() is not None


def test_an_error_older_than_the_result_counts_as_none(folder: ArtefactFolder) -> None:
    folder.write_latest(latest(), tables())
    folder.write_error(error(run_id(1), generated_at="2025-04-18T23:59:59Z"))
    assert folder.read_error() is None
    folder.write_error(error(run_id(1), generated_at="2025-04-19T00:00:00Z"))
    assert folder.read_error() is not None


def test_a_partial_without_a_living_writer_was_interrupted(folder: ArtefactFolder) -> None:
    with folder.exclusive():
        folder.write_partial(partial(progress=Progress.of(1, 60)))
        assert folder.read_interrupted() is None
        assert ArtefactFolder(folder.root).read_interrupted() is None
    found = folder.read_interrupted()
    assert found is not None
    assert found.progress.completed == 1


def test_a_second_writer_is_refused_and_told_who_writes(folder: ArtefactFolder) -> None:
    other = ArtefactFolder(folder.root)
    with folder.exclusive():
        folder.write_latest(latest(), tables())
        for act in (other.exclusive().__enter__, lambda: other.write_partial(partial(run_id(1)))):
            with pytest.raises(StoreError, match=f"another run, process {os.getpid()}; allowed"):
                act()
        assert folder.read_partial() is None
    other.write_partial(partial(run_id(1)))
    assert folder.read_partial() is not None


def test_a_writer_in_another_process_is_named(folder: ArtefactFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from hotband.artefacts.lock import FolderLock\n"
        "FolderLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    folder.root.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.root / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(StoreError, match=f"process {process.pid}; allowed"),
            folder.exclusive(),
        ):
            pytest.fail("two runs at a time")
        process.kill()
    with folder.exclusive():
        pass


def test_looking_at_the_lock_does_not_keep_a_writer_out(folder: ArtefactFolder) -> None:
    """``read_interrupted`` holds it for a moment, shared."""
    folder.write_latest(latest(), tables())
    with (folder.root / ".lock").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert folder.read_interrupted() is None
        over = threading.Timer(0.05, fcntl.flock, (looking, fcntl.LOCK_UN))
        over.start()
        with folder.exclusive():
            over.join()


def test_threads_that_share_a_folder_take_turns(folder: ArtefactFolder) -> None:
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for _ in range(10):
                folder.write_partial(partial(run_id(number)))
                assert folder.read_partial() is not None
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert names(folder) == {"latest.partial.json"}


def test_the_lock_is_given_back_after_an_error(folder: ArtefactFolder) -> None:
    with pytest.raises(KeyboardInterrupt), folder.exclusive():
        raise KeyboardInterrupt
    with folder.exclusive():
        pass


def test_taking_the_folder_clears_what_killed_writers_left(folder: ArtefactFolder) -> None:
    folder.write_latest(latest(), tables())
    before = names(folder)
    (folder.root / ".latest.json.new").write_text("{")
    (folder.root / "runs" / RUN / ".rows.parquet.new").write_text("PAR")
    with folder.exclusive():
        assert names(folder) == before
