"""``hotband data fetch`` from the shell's side: output, JSON, exit status, and being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hotband.market.instruments import load_instruments
from tests.oanda.bodies import EMPTY_PRICE, HEARTBEAT, PRICE
from tests.oanda.stub import TOKEN, Stub

WINDOW = ("--from", "2026-02-25", "--to", "2026-03-05T00:00:00Z")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hotband", "data", "fetch", *arguments]


def environment(stub: Stub, home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OANDA_", "HOTBAND_PAIRS"))}
    return kept | stub.environment | {"HOTBAND_HOME": str(home)}


def run(stub: Stub, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments),
        env=environment(stub, home) | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def files(home: Path) -> dict[str, bytes]:
    root = home / "bars"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.parquet")}


def test_the_plain_form_and_the_command_store_the_same_bars(stub: Stub, tmp_path: Path) -> None:
    pairs = ("-i", "EUR_USD", "-i", "GBP_USD", "--granularity", "M5")
    plain = run(stub, tmp_path / "a", "--source", "oanda", *pairs, *WINDOW, "--json")
    named = run(stub, tmp_path / "b", "candles", "--source", "oanda", *pairs, *WINDOW)
    assert plain.returncode == named.returncode == 0, plain.stderr + named.stderr
    assert files(tmp_path / "a") == files(tmp_path / "b")
    reports = json.loads(plain.stdout)
    assert [report["instrument"] for report in reports] == ["EUR_USD", "GBP_USD"]
    assert all(r["bars_added"] == r["quality"]["rows"] > 1000 for r in reports)
    assert "EUR_USD M5: page 1, through" in plain.stderr
    assert "gaps" in named.stdout
    assert stub.verbs == {"GET"}


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        (("-i", "EUR_USD"), {}, "--from: got nothing"),
        (WINDOW, {}, "instruments: got none"),
        (("-i", "EUR_USD", "--granularity", "W", *WINDOW), {}, "granularity: got W"),
        (("-i", "EURUSD", *WINDOW), {}, "Did you mean 'EUR_USD'?"),
        (("-i", "AUD_NZD", *WINDOW), {}, "Invalid value specified for 'instrument'"),
        (("-i", "EUR_USD", "--from", "yesterday"), {}, "RFC 3339"),
        (("-i", "EUR_USD", "--from", "06.03.2026"), {}, "--from: got 06.03.2026; allowed: a date"),
        (("-i", "EUR_USD", *WINDOW[:2], "--to", "2026-02-30"), {}, "--to: got 2026-02-30; allowed"),
        (("account",), {"OANDA_TOKEN": "wrong"}, "Insufficient authorization"),
        (("account",), {"OANDA_ACCOUNT": ""}, "OANDA_ACCOUNT: got nothing"),
        (("account",), {"OANDA_TOKEN": ""}, "nothing in OANDA_TOKEN or OANDA_TOKEN_FILE"),
    ],
)
def test_wrong_input_ends_with_a_clear_message_and_no_output(
    arguments: tuple[str, ...], more: dict[str, str], message: str, stub: Stub, tmp_path: Path
) -> None:
    done = run(stub, tmp_path, *arguments, **more)
    assert done.returncode == 1
    assert message in done.stderr
    assert not done.stdout


def test_options_before_a_command_are_refused_and_not_lost(stub: Stub, tmp_path: Path) -> None:
    done = run(stub, tmp_path, "-i", "EUR_USD", "prices")
    assert done.returncode == 2
    assert "--instrument: write it behind 'prices'" in done.stderr


def test_the_broker_file_is_dated_and_read_by_import(stub: Stub, tmp_path: Path) -> None:
    stub.margin_rate = "0.04"
    out, costs = tmp_path / "broker.yaml", tmp_path / "financing.yaml"
    done = run(
        stub, tmp_path, "instruments", "--out", str(out), "--financing", str(costs), "--json"
    )
    assert done.returncode == 0, done.stderr
    assert load_instruments(out)["EUR_USD"].margin_rate == 0.04
    assert out.read_text().startswith("# OANDA practice, account in USD, as of 20")
    document = json.loads(done.stdout)
    assert document["instruments"]["USD_JPY"]["margin_rate"] == 0.05
    assert document["left_out"] == ["XAU_USD"]
    assert "XAU_USD" in done.stderr


def test_the_account_is_one_json_document(stub: Stub, tmp_path: Path) -> None:
    found = json.loads(run(stub, tmp_path, "account", "--json").stdout)
    assert (found["nav"], found["currency"], found["open_trades"]) == (9992.0, "USD", 1)


def test_prices_are_one_json_object_a_line(stub: Stub, tmp_path: Path) -> None:
    stub.streams = [[PRICE, EMPTY_PRICE, HEARTBEAT, PRICE, 3.0, HEARTBEAT]]
    streamed = run(stub, tmp_path, "prices", "-i", "EUR_USD", "--seconds", "2", "--json")
    polled = run(stub, tmp_path, "prices", "-i", "EUR_USD", "-i", "USD_JPY", "--json")
    rows = [[json.loads(line) for line in done.stdout.splitlines()] for done in (streamed, polled)]
    assert [row["bid"] for row in rows[0]] == [1.0849, 1.0849]
    assert [row["instrument"] for row in rows[1]] == ["EUR_USD", "USD_JPY"]
    assert "2 quotes, 2 heartbeats, 1 without a quote, 1 connections" in streamed.stderr


def test_a_fetch_killed_again_and_again_ends_in_the_bytes_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    window = ("-i", "EUR_USD", "--granularity", "M1", "--from", "2026-02-09", *WINDOW[2:])
    with Stub() as stub:
        assert run(stub, tmp_path / "whole", *window).returncode == 0
    with Stub() as stub:
        killed = 0
        for requests in (2, 3, 5):
            stub.wait_for_room()
            # Each is killed once the stub was asked so often: at a page, before it is stored.
            process = subprocess.Popen(
                command(*window),
                env=environment(stub, tmp_path / "cut"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            until = time.monotonic() + 60
            while process.poll() is None and len(stub.seen) < requests:
                assert time.monotonic() < until
                time.sleep(0.002)
            time.sleep(0.05 * killed)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert killed >= 2
        stub.wait_for_room()
        done = run(stub, tmp_path / "cut", *window, "--json")
        assert done.returncode == 0, done.stderr
        assert stub.turned_away == 0
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


def test_ctrl_c_says_that_the_same_command_goes_on(stub: Stub, tmp_path: Path) -> None:
    arguments = command("-i", "EUR_USD", "--from", "2020-01-01")
    with subprocess.Popen(
        arguments, env=environment(stub, tmp_path), stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        first = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert "page 1, through 2020-01-0" in first
    assert "(0%)" in first
    assert "stopped; the same command goes on behind the last page above" in rest
    assert running.returncode == 130


def test_an_option_before_a_command_is_named_as_it_was_typed(stub: Stub, tmp_path: Path) -> None:
    done = run(stub, tmp_path, "--json", "account")
    said = " ".join(done.stderr.replace("│", " ").split())
    assert (done.returncode, "value for --json: write it behind 'account'" in said) == (2, True)


def test_gaps_of_days_are_said_not_to_be_counted(stub: Stub, tmp_path: Path) -> None:
    done = run(stub, tmp_path, "-i", "EUR_USD", "--granularity", "D", "--from", "2026-02-01")
    assert (done.returncode, "gaps not counted" in done.stdout) == (0, True)
