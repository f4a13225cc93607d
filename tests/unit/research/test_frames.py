"""A result's tables by name: the same rows in Polars, pandas and Arrow, or a plain refusal."""

import sys

import polars as pl
import pytest
from tests.unit.research.demo_runs import PLAIN, simulate

from hotband.errors import InputError
from hotband.research.frames import TABLES
from hotband.research.result import SimulationResult


@pytest.fixture(scope="module")
def result() -> SimulationResult:
    return simulate("EUR_USD", profile=PLAIN)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_the_same_columns_and_rows_in_all_three_forms(
    result: SimulationResult, table: str
) -> None:
    frame = result.to_polars(table)
    pandas, arrow = result.to_pandas(table), result.to_arrow(table)
    assert list(pandas.columns) == arrow.column_names == frame.columns
    assert len(pandas) == arrow.num_rows == frame.height


def test_arrow_gives_back_what_polars_had(result: SimulationResult) -> None:
    again = pl.from_arrow(result.to_arrow("trades"))
    assert isinstance(again, pl.DataFrame)
    assert again.equals(result.trades)


def test_pandas_keeps_times_with_their_zone_and_numbers_as_they_are(
    result: SimulationResult,
) -> None:
    frame = result.to_pandas()
    assert str(frame["entry_time"].dt.tz) == "UTC"
    assert [time.value for time in frame["entry_time"]] == (
        result.trades["entry_time"].dt.epoch("ns").to_list()
    )
    assert frame["pnl"].tolist() == result.trades["pnl"].to_list()
    assert frame["exit_reason"].tolist() == result.trades["exit_reason"].to_list()


def test_the_metrics_say_how_far_each_can_be_trusted(result: SimulationResult) -> None:
    rows = {row["metric"]: row for row in result.to_polars("metrics").to_dicts()}
    assert rows.keys() == result.metrics.keys()
    sharpe, own = rows["daily_t"], result.metrics["daily_t"]
    assert (sharpe["ci90_low"], sharpe["ci90_high"]) == (own.ci90 or (None, None))
    assert (sharpe["value"], sharpe["reason"], sharpe["n"]) == (own.value, own.reason, own.n)


def test_the_decisions_are_those_of_the_log(result: SimulationResult) -> None:
    rows = result.to_polars("decisions")
    found = result.decisions()
    assert rows.height == len(found) > 0
    assert rows["reasons"].to_list() == [list(each.reasons) for each in found]
    assert rows["time"].dt.epoch("ns").to_list() == [each.time_ns for each in found]


def test_an_unknown_table_is_refused_with_the_nearest(result: SimulationResult) -> None:
    with pytest.raises(InputError, match=r"table of a result: got trade; .*mean 'trades'"):
        result.to_polars("trade")


@pytest.mark.parametrize("package", ["pandas", "pyarrow"])
def test_a_package_that_is_not_installed_is_named(
    result: SimulationResult, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as Python marks what cannot be imported
    asked = result.to_pandas if package == "pandas" else result.to_arrow
    with pytest.raises(InputError, match=f"got no package {package}; .* with to_polars"):
        asked()
