"""A comparison holds differences only, and reads the same from both sides."""

from typing import Any

from hotband.artefacts.judgement import HoldOut
from hotband.artefacts.roster_part import RosterPart, RosterVerdict
from hotband.artefacts.schemas import Latest
from hotband.artefacts.values import MetricValue, Window
from hotband.service.results.compare import Change, Comparison, NumberChange, compare
from tests.service.results.conftest import MISSING, Held

PAIR = "EUR_USD"


def with_metric(held: Held, value: float | None, reason: str | None = None) -> Latest:
    entry = held.entry(PAIR)
    details = {**entry.metric_details, "pnl": MetricValue(value=value, reason=reason)}
    metrics = {name: item.value for name, item in details.items()}
    return held.changed(PAIR, metric_details=details, metrics=metrics)


def with_made(held: Held, **changes: Any) -> Latest:
    made = held.latest.provenance.model_copy(update=changes)
    return held.latest.model_copy(update={"provenance": made})


def turned(found: Comparison) -> Comparison:
    """The comparison with base and head exchanged."""

    def change(item: Change) -> Change:
        return Change(base=item.head, head=item.base)

    def number(item: NumberChange) -> NumberChange:
        return NumberChange(
            base=item.head, head=item.base, delta=None if item.delta is None else -item.delta,
            base_reason=item.head_reason, head_reason=item.base_reason,
        )  # fmt: skip

    instruments = {
        name: item.model_copy(
            update={
                "facts": {k: change(v) for k, v in item.facts.items()},
                "params": {k: change(v) for k, v in item.params.items()},
                "metrics": {k: number(v) for k, v in item.metrics.items()},
            }
        )
        for name, item in found.instruments.items()
    }
    return found.model_copy(
        update={
            "base_run_id": found.head_run_id, "head_run_id": found.base_run_id,
            "base_window": found.head_window, "head_window": found.base_window,
            "only_in_base": found.only_in_head, "only_in_head": found.only_in_base,
            "provenance": {k: change(v) for k, v in found.provenance.items()},
            "instruments": instruments,
        }
    )  # fmt: skip


def test_a_run_does_not_differ_from_itself(held: Held) -> None:
    found = compare(held.latest, held.latest)
    assert found.same
    assert found.comparable
    assert (found.instruments, found.provenance, found.only_in_base) == ({}, {}, ())
    assert found.unchanged == 3


def test_a_comparison_is_the_mirror_of_its_reverse(held: Held) -> None:
    made = with_made(held, profile="0" * 64, bars={}, seed=4).provenance
    head = with_metric(held, 12.5).model_copy(update={"provenance": made, "run_id": "f" * 16})
    head.instruments.pop("USD_JPY")
    found = compare(held.latest, head)
    assert not found.same
    assert found.only_in_base == ("USD_JPY",)
    assert compare(head, held.latest) == turned(found)


def test_a_metric_that_moved_has_its_delta(held: Held) -> None:
    found = compare(with_metric(held, 10.0), with_metric(held, 12.5))
    assert set(found.instruments) == {PAIR}
    change = found.instruments[PAIR]
    assert change.metrics == {"pnl": NumberChange(base=10.0, head=12.5, delta=2.5)}
    assert (change.facts, change.params, change.made_of) == ({}, {}, ())
    assert found.unchanged == 2


def test_a_metric_that_is_gone_has_no_delta_but_a_reason(held: Held) -> None:
    found = compare(with_metric(held, 10.0), with_metric(held, None, "no_trades"))
    assert found.instruments[PAIR].metrics["pnl"] == NumberChange(
        base=10.0, head=None, delta=None, head_reason="no_trades"
    )


def test_parameters_that_moved_are_named_those_of_further_axes_too(held: Held) -> None:
    params = held.entry(PAIR).params
    other = params.model_copy(
        update={"exposure": params.exposure * 2, "settings": {"trailing_pips": None}}
    )
    found = compare(held.latest, held.changed(PAIR, params=other)).instruments[PAIR].params
    assert found == {
        "exposure": Change(base=params.exposure, head=params.exposure * 2),
        "trailing_pips": Change(base=None, head=None),
    }


def test_verdicts_sources_and_actions_that_moved_are_facts(held: Held) -> None:
    verdict = RosterVerdict(
        action="tighten", size_x=0.5, light="amber", rule="tighten", stage="active",
        acting="rule", reasons=("drawdown",),
    )  # fmt: skip
    old = held.latest.model_copy(update={"roster": RosterPart(reason="not asked")})
    new = held.changed(PAIR, qualified=not held.entry(PAIR).qualified, source="mixed").model_copy(
        update={"roster": RosterPart(week="2026-W11", decisions={PAIR: verdict})}
    )
    facts = compare(old, new).instruments[PAIR].facts
    assert set(facts) == {"qualified", "source", "roster_action", "roster_size_x"}
    assert facts["roster_action"] == Change(base=None, head="tighten")


def test_an_instrument_that_failed_in_one_run_only_differs_in_its_state(held: Held) -> None:
    entry = held.latest.instruments[MISSING]
    entries = {**held.latest.instruments, PAIR: entry}
    head = held.latest.model_copy(update={"instruments": entries})
    change = compare(held.latest, head).instruments[PAIR]
    assert change.facts["state"] == Change(base="completed", head="error")
    assert change.metrics["trades"].head is None


def test_hold_outs_are_compared_by_their_own_names(held: Held) -> None:
    entry = held.entry(PAIR)
    after = HoldOut(
        window=entry.judgement.look_back,
        metrics=entry.metrics,
        metric_details=entry.metric_details,
        gate_coverage=entry.gate_coverage,
        source=entry.source,
        funnel=entry.funnel,
    )
    update = {"hold_out": after, "hold_out_reason": None}
    judged = held.changed(PAIR, judgement=entry.judgement.model_copy(update=update))
    names = set(compare(held.latest, judged).instruments[PAIR].metrics)
    assert names == {f"hold_out_{name}" for name in entry.metric_details}


def test_runs_of_other_profiles_grids_or_code_are_not_comparable(held: Held) -> None:
    for change in ({"profile": "0" * 64}, {"grid": "0" * 64}, {"code_version": "2"}):
        found = compare(held.latest, with_made(held, **change))
        assert set(found.provenance) == set(change)
        assert not found.comparable


def test_other_bars_and_gates_are_told_by_instrument(held: Held) -> None:
    bars = {**held.latest.provenance.bars, PAIR: "0" * 64}
    found = compare(held.latest, with_made(held, bars=bars))
    assert found.instruments[PAIR].made_of == ("bars",)
    assert found.comparable


def test_another_window_is_a_difference(held: Held) -> None:
    window = Window(start="2026-03-01T22:00:00Z", end="2026-03-06T22:00:00Z")
    found = compare(held.latest, held.latest.model_copy(update={"window": window}))
    assert found.window_changed
    assert not found.same
