"""The doctor's findings on grid and choice: raised by what they name, else silent."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.doctor_cases import (
    choice,
    found,
    gates_of,
    grid_of,
    job,
    judged,
    rules_of,
)

from hotband.core.codes import GUARDS
from hotband.research import doctor
from hotband.research.findings import Finding
from hotband.research.grid import rerun
from hotband.research.plateau import REASONS

ROW: dict[str, Any] = {
    "pnl": 1234.5, "days": 40, "hold_out_pnl": -321.0, "hold_out_days": 5, "hold_out_trades": 12,
}  # fmt: skip


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def only(findings: tuple[Finding, ...], code: str) -> Finding:
    (one,) = [finding for finding in findings if finding.code == code]
    return one


# The hold-out ------------------------------------------------------------------------------------


def test_a_profit_that_turns_into_a_loss_after_the_choice_is_a_warning() -> None:
    finding = doctor.hold_out_reversed(ROW, "USD")
    assert finding is not None
    assert (finding.code, finding.severity) == ("hold_out_reverses", "warning")
    assert finding.text == (
        "The profit did not carry over: the look-back made 1,234.50 USD in 40 days, the hold-out "
        "lost 321.00 USD in 5 days and 12 trades."
    )
    assert finding.numbers == {
        "look_back_pnl": 1234.5, "look_back_days": 40.0,
        "hold_out_pnl": -321.0, "hold_out_days": 5.0, "hold_out_trades": 12.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        ROW | {"hold_out_pnl": 0.0},
        ROW | {"hold_out_pnl": 5.0},
        ROW | {"pnl": -1.0},
        {"pnl": 1234.5, "days": 40},
    ],
    ids=["no trade after", "a profit after", "a loss before", "no hold-out"],
)
def test_a_profit_that_does_not_turn_is_not_told_of(row: dict[str, Any]) -> None:
    assert doctor.hold_out_reversed(row, "USD") is None


# Cells that do the same --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1]),
            st.sampled_from([0.0, -0.0, 1.5]),
            st.lists(st.sampled_from([0.0, -0.0, 0.01]), min_size=2, max_size=2),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_outcomes_are_equal_exactly_where_trades_pnl_and_returns_are(
    cells: list[tuple[int, float, list[float]]],
) -> None:
    rows = pl.DataFrame({"trades": [c[0] for c in cells], "pnl": [c[1] for c in cells]})
    found = doctor.outcomes_of(rows, np.array([c[2] for c in cells], np.float32))
    for i, one in enumerate(cells):
        for k, other in enumerate(cells):
            assert (found[i] == found[k]) == (one == other)


def test_outcomes_do_not_depend_on_how_many_cells_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = pl.DataFrame({"trades": [1] * 9, "pnl": [1.0, 2.0, 3.0] * 3})
    returns = np.zeros((9, 4), np.float32)
    due = doctor.outcomes_of(rows, returns).tolist()
    monkeypatch.setattr(doctor, "_CHUNK", 2)
    assert doctor.outcomes_of(rows, returns).tolist() == due == [0, 1, 2] * 3


def test_an_axis_is_idle_where_all_its_values_give_the_same_in_every_cell() -> None:
    cells = grid_of(min_reps=[1, 2, 3], hold_minutes=[5.0, 60.0], exposure=[1.0])
    assert [axis.name for axis in doctor.idle_axes(cells, np.array([7, 8] * 3))] == ["min_reps"]
    assert doctor.idle_axes(cells, np.array([7, 8, 7, 8, 7, 9])) == []


def test_an_idle_axis_is_named_with_its_values() -> None:
    cells = grid_of(stop_loss_pips=[None, 10.0, 25.5])
    finding = doctor.idle_axis(cells.axes[0], 12)
    assert (finding.code, finding.severity) == ("idle_axis", "note")
    assert finding.text == (
        "stop_loss_pips changes nothing: its 3 values, off to 25.5, give the same trades in every "
        "one of the 12 cells; drop the axis, or widen it until it binds."
    )
    assert finding.numbers == {
        "values": 3.0, "cells": 12.0, "stop_loss_pips_first": None, "stop_loss_pips_last": 25.5,
    }  # fmt: skip


def test_cells_with_the_outcome_of_another_are_counted() -> None:
    outcomes = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 6])
    finding = doctor.duplicate_cells(outcomes, np.full(10, 3))
    assert finding is not None
    assert finding.text == (
        "5 of 10 cells (50.0%) have the trades, PnL and daily returns of another cell: the grid "
        "tries 7 different things, yet all 10 cells count as trials."
    )
    assert finding.numbers == {"cells": 10.0, "same": 5.0, "different": 7.0, "without_trades": 0.0}


def test_cells_that_are_alike_because_they_never_trade_are_told_apart() -> None:
    finding = doctor.duplicate_cells(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 9]))
    assert finding is not None
    assert "of another cell, 3 because they never trade: the grid" in finding.text
    assert finding.numbers["without_trades"] == 3.0


def test_a_tenth_of_the_cells_may_be_alike() -> None:
    few = np.r_[0, 0, 1:19]
    assert len(few) == 20
    assert doctor.duplicate_cells(few, np.ones(20, np.int64)) is None
    assert doctor.duplicate_cells(few[:19], np.ones(19, np.int64)) is not None


def test_cells_are_not_called_alike_where_none_trades() -> None:
    assert doctor.duplicate_cells(np.zeros(5, np.int64), np.zeros(5, np.int64)) is None


# Thresholds --------------------------------------------------------------------------------------


def test_thresholds_that_refuse_no_recorded_gate_are_named() -> None:
    gates = gates_of([0.05] * 19 + [0.09])
    finding = doctor.idle_thresholds(gates, rules_of(hazard_max=0.09, hazard_min=0.06, min_reps=5))
    assert finding is not None
    assert (finding.code, finding.severity) == ("threshold_never_binds", "note")
    assert finding.text == (
        "None of 20 recorded gates was refused by hazard_max 0.09, min_repetitions 5: without "
        "them the same gates would pass."
    )
    assert finding.numbers == {"gates": 20.0, "hazard_max": 0.09, "min_repetitions": 5.0}


def test_a_threshold_that_refuses_one_gate_binds() -> None:
    gates = gates_of([0.05] * 19 + [0.0901])
    assert doctor.idle_thresholds(gates, rules_of(hazard_max=0.09, min_reps=6)) is None


def test_a_threshold_that_is_not_set_is_not_named() -> None:
    assert doctor.idle_thresholds(gates_of([0.05] * 30), rules_of()) is None


@pytest.mark.parametrize(("slot", "name"), [(k, name) for k, (name, _) in enumerate(GUARDS)])
def test_a_guard_is_idle_only_where_every_gate_is_defined_and_within_it(
    slot: int, name: str
) -> None:
    rules = rules_of(guards_on=1 << slot)
    rules["guard_min"], rules["guard_max"] = -np.inf, np.inf
    low = name.startswith("min_")
    rules["guard_min" if low else "guard_max"][slot] = 0.5
    gates = gates_of([0.05] * 20)
    gates["metrics"][:, slot] = 0.5
    finding = doctor.idle_thresholds(gates, rules)
    assert finding is not None
    assert finding.numbers == {"gates": 20.0, name: 0.5}
    for refused in (np.nan, 0.4 if low else 0.6):
        gates["metrics"][3, slot] = refused
        assert doctor.idle_thresholds(gates, rules) is None


def test_a_gate_without_a_hazard_does_not_make_the_cap_bind() -> None:
    finding = doctor.idle_thresholds(gates_of([np.nan] + [0.05] * 19), rules_of(hazard_max=0.1))
    assert finding is not None
    assert finding.text.endswith("was refused by hazard_max 0.1: without it the same gates "
                                 "would pass.")  # fmt: skip


@pytest.mark.parametrize(
    "gates", [gates_of([0.05] * 19), gates_of([0.05] * 30, synthetic=1)], ids=["few", "derived"]
)
def test_few_gates_and_derived_ones_say_nothing_of_thresholds(gates: Any) -> None:
    assert doctor.idle_thresholds(gates, rules_of(hazard_max=0.1)) is None


# Borders -----------------------------------------------------------------------------------------


def test_a_chosen_value_at_the_end_of_its_axis_is_told_with_the_way_to_extend() -> None:
    cells = grid_of(hold_minutes=[5.0, 15.0, 60.0], exposure=[0.5, 1.0], min_reps=[1, 2, 3])
    low, high = doctor.at_border(cells, choice(cells, 0, 1, 1))
    assert low.text == (
        "The chosen hold_minutes of 5 is the lowest of its 3 values: what lies beyond was not "
        "tried; extend the axis below 5."
    )
    assert low.numbers == {"hold_minutes": 5.0, "values": 3.0, "way": -1.0}
    assert high.text.startswith("The chosen exposure of 1 is the highest of its 2 values: ")
    assert high.text.endswith("extend the axis above 1.")
    assert high.numbers == {"exposure": 1.0, "values": 2.0, "way": 1.0}
    assert {low.severity, high.severity} == {"note"}


def test_a_chosen_value_inside_its_axis_is_not_told_of() -> None:
    cells = grid_of(hold_minutes=[5.0, 15.0, 60.0], exposure=[1.0])
    assert doctor.at_border(cells, choice(cells, 1, 0)) == []


@pytest.mark.parametrize(
    ("axis", "values", "index"),
    [
        ("stop_loss_pips", [None, 10.0], 0),
        ("direction", ["momentum", "mean_reversion"], 1),
        ("min_reps", [0, 3], 0),
        ("hazard_max", [0.0, 0.1], 0),
        ("hazard_max", [0.1, 1.0], 1),
    ],
)
def test_an_end_with_nothing_beyond_it_is_no_border(axis: str, values: Any, index: int) -> None:
    cells = grid_of(**{axis: values})
    assert doctor.at_border(cells, choice(cells, index)) == []


def test_an_idle_axis_is_not_to_be_extended() -> None:
    cells = grid_of(hold_minutes=[5.0, 15.0])
    chosen = choice(cells, 1)
    assert doctor.at_border(cells, chosen)
    assert doctor.at_border(cells, chosen, [cells.axes[0]]) == []


def test_without_a_choice_there_is_no_border() -> None:
    cells = grid_of(hold_minutes=[5.0, 15.0])
    none = replace(choice(cells, 0), index=None, border=(), reason=next(iter(REASONS)))
    assert doctor.at_border(cells, none) == []


# A whole run -------------------------------------------------------------------------------------


def test_what_is_odd_about_a_run_is_found_in_it() -> None:
    findings = found()
    assert codes(findings) == [
        "idle_axis", "idle_axis", "duplicate_cells", "threshold_never_binds", "axis_at_border",
        "one_session", "one_limit_sizes_all",
    ]  # fmt: skip
    assert [f.text.split()[0] for f in findings[:2]] == ["hazard_max", "min_reps"]
    assert only(findings, "duplicate_cells").numbers["different"] == 3.0
    assert only(findings, "threshold_never_binds").numbers["gates"] == 24.0
    assert only(findings, "axis_at_border").numbers["hold_minutes"] == 15.0
    assert "in the London session" in only(findings, "one_session").text
    assert only(findings, "one_limit_sizes_all").numbers["entries"] == 24.0


def test_a_grid_that_admits_no_gate_is_warned_of_and_not_called_idle() -> None:
    findings = found(least_reps=6)
    assert codes(findings) == ["no_trades", "threshold_never_binds"]
    assert "repetitions_short" in findings[0].numbers
    assert "min_repetitions" not in findings[1].numbers


def test_warnings_come_before_notes_whatever_the_order_of_the_checks() -> None:
    made, (chosen, returns) = job(), judged()
    row = {"hold_out_pnl": -5.0, "hold_out_days": 2, "hold_out_trades": 3, "pnl": 5.0}
    given = {"best_day_share": 0.75}
    rows = chosen.rows.with_columns(*(pl.lit(v).alias(k) for k, v in (row | given).items()))
    result = rerun(made, chosen.cell)
    findings = doctor.findings_of(made, replace(chosen, rows=rows), result, returns)
    severities = [finding.severity for finding in findings]
    assert codes(findings)[:2] == ["hold_out_reverses", "one_day_makes_the_profit"]
    assert severities == sorted(severities, reverse=True)
    assert findings == doctor.findings_of(made, replace(chosen, rows=rows), result, returns)


def test_a_profit_of_the_first_day_that_the_second_takes_back_is_found_in_a_run() -> None:
    row, finding = judged(hold_out=True)[0].row, found(hold_out=True)[0]
    assert finding.code == "hold_out_reverses"
    assert finding.numbers["look_back_pnl"] == row["pnl"] > 0.0
    assert finding.numbers["hold_out_pnl"] == row["hold_out_pnl"] < 0.0
    assert f"lost {-row['hold_out_pnl']:,.2f} USD in 1 day and 12 trades" in finding.text
    assert "hold_out_reverses" not in codes(found())
