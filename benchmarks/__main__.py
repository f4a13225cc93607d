"""Run the benchmarks: ``python -m benchmarks [--only CASE,...]``; --help names the cases."""

import argparse
import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cases import CASES


def _machine() -> dict[str, object]:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()}


def main() -> None:
    """Run the chosen cases, print their rows, write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--out", default="output/bench/bench.json", help="JSON file to write")
    given = parser.parse_args()
    rows = []
    print(f"{'case':66} {'value':>14} {'unit':8} {'aim':>8}  on")
    for name in given.only.split(","):
        for row in CASES[name]():
            rows.append(row)
            print(f"{row.case:66} {row.value:14,.3f} {row.unit:8} {row.aim:>8}  {row.on}")
    out = Path(given.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "rows": [asdict(row) for row in rows],
    }
    out.write_text(json.dumps(document, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
