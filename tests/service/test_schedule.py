"""The weekly schedule: in UTC, once for all that was missed, and never lost."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotband.errors import InputError
from hotband.service.app import start_missed
from hotband.service.index import RunIndex
from hotband.service.schedule import NAME, WEEKLY, WeeklySchedule, require_line
from tests.service.running import Here, enter, make_home, service_here


class FixedClock:
    """Stands still until it is set."""

    def __init__(self, text: str) -> None:
        self.at = at(text)

    def __call__(self) -> float:
        return self.at

    def set(self, text: str) -> None:
        self.at = at(text)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    return RunIndex(tmp_path)


@pytest.fixture
def clock() -> FixedClock:
    """On a Monday."""
    return FixedClock("2026-03-23 12:00")


def test_nothing_was_missed_before_the_first_setting_up(index: RunIndex, clock: FixedClock) -> None:
    schedule = WeeklySchedule(WEEKLY, index.fired, clock)
    assert schedule.missed() is None
    assert schedule.next_at() == at("2026-03-25 17:00")


def test_it_is_due_at_its_time_and_not_before(index: RunIndex, clock: FixedClock) -> None:
    schedule = WeeklySchedule(WEEKLY, index.fired, clock)
    clock.set("2026-03-25 16:59:59")
    assert schedule.missed() is None
    clock.set("2026-03-25 17:00")
    assert schedule.missed() == at("2026-03-25 17:00")


def test_many_missed_times_are_one(index: RunIndex, clock: FixedClock) -> None:
    WeeklySchedule(WEEKLY, index.fired, clock)
    clock.set("2026-06-01 00:00")
    later = WeeklySchedule(WEEKLY, index.fired, clock)
    due = later.missed()
    assert due == at("2026-05-27 17:00")
    later.done(due)
    assert later.missed() is None
    assert later.next_at() == at("2026-06-03 17:00")


def test_what_was_missed_for_more_than_a_year_is_due_once(
    index: RunIndex, clock: FixedClock
) -> None:
    WeeklySchedule("0 0 1 1 *", index.fired, clock)
    clock.set("2029-06-01 00:00")
    assert WeeklySchedule("0 0 1 1 *", index.fired, clock).missed() == at("2029-01-01 00:00")


def test_what_is_done_stays_done_for_the_next_service(index: RunIndex, clock: FixedClock) -> None:
    schedule = WeeklySchedule(WEEKLY, index.fired, clock)
    clock.set("2026-03-25 17:00:30")
    due = schedule.missed()
    assert due is not None
    schedule.done(due)
    assert WeeklySchedule(WEEKLY, index.fired, clock).missed() is None


@pytest.mark.parametrize("day", ["2026-03-25", "2026-04-01", "2026-10-21", "2026-10-28"])
def test_no_change_of_summer_time_moves_it(
    index: RunIndex, clock: FixedClock, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    clock.set(f"{day} 00:00")
    assert WeeklySchedule(WEEKLY, index.fired, clock).next_at() == at(f"{day} 17:00")


@pytest.mark.parametrize(
    "line", ["0 17 * * 3", "0 17 * * 1-5", "0 17 * *", "0 17 * * wed wed", "", "61 17 * * wed",
             "0 17 * * we", "x 17 * * wed", "@weekly"]
)  # fmt: skip
def test_a_line_that_is_none_or_numbers_days_is_refused(line: str) -> None:
    with pytest.raises(InputError, match="days of the week by name"):
        require_line(line)


def test_a_line_that_never_comes_is_never_due(index: RunIndex, clock: FixedClock) -> None:
    schedule = WeeklySchedule("0 0 30 2 *", index.fired, clock)
    clock.set("2027-03-23 12:00")
    assert (schedule.missed(), schedule.next_at()) == (None, None)


@pytest.fixture
def here(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    """A service whose schedule has missed a time, and that does not look by itself."""
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    monkeypatch.setattr("hotband.service.app.ARCHIVES_EVERY", 10**9)
    with service_here(enter(monkeypatch, home), schedule="* * * * *") as made:
        # The first look was at once; what was missed since is up to the test.
        made.service.index.fired.note(NAME, 0.0)
        yield made


def test_what_was_missed_is_started_once(here: Here) -> None:
    here.steps.say(run_id="0" * 16)
    here.steps.say(end="completed")
    assert start_missed(here.service) is True
    here.client.until("completed")
    last = here.service.index.fired.last(NAME)
    assert last is not None
    assert last > 0.0
    (item,) = here.client.get("/api/backtests").json()["items"]
    assert item["origin"] == "schedule"


def test_a_busy_service_tries_the_scheduled_run_again(here: Here) -> None:
    here.steps.say(run_id="0" * 16)
    here.client.start()
    assert start_missed(here.service) is False
    assert here.service.index.fired.last(NAME) == 0.0
    here.steps.say(end="cancelled")
    here.client.until("cancelled")
    assert start_missed(here.service) is True


def test_a_scheduled_run_that_cannot_start_is_kept_with_its_reason(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTBAND_PAIRS", "XXX_YYY")
    assert start_missed(here.service) is True
    status = here.client.until("error")
    assert "XXX_YYY" in status["message"]
    (item,) = here.client.get("/api/backtests").json()["items"]
    assert (item["origin"], item["state"]) == ("schedule", "error")
    assert here.service.index.fired.last(NAME) != 0.0


def test_the_page_says_when_the_next_run_is(here: Here) -> None:
    assert here.client.status()["next_run_at"] is not None
    assert here.client.get("/api/meta").json()["schedule"] == "* * * * *"
