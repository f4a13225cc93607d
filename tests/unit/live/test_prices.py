"""One open time at a time gives the bits that a whole history gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.live.paper_weeks import NAMES, market

from hotband.core.records import QUOTE
from hotband.errors import ConversionError
from hotband.live.prices import Quotes, Rates, is_sound
from hotband.market.bars import Bars, bar_faults
from hotband.market.calendar import DAY_NS, MINUTE_NS
from hotband.market.conversion import ConversionModel, conversion_columns
from hotband.market.instruments import load_instruments

STEP_NS = 5 * MINUTE_NS
price = st.sampled_from((0.0, -1.0, 0.9, 1.0, 1.1, 1.2, float("nan"), float("inf")))


@given(
    t=st.sampled_from((0, STEP_NS, STEP_NS + 1)),
    prices=st.tuples(*[price] * 8),
    volume=st.sampled_from((0.0, 5.0, -1.0, float("nan"), float("inf"))),
)
def test_a_bar_is_sound_where_it_has_no_fault(
    t: int, prices: tuple[float, ...], volume: float
) -> None:
    row = np.array([(t, *prices, volume)], QUOTE)
    faults = bar_faults(row, STEP_NS)
    assert is_sound(row, STEP_NS) == (not any(mask.any() for mask in faults.values()))


@pytest.mark.parametrize("model", [ConversionModel(fee=0.005), ConversionModel("side")])
@pytest.mark.parametrize("home", ["USD", "JPY", "EUR"])
def test_rates_of_one_moment_are_those_of_a_history_to_the_last_bit(
    model: ConversionModel, home: str
) -> None:
    table, bars = dict(load_instruments()), market()[0]
    data = {name: bars[name].data[:400] for name in NAMES}
    # A pair that misses some bars, as a late or lost bar leaves it.
    data["USD_JPY"] = np.delete(data["USD_JPY"], [150, 151, 152, 300])
    opens = data["EUR_USD"]["t"][100:].copy()
    quotes = {name: (rows, STEP_NS) for name, rows in data.items()}
    whole = conversion_columns(table["EUR_USD"], opens, STEP_NS, home, quotes, table, model)
    held = {
        name: Quotes(Bars.from_records(name, "M5", rows[rows["t"] < opens[0]].copy(), source="x"))
        for name, rows in data.items()
    }
    rates = Rates(table["EUR_USD"], home, held, table, model)
    for k, t in enumerate(opens.tolist()):
        for name, rows in data.items():
            at = np.flatnonzero(rows["t"] == t)
            if len(at):
                held[name].append(rows[at])
        assert rates.at(t, opens=True) == (whole.gain_o[k], whole.loss_o[k], whole.base_o[k])
        later = rates.at(t + STEP_NS, opens=False)
        assert later == (whole.gain_c[k], whole.loss_c[k], whole.base_c[k])


def test_a_price_that_is_too_old_is_an_error_that_names_the_pair() -> None:
    held = {name: Quotes(market()[0][name]) for name in NAMES}
    table = dict(load_instruments())
    rates = Rates(table["USD_JPY"], "USD", held, table, ConversionModel())
    last = int(held["USD_JPY"].data["t"][-1])
    with pytest.raises(ConversionError, match="price of USD_JPY"):
        rates.at(last + 5 * DAY_NS, opens=True)


def test_bars_overlap_where_less_than_one_bar_lies_between_their_opens() -> None:
    quotes = Quotes(market()[0]["EUR_USD"])
    first, last = (int(quotes.data["t"][k]) for k in (0, -1))
    assert not quotes.overlaps(last)
    assert not quotes.overlaps(last + STEP_NS)
    assert not quotes.overlaps(first - STEP_NS)
    for t in (last + 1, last + STEP_NS - 1, last - 1, first - 1, first + 1):
        assert quotes.overlaps(t)
