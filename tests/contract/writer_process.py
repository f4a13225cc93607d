"""Processes that rewrite a span of months again and again until they are killed."""

import sys

from tests.contract.samples import quotes
from tests.forked import say, serve

from hotband.market.bars import Bars
from hotband.stores.urls import open_bar_store

MINUTES = tuple(range(0, 60 * 24 * 95, 60 * 6))
"""Every six hours over four months."""


def version(number: int) -> Bars:
    """Bars whose price tells the version."""
    data = quotes(MINUTES, 1.0 + number / 100)
    return Bars.from_records("EUR_USD", "M1", data, source="oanda")


def write(url: str) -> None:
    """Write version after version, and say the number of each that is in the store."""
    store = open_bar_store(url)
    number = 0
    while True:
        store.append(version(number), replace=True)
        say(number)
        number += 1


if __name__ == "__main__":
    serve(lambda _: write(sys.argv[1]))
