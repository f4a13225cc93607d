"""Whatever comes late, twice, never or otherwise: positions hold, and each difference is named."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotband.artefacts.certificates import Certificate
from hotband.live.arrivals import Arrival
from hotband.live.driver import PaperDriver
from hotband.live.reconcile import certify_session
from hotband.live.recording import FILE, Recording
from hotband.market.bars import PRICES
from hotband.market.calendar import MINUTE_NS, parse_time
from tests.parity.disorder import STEP_NS, Disorder, disturbed, played, revised, state_of
from tests.unit.live.paper_weeks import arrivals, begun

CALM = Disorder(seed=1)
rare = st.sampled_from((0.0, 0.02, 0.1))


def certified(folder: Path, disorder: Disorder) -> Certificate:
    played(folder, disturbed(disorder))
    return certify_session(folder)


def entries_and_exits(folder: Path) -> tuple[list[int], list[int]]:
    """Open times of the fills that opened, and that closed."""
    opened: list[int] = []
    closed: list[int] = []
    for entry in Recording(folder).entries():
        if entry.kind == "step":
            for fill in entry.values["fills"]:
                (opened if fill[2] > 0 else closed).append(fill[0])
    return opened, closed


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        Disorder,
        seed=st.integers(0, 10_000),
        late=rare,
        twice=rare,
        missing=rare,
        revised=rare,
        still=st.sampled_from((0, 30)),
        restarts=st.integers(0, 2),
        clock=st.booleans(),
    )
)
def test_in_any_disorder_the_account_adds_up_and_every_difference_has_its_cause(
    disorder: Disorder,
) -> None:
    with tempfile.TemporaryDirectory() as parent:
        found = certified(Path(parent) / "it", disorder)
    assert found.reproduced
    assert found.restarts == disorder.restarts
    if not found.proven:
        assert found.disturbances
        assert found.mismatch_counts
        assert set(found.mismatch_counts) <= {each.cause for each in found.disturbances}


def test_a_session_without_disorder_is_proven_whole(tmp_path: Path) -> None:
    found = certified(tmp_path / "calm", CALM)
    assert (found.proven, found.match_pct, found.mismatches) == (True, 100.0, ())
    assert found.stages["fills"].session > 5


def test_what_comes_twice_and_restarts_alone_leave_a_session_proven(tmp_path: Path) -> None:
    found = certified(tmp_path / "it", replace(CALM, twice=0.3, restarts=3))
    assert found.proven
    assert found.inputs["duplicate"] > 50


def test_while_prices_are_hours_old_nothing_opens_and_positions_still_close(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "still"
    calm = played(tmp_path / "calm", disturbed(CALM))
    entered = int(calm.session.fills["t"][calm.session.fills["kind"] == 1][2])
    inputs = disturbed(CALM)
    for at, each in enumerate(inputs):
        assert isinstance(each, Arrival)
        if each.kind == "close" and each.t_ns > entered:
            assert each.now_ns is not None
            inputs[at] = replace(each, now_ns=each.now_ns + 120 * MINUTE_NS)
    played(folder, inputs)
    opened, closed = entries_and_exits(folder)
    assert max(opened) == entered
    assert len(closed) == len(opened)
    reasons = {
        reason
        for entry in Recording(folder).entries() if entry.kind == "step"
        for decision in entry.values["decisions"] for reason in decision["reasons"]
    }  # fmt: skip
    assert "feed_stale" in reasons
    assert "kill_switch" not in reasons
    found = certify_session(folder)
    assert set(found.mismatch_counts) == {"late_data"}


def test_entries_are_allowed_again_once_prices_are_of_now(tmp_path: Path) -> None:
    folder = tmp_path / "back"
    inputs = disturbed(CALM)
    middle = parse_time("2026-03-09T07:00:00Z")
    for at, each in enumerate(inputs):
        if isinstance(each, Arrival) and each.kind == "close" and each.t_ns < middle:
            assert each.now_ns is not None
            inputs[at] = replace(each, now_ns=each.now_ns + 60 * MINUTE_NS)
    played(folder, inputs)
    opened, _ = entries_and_exits(folder)
    assert opened
    assert min(opened) >= middle


@pytest.mark.parametrize(
    ("cause", "before"), [("clock", "clock"), ("restart", "restart"), ("late_data", "")]
)
def test_prices_that_are_done_late_are_named_after_what_made_them_late(
    cause: str, before: str, tmp_path: Path
) -> None:
    calm = played(tmp_path / "calm", disturbed(CALM))
    first = int(calm.session.fills["t"][0])
    inputs: list[Arrival | str] = []
    for each in disturbed(CALM):
        assert isinstance(each, Arrival)
        now = each.now_ns
        if each.kind == "close" and now is not None and first - STEP_NS <= each.t_ns <= first:
            if each.t_ns < first:
                clock = Arrival("clock", now, by_ns=60 * MINUTE_NS)
                inputs += [clock] if before == "clock" else [before] if before else []
            inputs.append(replace(each, now_ns=now + 60 * MINUTE_NS))
        else:
            inputs.append(each)
    played(tmp_path / "it", inputs)
    found = certify_session(tmp_path / "it")
    assert set(found.mismatch_counts) == {cause}
    assert {each.cause for each in found.disturbances} == {cause}


def test_a_session_cut_at_any_byte_of_its_journal_goes_on_as_it_was(tmp_path: Path) -> None:
    whole = begun(tmp_path / "whole")
    states = {}
    for each in arrivals()[:60]:
        if each.kind == "close":
            whole.close(each.t_ns)
        elif each.row is not None:
            (whole.take_bar if each.kind == "bar" else whole.take_gate)(each.instrument, each.row)
        whole.recording.flush()
        states[(tmp_path / "whole" / FILE).stat().st_size] = state_of(whole.session)
    whole.stop()
    data = (tmp_path / "whole" / FILE).read_bytes()
    head = data.index(b"\n") + 1
    cuts = np.random.default_rng(3).integers(head, len(data) + 1, 25).tolist()
    for turn, cut in enumerate([head, len(data) - 1, len(data), *cuts]):
        folder = tmp_path / str(turn)
        folder.mkdir()
        for path in (tmp_path / "whole").glob("*.parquet"):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / FILE).write_bytes(data[:cut])
        whole_lines = data[:cut].rfind(b"\n") + 1
        resumed = PaperDriver.resume(folder)
        resumed.stop()
        again = PaperDriver.resume(folder)
        again.stop()
        assert state_of(again.session) == state_of(resumed.session)
        if whole_lines in states:
            assert state_of(resumed.session) == states[whole_lines]


def test_a_gate_dated_in_the_future_does_not_keep_out_those_before_it(tmp_path: Path) -> None:
    calm = played(tmp_path / "calm", disturbed(CALM))
    inputs = disturbed(CALM)
    gate = next(each for each in inputs if isinstance(each, Arrival) and each.kind == "gate")
    assert gate.row is not None
    ahead = gate.row.copy()
    ahead["known"] += 30 * 24 * 60 * MINUTE_NS
    inputs.insert(0, Arrival("gate", gate.t_ns, gate.instrument, ahead))
    driver = played(tmp_path / "it", inputs)
    assert driver.fates.get("superseded", 0) == 0
    assert driver.session.fills.tobytes() == calm.session.fills.tobytes()
    assert certify_session(tmp_path / "it").proven


def test_a_revised_bar_is_named_where_the_backtest_has_its_last_form(tmp_path: Path) -> None:
    calm = played(tmp_path / "calm", disturbed(CALM))
    first = calm.session.fills[0]
    inputs: list[Arrival | str] = []
    for each in disturbed(CALM):
        inputs.append(each)
        assert isinstance(each, Arrival)
        if each.kind == "bar" and each.t_ns == int(first["t"]) + STEP_NS:
            moved = revised(each)
            assert moved.row is not None
            for price in PRICES:
                moved.row[price] *= 1.002
            inputs.append(moved)
    played(tmp_path / "it", inputs)
    found = certify_session(tmp_path / "it")
    assert found.inputs["conflict"] == 2
    assert not found.proven
    assert set(found.mismatch_counts) == {"late_data"}
    assert "came again with other values" in found.mismatches[0].why


def test_another_setting_today_is_named_where_nothing_else_explains(tmp_path: Path) -> None:
    folder = tmp_path / "it"
    played(folder, disturbed(CALM))
    path = folder / FILE
    text = path.read_text("utf-8")
    cost = '"cost_bps":null'
    assert text.count(cost) == 1
    path.write_text(text.replace(cost, '"cost_bps":9.0'), "utf-8")
    found = certify_session(folder)
    assert not found.reproduced
    assert set(found.mismatch_counts) == {"setting"}
