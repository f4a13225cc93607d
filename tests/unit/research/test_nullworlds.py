"""N1 and N2 look like a market and know nothing of the next move; every world is checked."""

import numpy as np
import pytest
from tests.naive import naive_worlds
from tests.unit.research.null_markets import (
    START,
    WEEKS_4,
    YEAR,
    Floats,
    history,
    mid,
    moves,
    resampled,
    year,
)

from hotband.core.records import QUOTE, empty
from hotband.errors import BarsError, InputError, InstrumentError, WindowError
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, HOUR_NS, MINUTE_NS
from hotband.market.instruments import load_instruments
from hotband.market.spreads import SpreadProfile
from hotband.research.nullworlds import (
    WORLDS,
    NullSettings,
    World,
    end_after_days,
    null_bars,
    time_of_day_curve,
)
from hotband.research.world_clock import default_curve, world_clock
from hotband.research.worlds_synthetic import (
    ar1_path,
    garch_path,
    quote_path,
    stochastic_deviation,
    t_mixing,
)

DRAWN: tuple[World, ...] = ("N1", "N2")


def made(world: World, seed: int = 1, name: str = "EUR_USD", granularity: str = "M1") -> Bars:
    return null_bars(
        world, seed, instrument=name, start_ns=START, end_ns=WEEKS_4, granularity=granularity
    )


@pytest.mark.parametrize("granularity", ["S30", "M1", "M5", "M15", "H1"])
@pytest.mark.parametrize("world", DRAWN)
def test_drawn_bars_pass_the_checks_of_bars(world: World, granularity: str) -> None:
    bars = made(world, granularity=granularity)
    again = Bars.from_records(
        bars.instrument, granularity, bars.data.copy(), source="again"
    )  # fmt: skip
    assert len(again) > 400
    assert np.all(bars.data["ask_l"] > bars.data["bid_l"])


def test_a_year_of_260_days_has_a_bar_for_each_minute_outside_the_daily_closure() -> None:
    bars = year("N1")
    # 1440 minutes a day less the five from 16:58; the last two days' closures lie at the ends.
    assert abs(len(bars) - 260 * 1435) <= 5
    assert len(np.unique(DEFAULT_HOURS.trading_day(bars.data["t"]))) == 260


@pytest.mark.parametrize("world", DRAWN)
def test_no_bar_opens_outside_the_market_s_hours(world: World) -> None:
    t = made(world).data["t"]
    assert DEFAULT_HOURS.in_week(t).all()
    assert not DEFAULT_HOURS.in_closure(t).any()


def test_an_hour_that_is_partly_inside_the_closure_keeps_its_bar() -> None:
    t = made("N1", granularity="H1").data["t"]
    assert START in t
    assert len(t) == 4 * 120


@pytest.mark.parametrize("world", ["N1", "N2", "N3", "N4"])
def test_the_same_arguments_give_the_same_bytes(world: World) -> None:
    make = made if world in DRAWN else resampled
    assert make(world).content_hash == make(world).content_hash


@pytest.mark.parametrize("world", ["N1", "N2", "N3", "N4"])
def test_another_seed_gives_another_world(world: World) -> None:
    make = made if world in DRAWN else resampled
    assert make(world, 1).content_hash != make(world, 2).content_hash


def test_two_pairs_of_a_drawn_world_are_drawn_apart() -> None:
    one, two = (moves(made("N1", name=name)) for name in ("EUR_USD", "GBP_USD"))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.05


@pytest.mark.parametrize("world", DRAWN)
def test_one_move_says_nothing_of_the_next(world: World) -> None:
    """Within 4 / sqrt(n) of a kurtosis of 50 or less: 0.046 at 373,000 bars."""
    series = moves(year(world))
    for lag in (1, 2, 5, 60):
        assert abs(np.corrcoef(series[lag:], series[:-lag])[0, 1]) < 0.046


@pytest.mark.parametrize("world", DRAWN)
def test_wild_moves_come_together(world: World) -> None:
    size = np.abs(moves(year(world)))
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1


@pytest.mark.parametrize("world", DRAWN)
def test_moves_have_fat_tails(world: World) -> None:
    series = moves(year(world))
    assert np.mean(series**4) / np.mean(series**2) ** 2 > 6


@pytest.mark.parametrize("world", DRAWN)
def test_volatility_is_the_one_asked_for_within_a_tenth(world: World) -> None:
    realised = np.sqrt(np.sum(moves(year(world)) ** 2))
    assert realised == pytest.approx(0.08, rel=0.1)


@pytest.mark.parametrize("world", DRAWN)
def test_the_curve_of_the_clock_is_recovered(world: World) -> None:
    found = time_of_day_curve(year(world))
    open_hours = ~np.isnan(found)
    assert open_hours.sum() == 120
    truth = default_curve()[open_hours]
    assert np.corrcoef(found[open_hours], truth)[0, 1] > 0.9
    assert np.median(np.abs(found[open_hours] / truth - 1)) < 0.1


@pytest.mark.parametrize("world", DRAWN)
def test_the_price_after_four_weeks_is_on_average_the_price_before(world: World) -> None:
    """Mean end over start of 300 seeds is 1 within 4 standard errors; a drift of 3 would show."""
    ends = []
    for seed in range(300):
        bars = null_bars(
            world, seed, instrument="EUR_USD", start_ns=START, end_ns=WEEKS_4, granularity="H1"
        )
        ends.append(mid(bars)[-1] / mid(bars, "o")[0] - 1)
    error = np.std(ends) / len(ends) ** 0.5
    assert abs(np.mean(ends)) < 4 * error
    assert np.std(ends) == pytest.approx(0.08 * (20 / 260) ** 0.5, rel=0.2)


def test_spreads_follow_the_instrument_s_table_by_hour() -> None:
    bars = year("N1")
    spread = bars.data["ask_o"] - bars.data["bid_o"]
    table = SpreadProfile.from_table(load_instruments()["EUR_USD"]).at(bars.data["t"])
    for level in np.unique(table):
        assert np.median(spread[table == level]) == pytest.approx(level, rel=0.1)


def test_weekends_have_gaps_and_weekdays_have_none() -> None:
    bars = made("N1")
    t = bars.data["t"]
    gap = np.abs(mid(bars, "o")[1:] / mid(bars)[:-1] - 1)
    weekend = np.diff(t) > DAY_NS
    assert weekend.sum() == 3
    assert gap[~weekend].max() < 0.00003  # the points that quotes are rounded to
    assert gap[weekend].max() > 0.0003


def test_bars_of_a_drawn_world_take_their_shape_from_a_base() -> None:
    base = history()
    bars = null_bars(
        "N1", 1, instrument="EUR_USD", start_ns=START, end_ns=YEAR, granularity="H1", base=base
    )
    assert mid(bars, "o")[0] == pytest.approx(mid(base, "o")[0], abs=0.00002)
    joined = np.diff(base.data["t"]) == base.granularity_ns
    annual = np.sqrt(np.mean(np.diff(np.log(mid(base)))[joined] ** 2) * 288 * 260)
    assert np.sqrt(np.sum(moves(bars) ** 2)) == pytest.approx(annual, rel=0.2)
    assert bars.notes == ()


def test_hours_that_the_base_does_not_know_are_named_in_the_notes() -> None:
    first = int(history().data["t"][0])
    short = history().window(first, first + 48 * HOUR_NS)
    bars = null_bars(
        "N2", 1, instrument="EUR_USD", start_ns=START, end_ns=WEEKS_4, granularity="M5", base=short
    )
    assert bars.notes == ("72 of 168 hours of the built-in curve: too few bars",)


# Recursions against their definitions ------------------------------------------------------------


def test_the_ar_recursion_is_its_definition() -> None:
    noise = np.random.default_rng(1).standard_normal(200)
    out = np.empty(200)
    ar1_path(noise, 0.97, 0.55, out)
    np.testing.assert_allclose(out, naive_worlds.ar1(noise.tolist(), 0.97, 0.55), rtol=1e-12)


def test_the_garch_recursion_is_its_definition() -> None:
    noise = np.random.default_rng(2).standard_normal(200)
    out = np.empty(200)
    garch_path(noise, 0.01, 0.07, 0.92, out)
    expected = naive_worlds.garch(noise.tolist(), 0.01, 0.07, 0.92)
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def fine_bars(n: int, seed: int, level: float = 1e-3) -> tuple[Floats, Floats, Floats]:
    """(high, low, close) over open of bars of one deviation, quoted in points of 1e-12."""
    draws = np.random.default_rng(seed)
    sigma, zero = np.full(n, level), np.zeros(n)
    out = empty(QUOTE, n)
    out["t"] = np.arange(n) * MINUTE_NS
    normal = draws.standard_normal(n)
    extremes = draws.standard_exponential((2, n))
    quote_path(sigma * normal, sigma, extremes, zero, zero, 1e12, 1.0, out)
    high, low, close = (out[f"bid_{x}"] / out["bid_o"] - 1 for x in "hlc")
    return high, low, close


def test_extremes_within_a_bar_are_those_of_a_brownian_bridge() -> None:
    draws = np.random.default_rng(3)
    sigma, moved = 1e-3, draws.standard_normal(40) * 1e-3
    extremes = draws.standard_exponential((2, 40))
    zero = np.zeros(40)
    out = empty(QUOTE, 40)
    quote_path(moved, np.full(40, sigma), extremes, zero, zero, 1e12, 1.0, out)
    for i in range(40):
        high, low = naive_worlds.bridge_extremes(moved[i], sigma, extremes[0, i], extremes[1, i])
        assert out["bid_h"][i] / out["bid_o"][i] - 1 == pytest.approx(high, abs=1e-9)
        assert out["bid_l"][i] / out["bid_o"][i] - 1 == pytest.approx(low, abs=1e-9)


def test_the_range_of_a_bar_is_that_of_a_brownian_motion() -> None:
    """E range = sigma sqrt(8 / pi) (Feller 1951), which does not need the joint law."""
    high, low, _ = fine_bars(200_000, 4)
    assert np.mean(high - low) == pytest.approx(1e-3 * np.sqrt(8 / np.pi), rel=0.005)


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0])
def test_a_stop_inside_a_bar_gains_nothing(distance: float) -> None:
    """Out at the stop where it is touched, else at the close: 0 within 4 standard errors."""
    _, low, close = fine_bars(400_000, 5)
    stop = -distance * 1e-3
    outcome = np.where(low <= stop, stop, close)
    assert abs(outcome.mean()) < 4 * outcome.std() / len(outcome) ** 0.5
    assert 0.03 < np.mean(low <= stop) < 0.7


def test_a_bar_without_its_path_would_make_stops_lie() -> None:
    """The trap: with extremes at open and close only, stops are missed and seem to cost less."""
    _, _, close = fine_bars(400_000, 6)
    stop = -1e-3
    outcome = np.where(close <= stop, stop, close)
    assert outcome.mean() > 20 * outcome.std() / len(outcome) ** 0.5


def test_innovations_are_t_with_five_degrees_of_freedom_and_variance_one() -> None:
    draws = np.random.default_rng(7)
    values = t_mixing(draws, 400_000) * draws.standard_normal(400_000)
    assert values.var() == pytest.approx(1.0, rel=0.02)
    # The 97.5 % quantile of t5 is 2.5706; scaled to variance 1 by sqrt(3 / 5).
    assert np.quantile(values, 0.975) == pytest.approx(2.5706 * 0.6**0.5, rel=0.02)


def test_stochastic_volatility_has_mean_square_one() -> None:
    clock = world_clock(START, YEAR, "H1")
    squares = [
        np.mean(stochastic_deviation(clock, np.random.default_rng(seed)) ** 2)
        for seed in range(100)
    ]
    assert np.mean(squares) == pytest.approx(1.0, abs=4 * np.std(squares) / 10)


# Refusals ----------------------------------------------------------------------------------------


def test_every_world_has_a_text() -> None:
    assert list(WORLDS) == ["N1", "N2", "N3", "N4", "N5"]


def test_an_unknown_world_is_refused_with_the_near_one() -> None:
    with pytest.raises(InputError, match=r"world: got N11; .* Did you mean 'N1'"):
        made("N11")  # type: ignore[arg-type] # wrong on purpose


def test_n5_is_refused_for_bars_and_names_its_function() -> None:
    with pytest.raises(InputError, match=r"world: got N5; allowed: N1 to N4.*null_gates"):
        made("N5")


@pytest.mark.parametrize("world", ["N3", "N4"])
def test_worlds_of_real_bars_need_a_base(world: World) -> None:
    with pytest.raises(BarsError, match=rf"base of {world}: got no bars"):
        made(world)


def test_a_base_of_another_pair_is_refused() -> None:
    with pytest.raises(BarsError, match="base: got EUR_USD; allowed: GBP_USD"):
        null_bars("N3", 1, instrument="GBP_USD", start_ns=START, end_ns=YEAR, base=history())


def test_a_base_of_another_granularity_is_refused() -> None:
    with pytest.raises(BarsError, match="base of N3: got M5; allowed: M1"):
        null_bars("N3", 1, instrument="EUR_USD", start_ns=START, end_ns=YEAR, base=history())


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="seed: got -1; allowed: 0 or more"):
        made("N1", -1)


def test_bars_longer_than_an_hour_are_refused() -> None:
    with pytest.raises(BarsError, match="granularity of a null world: got H4; allowed: S5 to H1"):
        made("N1", granularity="H4")


def test_a_window_without_trading_is_refused() -> None:
    saturday = START - DAY_NS
    with pytest.raises(WindowError, match=r"window of a null world: .*hours of trading"):
        null_bars(
            "N1", 1, instrument="EUR_USD", start_ns=saturday, end_ns=saturday + 5 * HOUR_NS
        )  # fmt: skip


def test_every_pair_of_the_table_has_a_price_to_start_at() -> None:
    for name, pair in load_instruments().items():
        bars = null_bars(
            "N1", 1, instrument=name, start_ns=START, end_ns=START + DAY_NS, granularity="H1"
        )
        assert mid(bars, "o")[0] > 1000 / pair.price_scale


def test_a_pair_outside_the_table_is_refused() -> None:
    with pytest.raises(InstrumentError, match="XAU_USD"):
        made("N1", name="XAU_USD")


def test_less_than_a_day_is_refused() -> None:
    with pytest.raises(WindowError, match="days of a null world: got 0; allowed: 1 or more"):
        end_after_days(START, 0)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="annual_vol of a null world: got 0; allowed: above 0"):
        NullSettings(annual_vol=0)
