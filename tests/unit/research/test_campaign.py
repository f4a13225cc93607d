"""A campaign: its choices, the order of its gates, and that an edge is found where there is one."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.research.small_campaigns import campaign, small

from hotband.errors import HotbandError
from hotband.executors.serial import SerialExecutor
from hotband.feeds.demo import demo_bars
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, format_time
from hotband.research import campaign as module
from hotband.research.campaign import CampaignResult, decide, run_campaign
from hotband.research.campaign_worlds import START_NS, campaign_market, shifts_of
from hotband.research.grid import prepare_job
from hotband.research.judgement import choose_cell, stressed
from hotband.research.nullworlds import World
from hotband.research.promotion import promotion_of
from hotband.research.selection import Selection
from hotband.research.simulator import BacktestSimulator
from hotband.research.stress import stress_cells, stress_work, with_shares, with_stress


def history(weeks: int, granularity: str = "M5") -> Bars:
    """Bars of the demo market, as if they were real."""
    end = START_NS + weeks * 7 * DAY_NS
    return demo_bars(("EUR_USD",), START_NS, end, granularity)["EUR_USD"]


def test_the_same_seed_gives_the_same_campaign() -> None:
    assert run_campaign("N1", 1, small()) == campaign()


def test_another_seed_gives_another_campaign() -> None:
    assert campaign(seed=2).decisions != campaign().decisions


@pytest.mark.parametrize("world", ["N1", "N2", "N3", "N4", "N5"])
def test_a_world_without_an_edge_promotes_nothing(world: World) -> None:
    found = campaign(world)
    assert not found.promoted
    assert all(each.first_failed for each in found.decisions)


def test_a_large_planted_edge_is_promoted() -> None:
    assert campaign(costs=False, edge=15.0).decisions[-1].promoted


def test_a_campaign_is_promoted_where_any_of_its_choices_is() -> None:
    lost = campaign().decisions[0]
    won = replace(lost, first_failed=None)
    assert CampaignResult("N1", 1, (won, lost)).promoted
    assert not CampaignResult("N1", 1, (lost, lost)).promoted


def test_the_nearest_choice_is_the_one_that_came_furthest() -> None:
    some = campaign().decisions[0]
    early = replace(some, first_failed="sample", measure="trades")
    late = replace(some, first_failed="deflation", measure="dsr")
    assert CampaignResult("N1", 1, (early, late, early)).nearest == late


def test_earlier_folds_are_run_only_where_all_gates_before_were_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both campaigns run; then neither may run a hold-out, which only the promoted one asks."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a hold-out was run")

    monkeypatch.setattr(module, "judge_of", refuse)
    assert run_campaign("N1", 1, small()) == campaign()
    with pytest.raises(AssertionError, match="a hold-out was run"):
        run_campaign("N1", 1, small(costs=False, edge=15.0))


def test_the_order_of_measures_is_that_of_promotion() -> None:
    row = dict.fromkeys(
        ("pnl", "costs_1_5x_profit_factor", "trades", "days", "active_days", "real_fraction")
    )
    nothing: dict[str, Any] = dict.fromkeys(Selection.__dataclass_fields__)
    selection = Selection(**nothing | {"trials": 1})
    asked = promotion_of(row, selection, None, small().grid.promotion)
    assert tuple(gate.measure for gate in asked.gates) == module._ORDER


def test_trials_count_the_cells_of_every_choice() -> None:
    found = campaign(every_weeks=2).decisions
    assert len(found) > 1
    assert [each.trials for each in found] == [each.cells * (k + 1) for k, each in enumerate(found)]


def test_resampled_days_are_drawn_from_a_longer_history_than_the_campaign() -> None:
    """From a history of the same length, a day in three would be one that is there already."""
    bars = campaign_market("N4", 1, small(days=130)).bars
    day = DEFAULT_HOURS.trading_day(bars.data["t"])
    volume = [int(bars.data["volume"][day == each].sum()) for each in np.unique(day)]
    assert len(set(volume)) > 0.72 * len(volume)


def test_the_last_choice_is_made_at_the_close_of_the_history() -> None:
    end = campaign_market("N1", 1, small()).window[1]
    assert campaign().decisions[-1].end == format_time(end)


def test_a_choice_is_that_of_a_whole_grid_that_is_stressed() -> None:
    settings = small(costs=False, days=65)
    market = campaign_market("N1", 1, settings)
    start, end = (format_time(t) for t in market.window)
    simulator = BacktestSimulator(
        "EUR_USD", start, end, profile=settings.traded, cost_bps=0.0, granularity="M5",
        bars={"EUR_USD": market.bars}, gates={"EUR_USD": market.gates},
    )  # fmt: skip
    job = prepare_job(simulator, settings.grid)
    rows, returns = module._swept(job)
    chosen = choose_cell(job, rows, len(rows), settings.grid)
    with SerialExecutor() as executor:
        whole = stressed(job, chosen, returns, executor.run).row
    table = stress_cells(
        stress_work(job.work, job.simulator.granularity_ns), np.array([chosen.cell])
    )
    alone = with_stress(with_shares(chosen.rows, returns), [table]).row(chosen.cell, named=True)
    assert chosen.row["qualified"]
    assert alone == whole


def test_a_result_comes_back_from_json_as_it_was() -> None:
    text = json.dumps(campaign().to_dict(), allow_nan=False)
    assert CampaignResult.from_dict(json.loads(text)) == campaign()


def test_gates_count_as_recorded() -> None:
    assert not campaign_market("N1", 1, small()).gates.data["synthetic"].any()


def test_a_world_without_costs_has_no_spread_and_the_same_gates() -> None:
    free, dear = (campaign_market("N1", 1, small(costs=costs)) for costs in (False, True))
    for corner in "ohlc":
        assert np.array_equal(free.bars.data[f"bid_{corner}"], free.bars.data[f"ask_{corner}"])
    assert (dear.bars.data["ask_c"] > dear.bars.data["bid_c"]).all()
    assert free.gates.data.tobytes() == dear.gates.data.tobytes()


def test_shifted_gates_stand_on_the_bars_as_they_are() -> None:
    base = history(24)
    one, two = (campaign_market("N5", seed, small(days=100), base) for seed in (1, 2))
    assert one.bars.content_hash == two.bars.content_hash == base.content_hash
    assert one.gates.content_hash != two.gates.content_hash


def test_every_seed_below_the_number_of_shifts_shifts_otherwise() -> None:
    base = history(6)
    shifts = shifts_of(base)
    seen = {campaign_market("N5", k, small(days=5), base).gates.content_hash for k in range(shifts)}
    assert len(seen) == shifts


def test_the_naive_rules_say_what_a_last_week_and_a_best_cell_say() -> None:
    week = np.array([[0.0, 0.01, 0.01, 0.02, -0.01, 0.01], [0.0, -0.01, -0.02, 0.0, 0.01, -0.01]])
    found = module._weekly(week.astype(np.float32))
    assert found is not None
    expected = week[0, 1:].mean() / week[0, 1:].std(ddof=1) * 260**0.5
    assert found[0] == pytest.approx(expected, rel=1e-6)
    assert found[1]


def test_a_week_without_a_move_has_no_best_sharpe() -> None:
    assert module._weekly(np.zeros((3, 9), np.float32)) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"days": 7}, "days of a campaign: got 7; allowed: whole weeks"),
        ({"every_weeks": 0}, "every_weeks of a campaign: got 0; allowed: 1 or more"),
        ({"balance": 0.0}, "balance of a campaign: got 0.0; allowed: a finite amount above 0"),
        ({"edge": float("nan")}, "edge of a campaign: got nan; allowed: a finite annual"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HotbandError, match=message):
        small(**changes)


def test_a_history_in_which_nothing_could_be_promoted_is_refused() -> None:
    with pytest.raises(HotbandError, match="nothing could be promoted in so few"):
        run_campaign("N1", 1, small(days=50))


def test_a_base_that_is_too_short_is_refused() -> None:
    with pytest.raises(HotbandError, match="base of N3: got 6 whole trading weeks; allowed: 21"):
        run_campaign("N3", 1, small(), history(6))


def test_a_base_of_another_granularity_is_refused() -> None:
    with pytest.raises(HotbandError, match="base of N5: got EUR_USD H1; allowed: EUR_USD M5"):
        run_campaign("N5", 1, small(), history(6, "H1"))


@pytest.mark.parametrize(
    ("world", "seed", "message"),
    [("N6", 1, "world: got N6; allowed: N1, N2"), ("N1", -1, "seed: got -1; allowed: 0 or more")],
)
def test_an_unknown_world_or_seed_is_refused(world: Any, seed: int, message: str) -> None:
    with pytest.raises(HotbandError, match=message):
        run_campaign(world, seed, small())


def test_a_market_that_is_decided_twice_is_decided_alike() -> None:
    market = campaign_market("N2", 3, small())
    assert decide(market, "N2", 3, small()) == decide(market, "N2", 3, small())
