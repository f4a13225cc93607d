"""The loop publishes each bar's gate once, whatever stops it, and says what it cannot do."""

import json
import threading

from tests.unit.research.demo_runs import market
from tests.unit.research.test_encoding import WHOLE, bar_store, gate_store, held

from hotband.gates.events import Gates
from hotband.live.encoder_loop import EncoderLoop, Trouble
from hotband.market.bars import Bars
from hotband.market.calendar import MINUTE_NS
from hotband.research.encoding import Encoded, HistoryEncoder

BARS = market("EUR_USD")["EUR_USD"]


def part(first: int, last: int) -> Bars:
    """Bars by number, the last one not included."""
    opens = BARS.data["t"]
    return BARS.window(int(opens[first]), int(opens[last - 1]) + MINUTE_NS)


def test_each_new_bar_gives_its_gate_and_no_other() -> None:
    bars, gates = bar_store(part(0, 500)), gate_store()
    loop = EncoderLoop(HistoryEncoder(bars, gates, "M1"), lambda: ["EUR_USD"])
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
    loop = EncoderLoop(
        HistoryEncoder(bar_store(), gate_store(), "M1"), lambda: ["EUR_GBP", "EUR_USD"]
    )
    trouble, encoded = loop.poll()
    assert isinstance(trouble, Trouble)
    assert trouble.instrument == "EUR_GBP"
    assert isinstance(encoded, Encoded)
    assert encoded.added == len(WHOLE)


def test_trouble_is_said_once_and_its_end_too() -> None:
    bars, gates = bar_store(part(0, 500)), gate_store()
    names = ["EUR_GBP"]
    loop = EncoderLoop(HistoryEncoder(bars, gates, "M1"), lambda: names)
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


def test_trouble_of_all_that_comes_back_is_said_again() -> None:
    loop = EncoderLoop(HistoryEncoder(bar_store(), gate_store(), "M1"), lambda: ["EUR_USD"])
    down, own = Trouble(None, "the store is down"), Trouble("EUR_USD", "no answer")
    lines: list[str] = []
    for found in ([down], [own], loop.poll(), [down]):
        loop.report(found, lines.append)
    told = [json.loads(line).get("trouble") for line in lines]
    assert told == [down.words, own.words, None, down.words]


def test_an_empty_list_of_instruments_is_no_trouble() -> None:
    loop = EncoderLoop(HistoryEncoder(bar_store(), gate_store(), "M1"), list)
    assert loop.poll() == []


def test_the_loop_ends_when_it_is_told_to() -> None:
    loop = EncoderLoop(HistoryEncoder(bar_store(), gate_store(), "M1"), lambda: ["EUR_USD"])
    stop = threading.Event()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        stop.set()

    loop.run(stop, 3600.0, say)
    assert json.loads(lines[0])["added"] == len(WHOLE)
    assert len(lines) == 1


def test_an_error_of_one_instruments_gates_does_not_stop_the_others() -> None:
    gates = gate_store()
    late = WHOLE.data[-1:].copy()
    late["known"] += 10**15
    gates.append(Gates("EUR_USD", late, "memory"))
    pair = market("EUR_USD", "USD_JPY")
    bars = bar_store()
    bars.append(pair["USD_JPY"])
    loop = EncoderLoop(HistoryEncoder(bars, gates, "M1"), lambda: ["EUR_USD", "USD_JPY"])
    trouble, encoded = loop.poll()
    assert isinstance(trouble, Trouble)
    assert "after the last bar" in trouble.words
    assert isinstance(encoded, Encoded)
    assert encoded.added > 1000


def test_bars_that_came_late_are_found_by_the_audit() -> None:
    bars, gates = bar_store(part(0, 500)), gate_store()
    bars.append(part(503, 600))
    loop = EncoderLoop(HistoryEncoder(bars, gates, "M1"), lambda: ["EUR_USD"], audit_every=2)
    loop.poll()
    bars.append(part(500, 503))
    (found,) = loop.poll()
    assert isinstance(found, Trouble)
    assert "3 are missing" in found.words


def test_a_stop_is_seen_between_two_instruments() -> None:
    stop = threading.Event()
    stop.set()
    loop = EncoderLoop(HistoryEncoder(bar_store(), gate_store(), "M1"), lambda: ["EUR_USD"])
    assert loop.poll(stop) == []
