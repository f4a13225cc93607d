"""The locks hold every dependency, by hash, and no address to fetch it from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.canary.sizes import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {"runtime.txt": ("build",), "dev.txt": ("build", "dev", "ray"), "peers.txt": ("build",)}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(lock: Path) -> list[str]:
    """One line per requirement: continued lines joined, comments left out."""
    text = lock.read_text("utf-8").replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def pins(lock: Path) -> list[Requirement]:
    return [Requirement(HASH.sub("", entry).strip()) for entry in entries(lock)]


def test_the_locks_are_the_three_that_make_installs() -> None:
    assert [lock.name for lock in LOCKS] == ["dev.txt", "peers.txt", "runtime.txt"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_requirement_is_pinned_and_has_a_hash(lock: Path) -> None:
    for entry, pin in zip(entries(lock), pins(lock), strict=True):
        assert HASH.search(entry), entry
        assert [clause.operator for clause in pin.specifier] == ["=="], entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_says_where_to_fetch_from(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(?!hash)[a-z-]+)\b", text, flags=re.MULTILINE)
    assert all(pin.url is None for pin in pins(lock))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_dependency_of_the_project_is_locked_to_a_version_it_allows(lock: Path) -> None:
    wanted = [Requirement(text) for text in PROJECT["dependencies"]]
    for extra in EXTRAS[lock.name]:
        wanted += [Requirement(text) for text in PROJECT["optional-dependencies"][extra]]
    locked: dict[str, list[Requirement]] = {}
    for pin in pins(lock):
        locked.setdefault(canonicalize_name(pin.name), []).append(pin)
    for need in wanted:
        held = locked.get(canonicalize_name(need.name), [])
        assert held, f"{need.name} is not in {lock.name}"
        for pin in held:
            (version,) = (clause.version for clause in pin.specifier)
            assert need.specifier.contains(version), f"{need} is locked to {version}"


def test_the_runtime_lock_is_part_of_the_other_locks() -> None:
    """The same versions, on the same systems or on all."""
    dev, peers, runtime = (
        {(pin.name, str(pin.specifier), str(pin.marker or "")) for pin in pins(lock)}
        for lock in LOCKS
    )
    for other in (dev, peers):
        everywhere = {pin[:2] for pin in other if not pin[2]}
        assert {pin for pin in runtime if pin[:2] not in everywhere} <= other


def test_a_lock_without_hash_or_with_an_address_would_be_seen(tmp_path: Path) -> None:
    lock = tmp_path / "bad.txt"
    lock.write_text("--" + "index-url https://example.org/simple\nnumpy==2.4.6\n", "utf-8")
    with pytest.raises(AssertionError):
        test_no_lock_says_where_to_fetch_from(lock)
    lock.write_text("numpy==2.4.6\n    # via hotband\n", "utf-8")
    with pytest.raises(AssertionError):
        test_every_locked_requirement_is_pinned_and_has_a_hash(lock)
    lock.write_text(f"numpy>=2.4.6 --hash=sha256:{'0' * 64}\n", "utf-8")
    with pytest.raises(AssertionError):
        test_every_locked_requirement_is_pinned_and_has_a_hash(lock)
