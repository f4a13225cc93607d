"""Builds the wheel as its users get it, and installs it into an environment of its own."""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from hotband.service.pages import BUILT, MANIFEST
from tests.canary.sizes import ROOT

LOCK: Final = ROOT / "requirements" / "runtime.txt"
OWN: Final = ("HOTBAND_", "VALKEY_", "PYTHON", "NUMBA_", "VIRTUAL_ENV", "XDG_", "COV_")


def build_wheel(source: Path, folder: Path) -> Path:
    """The wheel of a source tree, made with the locked tools of this environment.

    The dashboard is a part of it: without a built one the test fails and says what to run.
    """
    if not (BUILT / MANIFEST).is_file():
        pytest.fail("the dashboard is not built: run 'make page' first")
    _pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source))
    (made,) = folder.glob("*.whl")
    return made


def build_sdist(folder: Path) -> Path:
    """The source archive of the checkout."""
    words = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    _done(words, cwd=ROOT)
    (made,) = folder.glob("*.tar.gz")
    return made


def contents(wheel: Path) -> dict[str, bytes]:
    """What a wheel holds, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds the wheel and what it needs, and nothing else.

    ``folder`` is where its commands run: it also holds their state and their caches.
    """

    programs: Path
    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.programs / "python"

    @property
    def command(self) -> Path:
        """Its ``hotband``."""
        return self.programs / "hotband"

    @property
    def home(self) -> Path:
        """The state folder of its commands."""
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        """Of its commands: no Node and no compiler on the path, and caches that begin empty."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        return kept | {
            "PATH": str(self.programs),
            "HOME": str(self.folder),
            "HOTBAND_HOME": str(self.home),
            "HOTBAND_CACHE": str(self.folder / "cache"),
            "HOTBAND_GRID": str(self.folder / "grid.yaml"),
            "HOTBAND_WORKERS": "1",
        }

    def run(self, *words: str | Path) -> str:
        """What ``hotband`` prints; it must end well and say nothing of warnings."""
        return self.run_program(self.command, *words)

    def run_program(self, *words: str | Path) -> str:
        """What a program prints that runs as the commands do."""
        return _done([str(word) for word in words], cwd=self.folder, env=self.environment)


def install(wheel: Path, folder: Path) -> Installed:
    """An environment in ``folder`` with the locked requirements, wheels only, and ``wheel``.

    Modules are compiled when they are first imported, which is much faster than all of them.
    """
    _done([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")])
    made = Installed(folder / "venv" / "bin", folder / "elsewhere")
    made.folder.mkdir()
    quick = ("--python", str(made.python), "install", "--quiet", "--no-compile")
    _pip(*quick, "--only-binary", ":all:", "--require-hashes", "-r", str(LOCK))
    _pip(*quick, "--no-deps", str(wheel))
    return made


def check(installed: Installed) -> None:
    """Fails where a package of the environment lacks one that it needs, or disagrees with it."""
    _pip("--python", str(installed.python), "check")


def _pip(*words: str) -> None:
    _done([sys.executable, "-m", "pip", "--disable-pip-version-check", *words])


def _done(words: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
