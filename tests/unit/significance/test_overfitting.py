"""The probability of backtest overfitting: published digits, its twin, libraries and laws."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from tests.naive import naive_cscv
from tests.unit.significance.digests import grid

from hotband.errors import InputError
from hotband.research.significance.overfitting import Overfitting, cscv, null_spread

QUICK = settings(max_examples=25, deadline=None)

BY_HAND = np.array(
    [[1, 2, -1], [3, 0, 1], [-2, 1, 0], [0, 3, 2], [2, -1, 1], [4, 1, -1], [-1, 2, 3], [1, 0, 1]],
    np.float64,
)


def r_normals(seed: int, n: int) -> np.ndarray:
    """The first ``n`` of R's rnorm after set.seed: MT19937 and inversion."""
    x = seed
    for _ in range(50):
        x = (69069 * x + 1) % 2**32
    key = np.empty(625, np.uint32)
    for k in range(625):
        x = (69069 * x + 1) % 2**32
        key[k] = x
    generator = np.random.MT19937()
    state = generator.state
    state["state"] = {"key": key[1:], "pos": 624}
    generator.state = state
    u = generator.random_raw(2 * n) * 2.3283064365386963e-10
    return np.asarray(ndtri((np.floor(2**27 * u[::2]) + u[1::2]) / 2**27))


def r_fit(found: Overfitting) -> tuple[float, float]:
    """What R's pbo calls "slope" (the intercept of inside on outside) and its adjusted R^2."""
    _, intercept = np.polyfit(found.oos_sharpe, found.is_sharpe, 1)
    explained = np.corrcoef(found.oos_sharpe, found.is_sharpe)[0, 1] ** 2
    adjusted = 1 - (1 - explained) * (found.combos - 1) / (found.combos - 2)
    return float(intercept), float(adjusted)


def r_vignette() -> np.ndarray:
    """One hundred columns over 2,400 days, each of mean 0, less a rate of 3 % a year."""
    m = r_normals(765, 240_000).reshape(100, 2400).T
    m = m / 252**0.5 / m.std(axis=0, ddof=1)
    return np.asarray(m - m.mean(axis=0) - 0.03 / 252)


def same(one: Overfitting, other: Overfitting) -> None:
    for name in ("best", "is_sharpe", "oos_sharpe", "logits"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.pbo, one.slope, one.p_loss) == (other.pbo, other.slope, other.p_loss)


def test_the_normals_of_r_are_reproduced() -> None:
    np.testing.assert_allclose(r_normals(123, 3), [-0.56047565, -0.23017749, 1.55870831], atol=5e-9)


@pytest.mark.parametrize(
    ("blocks", "intercept", "adjusted"), [(8, -0.00304559, 0.97142), (4, -0.00590884, 0.88187)]
)
def test_the_vignette_of_r_pbo_is_reproduced(
    blocks: int, intercept: float, adjusted: float
) -> None:
    found = cscv(r_vignette(), blocks)
    assert (found.pbo, found.p_loss) == (1.0, 1.0)
    got = r_fit(found)
    assert got[0] == pytest.approx(intercept, abs=5e-9)
    assert got[1] == pytest.approx(adjusted, abs=5e-6)


def test_our_slope_is_that_of_outside_on_inside() -> None:
    assert cscv(r_vignette(), 8).slope == pytest.approx(-0.998014, abs=5e-7)


def test_the_package_tests_of_r_pbo_are_reproduced() -> None:
    found = cscv(r_normals(852, 8000).reshape(200, 40) - 0.03 / 252, 4)
    assert found.pbo == 0.5
    np.testing.assert_allclose(r_fit(found), [0.198170, -0.234421], atol=5e-7)


def test_eight_days_by_hand() -> None:
    found = cscv(BY_HAND, 4)
    assert found.best.tolist() == [1, 0, 1, 1, 1, 0]
    np.testing.assert_allclose(found.logits, np.log([1 / 3, 1 / 3, 3, 3, 1, 1 / 3]), atol=1e-15)
    assert found.pbo == 4 / 6
    assert found.p_loss == 1 / 6
    assert (found.combos, found.columns, found.days_dropped) == (6, 3, 0)


def test_a_logit_of_zero_is_overfit_here_and_for_phacker_but_not_for_purgedcv() -> None:
    import phacker.cscv
    import purgedcv

    assert phacker.cscv.cscv(BY_HAND, 4)[0] == cscv(BY_HAND, 4).pbo == 4 / 6
    other = purgedcv.probability_of_backtest_overfitting(BY_HAND.T, 4)
    assert other.pbo == 0.5
    np.testing.assert_allclose(cscv(BY_HAND, 4).logits, other.logits[::-1], atol=1e-15)


def test_r_ranks_over_n_without_one_more_and_so_finds_less() -> None:
    w = 1 / (1 + np.exp(-cscv(BY_HAND, 4).logits)) * 4 / 3
    assert (w <= 0.5).mean() == 0.5


@pytest.mark.parametrize("blocks", [2, 6, 10])
def test_phacker_and_purgedcv_agree_where_nothing_ties(blocks: int) -> None:
    import phacker.cscv
    import purgedcv

    pnl = np.random.default_rng(blocks).standard_normal((120, 14)) + 0.05
    found = cscv(pnl, blocks)
    pbo, logits = phacker.cscv.cscv(pnl, blocks)
    np.testing.assert_allclose(found.logits, logits, atol=1e-14)
    assert found.pbo == pbo
    other = purgedcv.probability_of_backtest_overfitting(pnl.T, blocks)
    np.testing.assert_allclose(
        np.column_stack([found.is_sharpe, found.oos_sharpe]),
        other.is_oos_performance[::-1],
        rtol=1e-9,
    )
    if blocks > 2:
        assert found.slope == pytest.approx(other.slope, rel=1e-9)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    blocks = draw(st.sampled_from([2, 4, 6]))
    days = draw(st.integers(8 * blocks, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns = draw(st.integers(2, 9))
    flat = rng.random((days, columns)) < draw(st.sampled_from([0.0, 0.3]))
    pnl = np.where(flat, 0.0, rng.standard_normal((days, columns)))
    unused = days % blocks
    pnl[unused], pnl[unused + 1] = rng.standard_normal((2, columns))
    return pnl, blocks


@given(worlds())
@QUICK
def test_the_search_is_its_slow_twin(world: tuple[np.ndarray, int]) -> None:
    found, twin = cscv(*world), naive_cscv.cscv(*world)
    assert found.best.tolist() == twin.best
    np.testing.assert_allclose(found.is_sharpe, twin.inside, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.oos_sharpe, twin.outside, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.logits, twin.logits, atol=1e-14)
    assert found.pbo == twin.pbo


def test_a_grid_of_many_tiles_is_the_same_with_any_number_of_threads() -> None:
    pnl = grid(60, 700)
    one = cscv(pnl, 8, 1)
    for threads in (2, 3, 50):
        same(one, cscv(pnl, 8, threads))
    twin = naive_cscv.cscv(pnl[:, :200], 4)
    assert cscv(pnl[:, :200], 4).best.tolist() == twin.best
    np.testing.assert_allclose(cscv(pnl[:, :200], 4).logits, twin.logits, atol=1e-14)


@given(worlds(), st.lists(st.integers(-30, 30), min_size=9, max_size=9))
@QUICK
def test_the_unit_of_a_column_does_not_matter(
    world: tuple[np.ndarray, int], powers: list[int]
) -> None:
    pnl, blocks = world
    same(cscv(pnl, blocks), cscv(pnl * 2.0 ** np.array(powers[: pnl.shape[1]]), blocks))


@given(worlds(), st.integers(0, 9))
@QUICK
def test_copies_and_constants_change_nothing_but_that_they_are_counted(
    world: tuple[np.ndarray, int], at: int
) -> None:
    pnl, blocks = world
    copy = pnl[:, [at % pnl.shape[1]]]
    more = np.hstack([pnl, copy, np.full((len(pnl), 1), 0.25), copy, 0.0 * copy])
    one, other = cscv(pnl, blocks), cscv(more, blocks)
    same(one, other)
    assert (other.columns, other.constant) == (pnl.shape[1] + 4, 2)
    assert other.duplicates == one.duplicates + 2


@given(worlds(), st.randoms(use_true_random=False))
@QUICK
def test_the_order_of_columns_changes_only_their_names(
    world: tuple[np.ndarray, int], random: "np.random.Generator"
) -> None:
    pnl, blocks = world
    turn = list(range(pnl.shape[1]))
    random.shuffle(turn)
    one, other = cscv(pnl, blocks), cscv(pnl[:, turn], blocks)
    np.testing.assert_array_equal(one.is_sharpe, other.is_sharpe)
    if (np.abs(one.oos_sharpe) > 0.0).all():  # flat columns tie, and the first is the best
        np.testing.assert_array_equal(one.best, np.array(turn)[other.best])


@given(worlds())
@QUICK
def test_one_half_is_the_other_half_of_the_opposite_choice(world: tuple[np.ndarray, int]) -> None:
    found = cscv(*world)
    assert (found.is_sharpe >= found.oos_sharpe[::-1] - 1e-12).all()
    assert found.combos == len(found.best)


def test_the_oldest_days_that_fill_no_block_are_left_out() -> None:
    pnl = grid(43, 6)
    found = cscv(pnl, 4)
    assert found.days_dropped == 3
    same(found, cscv(pnl[3:], 4))


def test_of_equally_good_columns_the_first_is_taken() -> None:
    best = np.array([1.0, 2.0] * 4)
    pnl = np.column_stack([-best, best, best[::-1], best[[1, 0, 1, 0, 0, 1, 0, 1]]])
    assert set(cscv(pnl, 4).best.tolist()) == {1}


def test_columns_with_one_active_day_in_a_half_tie_whatever_it_brought() -> None:
    first, second = np.diag([0.1, 0.7, 1.3, 2.9]), np.diag([5.7, 0.3, 1.1, 0.9])
    found = cscv(np.vstack([first, second]), 2)
    assert found.best.tolist() == [0, 0]
    assert found.logits.tolist() == [0.0, 0.0]


def test_an_edge_that_lasts_is_not_overfit() -> None:
    pnl = np.random.default_rng(3).standard_normal((260, 50))
    pnl[:, 17] += 0.5
    found = cscv(pnl, 8)
    assert (found.pbo, found.p_loss) == (0.0, 0.0)
    assert set(found.best.tolist()) == {17}


def test_columns_between_which_there_is_no_choice_have_no_probability() -> None:
    found = cscv(np.column_stack([BY_HAND[:, 0], np.zeros(8), BY_HAND[:, 0]]), 4)
    assert (found.pbo, found.slope, found.p_loss) == (None, None, None)
    assert (found.columns, found.constant, found.duplicates, len(found.logits)) == (3, 1, 1, 0)


def test_a_slope_over_one_ratio_is_undefined() -> None:
    x = np.tile([1.0, 2.0], 4)
    assert cscv(np.column_stack([x, -x]), 4).slope is None


def test_a_memory_map_of_float32_gives_the_same_bytes(tmp_path: Path) -> None:
    pnl = grid(64, 1100).astype(np.float32)
    np.save(tmp_path / "columns.npy", np.ascontiguousarray(pnl.T))
    mapped = np.load(tmp_path / "columns.npy", mmap_mode="r").T
    same(cscv(pnl.astype(np.float64), 4), cscv(mapped, 4))


@pytest.mark.parametrize(
    ("columns", "runs", "low", "high"), [(100, 150, 0.12, 0.20), (1000, 60, 0.07, 0.15)]
)
def test_noise_spreads_as_it_was_measured(columns: int, runs: int, low: float, high: float) -> None:
    """The mean is one half; deviations of about 0.16 at 100 and 0.106 at 1,000 columns."""
    null = null_spread(columns, 256, 8, seed=5, runs=runs)
    assert null.mean == pytest.approx(0.5, abs=4 * null.sd / runs**0.5 + 0.02)
    assert low < null.sd < high
    assert (null.columns, len(null.pbo)) == (columns, runs)


def test_noise_of_block_sums_is_that_of_days() -> None:
    rng = np.random.default_rng(8)
    searches = [cscv(rng.standard_normal((64, 20)), 4) for _ in range(400)]
    whole = [(found.logits <= 0.0).mean() for found in searches]
    null = null_spread(20, 64, 4, seed=8, runs=400)
    error = (np.var(whole) / 400 + null.sd**2 / 400) ** 0.5
    assert abs(null.mean - np.mean(whole)) < 4 * error
    assert null.sd == pytest.approx(np.std(whole, ddof=1), rel=0.2)


def test_noise_is_fixed_by_its_seed_and_bounded_in_columns() -> None:
    one, other = (null_spread(10**6, 64, 4, seed=2, runs=2, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.pbo, other.pbo)
    assert one.columns == 1000
    assert not np.array_equal(one.pbo, null_spread(10**6, 64, 4, seed=3, runs=2).pbo)


@pytest.mark.parametrize(
    ("pnl", "blocks", "text"),
    [
        (BY_HAND, 3, "blocks: got 3; allowed: an even number from 2 to 20"),
        (BY_HAND, 0, "blocks: got 0"),
        (np.ones((90, 3)), 22, "blocks: got 22"),
        (BY_HAND, 6, r"pnl: got shape \(8, 3\); allowed: \(T, N\), T >= 12 for 6 blocks, N >= 1"),
        (BY_HAND[0], 4, r"pnl: got shape \(3,\)"),
        (np.where(BY_HAND == 3.0, np.nan, BY_HAND), 4, "pnl of column 0: got NaN, infinity or a"),
        (np.where(BY_HAND == 4.0, np.inf, BY_HAND), 4, "pnl of column 0: got NaN, infinity or a"),
    ],
)
def test_what_cannot_be_cut_into_blocks_is_refused(pnl: np.ndarray, blocks: int, text: str) -> None:
    with pytest.raises(InputError, match=text):
        cscv(pnl, blocks)


@pytest.mark.parametrize(("columns", "runs"), [(1, 9), (9, 1)])
def test_noise_without_a_spread_is_refused(columns: int, runs: int) -> None:
    with pytest.raises(InputError, match="got 1; allowed: a whole number from 2"):
        null_spread(columns, 64, 4, 1, runs)
