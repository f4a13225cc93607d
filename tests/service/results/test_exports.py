"""Exports have fixed ids, hold what the run holds, and start no formula."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError, StoreError
from hotband.service.results.exports import (
    CHUNK_ROWS,
    FORMULA_STARTS,
    csv_chunks,
    download,
    manifest,
)
from tests.service.results.conftest import Held

IDS = {
    f"{table}-{form}"
    for table in ("rows", "trades", "hold_out_trades", "oos", "equity", "decisions")
    for form in ("csv", "parquet")
} | {"latest-json", "report-html"}


def read(frame: pl.DataFrame) -> list[list[str]]:
    text = b"".join(csv_chunks(frame)).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def data(held: Held, export_id: str) -> bytes:
    return b"".join(download(held.folder, held.latest, export_id).chunks)


def test_every_run_has_the_same_ids_and_no_path_in_them(held: Held) -> None:
    for latest in (held.latest, held.older):
        found = manifest(latest)
        assert {export.id for export in found.exports} == IDS
        assert found.run_id == latest.run_id
        for export in found.exports:
            assert re.fullmatch(r"[a-z_]+-[a-z]+", export.id)
            assert re.fullmatch(r"hotband-2026-W\d\d-[0-9a-f]{16}(-[a-z-]+)?\.[a-z]+", export.name)


def test_tables_that_a_run_lacks_are_listed_with_the_reason(held: Held) -> None:
    lacking = {export.id for export in manifest(held.older).exports if not export.available}
    assert lacking == {
        f"{table}-{form}"
        for table in ("equity", "decisions", "hold_out_trades")
        for form in ("csv", "parquet")
    }
    with pytest.raises(InputError, match="equity-csv: this run was made before runs kept equity"):
        download(held.folder, held.older, "equity-csv")


@pytest.mark.parametrize(
    "table", ["rows", "trades", "hold_out_trades", "oos", "equity", "decisions"]
)
def test_a_table_is_taken_away_as_it_is(held: Held, table: str) -> None:
    frame = held.folder.read_table(held.latest, table)
    assert pl.read_parquet(data(held, f"{table}-parquet")).equals(frame)
    rows = list(csv.DictReader(io.StringIO(data(held, f"{table}-csv").decode(), newline="")))
    assert len(rows) == frame.height
    for name, kind in frame.schema.items():
        if kind == pl.Float64:
            column = [None if row[name] == "" else float(row[name]) for row in rows]
            assert column == frame[name].to_list()


def test_the_result_and_the_page_are_those_of_the_run(held: Held) -> None:
    assert Latest.model_validate_json(data(held, "latest-json")) == held.latest
    page = data(held, "report-html").decode()
    assert page.startswith("<!DOCTYPE html>")
    assert held.latest.run_id in page
    assert json.loads(data(held, "latest-json"))["run_id"] == held.latest.run_id


@pytest.mark.parametrize("bad", ["rows", "rows-cvs", "../latest-json", "rows.csv", ""])
def test_other_ids_are_refused(held: Held, bad: str) -> None:
    with pytest.raises(InputError, match="export: got"):
        download(held.folder, held.latest, bad)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_that_is_gone_is_told_before_the_first_byte(
    held: Held, form: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="the rows of a run"):
        download(ArtefactFolder(tmp_path), held.latest, f"rows-{form}")


TEXTS = st.text(alphabet=st.sampled_from(list("=+-@\t\r\n,;\"'a1. ")), max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_no_word_starts_a_formula_and_all_can_be_read_back(words: list[str]) -> None:
    frame = pl.DataFrame({"n": list(range(len(words))), "word": words})
    cells = [row[1] for row in read(frame)[1:]]
    for word, cell in zip(words, cells, strict=True):
        assert not cell.startswith(FORMULA_STARTS)
        assert cell == (f"'{word}" if word.startswith(FORMULA_STARTS) else word)


@given(st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=4))
def test_lists_are_joined_by_semicolons_each_word_made_safe(lists: list[list[str]]) -> None:
    frame = pl.DataFrame(
        {"n": list(range(len(lists))), "words": pl.Series(lists, dtype=pl.List(pl.String))}
    )
    safe = [[f"'{w}" if w.startswith(FORMULA_STARTS) else w for w in words] for words in lists]
    assert [row[1] for row in read(frame)[1:]] == [";".join(words) for words in safe]


def test_numbers_stay_numbers_below_zero_too() -> None:
    frame = pl.DataFrame({"a": [-1.5, 1e-9, None], "b": [-2, 3, 0], "c": [[-1.0, 2.0], [], None]})
    assert read(frame)[1:] == [["-1.5", "-2", "-1.0;2.0"], ["1e-9", "3", ""], ["", "0", ""]]


def test_undefined_numbers_are_empty() -> None:
    assert read(pl.DataFrame({"a": [float("nan"), float("-inf")], "b": [1, 2]}))[1:] == [
        ["", "1"], ["", "2"],
    ]  # fmt: skip


def test_times_are_rfc_3339_and_structs_json() -> None:
    frame = pl.DataFrame(
        {"t": [datetime(2026, 3, 9, 1, 2, 3, tzinfo=UTC)], "s": [{"a": 1, "b": "=x"}]},
        schema_overrides={"t": pl.Datetime("ns", "UTC")},
    )
    assert read(frame)[1] == ["2026-03-09T01:02:03Z", '{"a":1,"b":"=x"}']


def test_a_header_that_starts_a_formula_is_made_safe() -> None:
    assert read(pl.DataFrame({"=a": [1]}))[0] == ["'=a"]


def test_big_frames_come_in_pieces_with_one_header() -> None:
    frame = pl.DataFrame({"a": list(range(2 * CHUNK_ROWS + 1))})
    pieces = list(csv_chunks(frame))
    assert len(pieces) == 3
    assert [row[0] for row in read(frame)] == ["a", *map(str, range(frame.height))]


def test_a_frame_without_rows_is_a_header() -> None:
    assert read(pl.DataFrame({"a": []}, {"a": pl.Float64})) == [["a"]]
