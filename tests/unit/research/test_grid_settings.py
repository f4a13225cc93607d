"""The grid file: what it refuses, in which words, and how instruments override its defaults."""

from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.research.demo_runs import driver

from hotband.core.codes import GUARDS
from hotband.errors import InputError, ProfileError
from hotband.executors.ports import never
from hotband.research.grid_settings import Axes, GridSettings, GuardAxes, HazardBand, load_grid
from hotband.weekly.inputs import RunInputs
from hotband.weekly.plan import Plan, Stage

ROOT: Final = Path(__file__).resolve().parents[3]


def refused(default: dict[str, Any]) -> str:
    with pytest.raises(ProfileError) as caught:
        load_grid({"default": default})
    return str(caught.value)


def test_the_grid_in_config_is_the_one_that_comes_with_hotband() -> None:
    shipped = ROOT / "src" / "hotband" / "research" / "grid.yaml"
    assert (ROOT / "config" / "grid.yaml").read_bytes() == shipped.read_bytes()
    assert load_grid(ROOT / "config" / "grid.yaml") == load_grid()


def test_the_shipped_grid_holds_the_documented_bounds() -> None:
    grid = load_grid()
    axes = grid.axes("EUR_USD")
    assert axes.hazard == HazardBand(band=0.02, points=5, floor=0.06, ceiling=0.14)
    assert axes.hazard.widen_from == 0.7
    assert axes.min_reps_add == (0, 1, 2)
    assert axes.hold_minutes is None
    assert (grid.min_trades, grid.max_cells) == (10, 200_000)


def test_every_guard_of_a_profile_can_be_swept() -> None:
    assert tuple(GuardAxes.model_fields) == tuple(name for name, _ in GUARDS)


@pytest.mark.parametrize(
    ("default", "key", "meant"),
    [
        ({"hazzard": {}}, "grid default.hazzard", "hazard"),
        ({"hazard": {"bnd": 0.1}}, "grid default.hazard.bnd", "band"),
        ({"min_rep": [1]}, "grid default.min_rep", "min_reps"),
        ({"stop_los_pips": [5]}, "grid default.stop_los_pips", "stop_loss_pips"),
        ({"guards": {"min_stabilty": [1]}}, "grid default.guards.min_stabilty", "min_stability"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_it_may_have_meant(
    default: dict[str, Any], key: str, meant: str
) -> None:
    text = refused(default)
    assert text.startswith(f"unknown key {key}: got ")
    assert f"Did you mean '{meant}'?" in text


def test_an_unknown_key_at_the_top_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"unknown key grid\.defualt.*mean 'default'\?"):
        load_grid({"defualt": {}})


def test_an_unknown_key_of_an_instrument_names_the_instrument() -> None:
    with pytest.raises(ProfileError, match=r"grid instruments\.AUD_USD\.exposur: got exposur;"):
        load_grid({"instruments": {"AUD_USD": {"exposur": [1]}}})


def test_a_misspelt_instrument_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"instruments\.EURUSD: .*Did you mean 'EUR_USD'\?"):
        load_grid({"instruments": {"EURUSD": {"min_reps": [1]}}})


@pytest.mark.parametrize(
    ("default", "path"),
    [
        ({"hazard": {"band": 0}}, "hazard.band"),
        ({"hazard": {"band": 1e-7}}, "hazard.band"),
        ({"hazard": {"band": float("nan")}}, "hazard.band"),
        ({"hazard": {"points": 1}}, "hazard.points"),
        ({"hazard": {"ceiling": 1.5}}, "hazard.ceiling"),
        ({"hazard": {"quantiles": [0.5, 2]}}, "hazard.quantiles[1]"),
        ({"hazard": None}, "hazard"),
        ({"min_reps": [-1]}, "min_reps[0]"),
        ({"min_reps": [1.5]}, "min_reps[0]"),
        ({"min_reps": 3}, "min_reps"),
        ({"hold_minutes": [30, 0]}, "hold_minutes[1]"),
        ({"hold_minutes": [1e12]}, "hold_minutes[0]"),
        ({"exposure": [0]}, "exposure[0]"),
        ({"exposure_x": [101]}, "exposure_x[0]"),
        ({"stop_loss_pips": [None, -5]}, "stop_loss_pips[1]"),
        ({"trailing_pips": [float("inf")]}, "trailing_pips[0]"),
        ({"direction": ["momentun"]}, "direction[0]"),
        ({"guards": {"max_entropy": [float("nan")]}}, "guards.max_entropy[0]"),
    ],
)
def test_an_impossible_value_is_refused_with_its_path(default: dict[str, Any], path: str) -> None:
    assert refused(default).startswith(f"grid default.{path}: got ")


@pytest.mark.parametrize("key", ["min_trades", "max_cells"])
def test_a_bound_below_1_is_refused(key: str) -> None:
    with pytest.raises(ProfileError, match=rf"grid\.{key}: got 0; allowed: .*equal to 1"):
        load_grid({key: 0})


@pytest.mark.parametrize(
    "default",
    [
        {"hazard": {"quantiles": []}}, {"guards": {"min_stability": []}}, {"min_reps": []},
        {"min_reps_add": []}, {"hold_minutes": []}, {"exposure": []}, {"exposure_x": []},
        {"stop_loss_pips": []}, {"take_profit_pips": []}, {"trailing_pips": []},
        {"breakeven_pips": []}, {"direction": []},
    ],
    ids=str,
)  # fmt: skip
def test_an_empty_list_leaves_nothing_to_sweep_and_is_refused(default: dict[str, Any]) -> None:
    assert ": got []; allowed: a list of " in refused(default)


@pytest.mark.parametrize(
    ("one", "other"), [("min_reps", "min_reps_add"), ("exposure", "exposure_x")]
)
def test_two_keys_for_one_axis_exclude_each_other(one: str, other: str) -> None:
    text = refused({one: [1], other: [2]})
    assert text.startswith(f"grid default: got {one} [1], {other} [2]; allowed: one of {one} and")


def test_a_band_between_floor_and_ceiling_needs_room() -> None:
    text = refused({"hazard": {"floor": 0.1, "ceiling": 0.1}})
    assert text.startswith("grid default.hazard: got floor 0.1, ceiling 0.1; allowed: floor must")


def test_as_many_cells_as_max_cells_may_run_and_one_more_is_refused() -> None:
    names = ("EUR_USD", "USD_JPY")
    end = "2025-04-07T01:00:00Z"
    plans = {name: Plan((Stage(driver(name, end=end), None),)) for name in names}
    axes = {"hazard": {"points": 5}, "min_reps": [1, 2], "hold_minutes": [5, 10, 30]}
    exact = load_grid({"default": axes, "max_cells": 60})
    RunInputs.prepare(plans, exact, never).check_size()
    tight = load_grid({"default": axes, "max_cells": 59})
    words = (
        "^cells of the grid: got 60 over 2 instruments; allowed: at most max_cells, 59. Take values"
    )
    with pytest.raises(InputError, match=words):
        RunInputs.prepare(plans, tight, never).check_size()


# Overrides ---------------------------------------------------------------------------------------


def axes_of(default: dict[str, Any], own: dict[str, Any]) -> Axes:
    return load_grid({"default": default, "instruments": {"AUD_USD": own}}).axes("AUD_USD")


def test_an_instrument_overrides_the_default_key_by_key() -> None:
    axes = axes_of({"min_reps": [1], "hold_minutes": [5]}, {"hold_minutes": [9]})
    assert (axes.min_reps, axes.hold_minutes) == ((1,), (9.0,))


def test_other_instruments_keep_the_default() -> None:
    grid = load_grid({"default": {"min_reps": [1]}, "instruments": {"AUD_USD": {"min_reps": [2]}}})
    assert grid.axes("EUR_USD").min_reps == (1,)


def test_the_keys_of_a_band_are_overridden_one_by_one() -> None:
    axes = axes_of({"hazard": {"band": 0.03, "ceiling": 0.3}}, {"hazard": {"band": 0.05}})
    assert axes.hazard == HazardBand(band=0.05, ceiling=0.3)


def test_guards_are_overridden_one_by_one_and_null_takes_one_out() -> None:
    guards = {"min_stability": [0.1], "max_entropy": [0.9]}
    axes = axes_of({"guards": guards}, {"guards": {"min_stability": None, "min_coherence": [0.2]}})
    assert axes.guards == GuardAxes(max_entropy=(0.9,), min_coherence=(0.2,))


def test_null_gives_an_axis_back_to_the_profile() -> None:
    assert axes_of({"trailing_pips": [None, 5]}, {"trailing_pips": None}).trailing_pips is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("min_reps", "min_reps_add"), ("min_reps_add", "min_reps"), ("exposure", "exposure_x"),
     ("exposure_x", "exposure")],
)  # fmt: skip
def test_an_instruments_spelling_of_an_axis_replaces_the_defaults_other_one(
    one: str, other: str
) -> None:
    axes = axes_of({other: [2]}, {one: [1]})
    assert getattr(axes, other) is None
    assert getattr(axes, one) == (1,)


# Files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("default: [1\n", r"^grid g\.yaml: got while parsing a flow sequence.*allowed: YAML"),
        ("default: {}\ndefault: {}\n", r"^key of the grid, line 2: got default; .*each key once"),
        ("", r"^grid g\.yaml: got nothing; "),
        ("# only a comment\n", r"^grid g\.yaml: got nothing; "),
        ("- 1\n", r"^grid g\.yaml: got \[1\]; allowed: a mapping"),
        ("max_cells: many\n", r"^g\.yaml\.max_cells: got 'many'; "),
    ],
)
def test_a_broken_file_is_refused_by_its_name(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "g.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ProfileError, match=words):
        load_grid(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"^grid file: got .*none\.yaml; allowed: a readable"):
        load_grid(tmp_path / "none.yaml")


def test_a_file_is_read_by_its_path_or_its_name(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text("default: {min_reps: [2, 4]}\nmax_cells: 9\n", "utf-8")
    assert load_grid(file) == load_grid(str(file))
    assert load_grid(file) == GridSettings(default={"min_reps": [2, 4]}, max_cells=9)
