"""Codes, record layouts and the cache of compiled code keep what the pipeline rests on."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.canary.sizes import ROOT

from hotband.core import codes, jit, path, records, shared
from hotband.core.codes import REASONS
from hotband.gates import bit_window, emissions, encoder_state, metrics, runs
from hotband.research import sweep

CORE = ROOT / "src" / "hotband" / "core"
NOT_REASONS = {"OK", "GUARD_FIRST", "N_CODES", "N_GUARDS", "MASK_BITS"}
NUMBERS = {
    name: value
    for name, value in vars(codes).items()
    if name.isupper() and type(value) is int and name not in NOT_REASONS | {"HARD_MASK"}
}
LAYOUTS = {
    f"{module.__name__}.{name}": value
    for module in (
        records,
        shared,
        runs,
        bit_window,
        metrics,
        emissions,
        encoder_state,
        sweep,
    )
    for name, value in vars(module).items()
    if isinstance(value, np.dtype) and value.names
}


def test_every_code_is_given_to_one_reason_only() -> None:
    guards = [codes.GUARD_FIRST + i for i in range(2 * codes.N_GUARDS)]
    given = [*NUMBERS.values(), *guards]
    assert len(given) == len(set(given))
    assert set(given) == set(REASONS)
    assert all(reason.code == code for code, reason in REASONS.items())


def test_every_reason_has_a_name_of_its_own_and_a_text() -> None:
    names = [reason.name for reason in REASONS.values()]
    assert len(names) == len(set(names))
    for reason in REASONS.values():
        assert reason.name == reason.name.lower()
        assert reason.name.isidentifier()
        assert reason.text.strip()


def test_every_code_has_a_slot_of_the_refusal_counters() -> None:
    assert records.BOOK["refusals"].shape == (codes.N_CODES,)
    assert all(0 <= code < codes.N_CODES for code in REASONS)


def test_gating_reasons_are_bits_below_48_and_later_stages_are_not() -> None:
    gating = sorted(code for code in REASONS if code < 48)
    assert codes.names_in(sum(1 << bit for bit in gating)) == [REASONS[b].name for b in gating]
    for name, code in NUMBERS.items():
        assert (code < 48) == (code < codes.ORDER_PENDING), name
    assert codes.ORDER_PENDING >= 48
    assert codes.HARD_MASK & ~sum(1 << bit for bit in gating) == 0


@pytest.mark.parametrize("file", sorted(CORE.glob("*.py")), ids=lambda file: file.name)
def test_every_code_that_a_kernel_gives_has_its_reason(file: Path) -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "codes"
    }
    assert {name for name in used - NOT_REASONS if getattr(codes, name) not in REASONS} == set()


def fields(layout: "np.dtype[np.void]") -> Iterator[str]:
    yield from layout.names or ()


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_no_field_hides_behind_an_attribute_of_a_record(name: str) -> None:
    taken = set(dir(np.record)) | set(dir(np.recarray))
    assert taken & set(fields(LAYOUTS[name])) == set()


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_every_field_is_as_wide_as_its_machine_word_allows(name: str) -> None:
    layout = LAYOUTS[name]
    offsets = [layout.fields[field][1] for field in fields(layout)] if layout.fields else []
    widths = [layout[field].base.itemsize for field in fields(layout)]
    assert all(at % width == 0 for at, width in zip(offsets, widths, strict=True))
    assert layout.itemsize % 8 == 0


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package for ``source_hash`` to read."""
    copy = tmp_path / "hotband"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "hotband", copy, ignore=ignored)
    monkeypatch.setattr(jit, "_PACKAGE", copy)
    return copy


def test_the_same_sources_elsewhere_keep_their_compiled_code(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = jit.source_hash()
    monkeypatch.setattr(jit, "_PACKAGE", ROOT / "src" / "hotband")
    assert jit.source_hash() == copied
    assert package.is_dir()


def test_a_change_of_any_source_with_kernels_starts_a_new_cache(package: Path) -> None:
    """Numba does not see it: a cached caller would keep the old callee."""
    files = [f for f in package.rglob("*.py") if "@kernel" in f.read_text("utf-8")]
    files += (package / "core").glob("*.py")
    assert len(files) > 10
    seen = {jit.source_hash()}
    for file in files:
        with file.open("a", encoding="utf-8") as source:
            source.write("# changed\n")
        assert jit.source_hash() not in seen, file.name
        seen.add(jit.source_hash())


def test_a_new_or_renamed_core_source_starts_a_new_cache(package: Path) -> None:
    before = jit.source_hash()
    new = package / "core" / "swaps.py"
    new.write_text('"""New."""\n', encoding="utf-8")
    added = jit.source_hash()
    new.rename(new.with_name("rolls.py"))
    assert len({before, added, jit.source_hash()}) == 3


def test_the_cache_folder_is_named_by_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTBAND_CACHE", str(tmp_path))
    assert jit.cache_folder() == tmp_path / "compiled" / jit.source_hash()


def test_only_the_home_of_compile_flags_names_the_compiler() -> None:
    package = ROOT / "src" / "hotband"
    compiler = re.compile(r"^\s*(import|from) numba\b", re.MULTILINE)
    named = [f for f in package.rglob("*.py") if compiler.search(f.read_text("utf-8"))]
    assert named == [CORE / "jit.py"]


def test_kernels_compile_without_the_lock_and_without_fast_arithmetic() -> None:
    """Live and backtest must agree to the last bit."""
    options = getattr(path.path, "targetoptions", None)
    if options is None:
        pytest.skip("kernels run uncompiled here: NUMBA_DISABLE_JIT is set")
    assert options["nogil"] is True
    assert not options["fastmath"]
    assert options["error_model"] == "numpy"
