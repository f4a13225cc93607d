"""oandapyV20, a client of the real API, asks a server; its replies go to standard output.

In a process of its own, as it warns while it is imported.
"""

import json
import sys
from itertools import islice
from typing import Any

from oandapyV20 import oandapyV20  # type: ignore[import-untyped] # has none
from oandapyV20.contrib.factories import (  # type: ignore[import-untyped] # has none
    InstrumentsCandlesFactory,
)
from oandapyV20.endpoints import accounts, instruments, pricing  # type: ignore[import-untyped] # has none
from oandapyV20.exceptions import V20Error  # type: ignore[import-untyped] # has none


def main(url: str, token: str, account: str) -> None:
    """Ask for each thing in turn, over one connection and one for the stream."""
    oandapyV20.TRADING_ENVIRONMENTS["practice"] = {"api": url, "stream": url}
    api = oandapyV20.API(access_token=token, request_params={"timeout": 20})
    query = {"price": "BA", "granularity": "M5", "count": 40, "from": "2026-03-02T10:00:00Z"}
    span = {"granularity": "M5", "from": "2026-02-02T00:00:00Z", "to": "2026-02-27T00:00:00Z"}
    pages: list[Any] = [
        api.request(one)
        for one in InstrumentsCandlesFactory("EUR_USD", span | {"count": 2500, "price": "BA"})
    ]
    asked: dict[str, Any] = {
        "candles": instruments.InstrumentsCandles("EUR_USD", params=query),
        "instruments": accounts.AccountInstruments(account, params={"instruments": "EUR_USD"}),
        "summary": accounts.AccountSummary(account),
        "prices": pricing.PricingInfo(account, params={"instruments": "EUR_USD,USD_JPY"}),
    }
    found = {name: api.request(one) for name, one in asked.items()} | {"pages": pages}
    try:
        api.request(instruments.InstrumentsCandles("EUR_USD", params={"count": 5001}))
    except V20Error as error:
        found["refusal"] = [error.code, json.loads(str(error))]
    stream = pricing.PricingStream(account, params={"instruments": "EUR_USD"})
    found["stream"] = list(islice(api.request(stream), 3))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
