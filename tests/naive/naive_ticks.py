"""Ticks to bars, one tick at a time, as the definition reads."""

from collections.abc import Iterable

Tick = tuple[int, float, float]


def bars_of(ticks: Iterable[Tick], step_ns: int, drop_crossed: bool) -> list[dict[str, float]]:
    """Bars of (ns, bid, ask); repetitions and, if asked, crossed ticks are left out."""
    bars: list[dict[str, float]] = []
    before: Tick | None = None
    for tick in ticks:
        t, bid, ask = tick
        repeated, before = tick == before, tick
        if repeated or (drop_crossed and ask < bid):
            continue
        start = t - t % step_ns
        if not bars or bars[-1]["t"] != start:
            bar: dict[str, float] = {"t": start, "volume": 0}
            for side, price in (("bid", bid), ("ask", ask)):
                for letter in "ohlc":
                    bar[f"{side}_{letter}"] = price
            bars.append(bar)
        bar = bars[-1]
        bar["volume"] += 1
        for side, price in (("bid", bid), ("ask", ask)):
            bar[f"{side}_h"] = max(bar[f"{side}_h"], price)
            bar[f"{side}_l"] = min(bar[f"{side}_l"], price)
            bar[f"{side}_c"] = price
    return bars
