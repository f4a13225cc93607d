"""A state folder with results, trials, gates, an index and secrets, made of the real parts."""

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from hotband.artefacts.certificates import write_certificate
from hotband.artefacts.schemas import files_of
from hotband.artefacts.values import Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import DAY_NS, format_time, parse_time
from hotband.roster.trials import TrialLedger
from hotband.stores.urls import open_bar_store
from tests.unit.artefacts.artefact_samples import latest, run_id, tables
from tests.unit.artefacts.test_parity import certificate

MONDAY_NS = parse_time("2024-01-01T00:00:00Z")
SECRETS = ("token", "cookies.json", "service.log")


def week_window(number: int) -> Window:
    """The ISO week that many weeks after 2024-W01."""
    start = MONDAY_NS + number * 7 * DAY_NS
    return Window.of(start, start + 7 * DAY_NS)


def add_result(folder: ArtefactFolder, number: int, *, run: str | None = None) -> str:
    """A finished and archived run of that week, made the week after; its id."""
    own = run or run_id(number)
    made = format_time(MONDAY_NS + (number * 7 + 9) * DAY_NS)
    result = latest(own, window=week_window(number), generated_at=made, files=files_of(own))
    with folder.exclusive():
        folder.write_latest(result, tables())
        folder.archive(result)
    return own


def add_trials(home: Path, cells: int, inputs: str = "a" * 64) -> None:
    ledger = TrialLedger(home)
    ledger.record("EUR_USD", (0, 10), inputs, np.arange(cells, dtype=np.int64))


def add_index(home: Path, rows: int) -> None:
    """An index in WAL mode."""
    (home / "service").mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(home / "service" / "index.sqlite")) as index:
        index.execute("PRAGMA journal_mode=WAL")
        index.execute("CREATE TABLE IF NOT EXISTS runs (id INTEGER)")
        index.executemany("INSERT INTO runs VALUES (?)", [(i,) for i in range(rows)])
        index.commit()


def index_rows(home: Path) -> int:
    with closing(sqlite3.connect(home / "service" / "index.sqlite")) as index:
        found: int = index.execute("SELECT count(*) FROM runs").fetchone()[0]
    return found


def fill(home: Path, output: Path, *, weeks: int = 3, bars: bool = True) -> ArtefactFolder:
    """All of it."""
    folder = ArtefactFolder(output)
    for number in range(weeks):
        add_result(folder, number)
    write_certificate(output, certificate("20240115T000000Z-0a1b2c3d"))
    add_trials(home, 5)
    add_index(home, 4)
    (home / "hotband.yaml").write_text("global: {}\n")
    for name in SECRETS:
        (home / "service" / name).write_text(f"secret of {name}")
    if bars:
        start = parse_time("2026-03-01T22:00:00Z")
        store = open_bar_store(f"parquet://{home}")
        for made in demo_bars(("EUR_USD",), start, start + DAY_NS).values():
            store.append(made)
    return folder


def contents(*roots: Path) -> dict[str, str]:
    """SHA-256 of every visible file below, by name relative to its root."""
    found = {}
    for number, root in enumerate(roots):
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            hidden = any(part.startswith(".") for part in relative.parts)
            if path.is_file() and not hidden:
                name = f"{number}:{relative.as_posix()}"
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def age(path: Path, now_ns: int, days: float) -> None:
    """Make a file or folder look as if it was written that long before ``now_ns``."""
    moment = now_ns - round(days * DAY_NS)
    for each in (*path.rglob("*"), path):
        os.utime(each, ns=(moment, moment))
