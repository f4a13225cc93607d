"""No file of the repository names a machine's folders or the address of a package registry."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from tests.canary.sizes import ROOT

MACHINE_FOLDERS = ("home", "root", "Users", "work", "mnt", "tmp")
REGISTRIES = (
    ("py", "pi.org"),
    ("python", "hosted.org"),
    ("registry.npm", "js.org"),
    ("registry.yarn", "pkg.com"),
    ("proxy.go", "lang.org"),
    ("crates", ".io"),
    ("conda.ana", "conda.org"),
    ("--index", "-url"),
    ("--find", "-links"),
    ("arti", "factory"),
)
"""In pieces, so that this file does not hold them itself."""

FORBIDDEN = re.compile(
    rf"(?<![\w.}}/])/(?:{'|'.join(MACHINE_FOLDERS)})/\w"
    rf"|[A-Z]:\\{MACHINE_FOLDERS[2]}\\"
    rf"|{'|'.join(re.escape(''.join(pieces)) for pieces in REGISTRIES)}"
)


def our_files() -> Iterator[Path]:
    """Every file of the checkout that .gitignore does not leave out."""
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    patterns = [pattern.rstrip("/") for pattern in ignored] + [".git"]

    def kept(name: str) -> bool:
        return not any(fnmatch(name, pattern) for pattern in patterns)

    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if kept(name))
        yield from (Path(folder) / name for name in sorted(files) if kept(name))


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in our_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), 1):
            if FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_the_search_covers_the_whole_checkout() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in our_files()}
    wanted = {"pyproject.toml", "Makefile", ".ci/run", "requirements/dev.txt"}
    assert wanted | {"src/hotband/errors.py", "tests/conftest.py"} <= names
    assert not any(name.startswith((".venv/", ".git/")) for name in names)


@pytest.mark.parametrize(
    "line",
    [
        "PATH = '/" + "home/trader/bars'",
        "see /" + "Users/trader/bars",
        "C:" + "\\Users\\trader",
        "pip install --index" + "-url x",
        "from https://py" + "pi.org/simple",
    ],
)
def test_the_search_bites(line: str) -> None:
    assert FORBIDDEN.search(line)


@pytest.mark.parametrize(
    "line", ["~/.local/share/hotband", "parquet:///data/bars", "https://a.example/home/x"]
)
def test_the_search_leaves_other_paths_alone(line: str) -> None:
    assert not FORBIDDEN.search(line)
