"""The pages of the documentation, played: what they show is what their commands print.

A page is one shell script. Its blocks run in order in one home folder:

* ``console``: lines that start with ``$`` are commands, the rest is what they print, errors
  included. A command may fail only where the next one is ``echo $?``.
* a block with a ``title``: a file of that name.
* ``python``: run by itself; a ``text`` block right after it is what it prints.
* any other ``text`` is a drawing;
* anything else is not run, and the comment ``<!-- not run: REASON -->`` before it says why.

``python -m tests.docs.pages [PAGE]...`` puts what is printed now into the pages.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.valkey_server import ValkeyServer

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
DEMO: Final = Path(".local/share/hotband/demo")
"""State folder of ``hotband demo`` below the home folder."""

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r'title="([^"]+)"')
_MARK = "@@ block {} command {} @@"
_MARKED = re.compile(r"^@@ block (\d+) command (\d+) @@\n", re.MULTILINE)
_IDS = re.compile(r"\b[0-9a-f]{16,}\b|(?<=\dZ-)[0-9a-f]{8}\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: its place in the text, language, title, body and why it is not run."""

    start: int
    end: int
    kind: str
    title: str | None
    body: str
    reason: str | None


def pages() -> list[str]:
    """Every page by its path below ``docs``."""
    return sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(text):
        words = match["kind"].split(None, 1)
        title = _TITLE.search(match["kind"])
        found.append(
            Block(
                match.start("body"),
                match.end("body"),
                words[0] if words else "",
                title[1] if title else None,
                match["body"],
                match["reason"],
            )
        )
    return found


def commands(body: str) -> list[str]:
    """The commands of a console block; one that ends in a backslash goes on below."""
    found: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and found[-1].endswith("\\"):
            found[-1] += "\n" + line
    return found


def script(text: str) -> str:
    """The shell script that a page is."""
    lines = ["set -o pipefail", "cd ~", "status=0"]
    for number, block in enumerate(blocks(text)):
        if block.reason is not None:
            continue
        if block.title is not None:
            lines.append(f"cat > {shlex.quote(block.title)} <<'END OF BLOCK'")
            lines.append(block.body + "END OF BLOCK")
        if block.kind == "python":
            lines += [f"echo '{_MARK.format(number, 0)}'", "python - <<'END OF BLOCK'"]
            lines += [block.body + "END OF BLOCK", "status=$?; echo; echo @@ status $status @@"]
        if block.kind == "console":
            for index, command in enumerate(commands(block.body)):
                lines.append(f"echo '{_MARK.format(number, index)}'; (exit $status)")
                lines += [command, "status=$?; echo; echo @@ status $status @@"]
    return "\n".join(lines) + "\n"


def play(text: str, home: Path, *, valkey: int | None = None) -> str:
    """The page as it should be, with what its commands print now in ``home``.

    ``valkey``: port of the server that stands for the one on 6379.
    """
    ports = {} if valkey is None else {"6379": str(valkey)}
    printed = _run(_with_ports(script(text), ports), home)
    printed = _with_ports(printed, {free: shown for shown, free in ports.items()})
    outputs = _outputs(printed.replace(str(home), "~"))
    return _filled(text, outputs)


def _with_ports(text: str, ports: dict[str, str]) -> str:
    for old, new in ports.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return text


def _run(text: str, home: Path) -> str:
    cache = os.environ.get("HOTBAND_CACHE") or str(Path.home() / ".cache" / "hotband")
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    folder = str(Path(sys.executable).parent)
    environment = kept | {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "HOTBAND_CACHE": cache,
        "PATH": f"{folder}{os.pathsep}{kept['PATH']}",
        "PYTHONHASHSEED": "0",
        "TERM": "dumb",
        "TZ": "UTC",
    }
    (home / ".page.sh").write_text(text + "kill $(jobs -p) 2>/dev/null; wait\n", "utf-8")
    done = subprocess.run(
        ["bash", ".page.sh"], cwd=home, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return done.stdout.decode("utf-8")


def _outputs(printed: str) -> dict[tuple[int, int], tuple[str, int]]:
    """What each command printed and its status, by block and command."""
    parts = _MARKED.split(printed)
    found = {}
    for block, command, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        body, _, rest = text.rpartition("\n@@ status ")
        lines = [line.rstrip() for line in body.removesuffix("\n").splitlines()]
        status = int(rest.split()[0]) if rest else -1
        found[int(block), int(command)] = ("".join(f"{one}\n" for one in lines), status)
    return found


def _filled(text: str, outputs: dict[tuple[int, int], tuple[str, int]]) -> str:
    found = blocks(text)
    bodies = [block.body for block in found]
    for number, block in enumerate(found):
        if block.reason is not None:
            continue
        if block.kind == "console":
            bodies[number] = _console(number, commands(block.body), outputs)
        if block.kind == "python":
            said, status = outputs[number, 0]
            after = found[number + 1] if number + 1 < len(found) else None
            shown = (
                after is not None
                and after.kind == "text"
                and not text[block.end + 3 : after.start - len("```text\n")].strip()
            )
            if status or (said and not shown):
                raise AssertionError(f"a Python block ends with {status} and prints:\n{said}")
            if shown:
                bodies[number + 1] = said
    for block, body in reversed(list(zip(found, bodies, strict=True))):
        text = text[: block.start] + body + text[block.end :]
    return text


def _console(number: int, asked: list[str], outputs: dict[tuple[int, int], tuple[str, int]]) -> str:
    body = ""
    for index, command in enumerate(asked):
        said, status = outputs[number, index]
        looked_at = index + 1 < len(asked) and asked[index + 1].startswith("echo $?")
        if status and not looked_at:
            raise AssertionError(f"{command!r} ends with {status} and prints:\n{said}")
        body += f"$ {command}\n{said}"
    return body


def without_ids(text: str) -> str:
    """The text with hashes masked: they name the code, which changes with every edit."""
    return _IDS.sub(lambda match: "#" * len(match[0]), text)


def home_for(text: str, home: Path, demo: Path) -> None:
    """Make the home folder of a page; one that goes on from the start has the demo in it."""
    home.mkdir(parents=True, exist_ok=True)
    if "<!-- goes on from: demo -->" in text:
        shutil.copytree(demo, home / DEMO)


def make_demo(home: Path) -> Path:
    """Run ``hotband demo`` below ``home``; its state folder."""
    home.mkdir(parents=True)
    _run("hotband demo\n", home)
    return home / DEMO


def rewrite(names: list[str]) -> None:
    """Put what the commands print now into the pages; ids stay where nothing else changed."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        demo = make_demo(base / "demo")
        server = ValkeyServer(base / "valkey").start()
        try:
            for name in names or pages():
                text = (DOCS / name).read_text("utf-8")
                home_for(text, base / name, demo)
                now = play(text, base / name, valkey=server.port)
                server_empty(server)
                if without_ids(now) != without_ids(text):
                    (DOCS / name).write_text(now, "utf-8")
        finally:
            server.stop()


def server_empty(server: ValkeyServer) -> None:
    """Forget what a page wrote to the server."""
    client: Any = server.admin()
    client.flushall()
    client.close()


if __name__ == "__main__":
    rewrite(sys.argv[1:])
