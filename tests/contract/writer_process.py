"""A process that rewrites a span of months again and again until it is killed."""

import sys

from tests.contract.samples import quotes

from hotband.market.bars import Bars
from hotband.stores.urls import open_bar_store

MINUTES = tuple(range(0, 60 * 24 * 95, 60 * 6))
"""Every six hours over four months."""


def version(number: int) -> Bars:
    """Bars whose price tells the version."""
    data = quotes(MINUTES, 1.0 + number / 100)
    return Bars.from_records("EUR_USD", "M1", data, source="oanda")


def write(url: str) -> None:
    """Write version after version; each line on stdout names one that is in the store."""
    store = open_bar_store(url)
    number = 0
    while True:
        store.append(version(number), replace=True)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    write(sys.argv[1])
