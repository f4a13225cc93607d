"""How large a Python file and its parts are, and which of our sizes they break."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = ("src", "tests", "benchmarks", "scripts", "examples")

FILE_LINES: Final = 400
CLASS_LINES: Final = 200
FUNCTION_LINES: Final = {"function": 60, "kernel": 90}
PARAMETERS: Final = {"function": 8, "kernel": 12}
NAMES_OF_NOTHING: Final = frozenset({"utils", "helpers", "common", "misc", "manager"})

MANY_PARAMETERS: Final = {
    "src/hotband/research/simulator.py:BacktestSimulator.__init__": (
        "the public entry: one keyword per thing that a user may choose"
    ),
    "src/hotband/gates/events.py:Gates.from_columns": (
        "the public entry for gates from arrays: one parameter per required column"
    ),
    "src/hotband/weekly/api.py:run_grid": (
        "the public entry: one keyword per option of the command and the service"
    ),
    "src/hotband/cli/": "one parameter per option on the command line",
}
"""Who may take more than eight parameters, by the start of its place, and why."""

MOSTLY_WORDS: Final = {
    "src/hotband/stores/ports.py": "protocols: the contract is all there is to write",
}
"""Which files may hold more docstring than code, and why."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def python_files() -> list[Path]:
    """Every Python file of the package, and of what is tested, measured and shown with it."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def _definitions(tree: ast.AST, outer: str = "") -> Iterator[tuple[str, Definition]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Definition):
            name = f"{outer}{node.name}"
            yield name, node
            yield from _definitions(node, f"{name}.")
        else:
            yield from _definitions(node, outer)


def _lines(node: Definition) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _kind(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list]
    names = {mark.id for mark in marks if isinstance(mark, ast.Name)}
    return "kernel" if "kernel" in names else "function"


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = node.args
    stars = (given.vararg is not None) + (given.kwarg is not None)
    return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) + stars


def words_and_code(source: str) -> tuple[int, int]:
    """Lines that hold a string standing alone (docstrings), and lines that hold code."""
    words: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=last):
                words |= set(range(first, (last or first) + 1))
    silent = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER,
    }  # fmt: skip
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            code |= set(range(token.start[0], token.end[0] + 1))
    filled = {i for i, line in enumerate(source.splitlines(), 1) if line.strip()}
    return len(words & filled), len((code - words) & filled)


def _excused(place: str, excuses: dict[str, str]) -> bool:
    return any(place.startswith(start) for start in excuses)


def faults(place: str, source: str) -> list[str]:
    """Every size that ``source``, the file at ``place``, breaks; empty for a good one."""
    found = []
    if (lines := len(source.splitlines())) > FILE_LINES:
        found.append(f"{place}: {lines} lines, at most {FILE_LINES}")
    if NAMES_OF_NOTHING & set(Path(place).with_suffix("").parts):
        found.append(f"{place}: named after nothing in particular")
    tree = ast.parse(source)
    if source.strip() and place.startswith("src/") and ast.get_docstring(tree) is None:
        found.append(f"{place}: does not say why it exists")
    words, code = words_and_code(source)
    if words > code > 0 and not _excused(place, MOSTLY_WORDS):
        found.append(f"{place}: {words} docstring lines, {code} lines of code")
    for name, node in _definitions(tree):
        where = f"{place}:{name}"
        if isinstance(node, ast.ClassDef):
            if _lines(node) > CLASS_LINES:
                found.append(f"{where}: {_lines(node)} lines, at most {CLASS_LINES}")
            continue
        kind = _kind(node)
        if _lines(node) > FUNCTION_LINES[kind]:
            found.append(f"{where}: {_lines(node)} lines, at most {FUNCTION_LINES[kind]}")
        if _parameters(node) > PARAMETERS[kind] and not _excused(where, MANY_PARAMETERS):
            found.append(f"{where}: {_parameters(node)} parameters, at most {PARAMETERS[kind]}")
    return found
