"""The loop publishes each bar's gate once, whatever stops it, and says what it cannot do."""

import json
import threading

from tests.unit.research.demo_runs import market
from tests.unit.research.test_encoding import WHOLE, bar_store, gate_store, held

from hotband.live.encoder_loop import EncoderLoop, Trouble
from hotband.market.bars import Bars
from hotband.market.calendar import MINUTE_NS
from hotband.research.encoding import Encoded

BARS = market("EUR_USD")["EUR_USD"]


def part(first: int, last: int) -> Bars:
    """Bars by number, the last one not included."""
    opens = BARS.data["t"]
    return BARS.window(int(opens[first]), int(opens[last - 1]) + MINUTE_NS)


def test_each_new_bar_gives_its_gate_and_no_other() -> None:
    bars, gates = bar_store(part(0, 500)), gate_store()
    loop = EncoderLoop(bars, gates, lambda: ["EUR_USD"], "M1")
    loop.poll()
    for at in range(500, 530):
        bars.append(part(at, at + 1))
        (found,) = loop.poll()
        assert isinstance(found, Encoded)
        assert (found.bars, found.added) == (1, 1)
        assert found.last_ns == int(BARS.known_ns[at])
        (idle,) = loop.poll()
        assert isinstance(idle, Encoded)
        assert (idle.bars, idle.added) == (0, 0)
    known = held(gates).data["known"]
    assert held(gates).data.tobytes() == WHOLE.data[WHOLE.data["known"] <= known[-1]].tobytes()


def test_one_instrument_in_trouble_does_not_stop_the_others() -> None:
    loop = EncoderLoop(bar_store(), gate_store(), lambda: ["EUR_GBP", "EUR_USD"], "M1")
    trouble, encoded = loop.poll()
    assert isinstance(trouble, Trouble)
    assert trouble.instrument == "EUR_GBP"
    assert isinstance(encoded, Encoded)
    assert encoded.added == len(WHOLE)


def test_trouble_is_said_once_and_its_end_too() -> None:
    bars, gates = bar_store(part(0, 500)), gate_store()
    names = ["EUR_GBP"]
    loop = EncoderLoop(bars, gates, lambda: names, "M1")
    lines: list[str] = []
    assert loop.report(loop.poll(), lines.append)
    assert loop.report(loop.poll(), lines.append)
    cross = market("EUR_GBP", "EUR_USD")["EUR_GBP"]
    bars.append(cross.window(0, int(cross.known_ns[20])))
    assert not loop.report(loop.poll(), lines.append)
    assert not loop.report(loop.poll(), lines.append)
    first, second = (json.loads(line) for line in lines)
    assert first["instrument"] == second["instrument"] == "EUR_GBP"
    assert "trouble" in first
    assert second["bars"] == 21


def test_an_empty_list_of_instruments_is_no_trouble() -> None:
    loop = EncoderLoop(bar_store(), gate_store(), list, "M1")
    assert loop.poll() == []


def test_the_loop_ends_when_it_is_told_to() -> None:
    loop = EncoderLoop(bar_store(), gate_store(), lambda: ["EUR_USD"], "M1")
    stop = threading.Event()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        stop.set()

    loop.run(stop, 3600.0, say)
    assert json.loads(lines[0])["added"] == len(WHOLE)
    assert len(lines) == 1
