"""Bodies of the API's replies, as its documents and captured replies have them."""

from typing import Any, Final

ACCOUNT: Final = "101-001-1234567-001"
WEEK: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

INSTRUMENTS: Final[list[dict[str, Any]]] = [
    {
        "name": "EUR_USD", "type": "CURRENCY", "displayName": "EUR/USD", "pipLocation": -4,
        "displayPrecision": 5, "tradeUnitsPrecision": 0, "minimumTradeSize": "1",
        "maximumTrailingStopDistance": "1.00000", "minimumTrailingStopDistance": "0.00050",
        "maximumPositionSize": "0", "maximumOrderUnits": "100000000", "marginRate": "0.02",
        "guaranteedStopLossOrderMode": "DISABLED",
        "tags": [{"type": "ASSET_CLASS", "name": "CURRENCY"}],
        "financing": {
            "longRate": "-0.0295", "shortRate": "0.0042",
            "financingDaysOfWeek": [
                {"dayOfWeek": day, "daysCharged": int(day[0] != "S")} for day in WEEK
            ],
        },
    },
    {
        "name": "USD_JPY", "type": "CURRENCY", "displayName": "USD/JPY", "pipLocation": -2,
        "displayPrecision": 3, "tradeUnitsPrecision": 0, "minimumTradeSize": "1",
        "maximumPositionSize": "0", "maximumOrderUnits": "100000000", "marginRate": "0.05",
        "financing": {
            "longRate": "0.0310", "shortRate": "-0.0480",
            "financingDaysOfWeek": [{"dayOfWeek": "WEDNESDAY", "daysCharged": 3}],
        },
    },
    {
        "name": "EUR_GBP", "type": "CURRENCY", "displayName": "EUR/GBP", "pipLocation": -4,
        "displayPrecision": 5, "tradeUnitsPrecision": 0, "minimumTradeSize": "1",
        "maximumPositionSize": "0", "maximumOrderUnits": "100000000", "marginRate": "0.05",
        "financing": {
            "longRate": "-0.0260", "shortRate": "0.0060", "financingDaysOfWeek": [],
        },
    },
    {
        "name": "XAU_USD", "type": "METAL", "displayName": "Gold", "pipLocation": -2,
        "displayPrecision": 3, "marginRate": "0.05",
    },
]  # fmt: skip
"""Three styles of the schedule of financing, and one with no optional field."""

SUMMARY: Final[dict[str, Any]] = {
    "id": ACCOUNT, "alias": "stub", "currency": "USD", "createdByUserID": 1234567,
    "createdTime": "2025-01-06T09:00:00.000000000Z", "balance": "10000.0000", "pl": "0.0000",
    "resettablePL": "0.0000", "financing": "0.0000", "commission": "0.0000",
    "guaranteedExecutionFees": "0.0000", "guaranteedStopLossOrderMode": "DISABLED",
    "hedgingEnabled": False, "openTradeCount": 1, "openPositionCount": 1, "pendingOrderCount": 0,
    "unrealizedPL": "-8.0000", "NAV": "9992.0000", "marginUsed": "868.0000",
    "marginAvailable": "9124.0000", "positionValue": "43400.0000",
    "marginCloseoutUnrealizedPL": "-4.0000", "marginCloseoutNAV": "9996.0000",
    "marginCloseoutMarginUsed": "868.0000", "marginCloseoutPositionValue": "43400.0000",
    "marginCloseoutPercent": "0.04342", "marginCallMarginUsed": "868.0000",
    "marginCallPercent": "0.08683", "withdrawalLimit": "9124.0000", "lastTransactionID": "6410",
}  # fmt: skip

PRICE: Final[dict[str, Any]] = {
    "type": "PRICE", "instrument": "EUR_USD", "time": "2026-03-02T14:34:04.771202031Z",
    "tradeable": True, "status": "tradeable",
    "bids": [
        {"price": "1.08490", "liquidity": "1000000"}, {"price": "1.08489", "liquidity": "2000000"}
    ],
    "asks": [{"price": "1.08510", "liquidity": 1000000}],
    "closeoutBid": "1.08486", "closeoutAsk": "1.08514",
    "quoteHomeConversionFactors": {"positiveUnits": "1.00000000", "negativeUnits": "1.00000000"},
}  # fmt: skip
JPY_PRICE: Final[dict[str, Any]] = {
    "type": "PRICE", "instrument": "USD_JPY", "time": "2026-03-02T14:34:05.402113870Z",
    "tradeable": True, "bids": [{"price": "149.990", "liquidity": "250000.0"}],
    "asks": [{"price": "150.010", "liquidity": 1000000}], "closeoutBid": "149.985",
    "closeoutAsk": "150.015",
}  # fmt: skip
EMPTY_PRICE: Final[dict[str, Any]] = {**PRICE, "bids": [], "tradeable": False}
HEARTBEAT: Final[dict[str, Any]] = {
    "type": "HEARTBEAT",
    "time": "2026-03-02T14:34:10.000431202Z",
}
CONVERSIONS: Final = [
    {"currency": "USD", "accountGain": "1", "accountLoss": "1", "positionValue": "1"},
    {
        "currency": "EUR", "accountGain": "1.079575", "accountLoss": "1.090425",
        "positionValue": "1.085",
    },
]  # fmt: skip
