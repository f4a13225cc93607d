"""A whole history in one call: what it skips, it skips without a trace.

tests/parity holds the same laws on many long markets; these are few and short enough for
kernels that run uncompiled.
"""

import numpy as np
import pytest
from tests.parity.markets import Case, random_case
from tests.parity.test_naive_twin import check_account, check_fills, check_funnel, tell
from tests.parity.test_path_equals_step import differences, run
from tests.property.pipeline_worlds import stressed

from hotband.core import records as r


def shut(case: Case) -> Case:
    """``case`` so that no gate can do anything while a position is open."""
    rules = case.rules
    rules["max_stack"], rules["opposite"], rules["rearm"] = 1, r.OPPOSITE_IGNORE, 0
    rules["hazard_exit"] = np.nan
    rules["cooldown"] = rules["guards_on"] = rules["regimes_on"] = 0
    rules["regime_confidence_min"] = 0.0
    case.limits["halts"], case.limits["max_positions"] = 0, 8
    return case


@pytest.mark.parametrize("seed", range(60))
def test_a_path_equals_repeated_steps(seed: int) -> None:
    case = random_case(seed, n=160, every=(2, 5, 12, 40)[seed % 4])
    if seed % 3 == 2:
        case = shut(case)
    assert not differences(run(case, skipping=False), run(case, skipping=True))


@pytest.mark.parametrize("seed", range(40))
def test_a_path_and_its_plain_twin_agree(seed: int) -> None:
    case = random_case(seed, n=120, every=(1, 3, 7)[seed % 3])
    if seed % 2:
        case = stressed(case)
    account, books, fills, days = run(case, skipping=True)
    twin = tell(case)
    check_fills(fills[: int(account[0].fills)], twin)
    check_funnel(books[0], twin)
    check_account(account[0], twin)
    assert days["day"][: int(account[0].days)].tolist() == list(twin.days)
