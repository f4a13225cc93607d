"""A recording is the session: what is in it happened, once, and can be shown to have happened."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.live.paper_weeks import (
    END,
    NAMES,
    START,
    arrivals,
    begun,
    hand_over,
    market,
    spec_of,
    stores,
)

from hotband.artefacts.certificates import Certificate
from hotband.core.records import GATE, QUOTE
from hotband.errors import IntegrityError, StoreError
from hotband.live.arrivals import history
from hotband.live.driver import PaperDriver
from hotband.live.reconcile import STAGES, certify_session
from hotband.live.recording import FILE, Recording, from_values, to_values
from hotband.live.spec import Breakers
from hotband.market.calendar import MINUTE_NS, parse_time
from hotband.research.simulator import BacktestSimulator


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording from beginning to end."""
    folder = tmp_path_factory.mktemp("recordings") / "whole"
    driver = begun(folder)
    hand_over(driver, arrivals())
    driver.stop()
    return folder


def copied(folder: Path, to: Path, lines: int | None = None, torn: bytes = b"") -> Path:
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    if lines is not None:
        kept = (folder / FILE).read_bytes().splitlines(keepends=True)[:lines]
        (to / FILE).write_bytes(b"".join(kept) + torn)
    return to


def entries(folder: Path) -> list[Any]:
    return [(entry.kind, entry.values) for entry in Recording(folder).entries()]


def test_records_come_back_from_their_values_bit_for_bit() -> None:
    bars, gates = market()
    for row, dtype in ((bars["EUR_USD"].data[7:8], QUOTE), (gates["EUR_USD"].data[7:8], GATE)):
        through = json.loads(json.dumps(to_values(row)))
        assert from_values(through, dtype).tobytes() == np.ascontiguousarray(row).tobytes()


def test_a_whole_session_is_proven_and_is_the_backtest(whole: Path) -> None:
    found = certify_session(whole)
    assert found.proven
    assert found.match_pct == 100.0
    assert found.mismatches == ()
    assert found.stages["fills"].session > 5
    bars, gates = market()
    backtest = BacktestSimulator(
        list(NAMES), START, END, bars=bars, gates=gates, fallback=False, granularity="M5"
    ).run()
    fills = [fill for kind, values in entries(whole) if kind == "step" for fill in values["fills"]]
    assert fills == [to_values(backtest.fills[k : k + 1]) for k in range(len(backtest.fills))]


@pytest.mark.parametrize("seed", range(3))
def test_a_session_killed_three_times_trades_as_one_that_was_not(
    seed: int, whole: Path, tmp_path: Path
) -> None:
    """Each time the journal is cut at a random line, in the middle of the next one."""
    drawn = np.random.default_rng(seed)
    folder = tmp_path / "killed"
    driver = begun(folder)
    for _ in range(3):
        session = driver.session
        taken = {"bars": driver.last_bars, "gates": driver.last_gates}
        rest = list(history(session.spec, *stores(), parse_time(END), taken))
        done = int(drawn.integers(len(rest) // 4, len(rest) // 2))
        hand_over(driver, rest[:done])
        driver.stop()
        path = folder / FILE
        lines = path.read_bytes().splitlines(keepends=True)
        cut = len(lines) - int(drawn.integers(1, 20))
        path.write_bytes(b"".join(lines[:cut]) + lines[cut][: int(drawn.integers(1, 10))])
        driver = PaperDriver.resume(folder)
    taken = {"bars": driver.last_bars, "gates": driver.last_gates}
    hand_over(driver, list(history(spec_of(), *stores(), parse_time(END), taken)))
    driver.stop()
    steps = [values for kind, values in entries(folder) if kind == "step"]
    assert steps == [values for kind, values in entries(whole) if kind == "step"]
    found = certify_session(folder)
    assert found.proven
    assert found.restarts == 3


def test_an_outcome_that_was_not_written_down_is_written_when_it_goes_on(
    whole: Path, tmp_path: Path
) -> None:
    lines = (whole / FILE).read_bytes().splitlines()
    last = max(k for k, line in enumerate(lines) if b'"k":"close"' in line)
    folder = copied(whole, tmp_path / "cut", last + 1)
    PaperDriver.resume(folder).stop()
    added = entries(folder)[last:]
    assert [kind for kind, _ in added] == ["step", "restart"]
    then = json.loads(lines[last + 1])
    assert {"k": "step", **added[0][1]} == then


def test_a_session_whose_past_comes_out_otherwise_does_not_go_on(
    whole: Path, tmp_path: Path
) -> None:
    folder = copied(whole, tmp_path / "changed")
    path = folder / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    at = next(k for k, line in enumerate(lines) if b'"k":"step"' in line and b'"fills":[[' in line)
    values = json.loads(lines[at])
    values["nav"] += 1.0
    lines[at] = json.dumps(values).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match="another outcome at 2026-03-"):
        PaperDriver.resume(folder)
    found = certify_session(folder)
    assert not found.reproduced
    assert not found.proven


def late(folder: Path, whole: Path, minutes: int) -> Certificate:
    """A session in which the bar of the first entry came so much too late."""
    driver = begun(folder)
    everything = arrivals()
    first = next(values for kind, values in entries(whole) if kind == "step" and values["fills"])
    chosen = next(
        k
        for k, a in enumerate(everything)
        if a.kind == "bar" and a.instrument in first["i"] and a.t_ns == first["t"] + 5 * MINUTE_NS
    )
    held = everything.pop(chosen)
    after = next(k for k, a in enumerate(everything) if a.t_ns >= held.t_ns + minutes * MINUTE_NS)
    everything.insert(after, held)
    hand_over(driver, everything)
    driver.stop()
    return certify_session(folder)


def test_a_late_bar_is_named_as_the_cause_of_every_difference(whole: Path, tmp_path: Path) -> None:
    found = late(tmp_path / "late", whole, 30)
    assert found.inputs["late"] == 1
    assert not found.proven
    assert found.reproduced
    assert {each.cause for each in found.mismatches} == {"late_data"}
    assert 50.0 < found.match_pct < 100.0


def test_a_session_in_which_nothing_happened_proves_nothing(tmp_path: Path) -> None:
    begun(tmp_path / "idle").stop()
    found = certify_session(tmp_path / "idle")
    assert (found.reproduced, found.proven) == (True, False)
    assert all(match.session == match.backtest == 0 for match in found.stages.values())


def test_inputs_that_come_twice_are_counted_and_change_nothing(whole: Path, tmp_path: Path) -> None:
    driver = begun(tmp_path / "twice")
    for arrival in arrivals():
        hand_over(driver, [arrival])
        if arrival.kind != "close":
            hand_over(driver, [arrival])
    driver.stop()
    found = certify_session(tmp_path / "twice")
    assert found.inputs["duplicate"] > 100
    assert found.stages["fills"] == certify_session(whole).stages["fills"]
    assert all(match.complete for match in found.stages.values())


def test_switch_and_breakers_act_the_same_on_both_sides(tmp_path: Path) -> None:
    driver = begun(tmp_path / "halts", breakers=Breakers(daily_loss=0.0001))
    everything = arrivals()
    sixth = len(everything) // 6
    hand_over(driver, everything[: 4 * sixth])
    driver.set_kill_switch(engaged=True)
    hand_over(driver, everything[4 * sixth : 5 * sixth])
    driver.set_kill_switch(engaged=False)
    hand_over(driver, everything[5 * sixth :])
    driver.stop()
    halts = {
        halt for kind, values in entries(tmp_path / "halts") if kind == "step"
        for halt in values["halts"]
    }  # fmt: skip
    assert halts == {"kill_switch", "daily_loss"}
    assert certify_session(tmp_path / "halts").proven


def test_a_certificate_names_every_stage_and_is_json(whole: Path) -> None:
    told = json.loads(json.dumps(certify_session(whole).to_dict(), allow_nan=False))
    assert tuple(told["stages"]) == STAGES
    assert told["proven"] is True


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (b"", "line 1 of .*session.jsonl: got .*allowed: a line as it was written"),
        (b'{"format": 2}\n', "line 1 of"),
        (b"not json\n", "line 1 of"),
    ],
)
def test_what_is_no_recording_is_refused_by_its_line(
    spoil: bytes, text: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(spoil)
    with pytest.raises(StoreError, match=text):
        certify_session(tmp_path)


def test_a_recording_that_is_there_is_not_begun_again(whole: Path) -> None:
    with pytest.raises(StoreError, match="one that is there"):
        begun(whole)
