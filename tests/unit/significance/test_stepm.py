"""The step-down by the re-studentised largest t: against its twin, its laws, and known truths."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from tests.naive.naive_stepm import adjusted_p, t_of
from tests.unit.significance.digests import digest, grid

from hotband.errors import InputError
from hotband.research.significance.bootstrap import stationary_counts
from hotband.research.significance.stepm import StepDown, step_down

QUICK = settings(max_examples=25, deadline=None)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    days = draw(st.integers(22, 40))
    columns = draw(st.integers(1, 8))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    pnl = rng.standard_t(3, (days, columns)) + draw(st.floats(-0.3, 0.8))
    return pnl, stationary_counts(days, draw(st.integers(1, 60)), 2.0, seed)


def same(one: StepDown, other: StepDown) -> None:
    np.testing.assert_array_equal(one.p, other.p)
    np.testing.assert_array_equal(one.rejected, other.rejected)
    np.testing.assert_array_equal(one.dropped, other.dropped)
    assert one.steps == other.steps


def standardised(days: int, columns: int, seed: int) -> np.ndarray:
    """Columns of mean 0 and deviation 1, exactly uncorrelated."""
    x = np.random.default_rng(seed).standard_normal((days, columns))
    q = np.linalg.qr(x - x.mean(axis=0))[0]
    return np.asarray(q * np.sqrt(days - 1.0))


@given(worlds())
@QUICK
def test_the_step_down_is_its_slow_twin(world: tuple[np.ndarray, np.ndarray]) -> None:
    pnl, counts = world
    found = step_down(pnl, counts)
    np.testing.assert_array_equal(found.p, adjusted_p(pnl, counts))
    np.testing.assert_allclose(found.t, [t_of(x) for x in pnl.T], rtol=1e-9, atol=1e-12)


def test_a_grid_of_many_chunks_is_its_slow_twin() -> None:
    rng = np.random.default_rng(3)
    pnl = rng.standard_normal((24, 2100)) + 0.1
    counts = stationary_counts(24, 515, 1.5, 3)
    found = step_down(pnl, counts)
    order = np.argsort(-found.t)
    z = (pnl - pnl.mean(axis=0)) / pnl.std(axis=0, ddof=1)
    mean = counts @ z / 24
    star = (mean * np.sqrt(23 / (counts @ z**2 / 24 - mean**2)))[:, order]
    maxima = np.maximum.accumulate(star[:, ::-1], axis=1)[:, ::-1]
    reached = (maxima >= found.t[order]).sum(axis=0)
    want = np.maximum.accumulate((1 + reached) / 516)
    np.testing.assert_allclose(found.p[order], want, atol=1 / 516 + 1e-12)
    assert (found.p[order] == want).mean() > 0.999


@pytest.mark.parametrize("seed", [1, 2])
def test_independent_columns_have_the_p_of_the_closed_form(seed: int) -> None:
    """T = 1000, ten columns, one at t = 3: p = 1 - Phi(3)^10 = 0.013417."""
    pnl = standardised(1000, 10, seed)
    pnl[:, 4] += 3.0 / np.sqrt(1000.0)
    draws = 20_000
    found = step_down(pnl, stationary_counts(1000, draws, 1.0, seed))
    want = 1.0 - ndtr(3.0) ** 10
    assert want == pytest.approx(0.013417, abs=5e-7)
    assert found.t[4] == pytest.approx(3.0, rel=1e-12)
    assert found.p[4] == pytest.approx(want, abs=4 * np.sqrt(want / draws) + 0.0005)
    assert found.rejected.tolist() == [j == 4 for j in range(10)]
    assert found.steps == 2


def test_arch_divides_nothing_by_a_deviation_and_ours_does() -> None:
    """One column with t = 4.5 among fifty with ten times its volatility."""
    from arch.bootstrap import SPA

    pnl = standardised(260, 51, 5)
    pnl[:, 1:] *= 10.0
    pnl[:, 0] += 4.5 / np.sqrt(260.0)
    trapped = []
    for studentize in (True, False):
        spa = SPA(np.zeros(260), -pnl, reps=300, block_size=1, studentize=studentize, seed=7)
        spa.compute()
        trapped.append(float(spa.pvalues["upper"]))
    assert trapped[0] == trapped[1] > 0.5
    found = step_down(pnl, stationary_counts(260, 999, 1.0, 7))
    assert found.rejected.tolist() == [j == 0 for j in range(51)]
    assert found.p[0] <= 0.003


def test_arch_agrees_on_standardised_columns() -> None:
    from arch.bootstrap import SPA

    pnl = standardised(1000, 10, 9)
    pnl[:, 2] += 2.2 / np.sqrt(1000.0)
    spa = SPA(np.zeros(1000), -pnl, reps=2000, block_size=1, seed=9)
    spa.compute()
    found = step_down(pnl, stationary_counts(1000, 4999, 1.0, 9))
    assert found.p[2] == pytest.approx(float(spa.pvalues["upper"]), abs=0.04)


def test_a_missing_value_is_a_p_of_zero_for_arch_and_refused_by_ours() -> None:
    from arch.bootstrap import SPA

    pnl = standardised(60, 5, 11)
    pnl[17, 3] = np.nan
    spa = SPA(np.zeros(60), -pnl, reps=50, block_size=1, seed=11)
    with np.errstate(invalid="ignore"):
        spa.compute()
    assert spa.pvalues.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(InputError, match="pnl of column 3: got NaN, infinity or a number above"):
        step_down(pnl, stationary_counts(60, 9, 1.0, 1))


def skewed(rng: np.random.Generator, days: int, columns: int) -> np.ndarray:
    """Mean 0, skewness -2: many small wins, now and then a large loss."""
    return 1.0 - rng.standard_exponential((days, columns))


@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_noise_is_promoted_at_most_as_often_as_it_may_be(shape: str) -> None:
    """20 days, 50 columns, 300 worlds at 5 %: at most 27 is 3 standard errors above."""
    promoted = {"boot-t": 0, "fixed": 0}
    for world in range(300):
        rng = np.random.default_rng([world, 20])
        draw = rng.standard_normal((20, 50)) if shape == "normal" else skewed(rng, 20, 50)
        counts = stationary_counts(20, 199, 1.0, world)
        found = step_down(draw, counts, min_active=0)
        promoted["boot-t"] += bool(found.rejected.any())
        fixed = np.sqrt(20) * (counts @ draw / 20 - draw.mean(axis=0)) / draw.std(axis=0, ddof=1)
        p = (1 + (fixed.max(axis=1) >= found.t.max()).sum()) / 200
        promoted["fixed"] += bool(p <= 0.05)
    assert promoted["boot-t"] <= 27
    assert promoted["fixed"] > 27  # the trap of a deviation that stays as it is


def test_a_strong_edge_is_found_and_only_it() -> None:
    rng = np.random.default_rng(13)
    pnl = rng.standard_normal((260, 300))
    pnl[:, [7, 200]] += 0.5
    found = step_down(pnl, stationary_counts(260, 999, 1.0, 13))
    assert np.flatnonzero(found.rejected).tolist() == [7, 200]
    assert found.p[7] == found.p[200] == 1 / 1000
    assert found.steps == 3


@given(worlds(), st.randoms(use_true_random=False))
@QUICK
def test_the_order_of_the_columns_does_not_matter(
    world: tuple[np.ndarray, np.ndarray], random: "np.random.Generator"
) -> None:
    pnl, counts = world
    turn = list(range(pnl.shape[1]))
    random.shuffle(turn)
    one, other = step_down(pnl, counts), step_down(pnl[:, turn], counts)
    np.testing.assert_array_equal(one.p[turn], other.p)
    np.testing.assert_array_equal(one.t[turn], other.t)


@given(worlds(), st.lists(st.integers(-30, 30), min_size=8, max_size=8))
@QUICK
def test_the_unit_of_a_column_does_not_matter(
    world: tuple[np.ndarray, np.ndarray], powers: list[int]
) -> None:
    pnl, counts = world
    scale = 2.0 ** np.array(powers[: pnl.shape[1]])
    same(step_down(pnl, counts), step_down(pnl * scale, counts))


@given(worlds(), st.integers(0, 8), st.sampled_from([0.0, 0.1, -3.0]))
@QUICK
def test_a_constant_column_changes_nothing_but_that_it_is_counted(
    world: tuple[np.ndarray, np.ndarray], at: int, value: float
) -> None:
    pnl, counts = world
    at = min(at, pnl.shape[1])
    more = np.insert(pnl, at, value, axis=1)
    one, other = step_down(pnl, counts), step_down(more, counts)
    assert bool(other.dropped[at])
    assert np.isnan(other.p[at])
    assert np.isnan(other.t[at])
    np.testing.assert_array_equal(one.p, np.delete(other.p, at))
    assert (len(other.p), one.steps) == (len(one.p) + 1, other.steps)


@given(worlds())
@QUICK
def test_a_smaller_t_never_has_a_smaller_p(world: tuple[np.ndarray, np.ndarray]) -> None:
    found = step_down(*world)
    order = np.argsort(-found.t, kind="stable")
    assert (np.diff(found.p[order]) >= 0.0).all()
    assert found.p.min() >= 1 / (found.draws + 1)
    assert found.p.max() <= 1.0


@given(worlds())
@QUICK
def test_leaving_out_a_rival_never_raises_a_p(world: tuple[np.ndarray, np.ndarray]) -> None:
    pnl, counts = world
    whole = step_down(pnl, counts)
    for j in range(pnl.shape[1] - 1):
        less = step_down(np.delete(pnl, j, axis=1), counts)
        kept = np.delete(whole.p, j)
        above = np.delete(whole.t, j) > whole.t[j]
        assert (less.p[above] <= kept[above]).all()


def test_equal_columns_have_equal_p() -> None:
    pnl = grid(60, 6)[:, [0, 1, 1, 2, 1, 3]]
    found = step_down(pnl, stationary_counts(60, 99, 1.0, 2))
    assert found.p[1] == found.p[2] == found.p[4]


def test_a_resample_without_spread_counts_against_all_that_it_is_compared_with() -> None:
    pnl = np.column_stack([np.tile([1.0, -1.0], 11), np.tile([3.0, -1.0], 11)])
    highest, lowest = np.zeros((2, 22), np.int32)
    highest[0], lowest[1] = 22, 22
    for weight, p in ((highest, 1.0), (lowest, 0.5)):
        assert step_down(pnl, weight[None]).p.tolist() == [p, p]


def test_columns_with_few_active_days_are_dropped() -> None:
    pnl = grid(60, 4)
    pnl[19:, 1] = 0.0
    pnl[:19, 1] = np.arange(1.0, 20.0)
    pnl[:, 2] = 0.0
    pnl[:20, 2] = np.arange(1.0, 21.0)
    counts = stationary_counts(60, 99, 1.0, 2)
    assert step_down(pnl, counts).dropped.tolist() == [False, True, False, False]
    assert not step_down(pnl, counts, min_active=19).dropped.any()
    given_days = np.array([5, 60, 60, 20])
    found = step_down(pnl, counts, active_days=given_days)
    assert found.dropped.tolist() == [True, False, False, False]


def test_a_grid_of_which_nothing_is_left_has_no_steps() -> None:
    found = step_down(np.zeros((60, 3)), stationary_counts(60, 9, 1.0, 2))
    assert found.dropped.all()
    assert not found.rejected.any()
    assert found.steps == 0


def test_rounding_of_a_constant_column_is_no_spread() -> None:
    pnl = grid(60, 2)
    pnl[:, 1] = 0.1 + np.where(np.arange(60) % 2, 0.0, 1e-16)
    found = step_down(pnl, stationary_counts(60, 9, 1.0, 2))
    assert found.dropped.tolist() == [False, True]


def test_a_memory_map_of_float32_by_rows_or_columns_gives_the_same_bytes(tmp_path: Path) -> None:
    pnl = grid(60, 1500).astype(np.float32)
    counts = stationary_counts(60, 99, 1.0, 2)
    np.save(tmp_path / "rows.npy", pnl)
    np.save(tmp_path / "columns.npy", np.ascontiguousarray(pnl.T))
    whole = step_down(pnl.astype(np.float64), counts)
    same(whole, step_down(np.load(tmp_path / "rows.npy", mmap_mode="r"), counts))
    same(whole, step_down(np.load(tmp_path / "columns.npy", mmap_mode="r").T, counts))


SUMS = """
import numpy as np
from tests.unit.significance.digests import digest, grid
from hotband.research.significance.bootstrap import stationary_counts
from hotband.research.significance.stepm import step_down
found = step_down(grid(260, 300), stationary_counts(260, 600, 2.0, 4))
print(digest(), hash(found.p.tobytes()))
"""


def child(code: str, **environment: str) -> str:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "1", **environment},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_number_of_threads_and_the_kind_of_processor_change_no_byte() -> None:
    one = child(SUMS, OPENBLAS_NUM_THREADS="1", OPENBLAS_CORETYPE="Nehalem")
    two = child(SUMS, OPENBLAS_NUM_THREADS="2")
    assert one == two


def test_uncompiled_kernels_give_the_same_bytes() -> None:
    code = "from tests.unit.significance.digests import digest; print(digest())"
    assert child(code, NUMBA_DISABLE_JIT="1") == digest()


COUNTS = stationary_counts(30, 5, 1.0, 1)
PNL = grid(30, 2)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((PNL[0], COUNTS), r"pnl: got shape \(2,\); allowed: \(T, N\), T >= 2, N >= 1"),
        ((PNL[:, :0], COUNTS), r"pnl: got shape \(30, 0\)"),
        ((PNL, COUNTS[:, 1:]), r"counts: got shape \(5, 29\); allowed: \(B, 30\)"),
        ((PNL, COUNTS[:0]), r"counts: got shape \(0, 30\)"),
        ((PNL, COUNTS + 1), "counts: got other sums; allowed: rows that sum to 30"),
        ((PNL, COUNTS, 0.0), "alpha: got 0.0; allowed: above 0 and below 1"),
        ((PNL, COUNTS, float("nan")), "alpha: got nan"),
        ((PNL, COUNTS, 0.05, 20, np.ones(3, int)), r"active_days: got shape \(3,\), int64"),
        ((PNL, COUNTS, 0.05, 20, np.ones(2)), r"active_days: got shape \(2,\), float64"),
    ],
)
def test_what_cannot_be_tested_is_refused(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(InputError, match=text):
        step_down(*arguments)
