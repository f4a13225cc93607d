"""Where levels, limits and drawdowns are met to the point, a path skips nothing that matters."""

import pytest
from tests.parity.test_path_equals_step import differences, run
from tests.unit.core.few_prices import few_prices


@pytest.mark.parametrize("seed", range(18))
def test_a_path_over_few_prices_equals_repeated_steps(seed: int) -> None:
    case, balance = few_prices(seed)
    stepped = run(case, skipping=False, balance=balance)
    assert not differences(stepped, run(case, skipping=True, balance=balance))
