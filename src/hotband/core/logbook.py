"""What a run writes down beside its fills: decisions that changed, and the equity curve.

Rows past the end of a log are counted in the account and not written.
"""

import numpy as np
import numpy.typing as npt

from hotband.core.jit import kernel
from hotband.core.records import NEVER, Record, Records


@kernel
def note_decision(
    account: Record,
    book: Record,
    k: int,
    gate: Record,
    verdict: tuple[int, int, float],
    decisions: Records,
    memo: npt.NDArray[np.int64],
) -> None:
    """Write the verdict on ``gate`` if it differs from instrument ``k``'s last one in ``memo``.

    ``memo`` is (instruments, 3): known time, mask and code of the last decision.
    """
    mask, code, units = verdict
    if gate.known == -NEVER or (
        memo[k, 0] == gate.known and memo[k, 1] == mask and memo[k, 2] == code
    ):
        return
    memo[k, 0] = gate.known
    memo[k, 1] = mask
    memo[k, 2] = code
    if account.decisions < len(decisions):
        row = decisions[account.decisions]
        row.t = account.t
        row.gate = gate.known
        row.mask = mask
        row.instrument = k
        row.side = book.gate_side
        row.stage = book.gate_stage
        row.code = code
        row.synthetic = gate.synthetic
        row.units = units
    account.decisions += 1


@kernel
def note_equity(account: Record, books: Records, m: int, equity: Records) -> None:
    """Write row ``m`` of the equity curve after the events of its open time."""
    if m < len(equity):
        net = 0.0
        for k in range(len(books)):
            net += books[k].side * books[k].units
        equity[m].t = account.t
        equity[m].equity = account.nav
        equity[m].balance = account.balance
        equity[m].units = net
