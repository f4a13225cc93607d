"""What must not matter, and what must only cost: time, scale, mirror image, dearer trading."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parity.markets import Case, random_case
from tests.property.pipeline_worlds import (
    AXIS,
    BALANCE,
    changed,
    copies,
    fixed_size,
    mirrored,
    on_binary_grid,
    outcome,
    redenominated,
    richer,
    shifted,
    stressed,
    without_levels,
)

from hotband.core import records as r
from hotband.core.records import Record, Records

SEEDS = st.integers(0, 2**40)
WEEK_NS = 7 * 86_400_000_000_000
PRICES = ("price", "entry_price", "best", "worst", "stop")
MONEY = ("balance", "unrealised", "nav", "margin", "peak", "max_dd", "commission", "slippage",
         "spread", "conversion", "financing", "turnover")  # fmt: skip


def market(seed: int, indebted: bool, every: int = 3) -> Case:
    case = random_case(seed, n=500, every=every)
    return stressed(case) if indebted else case


def same(left: Records, right: Records, *names: str) -> None:
    """The same bits in these fields, all by default; NaN equals NaN."""
    assert len(left) == len(right)
    for name in names or left.dtype.names or ():
        assert (
            np.ascontiguousarray(left[name]).tobytes()
            == np.ascontiguousarray(right[name]).tobytes()
        ), name


def same_funnel(left: Record, right: Record) -> None:
    for name in ("gates", "admitted", "sized", "planned", "filled", "refusals", "ambiguous", "n"):
        assert np.array_equal(left[name], right[name]), name


def but(row: Records, *names: str) -> list[str]:
    return [name for name in row.dtype.names or () if name not in names]


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, indebted=st.booleans(), weeks=st.integers(-400, 400).filter(bool))
def test_whole_weeks_later_everything_happens_whole_weeks_later(
    seed: int, indebted: bool, weeks: int
) -> None:
    case = market(seed, indebted)
    account, books, fills, days = outcome(case)
    later_account, later_books, later_fills, later_days = outcome(shifted(case, weeks))
    for name in ("t", "entry_t", "gate"):
        fills[name] += weeks * WEEK_NS
    days["day"] += 7 * weeks
    account["t"] += weeks * WEEK_NS
    if account["closeout_t"][0] != -r.NEVER:
        account["closeout_t"] += weeks * WEEK_NS
    same(fills, later_fills)
    same(days, later_days)
    same(account, later_account)
    same_funnel(books[0], later_books[0])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, indebted=st.booleans(), power=st.integers(-6, 12).filter(bool))
def test_an_account_of_twice_the_size_trades_and_earns_twice_as_much(
    seed: int, indebted: bool, power: int
) -> None:
    case, factor = market(seed, indebted), 2.0**power
    account, books, fills, days = outcome(case)
    rich_account, rich_books, rich_fills, rich_days = outcome(
        richer(case, factor), BALANCE * factor
    )
    scaled = ("units", "gross", "commission", "financing")
    for name in scaled:
        fills[name] *= factor
    for name in MONEY:
        account[name] *= factor
    days["equity"] *= factor
    same(fills, rich_fills)
    same(account, rich_account)
    same(days, rich_days)
    same_funnel(books[0], rich_books[0])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, indebted=st.booleans(), power=st.integers(-6, 12).filter(bool))
def test_the_denomination_of_the_quote_currency_does_not_matter(
    seed: int, indebted: bool, power: int
) -> None:
    case, factor = market(seed, indebted), 2.0**power
    account, books, fills, days = outcome(case)
    other_account, other_books, other_fills, other_days = outcome(redenominated(case, factor))
    for name in PRICES:
        fills[name] *= factor
    fills["rate"] /= factor
    same(fills, other_fills)
    same(account, other_account)
    same(days, other_days)
    same_funnel(books[0], other_books[0])


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, indebted=st.booleans(), every=st.sampled_from([2, 5, 20]))
def test_the_mirror_image_of_a_market_earns_the_same_on_the_other_side(
    seed: int, indebted: bool, every: int
) -> None:
    case = on_binary_grid(market(seed, indebted, every))
    account, books, fills, days = outcome(case)
    turned_account, turned_books, turned_fills, turned_days = outcome(mirrored(case))
    fills["side"] *= -1
    for name in PRICES:
        fills[name] = 2 * AXIS - fills[name]
    same(fills, turned_fills, *but(fills, "gross"))
    assert np.array_equal(fills["gross"], turned_fills["gross"])  # -0.0 is 0.0
    for name in but(account):
        assert account[name][0] == turned_account[name][0], name
    assert np.array_equal(days, turned_days)
    same_funnel(books[0], turned_books[0])


# Dearer trading ---------------------------------------------------------------------------------


def dearer_commission(case: Case, extra: float) -> Case:
    out = changed(case)
    out.rules["half_commission"] += extra * 1e-4
    return out


def more_slippage(case: Case, extra: float) -> Case:
    out = without_levels(changed(case))
    out.rules["slippage"] += extra * 1e-5
    return out


def wider_spread(case: Case, extra: float) -> Case:
    bars, _ = copies(case)
    for letter in "ohlc":
        bars[f"ask_{letter}"] += extra * 1e-5
        bars[f"bid_{letter}"] -= extra * 1e-5
    return without_levels(changed(case, bars))


def dearer_conversion(case: Case, extra: float) -> Case:
    bars, _ = copies(case)
    for when in "oc":
        bars[f"gain_{when}"] *= 1 - extra * 1e-4
        bars[f"loss_{when}"] *= 1 + extra * 1e-4
    return changed(case, bars)


def dearer_nights(case: Case, extra: float) -> Case:
    bars, _ = copies(case)
    for name in ("fin_long", "fin_short"):
        bars[name] -= np.where(bars["fin_short"] != 0, extra * 1e-5, 0.0)
    return changed(case, bars)


@pytest.mark.parametrize(
    "dearer", [dearer_commission, more_slippage, wider_spread, dearer_conversion, dearer_nights]
)
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, extra=st.floats(0.01, 20))
def test_dearer_trading_never_earns_more(
    dearer: Callable[[Case, float], Case], seed: int, extra: float
) -> None:
    """Only where the trades are the same can money be compared: sizes and levels are fixed."""
    case = fixed_size(random_case(seed, n=500, every=3))
    base = without_levels(case) if dearer in {more_slippage, wider_spread} else case
    cheap_account, _, cheap, cheap_days = outcome(base, 1e9)
    dear_account, _, dear, dear_days = outcome(dearer(case, extra), 1e9)
    same(cheap, dear, "t", "kind", "side", "units", "reason", "entry_t")
    assert dear_account[0].nav <= cheap_account[0].nav
    assert dear_account[0].balance <= cheap_account[0].balance
    assert (dear_days["equity"] <= cheap_days["equity"] + 1e-6).all()
