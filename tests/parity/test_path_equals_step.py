"""One ``path`` call equals repeated ``step`` in every byte of state, fills and days."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.core import records as r
from hotband.core.path import path, path_every_bar
from hotband.core.records import Records
from tests.parity.markets import Case, random_case


def run(case: Case, *, skipping: bool, balance: float = 10_000.0) -> tuple[Records, ...]:
    account = r.new_account(balance)
    books = r.new_books([0], [1])
    fills, days = r.empty(r.FILL, 4000), r.empty(r.DAY, 200)
    run_all = path if skipping else path_every_bar
    run_all(account[0], books, case.shared, case.rules[0], case.limits[0], fills, days)
    return account, books, fills, days


def differences(left: tuple[Records, ...], right: tuple[Records, ...]) -> list[str]:
    found = []
    for a, b in zip(left, right, strict=True):
        for name in a.dtype.names or ():
            if np.ascontiguousarray(a[name]).tobytes() != np.ascontiguousarray(b[name]).tobytes():
                at = np.flatnonzero((a[name] != b[name]).reshape(len(a), -1).any(axis=1))
                found.append(f"{name}{at[:3]}: {a[name][at[:3]]} != {b[name][at[:3]]}")
    return found


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**40), every=st.sampled_from([2, 7, 40, 400]))
def test_a_path_equals_repeated_steps(seed: int, every: int) -> None:
    case = random_case(seed, every=every)
    stepped, skipped = run(case, skipping=False), run(case, skipping=True)
    assert not differences(stepped, skipped)


@pytest.mark.parametrize("seed", range(40))
def test_the_funnel_adds_up_over_a_window(seed: int) -> None:
    case = random_case(seed, every=5)
    account, books, fills, _ = run(case, skipping=True)
    book = books[0]
    live = case.shared.gate_of_bar
    seen = np.unique(live[live > 0])
    assert book.gates == len(seen) + case.shared.gates["skipped"][seen].sum()
    assert book.gates == book.filled + book.refusals.sum()
    assert book.gates >= book.admitted >= book.sized >= book.planned >= book.filled
    opened = fills[: account[0].fills]["kind"] == 1
    assert opened.sum() == book.filled
