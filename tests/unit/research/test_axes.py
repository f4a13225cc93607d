"""The cells of one instrument: its hazard band, its axes, and the rules of every cell."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.demo_runs import driver, recorded

from hotband.core.codes import GUARDS
from hotband.core.gating import threshold_mask, trade_side
from hotband.core.records import BAR, GATE, MEAN_REVERSION, MOMENTUM, RULES, empty
from hotband.errors import ProfileError
from hotband.market.calendar import format_time, parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import effective, load_profile
from hotband.research.axes import CellGrid, cells_of, hazard_values
from hotband.research.cell_rows import sweep_span
from hotband.research.grid import prepare_job
from hotband.research.grid_settings import GUARD_NAMES, Axes, HazardBand, load_grid

PAIR: Final = load_instruments()["EUR_USD"]
MINUTE: Final = 60_000_000_000


def cells(
    own: dict[str, Any] | None = None, recorded: list[float] | None = None, **axes: Any
) -> CellGrid:
    """The cells of EUR_USD under a profile of ``own`` settings and a grid of ``axes``."""
    profile = load_profile({"global": own or {}, "account": {"home": "USD"}})
    base = compile_rules(profile, PAIR, currencies([PAIR], "USD"))
    found = None if recorded is None else np.array(recorded)
    return cells_of(effective(profile, "EUR_USD"), PAIR, base, Axes.model_validate(axes), found)


def values(grid: CellGrid, name: str) -> tuple[object, ...]:
    return next(axis.values for axis in grid.axes if axis.name == name)


# The hazard band ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cap", "band"),
    [
        (0.10, (0.08, 0.09, 0.1, 0.11, 0.12)),
        (0.07, (0.06, 0.0675, 0.07, 0.075, 0.0825, 0.09)),  # clamped below, the cap kept
        (0.13, (0.11, 0.1175, 0.125, 0.13, 0.1325, 0.14)),
        (0.06, (0.06, 0.065, 0.07, 0.075, 0.08)),  # at the edges
        (0.14, (0.12, 0.125, 0.13, 0.135, 0.14)),
    ],
)
def test_the_band_lies_around_the_cap_inside_its_bounds(cap: float, band: tuple[float]) -> None:
    found, notes = hazard_values(cap, HazardBand())
    assert found == pytest.approx(band)
    assert notes == []


@pytest.mark.parametrize(
    ("cap", "low", "high"),
    [(0.05, 0.06, 0.10), (0.01, 0.06, 0.10), (0.15, 0.10, 0.14), (0.45, 0.10, 0.14)],
)
def test_a_cap_outside_the_bounds_moves_the_band_and_says_so(
    cap: float, low: float, high: float
) -> None:
    found, notes = hazard_values(cap, HazardBand())
    assert found == pytest.approx(np.linspace(low, high, 5))
    assert notes == [
        f"the profile's hazard_max {cap:g} lies outside 0.06..0.14: the band was moved to "
        f"{low:g}..{high:g}"
    ]


def test_without_a_cap_the_whole_band_is_swept_and_it_says_so() -> None:
    found, notes = hazard_values(None, HazardBand())
    assert found == pytest.approx((0.06, 0.08, 0.1, 0.12, 0.14))
    assert notes == ["the profile has no hazard_max: caps from 0.06 to 0.14 are swept"]


@given(
    cap=st.none() | st.floats(0.0, 1.0),
    band=st.floats(1e-4, 1.0),
    floor=st.floats(0.0, 0.9),
    room=st.floats(2e-4, 1.0),
    points=st.integers(2, 30),
)
def test_a_band_is_never_one_point_and_stays_inside_its_bounds(
    cap: float | None, band: float, floor: float, room: float, points: int
) -> None:
    ceiling = min(1.0, floor + room)
    found, notes = hazard_values(
        cap, HazardBand(band=band, points=points, floor=floor, ceiling=ceiling)
    )
    assert len(found) >= 2
    assert list(found) == sorted(set(found))
    assert floor - 1e-6 <= found[0] < found[-1] <= ceiling + 1e-6
    inside = cap is not None and floor <= cap <= ceiling
    assert bool(notes) != inside
    if inside:
        assert min(abs(value - cap) for value in found if cap is not None) <= 1e-6


def test_a_raw_cap_is_turned_into_lambda_before_the_band_is_drawn() -> None:
    grid = cells({"hazard_max": 0.9, "hazard_scale": "hazard", "lambda_scale": 0.1})
    assert grid.cap == pytest.approx(0.09)
    assert values(grid, "hazard_max") == pytest.approx((0.07, 0.08, 0.09, 0.1, 0.11))
    assert grid.notes == ()


def test_hazard_x_is_the_multiple_of_the_profiles_cap() -> None:
    columns = cells({"hazard_max": 0.1}).columns(0, 5)
    assert columns["hazard_x"] == pytest.approx([0.8, 0.9, 1.0, 1.1, 1.2])


@pytest.mark.parametrize("cap", [None, 0.0])
def test_hazard_x_is_missing_without_a_cap_to_be_a_multiple_of(cap: float | None) -> None:
    assert cells({"hazard_max": cap}).params(0)["hazard_x"] is None


def test_quantiles_of_recorded_hazard_join_the_band_and_it_says_so() -> None:
    held = np.linspace(0.2, 0.3, 11).tolist()
    grid = cells({"hazard_max": 0.1}, recorded=held, hazard={"quantiles": [0.1, 0.9]})
    assert values(grid, "hazard_max") == pytest.approx((0.08, 0.09, 0.1, 0.11, 0.12, 0.21, 0.29))
    assert grid.widened
    assert grid.notes == ("quantiles of 11 recorded hazards, 0.2100 to 0.2900, joined the band",)


# Which share of real gates widens ----------------------------------------------------------------


def job_with_real_share(minutes: int, widen_from: float = 0.7) -> CellGrid:
    """The cells of 100 open minutes, the last ``minutes`` of which have a live recorded gate."""
    start, end = "2025-04-07T10:00:00Z", "2025-04-07T11:40:00Z"
    begin = parse_time(end) - minutes * MINUTE
    known = [format_time(begin + i * MINUTE) for i in range(minutes)]
    gates = {"EUR_USD": recorded("EUR_USD", *known, hazard=0.3)}
    run = driver("EUR_USD", gates=gates, start=start, end=end)
    grid = load_grid({"default": {"hazard": {"widen_from": widen_from}}})
    job = prepare_job(run, grid)
    assert job.coverage.real_fraction == pytest.approx(minutes / 100)
    return job.work.cells


@pytest.mark.parametrize(("minutes", "widened"), [(69, False), (70, True), (100, True)])
def test_the_band_is_widened_from_70_percent_of_recorded_minutes(
    minutes: int, widened: bool
) -> None:
    grid = job_with_real_share(minutes)
    assert grid.widened is widened
    assert (0.3 in values(grid, "hazard_max")) is widened
    assert any("recorded hazards" in note for note in grid.notes) is widened


def test_the_share_that_widens_is_a_setting() -> None:
    assert job_with_real_share(40, 0.4).widened
    assert not job_with_real_share(80, 0.9).widened


def test_derived_gates_never_widen_the_band() -> None:
    job = prepare_job(driver("EUR_USD"), load_grid({"default": {"hazard": {"widen_from": 0.0}}}))
    assert not job.work.cells.widened


# The other axes ----------------------------------------------------------------------------------


def test_holds_are_the_profiles_horizons() -> None:
    grid = cells({"exit": {"hold_minutes": 30, "horizons": [30, 5, 60]}})
    assert values(grid, "hold_minutes") == (5.0, 30.0, 60.0)


def test_without_horizons_the_hold_is_the_profiles_own() -> None:
    assert values(cells({"exit": {"hold_minutes": 45}}), "hold_minutes") == (45.0,)


def test_holds_of_the_grid_override_the_horizons_and_those_beside_them_are_named() -> None:
    own = {"hazard_max": 0.1, "exit": {"hold_minutes": 30, "horizons": [30, 60]}}
    grid = cells(own, hold_minutes=[60, 10, 7.5])
    assert values(grid, "hold_minutes") == (7.5, 10.0, 60.0)
    assert grid.notes == ("hold_minutes beside the profile's horizons: 7.5, 10",)


def test_min_reps_add_is_on_top_of_the_profile() -> None:
    assert values(cells({"min_repetitions": 3}, min_reps_add=[0, 2, -1]), "min_reps") == (2, 3, 5)


def test_min_reps_add_below_no_repetitions_is_refused() -> None:
    with pytest.raises(
        ProfileError, match=r"min_reps_add: got -2; allowed: at least -1\. Raise it"
    ):
        cells({"min_repetitions": 1}, min_reps_add=[0, -2])


def test_exposure_x_multiplies_the_profiles_exposure_and_exposure_replaces_it() -> None:
    assert values(cells({"exposure": 3.0}, exposure_x=[1, 0.5]), "exposure") == (1.5, 3.0)
    assert values(cells({"exposure": 3.0}, exposure=[2]), "exposure") == (2.0,)


def test_values_are_ascending_and_once_with_off_first() -> None:
    grid = cells(stop_loss_pips=[40, None, 15, 40, None])
    assert values(grid, "stop_loss_pips") == (None, 15.0, 40.0)


LEVELS: Final = {
    "stop_loss_pips": "stop", "take_profit_pips": "target", "trailing_pips": "trail",
    "breakeven_pips": "breakeven",
}  # fmt: skip
OWN: Final = {
    "hazard_max": 0.1, "stop_loss_pct": 0.002, "take_profit_pct": 0.003,
    "trailing_stop_pct": 0.001, "breakeven_trigger_pct": 0.001,
    "guards": {"min_stability": 0.05, "max_entropy": 0.99},
}  # fmt: skip


def changed_fields(grid: CellGrid, cell: int, *but: str) -> set[str]:
    """Fields in which a cell's rules differ from the profile's, apart from ``but``."""
    rules, base = grid.rules(cell, cell + 1), grid.base
    names = set(RULES.names or ()) - set(but)
    return {name for name in names if rules[name].tobytes() != base[name].tobytes()}


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_axis_sets_its_distance_in_pips_and_null_switches_it_off(name: str) -> None:
    axes: dict[str, Any] = {name: [None, 15]}
    grid = cells(OWN, exposure=[1.0], **axes)
    stem = LEVELS[name]
    fields = {f"{stem}_frac", f"{stem}_abs"}
    off, on = grid.rules(0, 2)
    assert (off[f"{stem}_frac"], off[f"{stem}_abs"]) == (0.0, 0.0)
    assert (on[f"{stem}_frac"], on[f"{stem}_abs"]) == (0.0, pytest.approx(0.0015))
    assert changed_fields(grid, 0, "hazard_max") == {f"{stem}_frac"}
    assert changed_fields(grid, 1, "hazard_max") == fields


@pytest.mark.parametrize("name", GUARD_NAMES)
def test_a_guard_axis_sets_its_limit_and_switches_the_guard_on(name: str) -> None:
    grid = cells({"hazard_max": 0.1}, guards={name: [0.25, 0.75]})
    slot = [guard for guard, _ in GUARDS].index(name)
    side, other = (
        ("guard_min", "guard_max") if name.startswith("min_") else ("guard_max", "guard_min")
    )
    for cell, limit in enumerate((0.25, 0.75)):
        rules = grid.rules(cell, cell + 1)[0]
        assert rules[side][slot] == limit
        assert np.isinf(rules[other][slot])
        assert rules["guards_on"] == 1 << slot
        assert changed_fields(grid, cell, "hazard_max") == {side, "guards_on"}


def test_a_guard_axis_leaves_the_profiles_other_guards_alone() -> None:
    grid = cells(OWN, guards={"min_stability": [0.4]})
    rules = grid.rules(0, 1)[0]
    assert (rules["guard_min"][1], rules["guard_max"][2]) == (0.4, 0.99)
    assert rules["guards_on"] == grid.base[0]["guards_on"]


def test_the_direction_axis_sets_the_direction_in_the_order_of_the_grid() -> None:
    both = ["mean_reversion", "momentum", "mean_reversion"]
    grid = cells({"hazard_max": 0.1}, direction=both)
    assert values(grid, "direction") == ("mean_reversion", "momentum")
    assert grid.rules(0, 2)["direction"].tolist() == [MEAN_REVERSION, MOMENTUM]
    assert changed_fields(grid, 0, "hazard_max") == {"direction"}
    assert grid.numbers()["direction"] == (0.0, 1.0)


def test_the_fixed_axes_set_their_own_fields_alone() -> None:
    grid = cells(OWN, min_reps=[7], hold_minutes=[12.5], exposure=[0.3])
    rules = grid.rules(0, 1)[0]
    assert (rules["min_reps"], rules["exposure"]) == (7, 0.3)
    assert rules["hold"] == 12.5 * MINUTE
    assert rules["hazard_max"] == pytest.approx(0.08)
    assert changed_fields(grid, 0) == {"hazard_max", "min_reps", "hold", "exposure"}


def test_the_last_named_axis_runs_fastest_and_columns_params_and_rules_agree() -> None:
    grid = cells(
        OWN, min_reps=[1, 2], hold_minutes=[5, 9], stop_loss_pips=[None, 4],
        guards={"max_entropy": [0.8, 0.9]}, direction=["momentum", "mean_reversion"],
    )  # fmt: skip
    n = len(grid)
    assert n == 5 * 2 * 2 * 2 * 2 * 2
    columns, rules = grid.columns(0, n), grid.rules(0, n)
    assert columns["direction"][:4] == ["momentum", "mean_reversion"] * 2
    assert columns["stop_loss_pips"][:8] == [None] * 4 + [4.0] * 4
    for cell in range(n):
        params = grid.params(cell)
        assert params == {name: column[cell] for name, column in columns.items()}
        assert grid.rules(cell, cell + 1).tobytes() == rules[cell : cell + 1].tobytes()
        assert rules[cell]["hazard_max"] == params["hazard_max"]
        assert rules[cell]["min_reps"] == params["min_reps"]
        assert rules[cell]["guard_max"][0 + 2] == params["max_entropy"]


def test_a_frame_names_every_axis_with_its_type() -> None:
    axes = {"stop_loss_pips": [None, 9], "direction": ["momentum"], "min_reps": [2]}
    job = prepare_job(driver("EUR_USD"), load_grid({"default": axes}))
    rows = sweep_span(job.work, (0, 2))
    assert rows["min_reps"].to_list() == [2, 2]
    assert rows["stop_loss_pips"].to_list() == [None, 9.0]
    assert rows["direction"].to_list() == ["momentum", "momentum"]


# The loosest rules -------------------------------------------------------------------------------


def random_gate(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    gate = empty(GATE, 1)
    gate["reps"], gate["side"] = rng.integers(0, 6), rng.choice([1, -1, 0])
    gate["admit"] = 1
    gate["hazard"] = rng.uniform(0.05, 0.2)
    gate["metrics"] = np.where(rng.random(10) < 0.05, np.nan, rng.random(10))
    return gate


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), names=st.sets(st.sampled_from(GUARD_NAMES), max_size=3))
def test_the_loosest_rules_refuse_no_gate_that_some_cell_admits(seed: int, names: set[str]) -> None:
    rng = np.random.default_rng(seed)
    cap = None if rng.random() < 0.2 else float(rng.uniform(0.01, 0.3))
    own = {"hazard_max": cap, "min_repetitions": int(rng.integers(0, 4)), "guards": OWN["guards"]}
    guards = {name: rng.uniform(0, 1, 2).tolist() for name in names}
    grid = cells(
        own, hazard={"points": 3}, min_reps=rng.integers(0, 6, 2).tolist(), guards=guards,
        direction=["momentum", "mean_reversion"],
    )  # fmt: skip
    loosest, every = grid.loosest()[0], grid.rules(0, len(grid))
    bar = empty(BAR, 1)[0]
    for _ in range(30):
        gate = random_gate(rng)[0]
        if any(threshold_mask(gate, trade_side(bar, gate, r), r) == 0 for r in every):
            assert threshold_mask(gate, trade_side(bar, gate, loosest), loosest) == 0
