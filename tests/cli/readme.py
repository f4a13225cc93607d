"""The commands that the README shows, run for real; ``python -m tests.cli.readme`` rewrites it.

A ``console`` block holds command lines that start with ``$ `` and what they printed. The blocks
are played in order with one state folder: what one imports, the next can use.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def shown() -> list[str]:
    """The text of every console block."""
    return _BLOCK.findall(README.read_text())


def commands(block: str) -> list[str]:
    """The command lines of a block."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def played(block: str, folder: Path, home: Path) -> str:
    """The block as it should be: its commands with what they print in ``folder``."""
    text = ""
    for command in commands(block):
        program, *arguments = shlex.split(command)
        assert program == "hotband"
        done = subprocess.run(
            [sys.executable, "-m", "hotband", *arguments],
            cwd=folder,
            env={**_bare(), "HOTBAND_HOME": str(home)},
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        text += "\n".join([f"$ {command}", *lines]) + "\n"
    return text


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HOTBAND_")}


def rewrite(folder: Path) -> None:
    """Put what the commands print now into the README."""
    text = README.read_text()
    with tempfile.TemporaryDirectory() as home:
        for block in shown():
            text = text.replace(block, played(block, folder, Path(home)))
    README.write_text(text)


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
