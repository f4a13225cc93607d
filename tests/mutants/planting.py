"""Where small mistakes can be planted, and an interpreter's own copy of a file with one."""

import ast
import difflib
import importlib.machinery
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.mutants.kinds import kinds

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "hotband"


Parts = tuple[tuple[str, ...], ...]
"""Tests in the order in which they are run: the next part only where the one before passed."""

_FIRST = {
    "codes": ("codes", "codes_edges"), "fills": ("level_fills", "level_edges"),
    "gating": ("entry_refusals", "halts", "gating_edges"), "hold": ("hold", "hold_edges", "path"),
    "ledger": ("trade_money", "margin_and_sizing", "ticket_edges"), "logbook": ("portfolio",),
    "path": ("short_windows", "path", "portfolio"),
    "planning": ("exit_orders", "entry_refusals", "planning_edges", "funnel_edges"),
    "records": ("codes", "codes_edges"), "shared": ("hold", "path", "shared"),
    "sizing": ("margin_and_sizing", "sizing_edges", "entry_refusals"),
    "skip": ("path", "path_quiet", "funnel_edges"),
    "step": ("portfolio", "exit_orders", "level_fills", "phase_edges", "moving_stop_edges"),
}  # fmt: skip
"""Module of core -> those of its quick tests that most likely notice a mistake in it."""
_SCORE = (
    ("tests/unit/research/test_score.py", "tests/unit/research/test_score_order.py"),
    ("tests/unit/research/test_score_edges.py",),
    ("tests/property/test_score_laws.py",),
)


def targets() -> dict[str, Parts]:
    """File below src/hotband -> the tests that must notice a mistake in it."""
    core, all_of_it = ROOT / "tests/unit/core", ("tests/unit/core", "tests/canary/test_codes.py")
    found: dict[str, Parts] = {}
    for path in sorted((SOURCES / "core").glob("[a-z]*.py")):
        first = tuple(str(core / f"test_{name}.py") for name in _FIRST.get(path.stem, ()))
        found[f"core/{path.name}"] = (first, all_of_it) if first else (all_of_it,)
    compiling = ("tests/canary/test_compiling.py", "tests/canary/test_codes.py")
    found["core/jit.py"] = (compiling, all_of_it)
    for path in sorted((SOURCES / "research").glob("score*.py")):
        found[f"research/{path.name}"] = _SCORE
    found["roster/policy.py"] = (
        ("tests/unit/roster/test_policy.py", "tests/unit/roster/test_policy_edges.py"),
    )
    return found


@dataclass(frozen=True)
class Mutant:
    """The ``at``-th place of a file where a mistake of one kind can be made."""

    file: str
    kind: str
    at: int
    tests: Parts


@dataclass(frozen=True)
class Change:
    """One planted mistake: in which function, and the lines before and after."""

    file: str
    function: str
    line: int
    before: str
    after: str


def mutants(only: Sequence[str] = ()) -> list[Mutant]:
    """All mutants of the targets; ``only``: those of files whose path ends so."""
    found = []
    for file, tests in targets().items():
        if only and not file.endswith(tuple(only)):
            continue
        nodes = list(ast_nodes(get_ast((SOURCES / file).read_text("utf-8"))))
        for kind, operator in kinds().items():
            places = sum(len(list(operator.mutation_positions(node))) for node in nodes)
            # Of the two changes of a number, one more and one less, the first.
            found += [
                Mutant(file, kind, at, tests)
                for at in range(0, places, 2 if kind == "NumberReplacer" else 1)
            ]
    return found


class _Meaning(ast.NodeTransformer):
    """Takes away what changes nothing when a program runs: annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _meaning(text: str) -> str:
    return ast.dump(_Meaning().visit(ast.parse(text)))


def _function_at(text: str, line: int) -> str:
    inner = ""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            start = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if start <= line <= (node.end_lineno or line):
                inner = node.name
    return inner


def planted(mutant: Mutant) -> tuple[Change, str] | None:
    """The mistake and the whole text with it; None where that is the same program, or none."""
    text = (SOURCES / mutant.file).read_text("utf-8")
    changed = mutate_code(text, kinds()[mutant.kind], mutant.at)
    if changed is None:
        message = f"{mutant} does not exist"
        raise LookupError(message)
    try:
        if _meaning(changed) == _meaning(text):
            return None
    except SyntaxError:  # the ** that unpacks a mapping is no power
        return None
    old, new = text.splitlines(), changed.splitlines()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    _, i, end, j, last = next(block for block in blocks if block[0] != "equal")
    before, after = (" ".join(" ".join(part).split()) for part in (old[i:end], new[j:last]))
    return Change(mutant.file, _function_at(text, i + 1), i + 1, before, after), changed


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.text = text

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        code: CodeType = compile(self.text, self.path, "exec")
        return code


class Finder:
    """Gives the planted text for one module and leaves all others to Python."""

    def __init__(self, file: str, text: str) -> None:
        self.path = str(SOURCES / file)
        self.name = "hotband." + file.removesuffix(".py").replace("/", ".")
        self.name = self.name.removesuffix(".__init__")
        self.text = text

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the planted module; None for every other."""
        del path, target
        if name != self.name:
            return None
        loader = _Loader(name, self.path, self.text)
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)
