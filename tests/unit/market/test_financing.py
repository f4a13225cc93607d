"""Financing against the reference's digits, its calendar, and what is refused."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.naive import naive_market as naive

from hotband.errors import InputError
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, HOUR_NS, MINUTE_NS, parse_time
from hotband.market.financing import FinancingTable, financing_columns, load_financing

at = parse_time
STATIC = load_financing(
    {"rates": {"EUR_USD": [{"from": "2025-01-01", "long": -0.0295, "short": 0.0042}]}}
)


def charge(units: float, price: float, rate: float, days: int) -> float:
    """What holding ``units`` over one roll costs: Monday's for a day, Wednesday's for three."""
    table = load_financing(
        {"rates": {"EUR_USD": [{"from": "2026-01-01", "long": rate, "short": 0}]}}
    )
    roll = at({1: "2026-07-13T21:00:00Z", 3: "2026-07-15T21:00:00Z"}[days])
    times = np.array([roll - HOUR_NS, roll], np.int64)
    return units * price * float(financing_columns("EUR_USD", times, DEFAULT_HOURS, table)[0][1])


@pytest.mark.parametrize(
    ("price", "rate", "to_usd", "to_eur", "quote", "usd", "eur"),
    [
        (1.085, -0.0295, 1.0, 1 / 1.085, -8.7692, -8.7692, -8.0822),
        (1.085, 0.0042, 1.0, 1 / 1.085, 1.2485, 1.2485, 1.1507),
        (150.0, 0.0310, 1 / 150, 1 / 162.75, 1273.9726, 8.4932, 7.8278),
        (0.855, -0.0260, 1.269, 1 / 0.855, -6.0904, -7.7287, -7.1233),
    ],
)
def test_a_day_of_100k_units_costs_what_the_reference_says(
    price: float, rate: float, to_usd: float, to_eur: float, quote: float, usd: float, eur: float
) -> None:
    paid = charge(100_000, price, rate, 1)
    found = [round(paid * factor, 4) for factor in (1, to_usd, to_eur)]
    assert found == [quote, usd, eur]


def test_a_triple_day_costs_three_times_as_much() -> None:
    assert round(charge(100_000, 1.085, -0.0295, 3), 4) == -26.3075
    assert round(charge(100_000, 1.085, -0.0295, 3) / 1.085, 4) == -24.2466
    assert round(charge(100_000, 1.085, 0.0042, 3), 4) == 3.7455


def test_the_brokers_own_example_comes_out() -> None:
    paid = charge(100_000, 1.15826, -0.03, 1)
    assert (round(paid, 6), round(paid, 2)) == (-9.519945, -9.52)


def test_the_rule_of_thumb_in_pips_holds() -> None:
    pips = [charge(1, 1.085, 0.0295, days) / 0.0001 for days in (1, 3)]
    assert [round(pips[0], 4), round(pips[1], 2)] == [0.8769, 2.63]


def week(instrument: str) -> list[float]:
    """Days charged at the rolls of a week, Monday to Friday, from hourly bars."""
    times = at("2026-07-12T21:00:00Z") + HOUR_NS * np.arange(8 * 24, dtype=np.int64)
    rates = {instrument: [{"from": date(2026, 1, 1), "long": 0.365, "short": -0.365}]}
    long, short = financing_columns(
        instrument, times, DEFAULT_HOURS, load_financing({"rates": rates})
    )
    assert np.array_equal(long, -short)
    hits = np.flatnonzero(long)
    rolls = DEFAULT_HOURS.rolls_between(int(times[0]), int(times[-1]))
    assert times[hits].tolist() == rolls.tolist()
    return [round(float(v) * 1000, 9) for v in long[hits]][:5]


def test_the_weekend_is_charged_on_wednesday_or_for_one_day_pairs_on_thursday() -> None:
    assert week("EUR_USD") == [1, 1, 3, 1, 1]
    assert week("USD_CAD") == [1, 1, 1, 3, 1]
    assert sum(week("GBP_JPY")) == 7


def test_a_roll_is_charged_at_the_first_bar_that_is_at_or_after_it() -> None:
    roll = at("2026-07-14T21:00:00Z")
    times = np.array([roll - 2 * MINUTE_NS, roll - MINUTE_NS, roll, roll + MINUTE_NS], np.int64)
    one = -0.0295 / 365
    assert financing_columns("EUR_USD", times, DEFAULT_HOURS, STATIC)[0].tolist() == [0, 0, one, 0]
    gap = times[[0, 3]]
    assert financing_columns("EUR_USD", gap, DEFAULT_HOURS, STATIC)[0].tolist() == [0, one]
    assert financing_columns("EUR_USD", times[2:], DEFAULT_HOURS, STATIC)[0].tolist() == [0, 0]


def test_a_gap_over_a_weekend_collects_fridays_roll_only() -> None:
    times = np.array([at("2026-07-17T20:59:00Z"), at("2026-07-19T21:03:00Z")], np.int64)
    long, short = financing_columns("EUR_USD", times, DEFAULT_HOURS, STATIC)
    assert (long[1], short[1]) == (-0.0295 / 365, 0.0042 / 365)


def test_rates_change_on_their_date() -> None:
    rows = [
        {"from": "2026-07-13", "long": -0.01, "short": 0.0},
        {"from": "2026-07-14", "long": -0.02, "short": 0.0},
    ]
    table = load_financing({"rates": {"EUR_USD": rows}})
    times = at("2026-07-13T20:00:00Z") + DAY_NS * np.arange(3, dtype=np.int64)
    long = financing_columns("EUR_USD", times, DEFAULT_HOURS, table)[0]
    assert long.tolist() == [0, -0.01 / 365, -0.02 / 365]


def test_without_rates_financing_is_zero() -> None:
    times = at("2026-07-12T21:00:00Z") + DAY_NS * np.arange(5, dtype=np.int64)
    for name, table in (("EUR_USD", load_financing()), ("USD_JPY", STATIC)):
        assert not np.any(financing_columns(name, times, DEFAULT_HOURS, table))
    assert FinancingTable() == load_financing(None) == load_financing({})
    assert financing_columns("EUR_USD", times[:0], DEFAULT_HOURS, STATIC)[0].shape == (0,)


def test_a_roll_before_the_first_rate_is_refused() -> None:
    times = np.array([at("2024-12-30T12:00:00Z"), at("2025-01-02T12:00:00Z")], np.int64)
    message = "financing EUR_USD: got none for the roll of 2024-12-30; allowed: a rate for every"
    with pytest.raises(InputError, match=message):
        financing_columns("EUR_USD", times, DEFAULT_HOURS, STATIC)


def test_daily_rates_count_once_and_every_roll_needs_its_own() -> None:
    rows = [{"from": f"2026-07-{d}", "long": r, "short": 0} for d, r in ((14, -0.03), (15, -0.09))]
    table = load_financing({"schedule": "daily", "rates": {"EUR_USD": rows}})
    times = at("2026-07-14T12:00:00Z") + DAY_NS * np.arange(3, dtype=np.int64)
    long = financing_columns("EUR_USD", times, DEFAULT_HOURS, table)[0]
    assert long.tolist() == [0, -0.03 / 365, -0.09 / 365]
    with pytest.raises(InputError, match=r"roll of 2026-07-16; allowed: .*\(daily schedule\)"):
        financing_columns("EUR_USD", times + DAY_NS, DEFAULT_HOURS, table)
    with pytest.raises(InputError, match="roll of 2026-07-13"):
        financing_columns("EUR_USD", times - DAY_NS, DEFAULT_HOURS, table)


@given(
    st.lists(st.integers(0, 40 * 24), min_size=1, max_size=30, unique=True),
    st.sampled_from(["EUR_USD", "USD_CAD"]),
    st.integers(0, 60),
)
def test_financing_columns_equal_their_definition(
    hours: list[int], instrument: str, offset: int
) -> None:
    start = at("2026-02-20T00:00:00Z") + offset * 17 * HOUR_NS
    times = start + HOUR_NS * np.sort(np.array(hours, np.int64))
    rates = {date(2026, 1, 1): -0.02, date(2026, 3, 9): 0.011, date(2026, 5, 1): -0.005}
    rows = [{"from": day, "long": rate, "short": -rate} for day, rate in rates.items()]
    table = load_financing({"rates": {instrument: rows}})
    long, short = financing_columns(instrument, times, DEFAULT_HOURS, table)
    expected = naive.financing(instrument, times.tolist(), rates, calendar=True)
    assert long.tolist() == pytest.approx(expected, abs=1e-15)
    assert np.array_equal(short, -long)


def test_a_table_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "financing.yaml"
    text = (
        "schedule: daily\nrates:\n  EUR_USD:\n    - {from: 2025-01-01, long: -0.0295, short: 0}\n"
    )
    path.write_text(text, "utf-8")
    table = load_financing(path)
    rate = table.rates["EUR_USD"][0]
    assert table.schedule == "daily"
    assert (np.datetime64(rate.day, "D"), rate.long) == (np.datetime64("2025-01-01"), -0.0295)
    for unreadable in (
        "rates: [",
        "rates: {EUR_USD: [{from: 2025-02-30}]}",
        "rates: {}\nrates: {}",
    ):
        path.write_text(unreadable, "utf-8")
        with pytest.raises(InputError, match=r"financing file: got .*financing.yaml .*readable Y"):
            load_financing(path)
    with pytest.raises(InputError, match=r"financing file: got .*none.yaml"):
        load_financing(tmp_path / "none.yaml")


ROW = {"from": "2025-01-01", "long": 0.0, "short": 0.0}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"rate": {}}, "financing: got rate; allowed: schedule, rates.*Did you mean 'rates'"),
        ({"rates": []}, "financing: got .*; allowed: schedule and rates"),
        ({"schedule": []}, r"schedule: got \[\]; allowed: calendar, daily"),
        ({"schedule": "dayly"}, "schedule: got dayly; allowed: calendar, daily.*mean 'daily'"),
        ({"rates": {"EUR_USD": []}}, r"financing EUR_USD: got \[\]; allowed: a list of dated"),
        ({"rates": {"EUR_USD": [1]}}, "financing EUR_USD: got 1; allowed: .from: date"),
        ({"rates": {"EUR_USD": [{**ROW, "lng": 0}]}}, "got lng; .*Did you mean 'long'"),
        ({"rates": {"EUR_USD": [{"from": "2025-01-01", "long": 0}]}}, "got no short; allowed:"),
        ({"rates": {"EUR_USD": [{**ROW, "from": "soon"}]}}, "EUR_USD from: got soon; .*a date"),
        (
            {"rates": {"EUR_USD": [{**ROW, "from": datetime.fromisoformat("2025-01-01T00:00")}]}},
            "EUR_USD from: got 2025-01-01 00:00:00; allowed: a date such as",
        ),
        ({"rates": {"EUR_USD": [{**ROW, "long": -2.95}]}}, "rate: got -2.95; .*between -1 and 1"),
        ({"rates": {"EUR_USD": [{**ROW, "short": True}]}}, "rate: got True"),
        ({"rates": {"EUR_USD": [{**ROW, "short": float("nan")}]}}, "rate: got nan"),
        ({"rates": {"EUR_USD": [ROW, ROW]}}, "EUR_USD: got dates out of order; .*Sort the rows"),
    ],
)
def test_unusable_tables_are_refused(document: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        load_financing(document)
