"""Each check of the doctor finds what it is there for, and says what to do about it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hotband.artefacts.writer import ArtefactFolder
from hotband.feeds.demo import demo_bars
from hotband.live.clock import FixedClock
from hotband.market.calendar import DAY_NS, HOUR_NS, MINUTE_NS, parse_time
from hotband.research.encoding import HistoryEncoder
from hotband.service.checkup import Check, checkup, worst
from hotband.service.checkup.check import Surroundings, lasting
from hotband.service.checkup.examination import CHECKS
from hotband.stores.urls import open_bar_store, open_gate_store
from tests.service.state_samples import add_result, add_trials, week_window
from tests.unit.artefacts.artefact_samples import error, partial, run_id
from tests.valkey_server import ValkeyServer

START_NS = parse_time("2026-03-08T22:00:00Z")
END_NS = START_NS + 2 * DAY_NS
PAIRS = ("EUR_USD", "USD_JPY")
GIB = 1 << 30


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def stocked(home: Path) -> Path:
    """Two days of bars and their gates."""
    bars, gates = open_bar_store(f"parquet://{home}"), open_gate_store(f"parquet://{home}")
    for made in demo_bars(PAIRS, START_NS, END_NS).values():
        bars.append(made)
    encoder = HistoryEncoder(bars, gates, "M1")
    for name in PAIRS:
        encoder.encode_missing(name)
    return home


def around(home: Path, now_ns: int = END_NS + MINUTE_NS, **more: Any) -> Surroundings:
    environment: Mapping[str, str] = {"HOTBAND_HOME": str(home)} | more.pop("environment", {})
    free = more.pop("free_bytes", lambda _: 100 * GIB)
    return Surroundings(environment, FixedClock(now_ns), free_bytes=free, **more)


def found(given: Surroundings) -> dict[str, Check]:
    return {check.name: check for check in checkup(given)}


def one(name: str, given: Surroundings) -> Check:
    return CHECKS[name](given)


def test_every_check_answers_once_under_its_own_name(home: Path) -> None:
    assert [check.name for check in checkup(around(home))] == list(CHECKS)


def test_an_empty_machine_is_told_which_command_to_run_next(home: Path) -> None:
    checks = found(around(home))
    assert not home.exists()
    assert checks["bars"].status == "failed"
    assert "hotband data import FILE" in checks["bars"].do
    assert "hotband demo" in checks["bars"].do
    assert checks["last run"].status == "warning"
    assert "hotband weekly" in checks["last run"].do
    assert {name for name, check in checks.items() if check.status == "failed"} == {"bars"}


def test_whatever_is_amiss_comes_with_something_to_do(home: Path, stocked: Path) -> None:
    for given in (around(home / "none"), around(stocked), around(stocked, END_NS + 90 * DAY_NS)):
        for check in checkup(given):
            assert (check.do == "") == (check.status == "ok"), check
            assert check.text.endswith("."), check


def test_a_machine_in_order_has_nothing_failed(stocked: Path) -> None:
    add_trials(stocked, 5)
    checks = found(around(stocked))
    for name in ("settings", "folders", "disk", "clock", "bars", "gates", "trials", "encoder"):
        assert checks[name].status == "ok", checks[name]
    assert checks["gate freshness"].status == "ok"
    assert checks["bars"].numbers["age_market_minutes"] == 1
    assert checks["trials"].numbers == {"trials": 5, "instruments": 1}


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("HOTBAND_GATE", "failed", "HOTBAND_GATE (did you mean HOTBAND_GATES?)"),
        ("HOTBAND_AUHT", "failed", "did you mean HOTBAND_AUTH?"),
        ("HOTBAND_ZEBRA", "warning", "HOTBAND_ZEBRA."),
    ],
)
def test_an_unknown_variable_is_named_with_what_was_meant(
    home: Path, name: str, status: str, words: str
) -> None:
    check = one("settings", around(home, environment={name: "1"}))
    assert check.status == status
    assert words in check.text


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HOTBAND_PAIRS", "EUR_USX", "EUR_USD"),
        ("HOTBAND_HOST", "0.0.0.0", "HOTBAND_HOST"),  # noqa: S104 - is to be refused
        ("HOTBAND_ROSTER", "none.yaml", "none.yaml"),
        ("HOTBAND_WORKERS", "0", "HOTBAND_WORKERS"),
    ],
)
def test_a_value_that_cannot_be_used_fails_the_settings(
    home: Path, variable: str, value: str, words: str
) -> None:
    check = found(around(home, environment={variable: value}))["settings"]
    assert check.status == "failed"
    assert words in check.text + check.do


def test_without_a_state_folder_the_other_checks_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checks = checkup(around(tmp_path / "file"))
    assert checks[0].status == "failed"
    assert "HOTBAND_HOME" in checks[0].text
    assert {check.status for check in checks[1:]} == {"skipped"}


def test_a_folder_that_anyone_may_write_fails(home: Path) -> None:
    home.mkdir()
    home.chmod(0o777)
    check = one("folders", around(home))
    assert check.status == "failed"
    assert check.do == f"Run 'chmod o-w {home}'."


def test_a_restore_that_was_interrupted_is_told(home: Path) -> None:
    (home / ".restore").mkdir(parents=True)
    (home / ".restore" / "journal.json").write_text("[]")
    check = one("folders", around(home))
    assert check.status == "failed"
    assert "hotband state restore" in check.do


@pytest.mark.parametrize(
    ("free", "status"),
    [(GIB, "failed"), (GIB + 1, "warning"), (5 * GIB, "warning"), (5 * GIB + 1, "ok")],
)
def test_the_disk_fails_at_one_gibibyte_and_warns_at_five(
    home: Path, free: int, status: str
) -> None:
    check = one("disk", around(home, free_bytes=lambda _: free))
    assert check.status == status
    assert check.numbers == {"free_bytes": free}


def test_the_fullest_disk_counts(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "elsewhere"
    output.mkdir()
    given = around(
        home,
        environment={"HOTBAND_OUTPUT": str(output)},
        free_bytes=lambda folder: 0 if folder == output else 100 * GIB,
    )
    assert one("disk", given).status == "failed"


def test_a_clock_behind_the_newest_bar_fails_beyond_five_seconds(stocked: Path) -> None:
    known = END_NS
    assert one("clock", around(stocked, known - 5 * 10**9)).status == "ok"
    check = one("clock", around(stocked, known - 6 * 10**9))
    assert check.status == "failed"
    assert check.numbers["ahead_seconds"] == 6.0
    assert "NTP" in check.do


def test_old_bars_are_told_in_minutes_of_open_market(stocked: Path) -> None:
    check = one("bars", around(stocked, END_NS + 30 * DAY_NS))
    assert check.status == "warning"
    assert "hotband data import" in check.do
    minutes = check.numbers["age_market_minutes"]
    assert minutes is not None
    assert 20 * 1440 < minutes < 24 * 1440


def test_a_pair_without_bars_fails(stocked: Path) -> None:
    check = one("bars", around(stocked, environment={"HOTBAND_PAIRS": "EUR_USD,GBP_USD"}))
    assert check.status == "failed"
    assert "GBP_USD" in check.text


def test_a_store_that_cannot_be_opened_fails_with_its_own_words(home: Path) -> None:
    checks = found(around(home, environment={"HOTBAND_BARS": "parket:/x"}))
    assert checks["bars"].status == "failed"
    assert "parquet" in checks["bars"].text
    assert "the bars" in checks["clock"].text


def test_stale_gates_are_told_with_the_oldest(stocked: Path) -> None:
    check = one("gate freshness", around(stocked, END_NS + HOUR_NS))
    assert check.status == "warning"
    assert check.numbers["oldest_seconds"] is not None
    assert check.numbers["oldest_seconds"] >= 3600
    assert "EUR_USD is 1 h old, known at 2026" in check.text
    assert "at most 3 min" in check.text
    assert "hotband gates run" in check.do


def test_an_instrument_that_never_had_a_gate_is_told_so(stocked: Path) -> None:
    given = around(stocked, environment={"HOTBAND_PAIRS": "EUR_USD,GBP_USD"})
    assert "GBP_USD never had one" in one("gate freshness", given).text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (-3, "0 s"),
        (59.4, "59 s"), (60, "1 min"), (11_520, "3 h 12 min"), (3_600, "1 h"),
        (3_605, "1 h"), (90_000, "1 d 1 h"), (27_648_000, "320 d"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_told_in_its_two_greatest_units(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


def test_an_encoder_that_is_behind_its_bars_is_told(stocked: Path) -> None:
    store = open_bar_store(f"parquet://{stocked}")
    for made in demo_bars(("EUR_USD",), END_NS, END_NS + 3 * HOUR_NS).values():
        store.append(made)
    check = one("encoder", around(stocked, END_NS + 3 * HOUR_NS))
    assert check.status == "warning"
    assert "EUR_USD" in check.text
    late = check.numbers["late_market_minutes"]
    assert late is not None
    assert late >= 180


def profile_of(folder: Path, text: str) -> dict[str, str]:
    path = folder / "own.yaml"
    path.write_text(text)
    return {"HOTBAND_PROFILE": str(path)}


def test_a_profile_that_no_gate_passes_is_told_with_the_guard_that_refuses_most(
    stocked: Path,
) -> None:
    never = profile_of(stocked, "global: {min_repetitions: 100000}\n")
    check = one("profile against gates", around(stocked, environment=never))
    assert check.status == "warning", check
    assert check.numbers["passed"] == 0
    assert "repetitions_short refuses most" in check.text
    assert check.numbers["repetitions_short"] == check.numbers["gates"]


def test_an_unknown_key_in_the_profile_fails_with_what_was_meant(stocked: Path) -> None:
    wrong = profile_of(stocked, "global: {hazard_maxx: 0.1}\n")
    check = found(around(stocked, environment=wrong))["profile"]
    assert check.status == "failed"
    assert "hazard_max" in check.text


def test_the_last_run_is_judged_by_its_age_and_its_archive(home: Path) -> None:
    folder = ArtefactFolder(home / "output" / "backtests")
    add_result(folder, 0)
    end = parse_time(week_window(0).end)
    good = one("last run", around(home, end + 7 * DAY_NS))
    assert (good.status, good.numbers["age_weeks"]) == ("ok", 1.0)
    assert one("last run", around(home, end + 15 * DAY_NS)).status == "warning"
    (folder.root / "2024-W01.json").unlink()
    assert "not archived" in one("last run", around(home, end)).text


def _lose_table(folder: ArtefactFolder) -> None:
    (folder.root / "runs" / run_id(0) / "rows.parquet").unlink()


@pytest.mark.parametrize(
    ("harm", "status", "words"),
    [
        (_lose_table, "failed", "lost are rows"),
        (
            lambda folder: folder.write_error(error(generated_at="2027-01-01T00:00:00Z")),
            "failed",
            "Permission denied",
        ),
        (lambda folder: folder.write_partial(partial(run_id(7))), "warning", "was killed"),
        (lambda folder: (folder.root / "latest.json").write_text("{"), "failed", "latest.json"),
    ],
)
def test_what_went_wrong_since_the_last_good_run_is_told(
    home: Path, harm: Callable[[ArtefactFolder], object], status: str, words: str
) -> None:
    folder = ArtefactFolder(home / "output" / "backtests")
    add_result(folder, 0)
    harm(folder)
    check = found(around(home, parse_time(week_window(0).end)))["last run"]
    assert check.status == status, check
    assert words in check.text


def test_a_run_that_is_on_is_no_fault(home: Path) -> None:
    folder = ArtefactFolder(home / "output" / "backtests")
    with folder.exclusive():
        folder.write_partial(partial(run_id(7)))
        check = one("last run", around(home))
    assert check.status == "ok"
    assert "A run is on" in check.text


def test_a_changed_file_of_the_trial_ledger_fails(home: Path) -> None:
    add_trials(home, 5)
    path = next(home.glob("trials/*/*.trials"))
    path.write_bytes(path.read_bytes() + b"x")
    check = found(around(home))["trials"]
    assert check.status == "failed"
    assert "Restore it from a backup" in check.do


def test_a_server_that_is_down_fails_and_the_rest_is_asked_still(home: Path) -> None:
    checks = found(around(home, environment={"HOTBAND_GATES": "valkey://127.0.0.1:1/0"}))
    assert checks["gates"].status == "failed"
    assert "nothing answers" in checks["gates"].text
    assert "the gates" in checks["clock"].text
    assert checks["trials"].status == "ok"


@pytest.mark.parametrize(
    ("policy", "most", "status"),
    [
        ("noeviction", "100mb", "warning"),
        ("volatile-lru", "100mb", "warning"),
        ("allkeys-lru", "0", "warning"),
        ("allkeys-lru", "100mb", "failed"),
    ],
)
def test_a_server_that_throws_gates_away_fails(
    home: Path, new_valkey: Callable[..., ValkeyServer], policy: str, most: str, status: str
) -> None:
    server = new_valkey(maxmemory=most, maxmemory_policy=policy).start()
    check = one("gates", around(home, environment={"VALKEY_URL": server.url()}))
    assert check.status == status, check
    assert ("maxmemory-policy" in check.do) == policy.startswith("allkeys")


def test_the_gravest_status_is_that_of_the_whole() -> None:
    def of(*given: Any) -> str:
        return worst([Check("x", status, "x.") for status in given])

    assert of("ok", "warning", "failed", "skipped") == "failed"
    assert of("skipped", "warning", "ok") == "warning"
    assert of("ok", "skipped") == "ok"
