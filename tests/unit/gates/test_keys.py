"""Signal keys: the same number everywhere, for a text and for a column of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.gates.keys import key_of, keys_of

NUMBERS = st.integers(0, 10**18 - 1)


def test_a_key_is_the_same_everywhere_and_never_zero_for_a_text() -> None:
    assert key_of("EUR_USD:c0.214_s0.000_e0.944") == 8525734879329685282
    assert key_of("gate:EUR_USD:1770000000000") == 2979160013427328113
    assert key_of("a") != key_of("b")
    assert key_of("") == 0


@given(st.text(min_size=1))
def test_keys_have_63_bits(text: str) -> None:
    assert 0 < key_of(text) < 2**63


@given(head=st.text(), numbers=st.lists(NUMBERS, min_size=1, max_size=20))
def test_a_column_of_keys_is_that_of_its_texts(head: str, numbers: list[int]) -> None:
    texts = [f"{head}:{number}" for number in numbers]
    assert keys_of(head, np.array(numbers)).tolist() == [key_of(text) for text in texts]


@pytest.mark.parametrize("tail", ["", "x", "-1", "+1", "1.0", " 1", "01", "00", "1" * 19, "\u0661"])
def test_what_is_no_plain_number_is_hashed_as_text(tail: str) -> None:
    keys = {key_of(f"gate:EUR_USD:{tail}"), key_of("gate:EUR_USD:1"), key_of("gate:EUR_USD:0")}
    assert len(keys) == 3


def test_a_million_keys_are_a_million_keys() -> None:
    keys = keys_of("gate:EUR_USD", 1_770_000_000_000 + 60_000 * np.arange(1_000_000))
    others = keys_of("gate:GBP_USD", 1_770_000_000_000 + 60_000 * np.arange(1_000_000))
    assert len(np.unique(np.r_[keys, others])) == 2_000_000
