"""A plain twin of ``gates.events.align``: one bar after the other, as the words say it."""

from collections.abc import Sequence


def align(bars_t: Sequence[int], known: Sequence[int]) -> tuple[list[int], list[int], int]:
    """Gate of each bar, skipped of each gate, gates that no bar came after."""
    gate_of_bar = []
    skipped = [0] * len(known)
    last_judged = -1
    for t in bars_t:
        latest = -1
        for g, moment in enumerate(known):
            if moment <= t:
                latest = g
        gate_of_bar.append(latest)
        if latest > last_judged:
            skipped[latest] = latest - last_judged - 1
            last_judged = latest
    after = sum(1 for moment in known if not bars_t or moment > bars_t[-1])
    return gate_of_bar, skipped, after
