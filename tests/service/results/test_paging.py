"""Pages cover a frame once, in a stable order, and cursors cannot be made up."""

import base64
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.errors import InputError
from hotband.service.results.paging import PageRequest, Scope, sliced

SCOPE = Scope("0123456789abcdef", "trades EUR_USD")
KEYS = st.lists(st.one_of(st.none(), st.integers(-3, 3).map(float)), max_size=30)


def frame(keys: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"id": range(len(keys)), "key": keys}, {"id": pl.Int64, "key": pl.Float64})


def walked(found: pl.DataFrame, request: PageRequest) -> list[tuple[int, float | None]]:
    """All rows, page after page."""
    rows: list[tuple[int, float | None]] = []
    cursor: str | None = None
    while True:
        page = sliced(
            found, PageRequest(request.sort, request.descending, request.limit, cursor), SCOPE
        )
        rows += page.rows.rows()
        assert page.total == found.height
        if page.next is None:
            return rows
        cursor = page.next


def first_cursor(request: PageRequest, scope: Scope = SCOPE) -> str:
    found = sliced(frame([3.0, 1.0, 2.0]), request, scope).next
    assert found is not None
    return found


@given(KEYS, st.booleans(), st.integers(1, 7))
def test_pages_hold_every_row_once_by_key_and_number_with_nulls_last(
    keys: list[float | None], descending: bool, limit: int
) -> None:
    sign = -1.0 if descending else 1.0
    wanted = sorted(
        enumerate(keys), key=lambda row: (row[1] is None, sign * (row[1] or 0.0), row[0])
    )
    assert walked(frame(keys), PageRequest("key", descending, limit)) == wanted


@given(KEYS, st.integers(1, 7))
def test_without_a_sort_pages_follow_the_file(keys: list[float | None], limit: int) -> None:
    assert walked(frame(keys), PageRequest(limit=limit)) == list(enumerate(keys))


def test_a_page_of_just_the_last_rows_has_no_next() -> None:
    assert sliced(frame([1.0, 2.0]), PageRequest(limit=2), SCOPE).next is None


@pytest.mark.parametrize("limit", [0, 501, -1])
def test_a_limit_outside_1_to_500_is_refused(limit: int) -> None:
    with pytest.raises(InputError, match=r"limit: got -?\d+; allowed: 1 to 500\."):
        PageRequest(limit=limit)


def test_the_limit_may_change_between_pages() -> None:
    cursor = first_cursor(PageRequest("key", limit=1))
    page = sliced(frame([3.0, 1.0, 2.0]), PageRequest("key", limit=500, cursor=cursor), SCOPE)
    assert page.rows["key"].to_list() == [2.0, 3.0]


@pytest.mark.parametrize(
    "scope",
    [
        Scope("fedcba9876543210", "trades EUR_USD"),
        Scope("0123456789abcdef", "trades USD_JPY"),
        Scope("0123456789abcdef", "trades EUR_USD", ("LONG",)),
    ],
)
def test_a_cursor_of_another_run_table_or_filter_is_refused(scope: Scope) -> None:
    cursor = first_cursor(PageRequest(limit=1), scope)
    with pytest.raises(InputError, match=r"cursor: got .*; allowed: the 'next' of a page"):
        sliced(frame([3.0, 1.0, 2.0]), PageRequest(limit=1, cursor=cursor), SCOPE)


def test_a_cursor_of_another_order_is_refused() -> None:
    cursor = first_cursor(PageRequest("key", limit=1))
    other = PageRequest("key", descending=True, limit=1, cursor=cursor)
    with pytest.raises(InputError, match="cursor: got"):
        sliced(frame([3.0, 1.0, 2.0]), other, SCOPE)


def forged(key: object, number: object) -> str:
    """A cursor with the right mark and other contents."""
    real = first_cursor(PageRequest("key", limit=1))
    mark = json.loads(base64.urlsafe_b64decode(real + "=" * (-len(real) % 4)))[0]
    text = json.dumps([mark, key, number], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("key", "number"),
    [(1.0, 7), (9.0, 1), (1.0, -1), (1.0, True), (1.0, "1"), (1.0, 1 << 80), ([1], 1), (1, 1)],
)
def test_a_forged_cursor_names_no_row_and_is_refused(key: object, number: object) -> None:
    request = PageRequest("key", limit=1, cursor=forged(key, number))
    with pytest.raises(InputError, match="cursor: got"):
        sliced(frame([3.0, 1.0, 2.0]), request, SCOPE)


@given(st.text(max_size=60))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cursor: got"):
        sliced(frame([3.0, 1.0]), PageRequest(limit=1, cursor=text), SCOPE)


def test_an_endless_cursor_is_refused_unread() -> None:
    with pytest.raises(InputError, match="cursor: got 5000 characters"):
        sliced(frame([3.0]), PageRequest(cursor="A" * 5000), SCOPE)


def test_an_unknown_column_to_sort_by_is_refused_with_the_near_one() -> None:
    with pytest.raises(InputError, match=r"sort: got kye; .* Did you mean 'key'\?"):
        sliced(frame([1.0]), PageRequest("kye"), SCOPE)


def test_a_column_of_lists_has_no_order() -> None:
    listed = frame([1.0]).with_columns(words=pl.Series([["a"]]))
    with pytest.raises(InputError, match="sort: got words; allowed: id, key"):
        sliced(listed, PageRequest("words"), SCOPE)
