"""Rows, axes and planes of the grid are those of the file."""

import json
from typing import Any

import polars as pl
import pytest

from hotband.errors import InputError, StoreError
from hotband.service.results.paging import PageRequest
from hotband.service.results.rows import (
    GridPlane,
    PlaneRequest,
    grid_axes,
    grid_plane,
    grid_rows,
)
from tests.service.results.conftest import MISSING, Held
from tests.service.results.frames import Tables

PAIR = "EUR_USD"
NAMES = {"hazard_max", "min_reps", "hold_minutes", "exposure"}


def table(held: Held) -> pl.DataFrame:
    return held.folder.read_table(held.latest, "rows").filter(instrument=PAIR)


def plane(held: Held, x: str, y: str, metric: str = "pnl", *fixed: str) -> GridPlane:
    return grid_plane(held.folder, held.latest, PAIR, PlaneRequest(x, y, metric, fixed))


def test_a_page_without_columns_has_all_of_them_and_is_json(held: Held) -> None:
    page = grid_rows(held.folder, held.latest, PAIR, PageRequest(limit=3))
    assert len(page.items) == 3
    assert page.total == table(held).height
    assert set(page.items[0]) == {"id", *table(held).columns} == set(page.columns)
    again = json.loads(page.model_dump_json())
    assert again["items"][0]["flags"] == table(held)["flags"][0].to_list()
    assert again["run_id"] == held.latest.run_id


def test_only_the_columns_asked_for_come_with_id_and_cell(held: Held) -> None:
    page = grid_rows(held.folder, held.latest, PAIR, PageRequest(limit=1), columns=["pnl"])
    assert list(page.items[0]) == ["id", "cell", "pnl"]


def test_rows_are_filtered_and_sorted_by_any_column(held: Held) -> None:
    page = grid_rows(
        held.folder, held.latest, PAIR, PageRequest("pnl", descending=True, limit=500),
        filters=["trades:ge:1"], columns=["pnl", "trades"],
    )  # fmt: skip
    wanted = table(held).filter(pl.col("trades") >= 1).sort("pnl", descending=True)
    assert [item["pnl"] for item in page.items] == wanted["pnl"].to_list()
    assert page.total == wanted.height > 0


def test_the_chosen_cell_is_the_one_that_the_result_names(held: Held) -> None:
    page = grid_rows(held.folder, held.latest, PAIR, PageRequest())
    row = table(held).filter(pl.col("cell") == page.chosen).row(0, named=True)
    params = held.entry(PAIR).params
    assert {name: row[name] for name in NAMES} == {name: getattr(params, name) for name in NAMES}


def test_a_column_that_is_not_there_is_refused_with_the_near_one(held: Held) -> None:
    with pytest.raises(InputError, match=r"column: got sharp; .* Did you mean 'sharpe'\?"):
        grid_rows(held.folder, held.latest, PAIR, PageRequest(), columns=["sharp"])


def test_rows_of_an_instrument_that_failed_say_why_there_are_none(held: Held) -> None:
    page = grid_rows(held.folder, held.latest, MISSING, PageRequest())
    assert page.absent is not None
    assert page.absent.text.startswith(f"{MISSING} failed in this run:")
    assert grid_axes(held.folder, held.latest, MISSING).absent == page.absent
    empty = grid_plane(
        held.folder, held.latest, MISSING, PlaneRequest("min_reps", "exposure", "pnl")
    )
    assert empty.absent == page.absent


def test_axes_have_their_values_and_the_chosen_one(held: Held) -> None:
    found = grid_axes(held.folder, held.latest, PAIR)
    assert {axis.name for axis in found.axes} == NAMES
    assert found.cells == table(held).height
    for axis in found.axes:
        assert list(axis.values) == table(held)[axis.name].unique().sort().to_list()
        assert axis.chosen in axis.values


def test_metrics_are_numbers_and_no_axes(held: Held) -> None:
    metrics = set(grid_axes(held.folder, held.latest, PAIR).metrics)
    assert {"pnl", "sharpe", "score", "win_rate"} <= metrics
    assert not metrics & {*NAMES, "cell", "id", "qualified", "flags", "sharpe_null"}


def test_a_plane_holds_the_metric_of_every_cell_on_it(held: Held) -> None:
    found = plane(held, "hazard_max", "min_reps")
    assert found.x is not None
    assert found.y is not None
    assert found.tested == len(found.x.values) * len(found.y.values)
    for j, reps in enumerate(found.y.values):
        for i, cap in enumerate(found.x.values):
            row = table(held).filter(hazard_max=cap, min_reps=reps, **found.fixed)
            assert row["pnl"].to_list() == [found.values[j][i]]
            assert row["cell"].to_list() == [found.cells[j][i]]
            assert row["trades"].to_list() == [found.trades[j][i]]


def test_a_plane_stays_at_the_chosen_cell_where_nothing_else_is_said(held: Held) -> None:
    found = plane(held, "hazard_max", "min_reps")
    params = held.entry(PAIR).params
    assert found.fixed == {"hold_minutes": params.hold_minutes, "exposure": params.exposure}


def test_a_plane_goes_where_its_fixed_values_say(held: Held) -> None:
    for value in table(held)["exposure"].unique():
        found = plane(held, "hazard_max", "min_reps", "pnl", f"exposure:{value:g}")
        cells = [cell for line in found.cells for cell in line]
        shown = table(held).filter(pl.col("cell").is_in(cells))
        assert shown["exposure"].unique().to_list() == [value] == [found.fixed["exposure"]]


def test_a_plane_says_why_a_metric_is_null(held: Held) -> None:
    found = plane(held, "hazard_max", "min_reps", "sharpe")
    for line, reasons, trades in zip(found.values, found.reasons, found.trades, strict=True):
        assert set(line) == {None}
        wanted = ["window_too_short" if n else "no_trades" for n in trades]
        assert list(reasons) == wanted


def test_a_place_without_a_cell_is_null(held: Held) -> None:
    rows = held.folder.read_table(held.latest, "rows")
    request = PlaneRequest("hazard_max", "min_reps", "pnl")
    whole = grid_plane(held.folder, held.latest, PAIR, request)
    gone = whole.cells[0][0]
    source = Tables({"rows": rows.filter(pl.col("cell") != gone)})
    found = grid_plane(source, held.latest, PAIR, request)
    assert (found.values[0][0], found.cells[0][0]) == (None, None)
    assert found.tested == whole.tested - 1


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (("hazard", "min_reps", "pnl"), r"x: got hazard; .* Did you mean 'hazard_max'\?"),
        (("min_reps", "min_reps", "pnl"), "x and y: got min_reps"),
        (("min_reps", "exposure", "qualified"), "metric: got qualified"),
        (("min_reps", "exposure", "pnl", ["min_reps:1"]), "fixed axis: got min_reps"),
        (("min_reps", "exposure", "pnl", ["hazard_max:9.0"]), "fixed hazard_max: got 9;"),
    ],
)
def test_a_plane_that_the_grid_does_not_have_is_refused(
    held: Held, request_: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        grid_plane(held.folder, held.latest, PAIR, PlaneRequest(*request_))


def test_a_plane_of_too_many_places_is_refused(held: Held) -> None:
    first = table(held).head(1).drop("hazard_max", "hold_minutes")
    caps = pl.DataFrame({"hazard_max": [i / 1000 for i in range(250)]})
    holds = pl.DataFrame({"hold_minutes": [float(i + 1) for i in range(250)]})
    source = Tables({"rows": first.join(caps, how="cross").join(holds, how="cross")})
    with pytest.raises(InputError, match="plane: got 62,500 places; allowed: at most 40,000"):
        grid_plane(source, held.latest, PAIR, PlaneRequest("hazard_max", "hold_minutes", "pnl"))


def test_rows_with_two_cells_at_one_place_are_not_of_one_run(held: Held) -> None:
    rows = table(held)
    source = Tables({"rows": pl.concat([rows, rows])})
    with pytest.raises(StoreError, match="places with several cells"):
        grid_plane(source, held.latest, PAIR, PlaneRequest("hazard_max", "min_reps", "pnl"))


def test_structs_deep_lists_and_infinities_come_out_as_json(held: Held) -> None:
    odd = (
        table(held)
        .head(1)
        .with_columns(
            held=pl.struct(a=pl.lit(1.5), b=pl.lit("x")),
            deep=pl.lit([[1, 2]], pl.List(pl.List(pl.Int64))),
            pnl=pl.lit(float("inf")),
        )
    )
    page = grid_rows(Tables({"rows": odd}), held.latest, PAIR, PageRequest())
    item = json.loads(page.model_dump_json())["items"][0]
    assert (item["held"], item["deep"], item["pnl"]) == ({"a": 1.5, "b": "x"}, ["[1, 2]"], None)
