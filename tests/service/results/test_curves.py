"""Curves tell the same extremes and the same drawdowns, however few points they have."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.artefacts.schemas import Latest
from hotband.errors import InputError
from hotband.market.calendar import MINUTE_NS, parse_time
from hotband.service.results.curves import CurveRequest, EquityCurve, daily_curve, equity_curve
from hotband.service.results.reduction import deepest, falls, reduced
from tests.service.results.conftest import MISSING, Held
from tests.service.results.frames import MONDAY, Tables, account

POINTS = st.integers(16, 60)
MONDAY_MS = int(MONDAY.timestamp() * 1000)


def curves(least: float) -> st.SearchStrategy["np.ndarray"]:
    """Short and long ones; equal values are likely."""
    value = st.one_of(
        st.integers(-3, 9).map(float).filter(lambda v: v >= least), st.floats(least, 1e9)
    )
    return st.lists(value, min_size=1, max_size=400).map(np.array)


def worst(values: "np.ndarray", which: int) -> float:
    """The maximum drawdown, in money or as a fraction, by its definition."""
    found, peak = 0.0, -np.inf
    for value in values.tolist():
        peak = max(peak, value)
        found = min(found, value - peak if which == 0 else (value - peak) / peak)
    return found


@given(curves(-1e9), POINTS)
def test_a_reduced_curve_is_part_of_the_whole_in_order(values: "np.ndarray", most: int) -> None:
    kept = reduced(values, most)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert len(kept) <= most


@given(curves(-1e9), POINTS)
def test_a_reduced_curve_keeps_both_extremes_and_the_maximum_drawdown(
    values: "np.ndarray", most: int
) -> None:
    some = values[reduced(values, most)]
    assert (some.min(), some.max()) == (values.min(), values.max())
    assert worst(some, 0) == worst(values, 0)


@given(curves(0.01), POINTS)
def test_a_reduced_curve_keeps_the_maximum_drawdown_as_a_fraction(
    values: "np.ndarray", most: int
) -> None:
    assert worst(values[reduced(values, most)], 1) == worst(values, 1)


@given(curves(-1e9), POINTS)
def test_a_short_curve_stays_as_it_is(values: "np.ndarray", most: int) -> None:
    short = values[:most]
    assert reduced(short, most).tolist() == list(range(len(short)))


@given(curves(-1e9))
def test_falls_are_what_their_definition_says(values: "np.ndarray") -> None:
    under, _ = falls(values)
    assert under.min() == worst(values, 0)
    ends = deepest(under, values)
    if ends is None:
        assert worst(values, 0) == 0.0
    else:
        peak, trough = ends
        assert values[trough] - values[peak] == worst(values, 0)
        assert peak < trough


def test_two_hundred_thousand_points_keep_their_drawdown() -> None:
    values = 1000.0 + np.random.default_rng(3).normal(size=200_000).cumsum()
    kept = reduced(values, 2_000)
    assert 1_900 < len(kept) <= 2_000
    assert worst(values[kept], 0) == worst(values, 0)


@pytest.mark.parametrize("most", [15, 20_001, 0])
def test_points_outside_the_bounds_are_refused(most: int) -> None:
    with pytest.raises(InputError, match=r"max_points: got \d+; allowed: 16 to 20,000"):
        reduced(np.ones(3), most)


# The account -----------------------------------------------------------------------------------


def drawn(latest: Latest, equity: list[float], **request: Any) -> EquityCurve:
    source = Tables({"equity": account("EUR_USD", np.array(equity))})
    return equity_curve(source, latest, "EUR_USD", CurveRequest(**request))


def minute(i: int) -> str:
    return f"2026-03-09T00:{i:02d}:00Z"


def test_underwater_is_what_is_missing_to_the_running_peak(held: Held) -> None:
    curve = drawn(held.latest, [100.0, 110.0, 99.0, 111.0])
    assert curve.run_id == held.latest.run_id
    assert curve.time_ms == tuple(MONDAY_MS + 60_000 * i for i in range(4))
    assert curve.underwater == (0.0, 0.0, -11.0, 0.0)
    assert curve.underwater_fraction == pytest.approx((0.0, 0.0, -0.1, 0.0))
    assert (curve.points, curve.stands_for) == (4, 4)


def test_a_span_shows_its_rows_under_the_peak_of_the_whole_phase(held: Held) -> None:
    curve = drawn(held.latest, [100.0, 110.0, 99.0, 104.0, 112.0], start=minute(2), end=minute(4))
    assert curve.equity == (99.0, 104.0)
    assert curve.underwater == (-11.0, -6.0)
    assert curve.carried is not None
    assert (curve.carried.equity, curve.carried.time) == (110.0, minute(1))


def test_a_span_without_rows_says_what_held(held: Held) -> None:
    curve = drawn(held.latest, [100.0, 90.0], start=minute(5), end=minute(6))
    assert curve.points == curve.stands_for == 0
    assert curve.carried is not None
    assert curve.carried.equity == 90.0
    assert curve.absent is None
    assert curve.summary == "The account did not move in this span."


def test_drawdowns_are_listed_deepest_first_with_when_they_ended(held: Held) -> None:
    curve = drawn(held.latest, [100.0, 98.0, 101.0, 95.0, 96.0, 102.0, 99.0])
    assert [item.money for item in curve.drawdowns] == [-6.0, -3.0, -2.0]
    first, second, _ = curve.drawdowns
    assert (first.peak_time, first.trough_time, first.recovered_time) == (
        minute(2), minute(3), minute(5),
    )  # fmt: skip
    assert first.fraction == -6.0 / 101.0
    assert second.recovered_time is None


def test_at_most_five_drawdowns_are_listed(held: Held) -> None:
    assert len(drawn(held.latest, [100.0, 90.0] + [101.0, 91.0] * 20).drawdowns) == 5


def test_the_summary_says_way_length_and_deepest_drawdown(held: Held) -> None:
    curve = drawn(held.latest, [100.0, 110.0, 99.0, 105.0])
    expected = "Equity rose 5.0 % over 0.0 days; deepest drawdown 10.0 % on 09 Mar 2026 00:02 UTC."
    assert curve.summary == expected


def test_an_account_that_is_gone_has_no_fraction_rather_than_infinity(held: Held) -> None:
    curve = drawn(held.latest, [0.0, -5.0])
    assert curve.underwater_fraction == (None, None)
    assert curve.drawdowns[0].fraction is None


def test_undefined_equity_is_left_out(held: Held) -> None:
    assert drawn(held.latest, [100.0, float("nan"), 101.0]).equity == (100.0, 101.0)


def test_a_long_account_is_reduced_and_says_so(held: Held) -> None:
    request = CurveRequest(max_points=50)
    curve = equity_curve(held.folder, held.latest, "EUR_USD", request)
    full = equity_curve(held.folder, held.latest, "EUR_USD", CurveRequest())
    assert curve.points <= 50
    assert (curve.stands_for, full.points) == (400, 400)
    assert curve.drawdowns == full.drawdowns
    assert set(curve.time_ms) < set(full.time_ms)
    assert min(curve.underwater) == min(full.underwater)


def test_a_run_that_kept_no_account_says_so(held: Held) -> None:
    curve = equity_curve(held.folder, held.older, "EUR_USD", CurveRequest())
    assert curve.absent is not None
    assert curve.absent.code == "table_missing"
    assert "before runs kept equity" in curve.absent.text
    assert curve.points == 0


def test_an_instrument_that_failed_says_why_there_is_no_curve(held: Held) -> None:
    curve = equity_curve(held.folder, held.latest, MISSING, CurveRequest())
    assert curve.absent is not None
    assert curve.absent.code == "instrument_failed"


def test_a_phase_without_account_says_so(held: Held) -> None:
    curve = equity_curve(held.folder, held.latest, "EUR_USD", CurveRequest("hold_out"))
    assert curve.absent is not None
    assert curve.absent.text == "no account of EUR_USD over the hold-out"


@pytest.mark.parametrize(
    ("instrument", "request_", "message"),
    [
        ("EUR_USB", CurveRequest(), r"instrument: got EUR_USB; .* Did you mean 'EUR_USD'\?"),
        ("EUR_USD", CurveRequest("holdout"), r"phase: got holdout; .* Did you mean 'hold_out'\?"),
        ("EUR_USD", CurveRequest(start=minute(2), end=minute(2)), "from and to: got .*"),
        ("EUR_USD", CurveRequest(start="yesterday"), "time: got yesterday; allowed: RFC 3339"),
    ],
)
def test_what_the_run_does_not_know_is_refused(
    held: Held, instrument: str, request_: CurveRequest, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        equity_curve(held.folder, held.latest, instrument, request_)


# The stitched days -----------------------------------------------------------------------------


def days(equity: list[float]) -> Tables:
    n = len(equity)
    frame = account("EUR_USD", np.array(equity)).with_columns(
        day=pl.date_range(MONDAY.date(), pl.lit(MONDAY.date()) + pl.duration(days=n - 1)),
        fold=pl.lit(0, pl.Int64),
    )
    previous = pl.col("equity").shift(1, fill_value=1.0)
    frame = frame.with_columns((pl.col("equity") / previous - 1.0).alias("return"))
    return Tables({"oos": frame.select("instrument", "fold", "day", "return", "equity")})


def test_a_loss_on_the_first_day_is_a_drawdown_from_one(held: Held) -> None:
    curve = daily_curve(days([0.9, 0.95, 1.1]), held.latest, "EUR_USD")
    assert curve.day == ("2026-03-09", "2026-03-10", "2026-03-11")
    assert curve.equity == (0.9, 0.95, 1.1)
    assert curve.underwater_fraction == pytest.approx((-0.1, -0.05, 0.0))


def test_many_days_are_reduced_to_those_asked_for(held: Held) -> None:
    growth = np.exp(np.random.default_rng(4).normal(0.0, 0.01, 3000).cumsum()).tolist()
    curve = daily_curve(days(growth), held.latest, "EUR_USD", 100)
    full = daily_curve(days(growth), held.latest, "EUR_USD", 20_000)
    assert (len(curve.day), curve.stands_for) == (curve.points, 3000)
    assert curve.points <= 100
    assert min(v or 0.0 for v in curve.underwater_fraction) == min(
        v or 0.0 for v in full.underwater_fraction
    )


def test_without_judged_days_the_curve_says_so(held: Held) -> None:
    empty = Tables({"oos": days([1.0]).held["oos"].clear()})
    curve = daily_curve(empty, held.latest, "EUR_USD")
    assert curve.absent is not None
    assert curve.absent.code == "no_rows"


def test_the_minute_of_the_tests_is_the_first_of_the_frames() -> None:
    assert parse_time(minute(1)) == MONDAY_MS * 1_000_000 + MINUTE_NS
