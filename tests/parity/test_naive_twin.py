"""The compiled path and the plain twin tell the same story of random markets."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.core.records import FILL, Record, Records
from tests.naive.naive_gating import Row
from tests.naive.naive_measures import drawdowns
from tests.naive.naive_pipeline import NaivePipeline
from tests.parity.markets import Case, random_case
from tests.parity.test_path_equals_step import run
from tests.property.pipeline_worlds import stressed

EXACT = ("t", "kind", "side", "reason", "synthetic", "intrabar", "key", "gate", "units", "price",
         "entry_t", "entry_price", "best", "worst", "stop")  # fmt: skip
MONEY = ("gross", "commission", "financing", "rate")
BALANCE = 10_000.0
NEAR = 1e-9


def plain(record: Record) -> Row:
    """A record's fields as Python values."""
    fields: dict[str, Any] = {}
    for name in record.dtype.names:
        value = record[name]
        fields[name] = value.tolist() if isinstance(value, np.ndarray) else value.item()
    return fields


def tell(case: Case, balance: float = BALANCE) -> NaivePipeline:
    """The twin at the end of the window."""
    twin = NaivePipeline(plain(case.rules[0]), plain(case.limits[0]), balance)
    gates = [plain(row) for row in case.shared.gates]
    for bar, g in zip(case.shared.bars, case.shared.gate_of_bar.tolist(), strict=True):
        twin.take(plain(bar), gates[g] if g else None)
    return twin


def check_fills(fills: Records, twin: NaivePipeline) -> None:
    assert len(fills) == len(twin.fills)
    assert {"instrument", *EXACT, *MONEY} == set(FILL.names or ())
    for compiled, told in zip(fills, twin.fills, strict=True):
        for name in EXACT:
            found = compiled[name].item()
            assert (None if name == "stop" and math.isnan(found) else found) == told[name], name
        for name in MONEY:
            assert compiled[name] == pytest.approx(told[name], rel=NEAR, abs=NEAR), name


def check_account(account: Record, twin: NaivePipeline) -> None:
    scale = NEAR * max(BALANCE, float(account.turnover))
    for name in ("balance", "unrealised", "margin", "nav"):
        assert account[name] == pytest.approx(getattr(twin, name), rel=NEAR, abs=scale), name
    for name in ("commission", "slippage", "spread", "conversion", "financing", "turnover"):
        assert account[name] == pytest.approx(twin.costs[name], rel=NEAR, abs=scale), name
    deepest, deepest_frac = drawdowns(twin.start, twin.equity)
    assert account.max_dd == pytest.approx(deepest, rel=NEAR, abs=scale)
    assert account.max_dd_frac == pytest.approx(deepest_frac, rel=NEAR, abs=NEAR)
    assert account.positions == len(twin.tickets)
    assert account.ruined == any(value <= 0 for value in twin.equity)


def check_funnel(book: Record, twin: NaivePipeline) -> None:
    stages, lost = twin.funnel()
    assert {name: int(book[name]) for name in stages} == stages
    counts = book["refusals"]
    assert {int(code): int(counts[code]) for code in np.flatnonzero(counts)} == lost
    assert book.ambiguous == twin.ambiguous


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**40), every=st.sampled_from([1, 3, 7, 40]), indebted=st.booleans())
def test_the_path_and_its_plain_twin_agree(seed: int, every: int, indebted: bool) -> None:
    case = random_case(seed, n=600, every=every)
    if indebted:
        case = stressed(case)
    account, books, fills, days = run(case, skipping=True, balance=BALANCE)
    twin = tell(case)
    check_fills(fills[: int(account[0].fills)], twin)
    check_funnel(books[0], twin)
    check_account(account[0], twin)
    rows = days[: int(account[0].days)]
    assert rows["day"].tolist() == list(twin.days)
    assert rows["equity"] == pytest.approx(list(twin.days.values()), rel=NEAR, abs=NEAR * BALANCE)


def test_the_random_markets_reach_every_exit_and_most_refusals() -> None:
    """The law above is only as good as what its markets contain."""
    exits, refusals = set[int](), set[int]()
    for seed in range(250):
        case = random_case(seed, n=600, every=4)
        if seed % 2:
            case = stressed(case)
        account, books, fills, _ = run(case, skipping=True)
        rows = fills[: int(account[0].fills)]
        exits |= set(rows["reason"][rows["kind"] == -1].tolist())
        refusals |= set(np.flatnonzero(books[0]["refusals"]).tolist())
    assert exits == set(range(80, 89))
    assert len(refusals) > 30
