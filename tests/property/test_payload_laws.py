"""Laws of the codec: nothing is lost on the way there and back, and nothing makes it fail."""

import random
from copy import deepcopy
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.payloads import EXAMPLES, example, text_of
from tests.contract.samples import any_gates, gates_at

from hotband.gates.events import DETAILS, Gates
from hotband.gates.keys import key_of
from hotband.gates.payload import CodecSettings, Decoded, decode, encode
from hotband.gates.payload_report import ERAS, REFUSALS, REPAIRS, SCALES

ANY_JSON: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, "", "BUY", "inf",
    "1763000000000", "é", [], [1], ["x"], {}, {"a": 1}, {"label": []}, [[{}]], [{"action": 1}],
)  # fmt: skip
MUTANTS_PER_FORM = 2_500


def sound(decoded: Decoded, payloads: int) -> None:
    """The counts add up, have known kinds, and the gates are valid."""
    report = decoded.report
    assert report.payloads == payloads
    parts = (sum(report.refused.values()), report.superseded, report.repeated, report.gates)
    assert sum(parts) == payloads
    assert report.gates == len(decoded.gates)
    readable = payloads - parts[0]
    for counts in (report.scales, report.eras, report.granularities):
        assert sum(counts.values()) == readable
    assert report.refused.keys() <= REFUSALS.keys()
    assert report.repaired.keys() <= REPAIRS.keys()
    assert report.scales.keys() <= SCALES.keys()
    assert report.eras.keys() <= set(ERAS)
    assert report.examples.keys() == report.refused.keys() | report.repaired.keys()
    assert all(len(text) <= 200 for text in report.examples.values())
    assert len(report.lines()) > 0
    frame = decoded.gates.to_frame()
    again = Gates.from_frame(frame, "EUR_USD", source="valkey")
    assert again.content_hash == decoded.gates.content_hash


@st.composite
def any_details(draw: st.DrawFn, gates: Gates) -> pl.DataFrame:
    """Details of any content; a key's text now and then."""
    rows = len(gates)
    text = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(("key:5", "M1", "S5")))
    threshold = st.one_of(st.none(), st.floats())
    reasons = st.one_of(st.none(), st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=3))
    kinds = {"reasons": reasons, "hazard_threshold": threshold}
    return pl.DataFrame(
        [
            pl.Series(
                name,
                draw(st.lists(kinds.get(name, text), min_size=rows, max_size=rows)),
                kind,
            )
            for name, kind in DETAILS.items()
        ]
    )


@given(any_gates(), st.sampled_from(("S5", "M1", "D")), st.floats(1e-6, 1), st.booleans())
def test_gates_come_back_bit_for_bit(
    gates: Gates, granularity: str, scale: float, as_text: bool
) -> None:
    payloads = encode(gates, CodecSettings(granularity=granularity, lambda_scale=scale))
    given = [payload.decode() for payload in payloads] if as_text else payloads
    decoded = decode(given, "EUR_USD")
    sound(decoded, len(gates))
    assert decoded.gates.data.tobytes() == gates.data.tobytes()
    assert decoded.gates.to_frame().equals(gates.to_frame())


@given(st.data())
def test_details_of_any_content_come_back(data: st.DataObject) -> None:
    plain = data.draw(any_gates(least=1))
    details = data.draw(any_details(plain))
    records = plain.data.copy()
    for row, text in enumerate(details["signal_key"]):
        if text and data.draw(st.booleans()):
            records["key"][row] = key_of(text)
    gates = Gates("EUR_USD", records, "memory", details)
    decoded = decode(encode(gates), "EUR_USD")
    assert decoded.gates.data.tobytes() == gates.data.tobytes()
    assert decoded.gates.details is not None
    assert decoded.gates.details.equals(details)


@given(any_gates())
def test_payloads_are_written_the_same_again(gates: Gates) -> None:
    payloads = encode(gates)
    assert encode(decode(payloads, "EUR_USD").gates) == payloads


@given(st.permutations(range(6)), st.lists(st.sampled_from(range(6)), max_size=4))
def test_order_and_repetition_of_payloads_change_nothing(
    order: list[int], again: list[int]
) -> None:
    payloads = encode(gates_at(range(6)))
    decoded = decode([payloads[i] for i in [*again, *order]], "EUR_USD")
    assert decoded.gates.data.tobytes() == gates_at(range(6)).data.tobytes()
    assert decoded.report.repeated == len(again)


@given(st.sampled_from(sorted(EXAMPLES)), st.integers(0, 10**9))
def test_what_is_read_from_the_wild_survives_being_written(era: str, shift: int) -> None:
    payload = example(era, instrument="EUR_USD", ts_ms=1763000000000 + shift)
    first = decode([text_of(payload)], "EUR_USD")
    again = decode(encode(first.gates), "EUR_USD")
    assert again.gates.data.tobytes() == first.gates.data.tobytes()
    assert again.gates.to_frame().equals(first.gates.to_frame())


@given(st.lists(st.one_of(st.binary(max_size=60), st.text(max_size=60)), max_size=20))
def test_no_text_makes_it_fail(payloads: list[bytes | str]) -> None:
    sound(decode(payloads, "EUR_USD"), len(payloads))


@given(st.sampled_from(("ts_ms", "ts")), st.one_of(st.integers(), st.floats(), st.text()))
def test_no_time_makes_it_fail(name: str, value: object) -> None:
    payload = example("documented", ts_ms=None) | {name: value}
    sound(decode([text_of(payload)], "EUR_USD"), 1)


def _places(payload: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    places, left = [], [payload]
    while left:
        part = left.pop()
        if isinstance(part, dict | list):
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            places += [(part, key) for key in keys]
            left += [part[key] for key in keys]
    return places


def _mutant(document: bytes, rng: random.Random) -> bytes | str:
    """The document with one to three changes, then perhaps cut or with bits flipped."""
    payload = orjson.loads(document)
    for _ in range(rng.randint(1, 3)):
        part, key = rng.choice(_places(payload))
        deed = rng.choice(("drop", "retype", "rename", "nest", "nudge"))
        if deed == "drop":
            del part[key]
        elif deed == "retype":
            part[key] = deepcopy(rng.choice(ANY_JSON))  # else a later change could close a ring
        elif deed == "nest":
            part[key] = rng.choice(({"label": part[key]}, [part[key]], {key: part[key]}))
        elif deed == "rename" and isinstance(part, dict):
            name = rng.choice((f"{key}_", "roc_60", "ts", "reps", "synthetic", "regime"))
            part[name] = part.pop(key)
        elif isinstance(part[key], float | int):
            part[key] += rng.choice((1, -1, 0.5, 10**18))
        if not payload:
            break
    text = bytearray(text_of(payload).encode())
    if rng.random() < 0.2:
        del text[rng.randrange(len(text)) :]
    while text and rng.random() < 0.3:
        text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    form = rng.random()
    return bytes(text) if form < 0.5 else text.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("era", [*sorted(EXAMPLES), "v2"])
def test_no_mutant_makes_it_fail(era: str) -> None:
    rng = random.Random(f"payload {era}")  # noqa: S311 - no secrets here
    if era == "v2":
        wild = [text_of(example(name, instrument="EUR_USD")) for name in EXAMPLES]
        documents = [one for text in wild for one in encode(decode([text], "EUR_USD").gates)]
    else:
        documents = [text_of(example(era, instrument="EUR_USD")).encode()]
    mutants = [_mutant(rng.choice(documents), rng) for _ in range(MUTANTS_PER_FORM)]
    decoded = decode(mutants, "EUR_USD")
    sound(decoded, len(mutants))
    # Each also alone, so that none is hidden by a later one of its time.
    reports = [decode([mutant], "EUR_USD") for mutant in mutants[:500]]
    for report in reports:
        sound(report, 1)
    refused = sum(decoded.report.refused.values())
    assert 0.05 * len(mutants) < refused < len(mutants)
