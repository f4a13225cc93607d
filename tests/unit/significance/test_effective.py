"""Effective numbers of trials: analytic digits, the trap of few days, and laws."""

import jsharpe
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.research.significance import effective as e


def equal(n: int, rho: float) -> FloatArray:
    return (1.0 - rho) * np.eye(n) + rho


def noise(days: int, trials: int, seed: int = 5) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(days, trials))


def by_every_method(correlation: npt.ArrayLike, days: int | None = None) -> dict[str, float]:
    spectrum = e.spectrum_of_correlation(correlation, days)
    return {name: method(spectrum) for name, method in e.METHODS.items()}


@pytest.mark.parametrize(
    ("rho", "method", "wanted", "digit"),
    [
        (0.5, "participation", 3.88350, 5e-6),
        (0.5, "entropy", 19.447, 5e-4),
        (0.5, "galwey", 59.459, 5e-4),
        (0.5, "nyholt", 75.25, 1e-9),
        (0.5, "li_ji", 51.0, 1e-9),
        (0.5, "linear", 50.5, 1e-9),
        (0.9, "participation", 1.23168, 5e-6),
        (0.9, "entropy", 2.177, 5e-4),
        (0.9, "galwey", 16.645, 5e-4),
        (0.9, "nyholt", 19.81, 1e-9),
        (0.9, "li_ji", 11.0, 1e-9),
        (0.9, "linear", 10.9, 1e-9),
    ],
)
def test_a_hundred_equally_correlated_trials_have_the_reference_numbers(
    rho: float, method: str, wanted: float, digit: float
) -> None:
    assert by_every_method(equal(100, rho))[method] == pytest.approx(wanted, abs=digit)


def test_the_methods_disagree_fifteenfold() -> None:
    found = by_every_method(equal(100, 0.9))
    named = [found[name] for name in ("participation", "nyholt")]
    assert max(named) / min(named) > 15.0


def test_gao_counts_what_holds_more_than_the_share() -> None:
    # 50.5 + 98 x 0.5 is 99.5 % exactly, and not more.
    assert by_every_method(equal(100, 0.5))["gao"] == 100.0
    assert by_every_method(equal(100, 0.9))["gao"] == 96.0
    assert by_every_method(equal(200, 0.0))["gao"] == 200.0


def test_the_entropy_is_the_effective_rank_of_jsharpe() -> None:
    matrix = np.corrcoef(noise(12, 7), rowvar=False)
    found = by_every_method(matrix)["entropy"]
    assert found == pytest.approx(jsharpe.effective_rank(matrix), rel=1e-9)


def test_the_published_effective_rank_is_that_of_a_matrix_that_is_no_correlation() -> None:
    matrix = np.array([[1.0, 0.1, 0.7], [0.1, 1.0, 0.8], [0.7, 0.8, 1.0]])
    values = np.linalg.eigvalsh(matrix)[::-1]
    assert values[-1] < -0.01
    with pytest.raises(InputError, match="no negative eigenvalue"):
        e.spectrum_of_correlation(matrix)
    positive = np.maximum(values, 0.0)
    spectrum = e.Spectrum(positive * (3.0 / positive.sum()), 3, 0.0, None)
    assert e.entropy(spectrum) == pytest.approx(1.84020, abs=5e-6)
    assert e.entropy(spectrum) == pytest.approx(jsharpe.effective_rank(matrix), rel=1e-12)


@pytest.mark.parametrize("method", e.METHODS)
def test_unrelated_trials_count_each_and_equal_ones_once(method: str) -> None:
    most = 1.0 if method != "gao" else 0.99  # the last per cent of the variance is left out
    assert by_every_method(np.eye(50))[method] >= 50.0 * most - 1e-9
    assert by_every_method(np.ones((50, 50)))[method] == pytest.approx(1.0, abs=1e-9)
    assert by_every_method(np.eye(1))[method] == 1.0


@pytest.mark.parametrize(("days", "wanted"), [(5, 4.0), (20, 18.6), (260, 205.9)])
def test_few_days_hide_a_thousand_unrelated_trials_from_participation(
    days: int, wanted: float
) -> None:
    found = e.effective_trials(noise(days, 1000))["participation"]
    assert 1000 * (days - 1) / (1000 + days - 1) == pytest.approx(wanted, abs=0.2)
    assert found == pytest.approx(wanted, rel=0.03)


def corrected(days: int, seed: int) -> float:
    return e.effective_trials(noise(days, 1000, seed))["participation_corrected"]


@pytest.mark.parametrize("days", [20, 65, 260, 1300])
def test_the_corrected_participation_sees_all_thousand_of_them(days: int) -> None:
    # Its inverse is what is unbiased.
    inverses = [1.0 / corrected(days, seed) for seed in range(1 if days == 1300 else 3)]
    assert 1.0 / np.mean(inverses) == pytest.approx(1000.0, rel=0.05)


def test_the_corrected_participation_of_a_week_scatters_around_them() -> None:
    found = np.array([corrected(5, seed) for seed in range(100)])
    assert 1.0 / np.mean(1.0 / found) == pytest.approx(1000.0, rel=0.1)
    assert found.max() > 1.5 * found.min()


def test_the_corrected_participation_is_the_formula_of_the_page() -> None:
    pnl = noise(30, 12)
    r = np.corrcoef(pnl, rowvar=False)
    off = float((r**2).sum() - np.trace(r**2))
    wanted = 12**2 / (12 + off - 12 * 11 / 29)
    assert e.effective_trials(pnl)["participation_corrected"] == pytest.approx(wanted, rel=1e-10)
    assert by_every_method(r, 30)["participation_corrected"] == pytest.approx(wanted, rel=1e-10)


def test_known_correlations_need_no_correction() -> None:
    found = by_every_method(equal(100, 0.5))
    assert found["participation_corrected"] == found["participation"]


@pytest.mark.parametrize("size", range(2, 13))
def test_groups_of_copies_count_once_each_for_li_and_ji_despite_rounding(size: int) -> None:
    copies = np.kron(np.eye(7), np.ones((size, size)))
    order = np.random.default_rng(size).permutation(7 * size)
    found = by_every_method(copies[np.ix_(order, order)])["li_ji"]
    assert found == pytest.approx(7.0, abs=1e-6)


@pytest.mark.parametrize("method", e.METHODS)
@pytest.mark.parametrize(("days", "trials"), [(12, 40), (40, 12), (12, 12), (13, 12)])
def test_products_of_days_and_of_trials_give_the_same(method: str, days: int, trials: int) -> None:
    pnl = noise(days, trials) + noise(days, 1, 9)
    direct = by_every_method(np.corrcoef(pnl, rowvar=False), days)
    assert e.effective_trials(pnl)[method] == pytest.approx(direct[method], rel=1e-7)


def test_more_columns_than_fit_a_block_are_all_counted() -> None:
    pnl = noise(4, 20_000)
    spectrum = e.spectrum_of_pnl(pnl)
    assert (spectrum.trials, spectrum.days) == (20_000, 4)
    assert spectrum.eigenvalues.sum() == pytest.approx(20_000, rel=1e-12)
    unit = (pnl - pnl.mean(axis=0)) / pnl.std(axis=0) / 2.0
    mean = (float((unit.sum(axis=1) ** 2).sum()) - 20_000) / (20_000 * 19_999)
    assert spectrum.mean_correlation == pytest.approx(mean, abs=1e-12)


sizes = st.tuples(st.integers(3, 25), st.integers(1, 25), st.integers(0, 10**6))


@pytest.mark.parametrize("method", e.METHODS)
@settings(max_examples=25, deadline=None)
@given(sizes)
def test_the_order_of_trials_their_scale_and_their_sign_of_money_do_not_matter(
    method: str, size: tuple[int, int, int]
) -> None:
    days, trials, seed = size
    rng = np.random.default_rng(seed)
    pnl = noise(days, trials, seed) + noise(days, 1, seed + 1)
    other = pnl[:, rng.permutation(trials)] * rng.uniform(0.1, 1e6, trials) + 7.0
    found, again = e.effective_trials(pnl)[method], e.effective_trials(other)[method]
    assert again == pytest.approx(found, rel=1e-5)


@settings(max_examples=50, deadline=None)
@given(sizes)
def test_every_number_is_positive_and_none_but_the_corrected_exceeds_the_trials(
    size: tuple[int, int, int],
) -> None:
    days, trials, seed = size
    found = e.effective_trials(noise(days, trials, seed))
    assert all(np.isfinite(value) and value > 0.0 for value in found.values())
    bounded = {k: v for k, v in found.items() if k not in {"participation_corrected", "li_ji"}}
    assert max(bounded.values()) <= trials * (1.0 + 1e-9)
    assert found["participation"] <= found["entropy"] * (1.0 + 1e-9)
    assert found["entropy"] <= found["galwey"] * (1.0 + 1e-9)
    assert found["participation"] <= min(trials, days - 1) * (1.0 + 1e-9)


@pytest.mark.parametrize("method", ["participation", "entropy", "galwey", "nyholt", "linear"])
@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 0.98), st.floats(0.01, 0.5), st.integers(2, 40))
def test_more_correlation_leaves_fewer_trials(method: str, rho: float, more: float, n: int) -> None:
    less = by_every_method(equal(n, rho))[method]
    assert by_every_method(equal(n, rho + more * (1.0 - rho)))[method] <= less * (1.0 + 1e-12)


def test_a_copied_trial_adds_nothing_to_the_methods_of_shares() -> None:
    pnl = noise(60, 8)
    twice = e.effective_trials(np.concatenate([pnl, pnl], axis=1))
    once = e.effective_trials(pnl)
    for name in ("participation", "entropy", "galwey"):
        assert twice[name] == pytest.approx(once[name], rel=1e-7)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_the_unit_of_money_may_be_tiny_or_huge(scale: float) -> None:
    plain = e.effective_trials(noise(20, 5))
    assert e.effective_trials(noise(20, 5) * scale) == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_column_with_a_hole_is_refused_and_named(wrong: float) -> None:
    pnl = noise(20, 5)
    pnl[3, 2] = wrong
    with pytest.raises(InputError, match=r"daily PnL of the trials: got column 2; .* still counts"):
        e.effective_trials(pnl)


def test_a_constant_column_is_refused_and_named() -> None:
    pnl = noise(20, 5)
    pnl[:, 4] = 0.1
    with pytest.raises(InputError, match="got column 4; allowed: finite and not constant columns"):
        e.effective_trials(pnl)


@pytest.mark.parametrize("shape", [(1, 5), (5, 0), (5,)])
def test_a_table_without_days_or_trials_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="allowed: two or more days"):
        e.effective_trials(np.ones(shape))


@pytest.mark.parametrize(
    "matrix",
    [
        np.ones((2, 3)),
        np.array([[1.0, 0.5], [0.4, 1.0]]),
        np.array([[2.0, 0.5], [0.5, 2.0]]),
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.array([[1.0, np.nan], [np.nan, 1.0]]),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(matrix: FloatArray) -> None:
    with pytest.raises(InputError, match="correlation matrix of the trials: got shape"):
        e.spectrum_of_correlation(matrix)
