"""Equal inputs have one identity, and any change has another."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.canary.sizes import ROOT

import hotband
from hotband.artefacts import provenance
from hotband.artefacts.provenance import canonical_json, code_version, run_id_of
from hotband.errors import InputError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=12,
)
INPUTS: dict[str, Any] = {
    "window": ["2025-04-13T21:00:00Z", "2025-04-18T21:00:00Z"],
    "bars": {"EUR_USD": "a" * 64},
    "balance": 100_000.0,
    "seed": 7,
    "forced": False,
    "note": None,
}


def test_canonical_bytes_are_these() -> None:
    value = {"b": [1, 1.5, True, None, (0.1, 1e22)], "a": {"ü": "é\n", "A": -0.0}}
    expected = '{"a":{"A":-0.0,"ü":"é\\n"},"b":[1,1.5,true,null,[0.1,1e+22]]}'
    assert canonical_json(value) == expected.encode()


def test_a_run_id_is_this_one() -> None:
    """A change here means that no earlier run would be found again."""
    assert run_id_of({"seed": 7, "bars": {"EUR_USD": "ab"}}) == "c443d6e4179cd9d9"


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(turned) == canonical_json(value)


@given(JSON, JSON)
def test_two_values_share_their_bytes_only_if_they_read_the_same(a: Any, b: Any) -> None:
    assert (canonical_json(a) == canonical_json(b)) == (repr_of(a) == repr_of(b))


def repr_of(value: Any) -> str:
    if isinstance(value, dict):
        return f"mapping {sorted((key, repr_of(inner)) for key, inner in value.items())}"
    return repr([repr_of(inner) for inner in value]) if isinstance(value, list) else repr(value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("window", ["2025-04-13T21:00:00Z", "2025-04-18T21:00:01Z"]),
        ("bars", {"EUR_USD": "b" * 64}),
        ("bars", {"EUR_USD": "a" * 64, "USD_JPY": "a" * 64}),
        ("balance", np.nextafter(100_000.0, 0.0)),
        ("balance", 100_000),
        ("seed", 8),
        ("forced", True),
        ("note", ""),
        ("more", None),
    ],
)
def test_any_change_of_the_inputs_is_another_run(place: str, value: object) -> None:
    assert run_id_of(INPUTS | {place: value}) != run_id_of(INPUTS)


@given(st.dictionaries(st.text("ab"), JSON))
def test_a_run_id_is_sixteen_hex_digits(inputs: dict[str, Any]) -> None:
    found = run_id_of(inputs)
    assert len(found) == 16
    assert set(found) <= set("0123456789abcdef")
    assert found == run_id_of(dict(inputs))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"b": [0.0, math.nan]}}, r"inputs\.a\.b\[1\]: got nan; allowed: finite numbers"),
        ({"a": math.inf}, r"inputs\.a: got inf"),
        ({1: "x"}, "key in inputs: got 1; allowed: text"),
        ({"a": {None: 1}}, r"key in inputs\.a: got None"),
        ({"a": {1, 2}}, r"inputs\.a: got set; allowed: JSON values"),
        ({"a": np.int64(3)}, r"inputs\.a: got int64"),
        ({"a": Path("x")}, r"inputs\.a: got PosixPath"),
        ({"a": "\ud800"}, r"inputs\.a: got '\\ud800'; allowed: text that UTF-8"),
        ({"\ud800": 1}, r"key in inputs: got '\\ud800'"),
    ],
)
def test_what_has_no_canonical_form_is_refused_by_its_place(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        canonical_json(value)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package for ``code_version`` to read."""
    copy = tmp_path / "hotband"
    shutil.copytree(ROOT / "src" / "hotband", copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_PACKAGE", copy)
    return copy


def test_the_code_version_names_the_release_and_a_hash(package: Path) -> None:
    version, _, digest = code_version().partition("+")
    assert version == hotband.__version__
    assert len(digest) == 16
    assert package.is_dir()


@pytest.mark.parametrize(
    "file",
    [
        "artefacts/schemas.py",
        "core/fills.py",
        "gates/deriver.py",
        "market/data/instruments.yaml",
        "market/spreads.py",
        "profile/default.yaml",
        "profile/rules.py",
        "research/simulator.py",
        "stores/tabular.py",
    ],
)
def test_a_change_of_what_decides_results_is_another_version(package: Path, file: str) -> None:
    before = code_version()
    with (package / file).open("a", encoding="utf-8") as source:
        source.write("# changed\n")
    assert code_version() != before


def test_a_change_of_what_only_shows_results_is_the_same_version(package: Path) -> None:
    before = code_version()
    for file in ("cli/main.py", "report/tables.py"):
        with (package / file).open("a", encoding="utf-8") as source:
            source.write("# changed\n")
    assert code_version() == before
