"""What the figures draw: planes of the grid, realised curves, scales."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.report_runs import PAIRS, demo_run

from hotband.artefacts.schemas import Params
from hotband.artefacts.values import Window
from hotband.report.plane import chosen_row, plane
from hotband.report.realised import MOST_POINTS, by_exit, realised
from hotband.report.svg import RAMP, Bar, bars, ribbon, step_of, ticks

WINDOW = Window(start="2025-04-13T21:00:00Z", end="2025-04-18T21:00:00Z")
MONDAY = datetime(2025, 4, 14, tzinfo=UTC)


def grid(sizes: dict[str, int]) -> pl.DataFrame:
    """Rows over axes of those sizes with values 1, 2, ..., of hazard_max thousandths of them.

    The score is the number of the row.
    """
    frame = pl.DataFrame({"one": [0]})
    for name in ("hazard_max", "min_reps", "hold_minutes", "exposure"):
        unit = 0.001 if name == "hazard_max" else 1.0
        values = [round(unit * (i + 1), 6) for i in range(sizes.get(name, 1))]
        kind = pl.Int64 if name == "min_reps" else pl.Float64
        frame = frame.join(pl.DataFrame({name: pl.Series(values).cast(kind)}), how="cross")
    return frame.with_row_index("cell").with_columns(
        score=pl.col("cell").cast(pl.Float64), trades=pl.lit(12), pnl=pl.lit(1.0),
        qualified=pl.lit(value=True),
    )  # fmt: skip


def params(**changes: float | int) -> Params:
    fields = {"hazard_max": 0.001, "min_reps": 1, "hold_minutes": 1.0, "exposure": 1.0, **changes}
    return Params.model_validate({"hazard_x": None, **fields})


def closed(*pnl: float, hours: float = 1.0) -> pl.DataFrame:
    """Trades closed every so many hours from Monday on."""
    times = [MONDAY + timedelta(hours=hours * i) for i in range(len(pnl))]
    return pl.DataFrame(
        {"exit_time": times, "pnl": pnl}, {"exit_time": pl.Datetime("ns", "UTC"), "pnl": pl.Float64}
    )


def test_the_plane_takes_the_two_axes_with_the_most_values() -> None:
    seen = plane(grid({"min_reps": 3, "hold_minutes": 4, "exposure": 2}), params(), "score")
    assert seen.axes == ("hold_minutes", "min_reps")
    assert seen.fixed == {"hazard_max": 0.001, "exposure": 1.0}
    assert len(seen.cells) == 12


def test_the_plane_goes_through_the_chosen_cell() -> None:
    rows = grid({"min_reps": 3, "hold_minutes": 4, "exposure": 2})
    place = params(min_reps=2, hold_minutes=3.0, exposure=2.0)
    row = chosen_row(rows, place, "EUR_USD")
    (chosen,) = [cell for cell in plane(rows, place, "score").cells if cell.chosen]
    assert (chosen.column, chosen.row) == (2, 1)
    assert chosen.value == row["score"] == row["cell"]


def test_the_cells_of_a_real_run_hold_the_scores_of_its_rows() -> None:
    run = demo_run()
    for name in PAIRS:
        rows = run.rows.filter(instrument=name)
        seen = plane(rows, run.entry(name).params, "score")
        fixed = rows.filter(exposure=seen.fixed["exposure"])
        values = pl.Series([cell.value for cell in seen.cells], dtype=pl.Float64)
        assert values.null_count() < len(values)
        assert values.sort().to_list() == fixed["score"].sort().to_list()
        (chosen,) = [cell for cell in seen.cells if cell.chosen]
        assert chosen.value == run.entry(name).score


def test_long_axes_are_thinned_to_their_ends_and_the_chosen_value() -> None:
    seen = plane(grid({"hazard_max": 400, "min_reps": 50}), params(hazard_max=0.123), "score")
    assert seen.thinned
    assert seen.held == (400, 50)
    assert len(seen.columns) <= 30
    assert len(seen.rows) <= 20
    assert {0.001, 0.123, 0.4} <= set(seen.columns)
    assert {1, 50} <= set(seen.rows)
    assert len(seen.cells) == len(seen.columns) * len(seen.rows)


def test_no_cap_comes_before_every_cap() -> None:
    rows = grid({"hazard_max": 3}).with_columns(
        pl.when(pl.col("hazard_max") == 0.002)
        .then(None)
        .otherwise("hazard_max")
        .alias("hazard_max")
    )
    seen = plane(rows, params(), "score")
    assert seen.columns == (None, 0.001, 0.003)


def test_the_curve_adds_up_pnl_in_the_order_of_exits_and_falls_from_its_peak() -> None:
    trades = closed(10.0, -4.0, -8.0, 20.0, -1.0).reverse()
    found = realised(trades, WINDOW)
    assert found.curve.equity.tolist() == [10.0, 6.0, -2.0, 18.0, 17.0]
    assert found.curve.under.tolist() == [0.0, -4.0, -12.0, 0.0, -1.0]
    assert (found.final, found.deepest) == (17.0, -12.0)
    assert found.deepest_ns == int((MONDAY + timedelta(hours=2)).timestamp()) * 10**9


def test_a_loss_at_the_start_is_below_the_peak_of_zero() -> None:
    assert realised(closed(-5.0, 3.0), WINDOW).curve.under.tolist() == [-5.0, -2.0]


def test_a_thinned_curve_keeps_its_end_and_its_extremes() -> None:
    steps = np.random.default_rng(3).normal(size=20_000)
    found = realised(closed(*steps, hours=0.005), WINDOW)
    equity = steps.cumsum()
    assert len(found.curve.t_ns) <= MOST_POINTS
    assert found.curve.equity[-1] == pytest.approx(equity[-1])
    assert found.curve.equity.max() == pytest.approx(equity.max())
    assert found.curve.equity.min() == pytest.approx(equity.min())
    assert found.curve.under.min() == found.deepest < -1.0
    assert (np.diff(found.curve.t_ns) > 0).all()
    assert found.periods["trades"].sum() == 20_000


def test_periods_grow_with_the_window_so_that_their_table_stays_short() -> None:
    def period(end: str) -> str:
        window = Window(start="2016-01-01T00:00:00Z", end=end)
        return realised(closed(1.0), window).period

    ends = ("2016-01-08T00:00:00Z", "2016-06-01T00:00:00Z", "2018-01-01T00:00:00Z")
    assert [period(end) for end in (*ends, "2026-01-01T00:00:00Z")] == [
        "day", "week", "month", "year",
    ]  # fmt: skip


def test_exits_are_counted_and_summed_by_reason() -> None:
    trades = closed(1.0, -2.0, 4.0).with_columns(
        exit_reason=pl.Series(["hold_expiry", "stop_loss_hit", "hold_expiry"]),
        hold_minutes=pl.Series([30.0, 5.0, 20.0]),
    )
    assert by_exit(trades).rows() == [
        ("hold_expiry", 2, 2, 5.0, 25.0),
        ("stop_loss_hit", 1, 0, -2.0, 5.0),
    ]


@given(st.floats(-1e6, 0), st.floats(1e-3, 1e6), st.integers(1, 8))
def test_ticks_are_few_round_and_inside_and_zero_is_among_them(
    low: float, high: float, most: int
) -> None:
    found = ticks(low, high, most)
    assert 1 <= len(found) <= most + 2
    assert 0.0 in found
    slack = (high - low) * 1e-6
    assert all(low - slack <= value <= high + slack for value in found)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 1))
def test_every_value_between_the_ends_has_a_step_of_the_ramp(
    one: float, other: float, share: float
) -> None:
    low, high = sorted((one, other))
    assert 0 <= step_of(min(low + share * (high - low), high), low, high) < RAMP
    assert step_of(low, low, low) == RAMP // 2


def test_bars_are_as_long_as_their_values() -> None:
    drawn = bars([Bar("a", 50.0, 100.0, "50"), Bar("b", 25.0, 0.0, "25")], "two bars", left=10)
    widths = [float(part.split('"')[0]) for part in drawn.split('width="')[2:]]
    track, half, quarter = widths
    assert half == pytest.approx(track / 2, abs=0.01)
    assert quarter == pytest.approx(track / 4, abs=0.01)


def test_the_ribbon_hatches_what_is_derived_and_fills_its_width() -> None:
    drawn = ribbon([("real", 0.6, "r"), ("derived", 0.4, "s"), ("none", 0.0, "n")], "gates")
    assert 'x="108" y="0" width="72" height="14" class="derived"' in drawn
    assert 'width="108"' in drawn
    assert 'class="none"' not in drawn
