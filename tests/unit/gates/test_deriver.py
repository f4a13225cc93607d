"""The deriver on cases small enough to work out by hand."""

from math import isnan, nan

import numpy as np
import pytest
from tests.naive.naive_deriver import MINUTE, SUNDAY, bars_of, rules_of

from hotband.errors import BarsError, GatesError
from hotband.gates.deriver import GateDeriver, derive_gates, surprises_of
from hotband.gates.deriver_state import DeriverSettings
from hotband.gates.keys import key_of
from hotband.gates.lambda_map import LambdaMap
from hotband.gates.runs import mapped

# Steps:        +    +    -    0    +    -    -    -    +    +    +
MIDS = [100, 101, 103, 102, 102, 104, 103, 102, 101, 103, 104, 107]
HOW = DeriverSettings(streak_window=4, min_history_runs=2, history_runs=3, lambda_scale=0.5)
GUARDED = rules_of(2, min_coherence=0.5, min_stability=0.85, max_entropy=0.95)


def test_twelve_bars_give_the_candidates_worked_out_by_hand() -> None:
    """Completed runs: 2, 1 (ended by the standstill), 1, then 3, which pushes the 2 out.

    Stabilities are (sum d)^2 / (k sum d^2) of the exact fractions d = 1/104, 1/103, 1/102 and
    2/101, 1/103, 3/104.
    """
    data = derive_gates(bars_of(MIDS), rules_of(), HOW).gates.data
    two_of_three, one_of_four = 0.9182958340544896, 0.8112781244591328
    want = [
        # bar, side, reps, hazard, coherence, stability, entropy
        (5, 1, 1, 0.0, 0.25, nan, two_of_three),
        (6, -1, 1, 0.0, 0.25, nan, two_of_three),
        (7, -1, 2, 0.5 * 2 / 3, 0.5, 42849 / 42850, two_of_three),
        (8, -1, 3, 0.5, 0.75, 0.9999371582984948, one_of_four),
        (9, 1, 1, 0.0, 0.25, nan, one_of_four),
        (10, 1, 2, 0.5 * 2 / 3, 0.5, 94249 / 105274, 1.0),
        (11, 1, 3, 0.5 * 2 / 3, 0.75, 0.8609732694277069, one_of_four),
    ]
    got = [
        (
            (row["known"] - SUNDAY) // MINUTE - 2,
            row["side"],
            row["reps"],
            row["hazard"],
            *row["metrics"][:3],
        )
        for row in data
    ]
    np.testing.assert_allclose(np.array(got), np.array(want), rtol=1e-12)
    assert np.all(np.isnan(data["metrics"][:, 3:]))


def test_guards_keep_three_of_ten_candidates_and_say_what_stopped_the_others() -> None:
    got = derive_gates(bars_of(MIDS), GUARDED, HOW)
    assert got.counts == {
        "candidates": 10,
        "emitted": 3,
        "hazard_invalid": 3,  # bars 1 to 3: fewer than two completed runs
        "repetitions_short": 3,  # bars 5, 6 and 9
        "entropy_above_max": 1,  # bar 10
    }
    assert got.gates.data["reps"].tolist() == [2, 3, 3]
    assert got.reasons == (
        ("synthetic:thresholds", "synthetic:min_reps_met"),
        ("synthetic:thresholds",),
        ("synthetic:thresholds",),
    )


def test_an_event_says_all_that_a_decision_must_carry() -> None:
    first = derive_gates(bars_of(MIDS), GUARDED, HOW).events()[0]
    opened = SUNDAY + 8 * MINUTE  # bar 7; bar 0 opens one minute after SUNDAY
    assert first == {
        "instrument": "EUR_USD",
        "ts_ms": opened // 10**6,
        "known_ns": opened + MINUTE,
        "signal_key": f"synthetic:EUR_USD:{(opened - MINUTE) // 10**6}",
        "direction": "SELL",
        "lambda": 0.5 * (2 / 3),
        "repetitions": 2,
        "repetition_count": 2,
        "admit": True,
        "hard_blocked": False,
        "reasons": ["synthetic:thresholds", "synthetic:min_reps_met"],
        "source": "synthetic",
        "metrics": {
            "coherence": 0.5,
            "stability": pytest.approx(42849 / 42850, rel=1e-14),
            "entropy": pytest.approx(0.9182958340544896, rel=1e-14),
        },
    }


def test_an_undefined_metric_is_none_in_an_event() -> None:
    first = derive_gates(bars_of(MIDS), rules_of(), HOW).events()[0]
    assert first["metrics"]["stability"] is None


def test_all_gates_of_one_run_carry_the_key_of_its_first_bar() -> None:
    got = derive_gates(bars_of(MIDS), GUARDED, HOW)
    starts = [SUNDAY + 7 * MINUTE, SUNDAY + 7 * MINUTE, SUNDAY + 10 * MINUTE]
    assert got.run_start_ns.tolist() == starts
    keys = [key_of(f"synthetic:EUR_USD:{start // 10**6}") for start in starts]
    assert got.gates.data["key"].tolist() == keys


def test_derived_gates_call_themselves_synthetic_and_admitted() -> None:
    gates = derive_gates(bars_of(MIDS), GUARDED, HOW).gates
    assert gates.source == "synthetic"
    assert gates.data["synthetic"].tolist() == gates.data["admit"].tolist() == [1, 1, 1]


def test_a_gate_names_the_side_of_its_run_whatever_the_profile_makes_of_it() -> None:
    """The direction policy is applied once, when the gate is judged for a trade."""
    fading = GUARDED.copy()
    fading["direction"] = -1
    followed, faded = (derive_gates(bars_of(MIDS), rules, HOW) for rules in (GUARDED, fading))
    assert faded.gates.content_hash == followed.gates.content_hash


def test_a_guard_on_an_undefined_stability_refuses_the_first_step_of_a_run() -> None:
    got = derive_gates(bars_of(MIDS), rules_of(min_stability=0.0), HOW)
    assert got.counts["stability_invalid"] == 3
    assert got.gates.data["reps"].min() == 2


def test_a_guard_on_a_metric_that_bars_do_not_give_refuses_everything() -> None:
    got = derive_gates(bars_of(MIDS), rules_of(max_reynolds_ratio=1.0), HOW)
    assert len(got) == 0
    assert got.counts["reynolds_invalid"] == 7


def test_a_regime_filter_refuses_derived_gates_for_they_have_no_regime() -> None:
    rules = rules_of()
    rules["regimes_on"] = 2
    assert derive_gates(bars_of(MIDS), rules, HOW).counts["regime_missing"] == 7


def test_a_gap_cuts_the_run_and_a_cut_run_teaches_nothing() -> None:
    """Six minutes are a gap, five are not; the window lives on, so coherence stays defined."""
    up = [100.0, 101, 100, 101, 102, 103, 104, 105]
    how = DeriverSettings(streak_window=3, min_history_runs=1)
    within = derive_gates(bars_of(up, [1, 1, 1, 1, 1, 5, 1, 1]), rules_of(), how).gates.data
    beyond = derive_gates(bars_of(up, [1, 1, 1, 1, 1, 6, 1, 1]), rules_of(), how).gates.data
    assert within["reps"].tolist() == [1, 1, 2, 3, 4, 5]
    assert beyond["reps"].tolist() == [1, 1, 2, 1, 2]
    assert beyond["hazard"].tolist() == [0.0, 0.0, 0.1, 0.0, 0.1]
    assert beyond["metrics"][-2:, 0].tolist() == [1 / 3, 2 / 3]


def test_a_longer_return_window_labels_each_bar_by_the_bar_that_far_back() -> None:
    """Two bars back: 102-100, 101-103, 104-102 against 103-101 of the bar in between."""
    how = DeriverSettings(return_window=2, streak_window=1, min_history_runs=1)
    data = derive_gates(bars_of([100, 103, 102, 101, 104, 105]), rules_of(), how).gates.data
    assert data["side"].tolist() == [-1, 1, 1]
    assert data["reps"].tolist() == [1, 1, 2]
    moves = [104 / 102 - 1, 105 / 101 - 1]
    stability = sum(moves) ** 2 / (2 * (moves[0] ** 2 + moves[1] ** 2))
    assert data["metrics"][-1, 1] == pytest.approx(stability, rel=1e-12)


def test_runs_beyond_the_longest_remembered_length_do_not_break_the_count() -> None:
    up = [1.0 + 0.01 * i for i in range(1500)]
    how = DeriverSettings(min_history_runs=1, streak_window=2)
    data = derive_gates(bars_of([*up, *reversed(up)]), rules_of(), how).gates.data
    assert data["reps"][-1] == 1499
    assert data["hazard"][1023:1026].tolist() == [0.0, 0.1, 0.1]


def test_no_bars_give_no_events() -> None:
    got = derive_gates(bars_of([]), rules_of(), HOW)
    assert len(got) == 0
    assert got.counts == {"candidates": 0, "emitted": 0}
    assert surprises_of(bars_of([]))[1].tolist() == []


def test_a_map_of_recorded_hazards_meets_each_tie_in_its_middle() -> None:
    """Half the surprises are 0, half 1: levels 1/4 and 3/4 of hazards 0.30 .. 0.70."""
    hazards = np.linspace(0.3, 0.7, 41)
    levels = LambdaMap.from_recorded([0.0] * 20 + [1.0] * 20, hazards)
    assert levels.kind == "recorded"
    assert levels.hazards == pytest.approx([0.4, 0.6], rel=1e-14)
    assert mapped(0.5, levels.surprises, levels.hazards) == pytest.approx(0.5, rel=1e-14)


def test_an_undefined_surprise_maps_to_an_undefined_hazard() -> None:
    levels = LambdaMap.scaled()
    assert isnan(mapped(nan, levels.surprises, levels.hazards))


def test_a_recorded_map_replaces_the_scale() -> None:
    flat = LambdaMap.from_recorded(np.zeros(30), np.full(30, 0.42))
    data = derive_gates(bars_of(MIDS), rules_of(), HOW, flat).gates.data
    assert set(data["hazard"].tolist()) == {0.42}


@pytest.mark.parametrize(
    ("bar", "text"),
    [
        (1, r"bar time t: got \d+; allowed: above \d+, the bar before. Sort bars, drop repeats."),
        (2, "mid close of the bar: got nan; allowed: a positive number. Mend or drop the bar"),
    ],
)
def test_a_bar_that_cannot_be_used_is_refused_and_leaves_the_state_alone(
    bar: int, text: str
) -> None:
    data = bars_of(MIDS).data.copy()
    data["t"][1], data["bid_c"][2] = data["t"][0], nan
    deriver = GateDeriver("EUR_USD", MINUTE, rules_of(), HOW)
    deriver.on_bar(data[0])
    before = deriver.state.copy()
    with pytest.raises(BarsError, match=text):
        deriver.on_bar(data[bar])
    with pytest.raises(BarsError, match=text):
        deriver.on_bars(data[bar:])
    assert deriver.state.record.tobytes() == before.record.tobytes()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"return_window": 0}, "return_window: got 0; allowed: a whole number of at least 1"),
        ({"streak_window": 0}, "streak_window: got 0; allowed: a whole number of at least 1"),
        ({"max_gap_bars": 0}, "max_gap_bars: got 0; allowed: a whole number of at least 1"),
        ({"history_runs": 49}, "history_runs: got 49; allowed: at least min_history_runs, 50"),
        ({"lambda_scale": 0.0}, "lambda_scale: got 0.0; allowed: a number above 0, at most 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, int], text: str) -> None:
    with pytest.raises(GatesError, match=text):
        DeriverSettings(**wrong)


def test_a_state_of_other_settings_is_refused() -> None:
    state = GateDeriver("EUR_USD", MINUTE, rules_of(), HOW).state
    with pytest.raises(GatesError, match=r"state: got .* Resume with equal settings"):
        GateDeriver("EUR_USD", MINUTE, rules_of(), state=state)


def test_bars_without_a_length_are_refused() -> None:
    with pytest.raises(GatesError, match="granularity_ns: got 0; allowed: above 0"):
        GateDeriver("EUR_USD", 0, rules_of())


@pytest.mark.parametrize(
    ("own", "real", "text"),
    [
        ([0.5] * 29, [0.5] * 30, "surprises: got 29 values; allowed: at least 30"),
        ([0.5] * 30, [0.5] * 29 + [1.5], "hazards: got 1.5; allowed: numbers in 0..1"),
        ([0.5] * 30, [0.5] * 29 + [nan], "hazards: got nan; allowed: numbers in 0..1"),
    ],
)
def test_a_map_of_too_few_or_impossible_values_is_refused(
    own: list[float], real: list[float], text: str
) -> None:
    with pytest.raises(GatesError, match=text):
        LambdaMap.from_recorded(own, real)
