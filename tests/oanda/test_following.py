"""Candles followed into a store as they come, and a paper session that trades what is followed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hotband.errors import IntegrityError
from hotband.feeds.oanda_client import OandaClient
from hotband.gates.encoder import encode_gates
from hotband.live.clock import Clock, FixedClock
from hotband.live.following import Follower
from hotband.live.reconcile import certify_session
from hotband.live.start import Asked, run_session
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS, format_time, parse_time
from hotband.market.instruments import load_instruments
from hotband.research.fetching import Backfill, FetchPlan
from hotband.stores.memory import memory_bars
from hotband.stores.ports import BarStore
from hotband.stores.urls import open_bar_store, open_gate_store
from tests.oanda.market import Market
from tests.oanda.stub import Stub

NOW = "2026-03-06T15:00:30Z"
FROM = "2026-03-06T13:00:00Z"


@dataclass
class Followed:
    """A follower of two pairs, the server, and the clock of both."""

    stub: Stub
    follower: Follower
    store: BarStore
    clock: FixedClock
    said: list[str] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        now = self.clock.now_ns() + round(seconds * 1e9)
        self.clock.set_ns(now)
        self.stub.market.now = format_time(now)

    def last(self, name: str = "EUR_USD") -> str:
        extent = self.store.extent(name, "M1")
        assert extent is not None
        return format_time(extent[1])


@pytest.fixture
def followed(stub: Stub, client: OandaClient, tmp_path: Path) -> Followed:
    stub.market = Market(now=NOW, missing=0.0)
    store = memory_bars(f"followed-{tmp_path.name}")
    backfill = Backfill(client, store, tmp_path, "memory://x", load_instruments(), DEFAULT_HOURS)
    clock, said = FixedClock(parse_time(NOW)), list[str]()
    plans = [FetchPlan(name, "M1", parse_time(FROM)) for name in ("EUR_USD", "GBP_USD")]
    return Followed(stub, Follower(backfill, store, plans, clock, said.append), store, clock, said)


def test_it_catches_up_with_all_complete_candles(followed: Followed) -> None:
    came = followed.follower.catch_up()
    assert [(each.instrument, each.bars) for each in came] == [("EUR_USD", 120), ("GBP_USD", 120)]
    assert came[0].last == followed.last() == "2026-03-06T14:59:00Z"


def test_a_candle_comes_when_the_broker_says_that_it_is_complete(followed: Followed) -> None:
    followed.follower.catch_up()
    assert followed.follower.look() == []
    followed.pass_time(60)
    assert [each.bars for each in followed.follower.look()] == [1, 1]
    assert followed.last() == "2026-03-06T15:00:00Z"
    assert followed.follower.look() == []


def test_nothing_is_asked_before_a_candle_can_be_over(followed: Followed) -> None:
    followed.follower.catch_up()
    asked = len(followed.stub.seen)
    followed.pass_time(20)
    assert followed.follower.look() == []
    assert len(followed.stub.seen) == asked


def test_over_a_weekend_nothing_comes_and_nothing_is_lost(followed: Followed) -> None:
    followed.follower.catch_up()
    followed.pass_time(9 * 3600)
    followed.follower.look()
    friday = followed.last()
    followed.pass_time(24 * 3600)
    assert followed.follower.look() == []
    assert followed.said == []
    followed.pass_time(40 * 3600)
    assert followed.follower.look() != []
    assert friday.startswith("2026-03-06T21:5")
    held = followed.store.read("EUR_USD", "M1", parse_time(FROM), followed.clock.now_ns()).data["t"]
    assert len(held) == len(
        followed.stub.market.opens("M1", parse_time(FROM), parse_time(followed.last()) + 1)
    )


class Between(Market):
    """A market in which two minutes pass after its first reply."""

    def at_once(self) -> Market:
        held = super().at_once()
        self.now = format_time(parse_time(NOW) + 2 * MINUTE_NS)
        return held


def test_candles_completed_between_two_questions_of_a_look_come_once(followed: Followed) -> None:
    followed.follower.catch_up()
    followed.pass_time(60)
    followed.stub.market = Between(now=NOW, missing=0.0)
    # The first question finds 15:00 to be the newest candle, so that the look ends with it.
    assert [each.bars for each in followed.follower.look()] == [1, 2]
    assert followed.last("EUR_USD") == "2026-03-06T15:00:00Z"
    followed.pass_time(60)
    assert [(each.instrument, each.bars) for each in followed.follower.look()] == [("EUR_USD", 1)]
    assert followed.last("EUR_USD") == followed.last("GBP_USD") == "2026-03-06T15:01:00Z"


def test_trouble_is_said_once_and_once_more_when_it_is_over(followed: Followed) -> None:
    followed.follower.catch_up()
    for _ in range(2):
        followed.pass_time(60)
        followed.stub.faults += ["500"] * 8
        assert followed.follower.look() == []
    assert [line.split(":")[0] for line in followed.said] == ["EUR_USD", "GBP_USD"]
    assert [each.bars for each in followed.follower.look()] == [2, 2]
    assert [line.split(": ")[1] for line in followed.said[2:]] == ["answered again"] * 2


def test_a_defect_ends_the_following_and_is_raised(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[Any]:
        raise IntegrityError("rows", "nonsense", "rows", "Report it.")

    monkeypatch.setattr(followed.follower, "look", broken)
    stop = threading.Event()
    with (
        pytest.raises(IntegrityError, match="nonsense"),
        followed.follower.running(stop, 0.01, lambda _: None),
    ):
        assert stop.wait(20)


def test_the_command_follows_until_a_signal(stub: Stub, tmp_path: Path) -> None:
    stub.market = Market(now=NOW, missing=0.0)
    words = ["follow", "-i", "EUR_USD", "--from", FROM, "--every", "0.1"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OANDA_")}
    with subprocess.Popen(
        [sys.executable, "-m", "hotband", "data", "fetch", *words],
        env=kept | stub.environment | {"HOTBAND_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        first = json.loads(running.stdout.readline())
        stub.market.now = "2026-03-06T15:02:30Z"
        # Time may pass between two questions of one look, which then ends with the first minute.
        later = [json.loads(running.stdout.readline())]
        while later[-1]["last"] < "2026-03-06T15:01:00Z":
            later.append(json.loads(running.stdout.readline()))
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    assert first == {"instrument": "EUR_USD", "bars_added": 120, "last": "2026-03-06T14:59:00Z"}
    assert later[-1]["last"] == "2026-03-06T15:01:00Z"
    assert {each["instrument"] for each in later} == {"EUR_USD"}
    assert sum(each["bars_added"] for each in later) == 2
    assert stub.verbs == {"GET"}


class Fast:
    """A clock that begins at a time and passes thirty times as fast."""

    def __init__(self, start: str) -> None:
        self._began, self._start_ns = time.monotonic_ns(), parse_time(start)

    def now_ns(self) -> int:
        return self._start_ns + 30 * (time.monotonic_ns() - self._began)


class Moving(Market):
    """A market whose now is that of a clock."""

    clock: Clock

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns()


def gates_of(candles: Callable[[int], BarStore], folder: Path, until: str) -> None:
    """Encoded gates of the candles to come, in the store where a session looks for them."""
    bars = candles(parse_time(until)).read("EUR_USD", "M1", parse_time(FROM), parse_time(until))
    open_gate_store(f"parquet://{folder}").append(encode_gates(bars).gates)


def test_a_paper_session_on_followed_candles_is_certified(
    stub: Stub, client: OandaClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def candles(until_ns: int) -> BarStore:
        store = memory_bars(f"whole-{tmp_path.name}")
        stub.market = Market(now=format_time(until_ns + MINUTE_NS), missing=0.0)
        fetch = Backfill(client, store, tmp_path, "memory://y", load_instruments(), DEFAULT_HOURS)
        fetch.fetch(FetchPlan("EUR_USD", "M1", parse_time(FROM)))
        return store

    home = tmp_path / "home"
    for name, value in stub.environment.items() | {("HOTBAND_HOME", str(home))}:
        monkeypatch.setenv(name, value)
    for name in ("HOTBAND_BARS", "HOTBAND_GATES", "VALKEY_URL", "HOTBAND_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    gates_of(candles, home, "2026-03-06T15:30:00Z")
    clock = Fast(NOW)
    stub.market = Moving(missing=0.0)
    stub.market.clock = clock
    said: list[dict[str, Any]] = []

    def stop_after_bars() -> None:
        store = open_bar_store(f"parquet://{home}")
        while (store.extent("EUR_USD", "M1") or (0, 0))[1] < parse_time("2026-03-06T15:09:00Z"):
            time.sleep(0.2)
        time.sleep(5.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_after_bars, daemon=True).start()
    recording = tmp_path / "recording"
    asked = Asked(
        instruments=("EUR_USD",), source="oanda", recording=recording, stale_after_s=3600.0
    )
    run_session(asked, said.append, clock)
    found = certify_session(recording)
    assert found.proven, found.mismatches
    assert found.stages["gates"].same > 0
    assert found.stages["decisions"].same >= 8, found.inputs
    assert stub.verbs == {"GET"}
