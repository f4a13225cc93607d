"""A file is read as what it says it is; what it does not say must be given."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.contract.samples import bars_at

from hotband.errors import BarsError
from hotband.feeds.files import ImportReport, read_bars, read_frame
from hotband.feeds.quality import check_bars, check_frame
from hotband.market.bars import Bars
from hotband.market.calendar import MarketHours

CSV = "EUR_USD.M1.test.csv"
HEADER = "time,bid_o,bid_h,bid_l,bid_c,ask_o,ask_h,ask_l,ask_c"
PRICES = "1.1,1.2,1.0,1.1,1.1002,1.2002,1.0002,1.1002"


def csv(folder: Path, times: list[str], name: str = CSV) -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *(f"{time},{PRICES}" for time in times)]))
    return path


def one_sided(folder: Path, name: str = "EUR_USD.M1.mt5.csv") -> Path:
    path = folder / name
    path.write_text("time,o,h,l,c,volume\n2025-04-02T14:00:00Z,1.1,1.2,1.0,1.15,12\n")
    return path


def parquet(folder: Path, name: str, bars: Bars, metadata: dict[str, str] | None = None) -> Path:
    path = folder / name
    bars.to_frame().write_parquet(path, metadata=metadata)
    return path


def refused(path: Path, **arguments: Any) -> str:
    with pytest.raises(BarsError) as caught:
        read_bars(path, **arguments)
    return str(caught.value)


def test_a_written_frame_is_read_back_with_its_name(tmp_path: Path) -> None:
    bars = bars_at([0, 1, 5])
    again, report = read_bars(parquet(tmp_path, "EUR_USD.M1.oanda.2025.parquet", bars))
    assert again.content_hash == bars.content_hash
    assert report == ImportReport(
        path="EUR_USD.M1.oanda.2025.parquet",
        instrument="EUR_USD",
        granularity="M1",
        side_origin="ba",
        source="oanda",
        rows_read=3,
        rows_kept=3,
        dropped={},
        zero_spreads=0,
        first="2025-04-30T23:50:00Z",
        last="2025-04-30T23:55:00Z",
        gaps=1,
        longest_gap_ns=240_000_000_000,
        notes=(),
    )
    json.dumps(report.to_dict())


def test_metadata_names_what_the_file_name_does_not(tmp_path: Path) -> None:
    said = {"instrument": "USD_JPY", "granularity": "M5", "source": "desk"}
    bars, _ = read_bars(parquet(tmp_path, "export.parquet", bars_at([0]), said))
    assert (bars.instrument, bars.granularity, bars.source) == ("USD_JPY", "M5", "desk")


def test_arguments_win_over_the_file(tmp_path: Path) -> None:
    path = parquet(tmp_path, "EUR_USD.M1.oanda.parquet", bars_at([0]))
    bars, _ = read_bars(path, instrument="GBP_USD", granularity="M5")
    assert (bars.instrument, bars.granularity) == ("GBP_USD", "M5")


def test_a_file_that_does_not_name_its_pair_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, "export.parquet", bars_at([0]))
    assert "instrument of export.parquet: got nothing in the file name" in refused(path)
    assert refused(path, instrument="EUR_USD").endswith("Pass granularity= or --granularity.")


def test_d1_is_the_day(tmp_path: Path) -> None:
    bars, _ = read_bars(csv(tmp_path, ["2025-04-01T00:00:00Z"], "EUR_USD.D1.oanda.csv"))
    assert bars.granularity == "D"


@pytest.mark.parametrize(
    "time",
    [
        "2025-04-01T00:00:00Z",
        "2025-04-01 00:00:00Z",
        "2025-04-01T00:00Z",
        "2025-04-01T00:00:00.000000000Z",
        "2025-03-31T20:00:00-04:00",
    ],
)
def test_text_times_with_a_zone_are_read(tmp_path: Path, time: str) -> None:
    bars, report = read_bars(csv(tmp_path, [time]))
    assert bars.data["t"].tolist() == [1_743_465_600_000_000_000]
    assert report.notes == ()


def test_text_times_without_a_zone_need_one(tmp_path: Path) -> None:
    path = csv(tmp_path, ["2025-03-31 20:00:00"])
    assert refused(path) == (
        f"time of {CSV}: got times without a zone; allowed: times with a zone. "
        "Pass zone= or --zone, such as UTC."
    )
    bars, report = read_bars(path, zone="America/New_York")
    assert bars.data["t"].tolist() == [1_743_465_600_000_000_000]
    assert report.notes == ("times without a zone were read as America/New_York",)


@pytest.mark.parametrize("time", ["2025-11-02 01:30:00", "2025-03-09 02:30"])
def test_local_times_that_exist_twice_or_never_are_refused(tmp_path: Path, time: str) -> None:
    text = refused(csv(tmp_path, [time]), zone="America/New_York")
    assert "in row 0, which America/New_York has twice or not at all" in text


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (["2025-04-01T00:00:00Z", "2025-04-01T00:01:00"], "in row 1 without a zone among times"),
        (["2025-04-01T00:00:00Z", "yesterday at 00:00Z"], "'yesterday at 00:00Z' in row 1"),
        (["2025-04-01T00:00:00Z", ""], "no time in row 1"),
        (["1743465600", "1743465660"], "got Int64; allowed: times, or text"),
    ],
)
def test_times_that_cannot_be_read_are_named(tmp_path: Path, times: list[str], text: str) -> None:
    assert text in refused(csv(tmp_path, times), zone="UTC")


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    text = refused(csv(tmp_path, ["2025-04-01T00:00:00"]), zone="America/New_Yorkk")
    assert "Did you mean 'America/New_York'?" in text


def test_one_side_needs_its_name_and_is_completed_from_the_table(tmp_path: Path) -> None:
    path = one_sided(tmp_path)
    assert "got one side, and no word on which; allowed: bid, ask or mid" in refused(path)
    bars, report = read_bars(path, side="bid")
    assert bars.side_origin == report.side_origin == "bid"
    assert bars.data["bid_c"][0] == 1.15
    assert bars.data["ask_c"][0] == 1.15006
    assert bars.data["volume"][0] == 12
    assert report.notes == ("the file has the bid only; spreads come from the instrument's table",)


@pytest.mark.parametrize("side", ["MID (columns o,h,l,c)", "mid", "Mid, as sent"])
def test_metadata_can_name_the_side(tmp_path: Path, side: str) -> None:
    frame = pl.read_csv(one_sided(tmp_path))
    path = tmp_path / "EUR_USD.M1.oanda.parquet"
    frame.write_parquet(path, metadata={"side": side})
    assert read_bars(path)[0].side_origin == "mid"


def test_a_side_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    both = csv(tmp_path, ["2025-04-01T00:00:00Z"])
    assert "bid for a file with both sides; allowed: what it has. Leave --side out" in refused(
        both, side="bid"
    )
    assert "ba for a file with one side" in refused(one_sided(tmp_path), side="ba")
    assert "Did you mean 'mid'" in refused(both, side="middle")


def test_crossed_quotes_are_refused_or_dropped_and_counted(tmp_path: Path) -> None:
    path = csv(tmp_path, ["2025-04-01T00:00:00Z", "2025-04-01T00:01:00Z"])
    path.write_text(path.read_text().replace("1.1002", "1.0999", 1))
    assert refused(path) == (
        f"quotes of {CSV}: got ask below bid in 1 of 2 rows; allowed: ask >= bid at open and "
        "close. Use --on-crossed drop (on_crossed='drop') to leave these rows out and count them."
    )
    frame, name, granularity = read_frame(path)
    quality = check_frame(frame, name, granularity, MarketHours())
    assert (quality.rows, quality.faults["crossed"]) == (2, 1)
    assert "on_crossed: got keep; allowed: refuse or drop" in refused(path, on_crossed="keep")
    bars, report = read_bars(path, on_crossed="drop")
    assert (len(bars), report.rows_read, report.rows_kept) == (1, 2, 1)
    assert report.dropped == {"crossed": 1}
    assert report.notes == ("dropped 1 rows whose ask is below the bid",)


@pytest.mark.parametrize("on_crossed", ["refuse", "drop"])
def test_a_negative_price_is_named_as_such_and_not_as_crossed(
    tmp_path: Path, on_crossed: str
) -> None:
    path = csv(tmp_path, ["2025-04-01T00:00:00Z", "2025-04-01T00:01:00Z"])
    path.write_text(path.read_text().replace("1.1002", "-1.1002", 1))
    assert "not_positive in 1 of 2 rows, first row 0" in refused(path, on_crossed=on_crossed)


def test_a_mapping_names_foreign_columns(tmp_path: Path) -> None:
    path = tmp_path / "EUR_USD.M1.bank.csv"
    path.write_text("Stamp,Open,High,Low,Close\n2025-04-02T14:00:00Z,1.1,1.2,1.0,1.15\n")
    assert "Name the columns with mapping=" in refused(path)
    names = {"Stamp": "time", "Open": "o", "High": "h", "Low": "l", "Close": "c"}
    bars, _ = read_bars(path, side="ask", mapping=names)
    assert bars.data["ask_h"][0] == 1.2
    assert "Did you mean 'Stamp'?" in refused(path, mapping={"Stamps": "time"})
    assert "o twice" in refused(path, mapping={"Open": "o", "High": "o", "Stamp": "time"})


@pytest.mark.parametrize("name", ["EUR_USD.M1.x.parquet", "EUR_USD.M1.x.csv"])
def test_a_file_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    assert f"file {name}: got " in refused(tmp_path / name)
    (tmp_path / name).write_bytes(b"")
    assert f"file {name}: got " in refused(tmp_path / name)


def test_other_formats_are_refused(tmp_path: Path) -> None:
    assert "got .xlsx; allowed: .parquet, .csv" in refused(tmp_path / "EUR_USD.M1.x.xlsx")


@pytest.mark.real_data
def test_all_real_bars_are_imported_and_as_complete_as_their_list_says(real_data: Path) -> None:
    """Shares of open-market bars were counted independently, over the week without a closure."""
    hours = MarketHours(closure_start="17:00", closure_end="17:00")
    listed = {
        entry["file"]: entry for entry in json.loads((real_data / "manifest.json").read_text())
    }
    paths = [path for path in sorted(real_data.glob("*.parquet")) if ".TICK." not in path.name]
    assert len(paths) > 20
    for path in paths:
        bars, report = read_bars(path, on_crossed="drop")
        stats = listed[path.name]["stats"]
        assert report.rows_read == stats["rows"]
        assert report.rows_kept == len(bars) == stats["rows"] - sum(report.dropped.values())
        assert bool(report.dropped) == (stats["violations"] != {}), path.name
        quality = check_bars(bars, hours)
        assert set(quality.faults.values()) == {0}
        if quality.share_present is not None and not report.dropped:
            assert quality.outside_hours == stats["bars_while_closed"], path.name
            assert round(quality.share_present, 4) == stats["open_market_coverage"], path.name


@pytest.mark.real_data
def test_dirty_real_quotes_are_refused_unless_asked_for(real_data: Path) -> None:
    path = real_data / "USD_JPY.M1.fxcm.20130201_20130301.parquet"
    assert "ask below bid in 1344 of 28761 rows" in refused(path)
    bars, report = read_bars(path, on_crossed="drop")
    assert report.dropped == {"crossed": 1344}
    assert report.zero_spreads > 1000
    assert np.isnan(bars.data["volume"]).all()
