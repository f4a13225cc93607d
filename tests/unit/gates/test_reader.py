"""Recorded gates first, derived ones where a stretch has none, and never both in one."""

from collections.abc import Mapping

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, END, MINUTE, START, market, recorded
from tests.valkey_server import HOST, free_port

from hotband.errors import InputError, StoreUnavailableError
from hotband.gates.deriver_state import DeriverSettings
from hotband.gates.events import Gates
from hotband.gates.lambda_map import MIN_RECORDED, LambdaMap
from hotband.gates.reader import UNUSED, GateInput, GateReader, GateReading, in_spans, real_spans
from hotband.market.bars import Bars
from hotband.market.calendar import DEFAULT_HOURS, HOUR_NS, format_time, parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import effective
from hotband.research.gate_source import deriver_settings
from hotband.stores.urls import open_gate_store

Scale = tuple[LambdaMap, str]
EURO = load_instruments()["EUR_USD"]
WINDOW = (parse_time(START), parse_time(END))
SETTINGS = effective(DEFAULT, "EUR_USD")
DERIVER = deriver_settings(SETTINGS)
BARS = market("EUR_USD")["EUR_USD"]
RULES = compile_rules(DEFAULT, EURO, currencies([EURO], "USD"))


def read(
    source: GateInput, window: tuple[int, int] = WINDOW, *, fallback: bool = True
) -> GateReading:
    reader = GateReader(source, DEFAULT_HOURS, fallback=fallback)
    return reader.read(BARS, RULES[0], DERIVER, window)


def spans(*known: str) -> list[tuple[str, str]]:
    found = real_spans([parse_time(text) for text in known], DEFAULT_HOURS)
    return [(format_time(int(a)), format_time(int(b))) for a, b in found]


def split_at(reading: GateReading, t_ns: int) -> tuple[set[int], set[int]]:
    """The values of ``synthetic`` of gates known before a time, and from it on."""
    data = reading.gates.data
    before = data["known"] < t_ns
    return set(data["synthetic"][before].tolist()), set(data["synthetic"][~before].tolist())


def test_no_time_lies_in_no_stretch() -> None:
    times = np.array([WINDOW[0], WINDOW[1]])
    assert in_spans(times, real_spans([], DEFAULT_HOURS)).tolist() == [False, False]


def test_a_gate_makes_real_the_rest_of_its_trading_day_and_the_next() -> None:
    """17:00 New York is 21:00 UTC in April: Tuesday noon lasts until Wednesday's roll."""
    assert spans("2025-04-08T12:00:00Z") == [("2025-04-08T12:00:00Z", "2025-04-09T21:00:00Z")]


def test_after_a_gate_of_friday_the_next_trading_day_is_monday() -> None:
    assert spans("2025-04-11T12:00:00Z") == [("2025-04-11T12:00:00Z", "2025-04-14T21:00:00Z")]
    sunday_evening = "2025-04-13T21:00:00Z"
    assert spans(sunday_evening) == [(sunday_evening, "2025-04-15T21:00:00Z")]


def test_the_roll_itself_belongs_to_the_new_day() -> None:
    assert spans("2025-04-08T20:59:59Z")[0][1] == "2025-04-09T21:00:00Z"
    assert spans("2025-04-08T21:00:00Z")[0][1] == "2025-04-10T21:00:00Z"


def test_a_day_without_gates_after_the_next_ends_the_stretch() -> None:
    found = spans("2025-04-07T09:00:00Z", "2025-04-08T09:00:00Z", "2025-04-10T09:00:00Z")
    assert found == [
        ("2025-04-07T09:00:00Z", "2025-04-09T21:00:00Z"),
        ("2025-04-10T09:00:00Z", "2025-04-11T21:00:00Z"),
    ]
    assert spans() == []


def test_spans_are_half_open() -> None:
    made = np.array([[10, 20], [30, 40]])
    times = np.array([9, 10, 19, 20, 30, 39, 40])
    assert in_spans(times, made).tolist() == [False, True, True, False, True, True, False]


@pytest.mark.parametrize("source", [None, {}, {"GBP_USD": recorded("GBP_USD", END)}])
def test_no_recorded_gate_of_the_instrument_means_derived_gates(
    source: Mapping[str, Gates] | None,
) -> None:
    got = read(source)
    assert (got.source, got.calibration) == ("synthetic", "lambda_scale")
    assert set(got.gates.data["synthetic"]) == {1}
    assert got.candidates["candidates"] == sum(got.candidates.values()) / 2
    assert len(got.real_spans) == 0


def test_candidates_are_those_of_the_window_whatever_the_bars_reach_to() -> None:
    """Bars after the window are not known to it, so a result must not count them."""
    got = read(None)
    assert got.candidates["emitted"] == len(got.gates)


def test_derived_gates_reach_back_to_those_still_live_at_the_start() -> None:
    known = read(None).gates.data["known"]
    reach = WINDOW[0] - round(SETTINGS.gate_max_age_minutes * MINUTE)
    assert reach <= known.min() < reach + 60 * MINUTE
    assert known.max() < WINDOW[1]


def test_a_window_whose_gates_are_all_recorded_has_no_derived_ones() -> None:
    """The one of Sunday evening makes Monday and Tuesday real."""
    got = read({"EUR_USD": recorded("EUR_USD", "2025-04-06T23:00:00Z", "2025-04-07T12:00:00Z")})
    assert (got.source, got.calibration, got.candidates) == ("memory", None, {})
    assert got.gates.data["known"].tolist() == [parse_time("2025-04-07T12:00:00Z")]
    assert set(got.gates.data["synthetic"]) == {0}
    assert got.real_spans.tolist() == [list(WINDOW)]


class NeverScales(GateReader):
    """A reader that must not need the hazards of the past."""

    def lambda_map(self, bars: Bars, settings: DeriverSettings, start_ns: int) -> Scale:
        raise AssertionError(f"read the past of {bars.instrument} at {start_ns} for {settings}")


def test_a_window_without_derived_gates_reads_no_past_for_their_scale() -> None:
    gates = {"EUR_USD": recorded("EUR_USD", "2025-04-06T23:00:00Z")}
    got = NeverScales(gates, DEFAULT_HOURS).read(BARS, RULES[0], DERIVER, WINDOW)
    assert got.source == "memory"
    with pytest.raises(AssertionError, match="read the past"):
        NeverScales({}, DEFAULT_HOURS).read(BARS, RULES[0], DERIVER, WINDOW)


def test_until_the_first_recorded_gate_of_all_gates_are_derived() -> None:
    first = "2025-04-07T12:00:00Z"
    gates = recorded("EUR_USD", first, "2025-04-08T12:00:00Z")
    got = read({"EUR_USD": gates})
    assert got.source == got.gates.source == "mixed"
    assert split_at(got, parse_time(first)) == ({1}, {0})
    assert got.real_spans.tolist() == [[parse_time(first), WINDOW[1]]]
    derived = int(got.gates.data["synthetic"].sum())
    assert got.candidates["emitted"] == derived + got.candidates[UNUSED]


def test_after_a_day_without_recorded_gates_the_fallback_takes_over() -> None:
    """Gates of Thursday make Friday real; the Monday after it is derived from its first bar."""
    got = read({"EUR_USD": recorded("EUR_USD", "2025-04-03T12:00:00Z")})
    assert got.source == "synthetic"
    friday = read({"EUR_USD": recorded("EUR_USD", "2025-04-04T12:00:00Z")})
    assert split_at(friday, parse_time("2025-04-07T21:00:00Z")) == (set(), {1})


def test_what_is_recorded_later_does_not_change_what_came_before() -> None:
    """The look-ahead law of the rule: a gate of the afternoon says nothing of the morning."""
    later = "2025-04-07T15:00:00Z"
    with_it = read({"EUR_USD": recorded("EUR_USD", later)}).gates.data
    without = read(None).gates.data
    cut = parse_time(later)
    assert with_it[with_it["known"] < cut].tobytes() == without[without["known"] < cut].tobytes()
    assert len(without[without["known"] < cut]) > 20


def test_without_the_fallback_there_are_recorded_gates_or_none() -> None:
    gates = {"EUR_USD": recorded("EUR_USD", "2025-04-07T12:00:00Z")}
    assert read(gates, fallback=False).gates.data["synthetic"].tolist() == [0]
    nothing = read({}, fallback=False)
    assert (nothing.source, len(nothing.gates)) == ("none", 0)


def of_both_kinds(*synthetic: int) -> Gates:
    """Gates of Monday noon and after, a minute apart, derived by their producer or not."""
    known = parse_time("2025-04-07T12:00:00Z") + MINUTE * np.arange(len(synthetic))
    gates = recorded("EUR_USD", *(format_time(int(t)) for t in known))
    data = gates.data.copy()
    data["synthetic"] = synthetic
    return Gates("EUR_USD", data, "memory")


def test_gates_that_their_producer_derived_make_nothing_real_and_are_noted() -> None:
    got = read({"EUR_USD": of_both_kinds(1, 1, 1)})
    assert (got.source, len(got.real_spans)) == ("synthetic", 0)
    assert got.gates.data.tobytes() == read(None).gates.data.tobytes()
    assert got.notes == (
        "3 of 3 gates of the store were derived from bars by their producer and are left out",
    )


def test_derived_gates_of_a_store_do_not_mix_with_its_recorded_ones() -> None:
    got = read({"EUR_USD": of_both_kinds(1, 0, 1, 1)})
    first = parse_time("2025-04-07T12:01:00Z")
    assert split_at(got, first) == ({1}, {0})
    assert got.real_spans.tolist() == [[first, WINDOW[1]]]
    assert got.notes[0].startswith("3 of 4 gates")


def test_without_the_fallback_gates_are_taken_as_they_are() -> None:
    got = read({"EUR_USD": of_both_kinds(1, 0)}, fallback=False)
    assert got.gates.data["synthetic"].tolist() == [1, 0]


def test_derived_gates_alone_keep_the_scale_of_the_recorded_ones() -> None:
    source = spread_reader(MIN_RECORDED, "2025-04-03T08:00:00Z").source
    reader = GateReader(source, DEFAULT_HOURS, recorded_first=False)
    got = reader.read(BARS, RULES[0], DERIVER, WINDOW)
    assert (got.source, got.calibration) == ("synthetic", "recorded")


def test_a_store_and_a_mapping_of_the_same_gates_are_the_same_source() -> None:
    gates = recorded("EUR_USD", "2025-04-07T12:00:00Z", "2025-04-07T15:00:00Z")
    store = open_gate_store("memory://reader")
    store.append(gates)
    from_store, from_mapping = read(store), read({"EUR_USD": gates})
    assert from_store.gates.data.tobytes() == from_mapping.gates.data.tobytes()
    assert from_store.source == from_mapping.source


def test_a_store_without_the_instrument_means_derived_gates() -> None:
    store = open_gate_store("memory://reader-other")
    store.append(recorded("GBP_USD", "2025-04-07T12:00:00Z"))
    assert read(store).source == "synthetic"


def test_gates_under_the_name_of_another_instrument_are_refused() -> None:
    with pytest.raises(InputError, match="gates of EUR_USD: got gates of GBP_USD"):
        read({"EUR_USD": recorded("GBP_USD", "2025-04-07T12:00:00Z")})


def test_a_silent_store_fails_or_falls_back_as_asked_and_says_so() -> None:
    silent = open_gate_store(f"valkey://{HOST}:{free_port()}/0")
    with pytest.raises(StoreUnavailableError, match="refused"):
        read(silent)
    reader = GateReader(silent, DEFAULT_HOURS, unavailable="fallback")
    got = reader.read(BARS, RULES[0], DERIVER, WINDOW)
    assert got.source == "synthetic"
    assert got.unavailable is not None
    assert got.unavailable.startswith("down: ")
    assert got.gates.data.tobytes() == read(None).gates.data.tobytes()


def test_falling_back_needs_a_fallback() -> None:
    with pytest.raises(InputError, match="Switch the fallback on"):
        GateReader(None, DEFAULT_HOURS, fallback=False, unavailable="fallback")


def spread_reader(n: int, first: str) -> GateReader:
    """A reader of ``n`` recorded gates, one a minute."""
    known = parse_time(first) + MINUTE * np.arange(n, dtype=np.int64)
    ones = np.ones(n, np.int64)
    hazards = np.linspace(0.3, 0.5, n)
    gates = Gates.from_columns("EUR_USD", known, ones, hazards, ones, {}, synthetic=False)
    return GateReader({"EUR_USD": gates}, DEFAULT_HOURS)


def test_enough_gates_before_the_window_set_the_scale_of_derived_hazards() -> None:
    few = spread_reader(MIN_RECORDED - 1, "2025-04-03T08:00:00Z")
    enough = spread_reader(MIN_RECORDED, "2025-04-03T08:00:00Z")
    inside = spread_reader(MIN_RECORDED, "2025-04-07T08:00:00Z")
    old = spread_reader(MIN_RECORDED, "2025-01-02T08:00:00Z")
    for reader in (few, inside, old):
        assert reader.lambda_map(BARS, DERIVER, WINDOW[0])[1] == "lambda_scale"
    mapping, calibration = enough.lambda_map(BARS, DERIVER, WINDOW[0])
    assert calibration == "recorded"
    assert 0.3 <= mapping.hazards.min() <= mapping.hazards.max() <= 0.5


def test_the_scale_reads_no_surprise_that_was_known_after_the_start() -> None:
    enough = spread_reader(MIN_RECORDED, "2025-04-03T08:00:00Z")
    before = BARS.window(int(BARS.data["t"][0]), WINDOW[0])
    whole, _ = enough.lambda_map(BARS, DERIVER, WINDOW[0])
    cut, _ = enough.lambda_map(before, DERIVER, WINDOW[0])
    assert whole.surprises.tobytes() == cut.surprises.tobytes()
    assert whole.hazards.tobytes() == cut.hazards.tobytes()


def test_a_real_gate_wins_over_a_derived_one_of_the_same_time() -> None:
    """In a real stretch, which begins with it, there is no derived gate to lose."""
    derived = read(None).gates.data
    at = int(derived["known"][derived["known"] > WINDOW[0] + HOUR_NS][0])
    got = read({"EUR_USD": recorded("EUR_USD", format_time(at))}).gates.data
    assert got["synthetic"][got["known"] == at].tolist() == [0]
