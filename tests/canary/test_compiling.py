"""What :func:`hotband.core.jit.kernel` asks of the compiler, shown on kernels of one line."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from hotband.core import jit


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The real ``kernel``, compiling also where all others run uncompiled, into ``tmp_path``."""
    monkeypatch.setattr(jit.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(jit, "_CACHE", str(tmp_path))
    return jit.kernel


def test_sums_are_taken_in_the_order_in_which_they_are_written(kernel: Callable[..., Any]) -> None:
    """1e16 + 1 is 1e16 in float64; fast arithmetic would cancel the two and answer 1."""

    def gained(a: float, b: float) -> float:
        return (a + b) - a

    assert kernel(gained)(1e16, 1.0) == 0.0


def test_a_division_by_zero_is_infinite_or_undefined(kernel: Callable[..., Any]) -> None:
    def ratio(a: float, b: float) -> float:
        return a / b

    compiled = kernel(ratio)
    assert compiled(-1.0, 0.0) == -math.inf
    assert math.isnan(compiled(0.0, 0.0))


def test_a_kernel_that_allocates_is_refused(kernel: Callable[..., Any]) -> None:
    def made(n: int) -> Any:
        return np.zeros(n)

    with pytest.raises(numba.core.errors.NumbaError, match="Only accept returning of array passed"):
        kernel(made)(3)


def test_kernels_let_other_threads_run(kernel: Callable[..., Any]) -> None:
    def same(a: float) -> float:
        return a

    assert kernel(same).targetoptions["nogil"] is True


def test_compiled_code_is_kept_in_the_cache_folder_and_numbas_own_setting_stays(
    kernel: Callable[..., Any], tmp_path: Path
) -> None:
    def twice(a: float) -> float:
        return a + a

    before = jit.config.CACHE_DIR
    assert kernel(twice)(2.0) == 4.0
    assert jit.config.CACHE_DIR == before != str(tmp_path)
    assert [path.suffix for path in sorted(tmp_path.rglob("*.nb?"))] == [".nbc", ".nbi"]


@pytest.mark.parametrize(
    ("named", "below"), [("other", "other"), ("", "home/.cache"), (None, "home/.cache")]
)
def test_without_a_folder_of_its_own_compiled_code_is_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None, below: str
) -> None:
    monkeypatch.delenv("HOTBAND_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if named is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", named and str(tmp_path / named))
    wanted = tmp_path / below / "hotband" / "compiled" / jit.source_hash()
    assert jit.cache_folder() == wanted


def test_the_hash_of_the_sources_is_16_hex_digits() -> None:
    assert len(jit.source_hash()) == 16
    assert int(jit.source_hash(), 16) >= 0


def test_a_renamed_source_starts_a_new_cache_though_it_keeps_its_place_and_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core").mkdir()
    source = tmp_path / "core" / "swaps.py"
    source.write_text('"""New."""\n', encoding="utf-8")
    monkeypatch.setattr(jit, "_PACKAGE", tmp_path)
    before = jit.source_hash()
    source.rename(source.with_name("rolls.py"))
    assert jit.source_hash() != before
