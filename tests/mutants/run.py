"""Plants small mistakes one at a time and looks whether a test notices.

    python -m tests.mutants.run [--only ledger.py] [--workers 2] [--again OUT] [--out OUT]

The files are those of core, the score and the policy. A mutant that no test kills shows a hole in
the tests, or is explained in explained.yaml; one that is neither makes the exit status 1.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from tests.mutants.planting import ROOT, Change, Mutant, mutants
from tests.mutants.trying import Outcome, outcomes, passes_clean, prepare

EXPLAINED = Path(__file__).with_name("explained.yaml")
Place = tuple[str, str, str, str]


def explained() -> dict[Place, str]:
    """(file, function, line before, line after) -> why no test can tell the two apart."""
    found = {}
    for group in yaml.safe_load(EXPLAINED.read_text("utf-8")):
        for before, after in group["changes"]:
            found[group["file"], group["function"], before, after] = group["why"]
    return found


def place(change: Change) -> Place:
    """What names a change whatever lines are above it."""
    return change.file, change.function, change.before, change.after


def unexplained(found: Sequence[Outcome], known: Mapping[Place, str]) -> list[Change]:
    """The mistakes that no test noticed and that nothing explains."""
    lived = [one.change for one in found if one.verdict == "survived" and one.change]
    return [change for change in lived if place(change) not in known]


def stale(found: Sequence[Outcome], known: Mapping[Place, str]) -> list[Place]:
    """Explanations of mistakes in the files looked at that a test notices, or that are gone."""
    files = {one.mutant.file for one in found}
    lived = {place(one.change) for one in found if one.verdict == "survived" and one.change}
    return [at for at in known if at[0] in files and at not in lived]


def table(found: Sequence[Outcome], known: Mapping[Place, str]) -> str:
    """Markdown: per file the mutants, those killed, and those explained."""
    rows = ["| file | mutants | killed | explained | open |", "|---|---:|---:|---:|---:|"]
    for file in sorted({one.mutant.file for one in found}):
        own = [one for one in found if one.mutant.file == file and one.verdict != "same"]
        killed = sum(one.verdict in {"killed", "timeout"} for one in own)
        missed = len(unexplained(own, known))
        rows.append(f"| {file} | {len(own)} | {killed} | {len(own) - killed - missed} | {missed} |")
    return "\n".join(rows)


def tried(queue: Sequence[Mutant], workers: int, out: Path) -> list[Outcome]:
    """Try every mutant of ``queue``; JSON of each goes to ``out``."""
    for file, mutant in {mutant.file: mutant for mutant in queue}.items():
        if not passes_clean(mutant):
            message = f"the tests of {file} fail with nothing planted: {mutant.tests}"
            raise RuntimeError(message)
    found = []
    for outcome in outcomes(queue, workers):
        found.append(outcome)
        if outcome.verdict == "survived" and outcome.change:
            one = outcome.change
            sys.stderr.write(
                f"{one.file}:{one.line} {one.function}\n  {one.before}\n  {one.after}\n"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(one) for one in found], indent=1))
    return found


def main() -> int:
    """Run, print the table, and say what is open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "output" / "mutants.json")
    parser.add_argument("--again", type=Path, help="only what survived in this earlier output")
    options = parser.parse_args()
    prepare()
    queue = mutants(options.only)
    if options.again:
        lived = {
            tuple(one["mutant"][name] for name in ("file", "kind", "at"))
            for one in json.loads(options.again.read_text())
            if one["verdict"] == "survived"
        }
        queue = [one for one in queue if (one.file, one.kind, one.at) in lived]
    found, known = tried(queue, options.workers, options.out), explained()
    open_ones, old = unexplained(found, known), stale(found, known)
    lines = [table(found, known)]
    lines += [f"open: {one.file}:{one.line} {one.before}  ->  {one.after}" for one in open_ones]
    lines += [f"explained, but killed or gone: {' | '.join(one)}" for one in old]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if open_ones or old else 0


if __name__ == "__main__":
    sys.exit(main())
