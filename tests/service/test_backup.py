"""A backup holds what cannot be made again and nothing secret; restoring it checks first."""

import gzip
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError, StoreError
from hotband.roster.trials import TrialLedger
from hotband.service.backup import Manifest, back_up
from hotband.service.restore import restore, undo_interrupted
from hotband.stores.urls import open_bar_store
from tests.service.state_samples import (
    SECRETS,
    add_index,
    add_result,
    add_trials,
    contents,
    fill,
    index_rows,
)

Edit = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def output(home: Path) -> Path:
    return home / "output" / "backtests"


@pytest.fixture
def saved(home: Path, output: Path, tmp_path: Path) -> Path:
    fill(home, output)
    target = tmp_path / "saved.tar.gz"
    back_up(home, output, target)
    return target


def names(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return archive.getnames()


def rewritten(source: Path, target: Path, edit: Edit) -> Path:
    """The backup with other members; ``edit`` changes the list in place."""
    with tarfile.open(source) as archive:
        members = [(info, file.read()) for info in archive if (file := archive.extractfile(info))]
    edit(members)
    with tarfile.open(target, "w:gz") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return target


def member(name: str, data: bytes = b"x", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    return info


def test_a_restored_state_is_what_was_backed_up(
    saved: Path, home: Path, output: Path, tmp_path: Path
) -> None:
    new_home, new_output = tmp_path / "elsewhere", tmp_path / "results"
    manifest = restore(saved, new_home, new_output)
    assert contents(new_output) == contents(output)
    assert index_rows(new_home) == index_rows(home) == 4
    assert TrialLedger(new_home).counts() == TrialLedger(home).counts() == {"EUR_USD": 5}
    assert (new_home / "hotband.yaml").read_text() == "global: {}\n"
    held = ArtefactFolder(new_output)
    latest = held.read_latest()
    assert latest is not None
    assert len(held.read_table(latest, "rows")) == 4
    assert len(manifest.files) == len(names(saved)) - 1


def test_equal_state_gives_equal_files_in_the_manifest(saved: Path, tmp_path: Path) -> None:
    first = restore(saved, tmp_path / "a", tmp_path / "a" / "out")
    again = back_up(tmp_path / "a", tmp_path / "a" / "out", tmp_path / "again.tar.gz")
    assert again.files == first.files


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    weeks=st.lists(st.integers(0, 8), min_size=1, max_size=4),
    cells=st.integers(1, 9),
    rows=st.integers(0, 5),
    inside=st.booleans(),
)
def test_back_up_then_restore_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, weeks: list[int], cells: int, rows: int, inside: bool
) -> None:
    base = tmp_path_factory.mktemp("law")
    pairs = []
    for name in ("a", "b"):
        own = base / name
        pairs.append((own, own / "output" if inside else base / f"{name}-output"))
    (home, output), (new_home, new_output) = pairs
    for number in weeks:
        add_result(ArtefactFolder(output), number)
    add_trials(home, cells)
    add_index(home, rows)
    back_up(home, output, base / "saved.tar.gz")
    restore(base / "saved.tar.gz", new_home, new_output)
    assert contents(new_output) == contents(output)
    assert contents(new_home / "trials") == contents(home / "trials")
    assert index_rows(new_home) == rows


def test_no_secret_and_no_log_is_ever_in_a_backup(saved: Path) -> None:
    text = gzip.decompress(saved.read_bytes())
    assert not any(name.endswith(SECRETS) for name in names(saved))
    assert b"secret of" not in text
    assert saved.stat().st_mode & 0o777 == 0o600


def test_bars_come_along_only_when_asked_for(home: Path, output: Path, tmp_path: Path) -> None:
    fill(home, output)
    without = back_up(home, output, tmp_path / "without.tar.gz")
    with_bars = back_up(home, output, tmp_path / "with.tar.gz", with_bars=True)
    extra = with_bars.files.keys() - without.files.keys()
    assert extra
    assert all(name.startswith("state/bars/instrument=EUR_USD/") for name in extra)
    restore(tmp_path / "with.tar.gz", tmp_path / "new", tmp_path / "new" / "out")
    assert open_bar_store(f"parquet://{tmp_path / 'new'}").instruments() == ("EUR_USD",)


def test_the_index_is_copied_with_what_is_only_in_its_log_yet(
    home: Path, output: Path, tmp_path: Path
) -> None:
    fill(home, output)
    with closing(sqlite3.connect(home / "service" / "index.sqlite")) as open_index:
        open_index.execute("PRAGMA wal_autocheckpoint=0")
        open_index.execute("INSERT INTO runs VALUES (99)")
        open_index.commit()
        open_index.execute("INSERT INTO runs VALUES (100)")  # not committed
        back_up(home, output, tmp_path / "saved.tar.gz")
    restore(tmp_path / "saved.tar.gz", tmp_path / "new", tmp_path / "new" / "out")
    assert index_rows(tmp_path / "new") == 5


def test_while_a_run_is_on_finished_results_are_copied_and_its_own_files_are_not(
    home: Path, output: Path, tmp_path: Path
) -> None:
    folder = fill(home, output)
    (output / "latest.partial.json").write_text("{}")
    unfinished = output / "runs" / ("e" * 16)
    (unfinished / "spans").mkdir(parents=True)
    (unfinished / "rows.parquet").write_bytes(b"half")
    with folder.exclusive():
        manifest = back_up(home, output, tmp_path / "saved.tar.gz")
    assert "output/latest.json" in manifest.files
    assert not [name for name in manifest.files if "partial" in name or "e" * 16 in name]
    assert any("a run was on" in line for line in manifest.left_out)
    assert any(f"unfinished work of run {'e' * 16}" in line for line in manifest.left_out)


def test_a_link_in_the_state_is_not_followed(home: Path, output: Path, tmp_path: Path) -> None:
    fill(home, output)
    (tmp_path / "private.yaml").write_text("password: x")
    (home / "linked.yaml").symlink_to(tmp_path / "private.yaml")
    manifest = back_up(home, output, tmp_path / "saved.tar.gz")
    assert "state/linked.yaml" not in manifest.files
    assert any(line.startswith("linked.yaml") for line in manifest.left_out)


def test_nothing_to_keep_and_a_file_that_is_there_are_refused(
    home: Path, output: Path, tmp_path: Path, saved: Path
) -> None:
    with pytest.raises(StoreError, match="nothing that a backup keeps"):
        back_up(tmp_path / "none", tmp_path / "none" / "output", tmp_path / "x.tar.gz")
    with pytest.raises(InputError, match="a file that is not there yet"):
        back_up(home, output, saved)
    with pytest.raises(InputError, match="a file outside"):
        back_up(home, output, output / "x.tar.gz")
    assert not (tmp_path / "x.tar.gz").exists()


def test_a_target_with_files_is_refused_and_left_as_it_is(
    saved: Path, home: Path, output: Path
) -> None:
    before = contents(home)
    with pytest.raises(InputError, match=r"allowed: an empty one.*--force"):
        restore(saved, home, output)
    assert contents(home) == before


def test_force_replaces_results_and_index_and_keeps_secrets_and_every_trial(
    saved: Path, home: Path, output: Path
) -> None:
    before = contents(output)
    folder = ArtefactFolder(output)
    add_result(folder, 9)
    add_trials(home, 3, inputs="b" * 64)
    add_index(home, 7)
    (output / "latest.partial.json").write_text("{}")
    restore(saved, home, output, force=True)
    assert contents(output) == before
    assert index_rows(home) == 4
    assert TrialLedger(home).counts() == {"EUR_USD": 8}
    assert (home / "service" / "token").read_text() == "secret of token"
    assert not list(home.rglob(".restore"))


def test_the_log_of_the_old_index_does_not_end_up_in_the_new_one(
    saved: Path, home: Path, output: Path
) -> None:
    (home / "service" / "index.sqlite-wal").write_bytes(b"of another file")
    restore(saved, home, output, force=True)
    assert not (home / "service" / "index.sqlite-wal").exists()


def test_a_run_that_is_on_is_not_overwritten(saved: Path, home: Path, output: Path) -> None:
    before = contents(home)
    with ArtefactFolder(output).exclusive(), pytest.raises(StoreError, match="one run at a time"):
        restore(saved, home, output, force=True)
    assert contents(home) == before


HOSTILE = {
    "absolute": member("/etc/passwd"),
    "dot_dot": member("output/../../outside.json"),
    "dot_dot_inside": member("state/bars/../../x/part.parquet"),
    "backslash": member("output\\latest.json"),
    "token": member("state/service/token"),
    "hidden": member("state/.profile.yaml"),
    "journal": member("state/.restore/journal.json"),
    "other_root": member("elsewhere/latest.json"),
    "newline": member("state/a\nb.yaml"),
    "unicode_digit": member("output/runs/\u0661123456789abcdef/rows.parquet"),
    "link": member("output/latest.json", kind=tarfile.SYMTYPE),
    "hard_link": member("output/latest.json", kind=tarfile.LNKTYPE),
    "device": member("output/latest.json", kind=tarfile.CHRTYPE),
    "fifo": member("output/latest.json", kind=tarfile.FIFOTYPE),
    "folder": member("output/runs", kind=tarfile.DIRTYPE),
    "twice": member("output/latest.json"),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("place", [0, -1])
def test_a_hostile_member_is_refused_before_anything_is_written(
    saved: Path, tmp_path: Path, kind: str, place: int
) -> None:
    info = HOSTILE[kind]
    info.linkname = "../../outside"
    bad = rewritten(saved, tmp_path / "bad.tar.gz", lambda held: held.insert(place, (info, b"x")))
    new = tmp_path / "new"
    with pytest.raises(StoreError, match=r"backup .*bad\.tar\.gz: got"):
        restore(bad, new, new / "output")
    assert not new.exists()
    assert not (tmp_path / "outside.json").exists()


def _flip(held: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info, data = held[0]
    held[0] = (info, bytes([data[0] ^ 1]) + data[1:])


def _forge(held: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest = json.loads(held[-1][1]) | {"format": 2}
    body = json.dumps(manifest).encode()
    held[-1] = (member("manifest.json", body), body)


EDITS: dict[str, Edit] = {
    "a changed byte": _flip,
    "a missing file": lambda held: held.__delitem__(0),
    "a file more": lambda held: held.insert(0, (member("output/2020-W01.json"), b"x")),
    "no manifest": lambda held: held.__delitem__(-1),
    "a file behind the manifest": lambda held: held.append((member("state/z.yaml"), b"x")),
    "another format": _forge,
    "nothing": lambda held: held.clear(),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_backup_that_is_not_as_it_was_written_changes_nothing(
    saved: Path, home: Path, output: Path, tmp_path: Path, edit: str
) -> None:
    bad = rewritten(saved, tmp_path / "bad.tar.gz", EDITS[edit])
    before = contents(home)
    with pytest.raises(StoreError, match="nothing was changed"):
        restore(bad, home, output, force=True)
    assert contents(home) == before


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_backup_that_was_cut_off_changes_nothing(
    saved: Path, home: Path, output: Path, tmp_path: Path, share: float
) -> None:
    data = saved.read_bytes()
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(data[: int(share * len(data))])
    before = contents(home)
    with pytest.raises(StoreError, match="backup"):
        restore(bad, home, output, force=True)
    assert contents(home) == before


@pytest.mark.parametrize("more", [b"x" * 20_480, gzip.compress(b"x" * 600, mtime=0)])
def test_bytes_behind_the_end_are_refused(saved: Path, tmp_path: Path, more: bytes) -> None:
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(saved.read_bytes() + more)
    with pytest.raises(StoreError, match="backup"):
        restore(bad, tmp_path / "new", tmp_path / "new" / "output")
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_not_there_is_named(home: Path, output: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.tar\.gz: got No such file"):
        restore(tmp_path / "none.tar.gz", home, output)


def test_a_restore_that_is_killed_anywhere_leaves_the_old_state_or_the_new_one(
    saved: Path, home: Path, output: Path
) -> None:
    new_state = contents(output)
    (output / "2024-W01.json").unlink()
    add_result(ArtefactFolder(output), 9)
    add_trials(home, 3, inputs="b" * 64)
    old = contents(home)
    kills = 0
    for left in range(100):
        arguments = [str(part) for part in (saved, home, output, left)]
        script = Path(__file__).with_name("restore_process.py")
        done = subprocess.run(
            [sys.executable, str(script), *arguments], env=os.environ, check=False
        )
        if done.returncode == 0:
            break
        kills += 1
        undo_interrupted(home)
        assert contents(home) == old, left
    assert kills > 8
    assert contents(output) == new_state
    assert TrialLedger(home).counts() == {"EUR_USD": 8}


def test_undoing_where_nothing_was_interrupted_changes_nothing(home: Path) -> None:
    add_index(home, 1)
    before = contents(home)
    assert not undo_interrupted(home)
    assert contents(home) == before


def test_the_manifest_says_what_was_left_out(home: Path, output: Path, tmp_path: Path) -> None:
    fill(home, output)
    (home / "demo").mkdir()
    manifest = back_up(home, output, tmp_path / "saved.tar.gz")
    assert "demo in the state folder: not kept by backups" in manifest.left_out
    with tarfile.open(tmp_path / "saved.tar.gz") as archive:
        last = archive.getmembers()[-1]
        body = archive.extractfile(last)
        assert body is not None
        assert last.name == "manifest.json"
        assert Manifest.model_validate_json(body.read()) == manifest
