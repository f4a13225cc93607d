"""Records trials until it is done or killed, and says on stdout what was added.

``few ROOT SEED TIMES``: overlapping draws of 500 out of 2,000 cells. ``many ROOT``: window after
window of 200,000 cells, one line each. ``full ROOT``: all cells, where files may have 1,000 bytes.
"""

import resource
import sys
from pathlib import Path

import numpy as np

from hotband.roster.trials import TrialLedger

CELLS = np.arange(2_000, dtype=np.float64).reshape(-1, 2)
MANY = np.arange(400_000, dtype=np.float64).reshape(-1, 2)
INPUTS = "0123456789abcdef"


def few(root: Path, seed: int, times: int) -> None:
    draw = np.random.default_rng(seed)
    ledger = TrialLedger(root)
    for _ in range(times):
        chosen = draw.choice(len(CELLS), 500, replace=False)
        sys.stdout.write(f"{ledger.record('EUR_USD', (1, 2), INPUTS, CELLS[chosen]).added}\n")


def many(root: Path) -> None:
    ledger = TrialLedger(root)
    window = 1
    while True:
        ledger.record("EUR_USD", (0, window), INPUTS, MANY)
        sys.stdout.write(f"{window}\n")
        sys.stdout.flush()
        window += 1


def full(root: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
    TrialLedger(root).record("EUR_USD", (1, 2), INPUTS, CELLS)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["few", root, seed, times]:
            few(Path(root), int(seed), int(times))
        case ["many", root]:
            many(Path(root))
        case ["full", root]:
            full(Path(root))
