"""The demo market is the same for everyone, agrees with itself and says that it is simulated."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import HotbandError, InputError, InstrumentError, WindowError
from hotband.feeds.demo import demo_bars
from hotband.feeds.quality import check_bars
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, HOUR_NS, MINUTE_NS, parse_time

START_NS = parse_time("2025-04-01T00:00:00Z")
END_NS = START_NS + 14 * DAY_NS
TRIANGLE = ("EUR_USD", "GBP_USD", "EUR_GBP")


def mid_close(bars: Bars) -> npt.NDArray[np.float64]:
    mid: npt.NDArray[np.float64] = (bars.data["bid_c"] + bars.data["ask_c"]) / 2
    return mid


def trend_correlation(edge: float) -> float:
    """Of the next minute's move with the move of the hour before it, over half a year."""
    bars = demo_bars(["EUR_USD"], START_NS, START_NS + 182 * DAY_NS, edge=edge)["EUR_USD"]
    log_mid = np.log(mid_close(bars))
    return float(np.corrcoef(log_mid[60:-1] - log_mid[:-61], np.diff(log_mid)[60:])[0, 1])


def test_the_same_arguments_give_the_same_bytes() -> None:
    first, second = (demo_bars(TRIANGLE, START_NS, END_NS) for _ in range(2))
    assert {k: v.content_hash for k, v in first.items()} == {
        k: v.content_hash for k, v in second.items()
    }


def test_another_seed_gives_another_market() -> None:
    first, second = (demo_bars(["EUR_USD"], START_NS, END_NS, seed=seed) for seed in (7, 8))
    assert first["EUR_USD"].content_hash != second["EUR_USD"].content_hash


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 13 * 24), st.integers(1, 24))
def test_a_window_shows_the_same_bars_as_any_wider_one(hours: int, length: int) -> None:
    start_ns = START_NS + hours * HOUR_NS
    end_ns = start_ns + length * HOUR_NS
    wide = demo_bars(["USD_JPY"], START_NS, END_NS)["USD_JPY"].window(start_ns, end_ns)
    narrow = demo_bars(["EUR_USD", "USD_JPY"], start_ns, end_ns)["USD_JPY"]
    assert narrow.content_hash == wide.content_hash


def test_longer_bars_are_the_shorter_ones_put_together() -> None:
    minute, hour = (
        demo_bars(["AUD_USD"], START_NS, END_NS, name)["AUD_USD"].data for name in ("M1", "H1")
    )
    hours = minute["t"] // HOUR_NS * HOUR_NS
    for bar in hour:
        inside = minute[hours == bar["t"]]
        assert bar["volume"] == inside["volume"].sum()
        for side in ("bid", "ask"):
            assert bar[f"{side}_o"] == inside[f"{side}_o"][0]
            assert bar[f"{side}_h"] == inside[f"{side}_h"].max()
            assert bar[f"{side}_l"] == inside[f"{side}_l"].min()
            assert bar[f"{side}_c"] == inside[f"{side}_c"][-1]
    assert set(hours) == set(hour["t"])


def test_three_pairs_of_three_currencies_agree_within_rounding() -> None:
    """EUR_USD = EUR_GBP x GBP_USD: each mid is rounded by at most one point of 0.00001."""
    mids = {name: mid_close(bars) for name, bars in demo_bars(TRIANGLE, START_NS, END_NS).items()}
    miss = np.abs(mids["EUR_GBP"] * mids["GBP_USD"] - mids["EUR_USD"])
    assert miss.max() < 0.00001 * (1 + mids["GBP_USD"].max() + mids["EUR_GBP"].max())


def test_bars_say_that_they_are_simulated() -> None:
    bars = demo_bars(["EUR_USD"], START_NS, END_NS)["EUR_USD"]
    assert (bars.source, bars.side_origin, bars.granularity) == ("demo", "ba", "M1")


@pytest.mark.parametrize("name", ["EUR_USD", "USD_JPY"])
def test_the_market_trades_exactly_in_its_hours(name: str) -> None:
    bars = demo_bars([name], START_NS, END_NS)[name]
    report = check_bars(bars, DEFAULT_HOURS)
    assert report.share_present == 1.0
    assert report.outside_hours == 0
    assert report.zero_spreads == 0


def test_prices_have_the_digits_of_the_instrument() -> None:
    for name, digits in (("EUR_USD", 5), ("USD_JPY", 3)):
        closes = demo_bars([name], START_NS, END_NS)[name].data["ask_c"]
        assert (np.round(closes, digits) == closes).all()


def test_spreads_are_wide_around_the_roll() -> None:
    data = demo_bars(["EUR_USD"], START_NS, END_NS)["EUR_USD"].data
    spread = data["ask_o"] - data["bid_o"]
    hour = data["t"] // HOUR_NS % 24
    assert np.median(spread[hour == 21]) > 2 * np.median(spread[hour == 14])


def test_weekends_have_gaps() -> None:
    bars = demo_bars(["EUR_USD"], START_NS, END_NS)["EUR_USD"]
    at = int(np.argmax(np.diff(bars.data["t"]) > DAY_NS))
    assert bars.data["bid_o"][at + 1] != bars.data["bid_c"][at]


def moves(name: str, days: int, edge: float = 0.0) -> npt.NDArray[np.float64]:
    bars = demo_bars([name], START_NS, START_NS + days * DAY_NS, edge=edge)[name]
    return np.diff(np.log(mid_close(bars)))


def test_prices_jump_about_once_a_week_and_currency() -> None:
    """A minute of more than twelve times the deviation of the hour around it, over 52 weeks.

    A walk whose deviation changes slowly has none. Two currencies jump 104 times a year in the
    mean (deviation below 10), and the smallest jumps are lost among the other moves.
    """
    move = np.abs(moves("EUR_USD", 364))
    around = np.array([np.median(move[max(0, i - 30) : i + 30]) for i in range(len(move))])
    big = np.flatnonzero(move > 12 * around / 0.6745)
    weekends = 51
    assert 40 <= len(big) - weekends <= 140


def test_pairs_that_share_a_currency_move_together() -> None:
    """Both moves hold the dollar's, with the same weight: a correlation of one half."""
    euro, pound, cross = (moves(name, 182) for name in ("EUR_USD", "GBP_USD", "AUD_JPY"))
    assert np.corrcoef(euro, pound)[0, 1] == pytest.approx(0.5, abs=0.1)
    assert abs(np.corrcoef(euro, cross)[0, 1]) < 0.05


def test_volatility_changes_by_hour_and_from_week_to_week() -> None:
    bars = demo_bars(["EUR_USD"], START_NS, START_NS + 182 * DAY_NS, "H1")["EUR_USD"]
    move = np.abs(np.diff(np.log(mid_close(bars))))
    hour = bars.data["t"][1:] // HOUR_NS % 24
    busy, quiet = (np.median(move[hour == h]) for h in (13, 4))
    assert busy > 1.3 * quiet
    week = (bars.data["t"][1:] - START_NS) // (7 * DAY_NS)
    level = [np.median(move[week == k]) for k in range(26)]
    assert max(level) > 1.5 * min(level)


def test_without_an_edge_the_past_says_nothing() -> None:
    """About 186,000 minutes: three standard errors are 0.007."""
    assert abs(trend_correlation(0.0)) < 0.01


def test_a_planted_edge_is_there() -> None:
    assert trend_correlation(0.05) == pytest.approx(0.05, abs=0.02)
    assert trend_correlation(-0.05) < -0.02


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"granularity": "S5"}, InputError, "got S5; allowed: M1 to H1"),
        ({"granularity": "D"}, InputError, "got D; allowed: M1 to H1"),
        ({"seed": -1}, InputError, "seed: got -1; allowed: 0 or more"),
        ({"edge": 0.2}, InputError, "edge: got 0.2; allowed: -0.1 to 0.1"),
        ({"instruments": ["EUR_USB"]}, InstrumentError, "Did you mean 'EUR_USD'"),
        ({"end_ns": START_NS}, WindowError, "an end after the start"),
    ],
)
def test_wrong_arguments_are_refused(
    changes: dict[str, object], error: type[HotbandError], text: str
) -> None:
    arguments = {"instruments": ["EUR_USD"], "start_ns": START_NS, "end_ns": END_NS} | changes
    with pytest.raises(error) as caught:
        demo_bars(**arguments)  # type: ignore[arg-type] # wrong arguments under test
    assert text in str(caught.value)


def test_a_weekend_has_no_bars() -> None:
    saturday = parse_time("2025-04-05T00:00:00Z")
    bars = demo_bars(["EUR_USD"], saturday, saturday + DAY_NS)["EUR_USD"]
    assert len(bars) == 0


def test_only_whole_bars_are_shown() -> None:
    start_ns = parse_time("2025-04-02T10:00:30Z")
    bars = demo_bars(["EUR_USD"], start_ns, start_ns + 2 * MINUTE_NS)["EUR_USD"]
    assert bars.data["t"].tolist() == [start_ns + MINUTE_NS // 2]
