"""Processes that rewrite a span of months again and again until they are killed."""

import os
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


def say(word: object) -> None:
    os.write(1, f"{word}\n".encode())


def write(url: str) -> None:
    """Write version after version; behind the writer's process id, a line for each in the store."""
    say(os.getpid())
    store = open_bar_store(url)
    number = 0
    while True:
        store.append(version(number), replace=True)
        say(number)
        number += 1


def serve(url: str) -> None:
    """A new writer for every line, forked from here: imports take most of a writer's time."""
    for _ in sys.stdin:
        if (child := os.fork()) == 0:
            try:
                write(url)
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        say("over")


if __name__ == "__main__":
    serve(sys.argv[1])
