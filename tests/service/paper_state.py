"""State folders with recordings and certificates, for tests of what the service says of them."""

from pathlib import Path
from typing import Any, Final

from hotband.artefacts.certificates import Certificate, Match, Mismatch, write_certificate
from hotband.artefacts.provenance import code_version
from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.values import Window
from hotband.live.driver import PaperDriver
from tests.unit.live.paper_weeks import arrivals, begun, hand_over

SESSION: Final = "20260308T220000Z-0123abcd"
STAGES: Final = ("gates", "decisions", "sizes", "fills", "pnl")


def certificate(session: str = SESSION, **changes: Any) -> Certificate:
    """Of a week of EUR_USD in which everything agrees."""
    same = Match(session=10, backtest=10, same=10)
    given: dict[str, Any] = {
        "schema_version": 1,
        "session": session,
        "produced": "2026-03-14T00:00:00Z",
        "window": Window(start="2026-03-08T21:00:00Z", end="2026-03-13T21:00:00Z"),
        "instruments": ("EUR_USD",),
        "cells": {},
        "stages": dict.fromkeys(STAGES, same),
        "mismatches": (),
        "mismatch_counts": {},
        "disturbances": (),
        "inputs": {"taken": 20},
        "restarts": 0,
        "code": {"recorded": code_version(), "replayed": code_version()},
        "reproduced": True,
        "match_pct": 100.0,
        "proven": True,
    }
    return Certificate(**(given | changes))


def differing(session: str = SESSION, **changes: Any) -> Certificate:
    """One in which five events differ because of late data."""
    missed = Mismatch(
        stage="fills", time="2026-03-09T10:00:00Z", instrument="EUR_USD", session=None,
        backtest={"units": 1000}, cause="late_data", why="a bar came after its closing",
    )  # fmt: skip
    stages = dict.fromkeys(STAGES, Match(session=10, backtest=10, same=10))
    stages["fills"] = Match(session=5, backtest=10, same=5)
    given: dict[str, Any] = {
        "stages": stages, "mismatches": (missed,), "mismatch_counts": {"late_data": 5},
        "match_pct": 97.3, "proven": False,
    }  # fmt: skip
    return certificate(session, **(given | changes))


def certify(root: Path, latest: Latest, name: str, made: Certificate) -> Certificate:
    """Write a certificate that is about the cell which a run chose for an instrument."""
    entry = latest.instruments[name]
    assert isinstance(entry, Instrument)
    about = made.model_copy(
        update={"instruments": (name,), "cells": {name: dict(entry.params.cell)}}
    )
    write_certificate(root, about)
    return about


def recorded(home: Path, name: str, share: float = 1.0) -> PaperDriver:
    """A session under the state folder that took in a share of two days, and still runs."""
    driver = begun(home / "recordings" / name)
    some = arrivals()
    hand_over(driver, some[: int(share * len(some))])
    driver.recording.sync()
    return driver


def with_paper(home: Path) -> Path:
    """The state folder with a certificate, an ended session, and one of each that is damaged."""
    root = home / "output" / "backtests"
    write_certificate(root, differing())
    (root / "certificates" / "damaged.json").write_text("{")
    recorded(home, "20260308T220000Z", 0.1).stop()
    (home / "recordings" / "damaged").mkdir()
    (home / "recordings" / "damaged" / "session.jsonl").write_text("{")
    return home
