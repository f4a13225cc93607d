"""Windows of no bar and of one bar, at which a path has nothing to skip."""

import numpy as np
from tests.parity.markets import Case
from tests.parity.test_path_equals_step import differences, run
from tests.unit.core.builders import at, bar, gate, limits, rules

from hotband.core import records as r
from hotband.core.records import Records
from hotband.core.shared import share


def window(bars: Records, live: Records | None = None) -> Case:
    """``bars``, all with the gate ``live``."""
    gates = r.with_sentinel(r.empty(r.GATE, 0) if live is None else live)
    row = np.full(len(bars), 0 if live is None else 1)
    return Case(shared=share(bars, row, gates), rules=rules(), limits=limits())


def test_a_window_without_bars_leaves_an_account_as_it_was() -> None:
    for skipping in (True, False):
        account, books, _, _ = run(window(r.empty(r.BAR, 0)), skipping=skipping)
        assert account.tobytes() == r.new_account(10_000.0).tobytes()
        assert books.tobytes() == r.new_books([0], [1]).tobytes()


def test_an_account_is_at_the_only_bar_of_its_window_though_nothing_happened_there() -> None:
    account, _, _, days = run(window(bar(at(3), 1.1)), skipping=True)
    assert account[0].t == at(3)
    assert account[0].days == 1
    assert (days[0].day, days[0].equity) == (at(3) // 86_400_000_000_000, 10_000.0)


def test_the_only_bar_of_a_window_is_traded_at() -> None:
    case = window(bar(at(3), 1.1), gate(at(3), -1))
    account, books, fills, _ = run(case, skipping=True)
    assert (account[0].t, account[0].fills, books[0].side) == (at(3), 1, -1)
    assert fills[0].t == at(3)
    assert not differences(run(case, skipping=False), run(case, skipping=True))
