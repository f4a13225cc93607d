"""The crossover keeps the promises of a gate producer, and crosses where it should."""

from dataclasses import replace

import numpy as np
import pytest
from hotband_crossover import Crossover, open_store

from hotband.errors import InputError, StoreError
from hotband.feeds.demo import demo_bars
from hotband.gates.producer import GateProducer
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.testing import GateProducerContract

MINUTE = 60_000_000_000


def market(*mids: float) -> Bars:
    """Bars of the demo market with these mid closes."""
    start = parse_time("2025-04-02T00:00:00Z")
    bars = demo_bars(("EUR_USD",), start, start + len(mids) * MINUTE, seed=1)["EUR_USD"]
    data = bars.data.copy()
    for side, shift in (("bid", -0.00005), ("ask", 0.00005)):
        data[f"{side}_c"] = np.array(mids) + shift
    return replace(bars, data=data)


class TestDefault(GateProducerContract):
    source = "producer:crossover"

    def new_producer(self) -> GateProducer:
        return Crossover()


class TestShort(GateProducerContract):
    source = "producer:crossover"

    def new_producer(self) -> GateProducer:
        return Crossover(2, 5, 4)


def test_a_cross_is_a_gate_to_its_side_and_repeats_while_it_stands() -> None:
    bars = market(1.10, 1.10, 1.09, 1.09, 1.12, 1.13, 1.14, 1.12, 1.11)
    gates = Crossover(1, 3, 2).gates(bars).data
    rows = np.searchsorted(bars.known_ns, gates["known"])
    # The close against the mean of three: rows 2 and 3 below, 4 to 6 above, 7 and 8 below.
    assert rows.tolist() == [4, 5, 7, 8]
    assert gates["side"].tolist() == [1, 1, -1, -1]
    assert gates["reps"].tolist() == [1, 2, 1, 2]


def test_a_mean_that_was_level_counts_as_having_been_on_the_other_side() -> None:
    bars = market(1.10, 1.10, 1.10, 1.12, 1.12, 1.12, 1.10)
    gates = Crossover(1, 3, 1).gates(bars).data
    rows = np.searchsorted(bars.known_ns, gates["known"])
    assert rows.tolist() == [3, 6]
    assert gates["side"].tolist() == [1, -1]


def test_prices_that_stand_still_give_no_gate() -> None:
    assert len(Crossover(1, 3, 2).gates(market(*[1.1] * 40))) == 0


def test_hazard_is_the_share_of_the_moves_that_led_nowhere() -> None:
    """From 1.12 down by 2, down by 1 and up by 4 cents: 7 of road, 1 of it net."""
    (gate,) = Crossover(1, 4, 1).gates(market(1.14, 1.12, 1.10, 1.09, 1.13)).data
    assert gate["side"] == 1
    assert gate["hazard"] == pytest.approx(1 - 1 / 7)


@pytest.mark.parametrize("lengths", [(0, 5, 1), (5, 5, 1), (3, 5, 0)])
def test_lengths_that_cannot_cross_are_refused(lengths: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="1 <= fast < slow"):
        Crossover(*lengths)


def test_the_url_sets_the_lengths_and_nothing_else() -> None:
    assert open_store("crossover:fast=5&slow=9&bars=memory://none").instruments() == ()
    with pytest.raises(StoreError, match=r"got speed; .*bars.*Correct the URL"):
        open_store("crossover:speed=5&bars=memory://none")
