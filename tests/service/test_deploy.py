"""The files of deploy/ say what the command line and their own programs understand."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hotband.cli.main import app
from tests.canary.sizes import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*"))
COMPOSE = DEPLOY / "docker-compose.hotband.yml"
CRON = re.compile(r"(\S+) (\S+) (\S+) (\S+) (\S+)\s+(hotband .+)")
SPANS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def cron_lines() -> list[tuple[tuple[str, ...], str]]:
    found = []
    for line in (DEPLOY / "crontab").read_text().splitlines():
        if line and not line.startswith("#") and not re.match(r"[A-Z_]+=", line):
            match = CRON.fullmatch(line)
            assert match, line
            found.append((match.groups()[:5], match[6]))
    return found


def compose() -> Any:
    return yaml.safe_load(COMPOSE.read_text())


def unit_text(name: str) -> str:
    return (DEPLOY / "systemd" / name).read_text()


def commands() -> dict[str, list[str]]:
    """Every hotband command line in the files, by where it stands."""
    found = {f"crontab: {line}": shlex.split(line)[1:] for _, line in cron_lines()}
    for unit in UNITS:
        for line in unit.read_text().splitlines():
            if line.startswith("ExecStart="):
                found[f"{unit.name}: {line}"] = shlex.split(line)[1:]
    found["compose"] = compose()["services"]["backend"]["command"]
    last = re.findall(r"^CMD (\[.+\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    found["Dockerfile"] = yaml.safe_load(last[-1])
    for line in (DEPLOY / "README.md").read_text().splitlines():
        for text in re.findall(r"`hotband ([^`]+)`", line):
            found[f"README: {text}"] = shlex.split(text)
    return found


@pytest.mark.parametrize("place", commands())
def test_every_command_line_is_one_of_the_real_commands(place: str) -> None:
    arguments, command = list(commands()[place]), typer.main.get_command(app)
    while isinstance(held := getattr(command, "commands", None), dict):
        assert arguments, f"{place}: a group without a command"
        assert arguments[0] in held, f"{place}: no command {arguments[0]}"
        command = held[arguments.pop(0)]
    options = {name for each in command.params for name in each.opts}
    given = {part.partition("=")[0] for part in arguments if part.startswith("--")}
    assert given <= options, place
    if "FILE" not in arguments:
        # What it does not understand ends it with a usage error.
        command.make_context("hotband", arguments, resilient_parsing=False)


def test_the_cron_fields_are_numbers_in_their_spans() -> None:
    for fields, line in cron_lines():
        for field, (low, high) in zip(fields, SPANS, strict=True):
            assert field == "*" or low <= int(field) <= high, line


def test_cron_runs_the_jobs_when_they_are_due() -> None:
    due = {shlex.split(line)[1:3][-1 if "state" in line or "gates" in line else 0]: fields
           for fields, line in cron_lines()}  # fmt: skip
    assert due["weekly"] == ("0", "17", "*", "*", "3")
    assert due["freshness"] == ("*",) * 5
    assert due["bootstrap"][1:] == ("*",) * 4
    assert due["retention"][2:] == ("*",) * 3
    assert "CRON_TZ=UTC" in (DEPLOY / "crontab").read_text()


def test_the_timers_run_at_the_same_times_as_cron() -> None:
    assert "OnCalendar=Wed *-*-* 17:00:00 UTC" in unit_text("hotband-weekly.timer")
    assert "OnCalendar=*-*-* 04:30:00 UTC" in unit_text("hotband-retention.timer")
    for timer in DEPLOY.glob("systemd/*.timer"):
        assert timer.with_suffix(".service").is_file()


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_every_service_runs_as_its_own_user_with_only_its_own_folders(unit: Path) -> None:
    wanted = {
        "User=hotband", "StateDirectory=hotband", "NoNewPrivileges=yes", "ProtectSystem=strict",
        "ProtectHome=yes", "CapabilityBoundingSet=", "UMask=0077",
    }  # fmt: skip
    assert wanted <= set(unit.read_text().splitlines())


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on PATH")
    true = shutil.which("true")
    for unit in UNITS:
        text = unit.read_text().replace("/opt/hotband/bin/hotband", str(true))
        (tmp_path / unit.name).write_text(text)
    found = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", *found], capture_output=True, text=True, check=False
    )
    own = [line for line in done.stderr.splitlines() if "hotband" in line]
    assert (done.returncode, own) == (0, [])


def test_docker_accepts_the_compose_file() -> None:
    plugin = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if not plugin or plugin.returncode:
        pytest.skip("no docker with the compose plugin on PATH")
    done = subprocess.run(
        ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_backend_waits_for_a_healthy_valkey_that_never_evicts() -> None:
    services = compose()["services"]
    valkey, backend = services["valkey"], services["backend"]
    assert valkey["healthcheck"]["test"] == ["CMD", "valkey-cli", "ping"]
    assert valkey["command"][-2:] == ["--maxmemory-policy", "noeviction"]
    assert "ports" not in valkey
    assert backend["container_name"] == "backend"
    assert backend["depends_on"] == {"valkey": {"condition": "service_healthy"}}
    assert backend["environment"]["VALKEY_URL"] == "valkey://valkey:6379/0"


def test_the_backend_is_reached_on_loopback_and_with_a_token_only() -> None:
    backend = compose()["services"]["backend"]
    assert all(port.startswith("127.0.0.1:") for port in backend["ports"])
    assert backend["environment"]["HOTBAND_AUTH"] == "token"
    assert backend["environment"]["HOTBAND_ALLOWED_HOSTS"] == "${HOTBAND_ALLOWED_HOSTS:-backend}"


def test_the_backend_can_change_nothing_but_its_volumes() -> None:
    backend = compose()["services"]["backend"]
    assert backend["read_only"] is True
    assert backend["init"] is True
    assert backend["cap_drop"] == ["ALL"]
    assert backend["security_opt"] == ["no-new-privileges:true"]
    assert backend["user"] == "10001:10001"
    named = {volume.partition(":")[0] for volume in backend["volumes"]}
    assert named <= set(compose()["volumes"])


def test_the_image_installs_by_hash_and_runs_as_a_user_without_rights() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases == ["node:24-bookworm-slim", *["python:3.12-slim-bookworm"] * 2]
    assert "COPY --from=page" in text
    assert "--require-hashes" in text
    last = text[text.rindex("FROM") :]
    assert "\nUSER hotband\n" in last
    assert "--uid 10001" in last
    assert "HEALTHCHECK" in last
    assert "/health/ready" in last
    assert not re.search(r"gcc|build-essential|apt-get", text)


def test_the_build_sees_only_what_it_needs() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.M)
    wanted = {name.rstrip("/") for line in copied for name in line.split()}
    assert wanted == {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")}
    assert all((ROOT / name).exists() for name in wanted)
