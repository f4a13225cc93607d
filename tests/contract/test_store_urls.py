"""A store URL says which store is meant, or is refused with the forms that exist."""

from pathlib import Path

import pytest
from tests.contract.samples import bars_at

from hotband.errors import StoreError
from hotband.stores.urls import open_bar_store, open_gate_store


@pytest.mark.parametrize("opened", [open_bar_store, open_gate_store])
@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("parqet:///data", "scheme of store URL parqet:///data: got parqet; "),
        ("parqet:///data", "Did you mean 'parquet'?"),
        ("postgres://host/x", "allowed: memory://NAME, parquet:///absolute/path or parquet:rel"),
        ("/data/bars", "For a folder write parquet:///data/bars."),
        ("bars", "For a folder write parquet:bars."),
        ("memory:x", "Give the store a name without slashes."),
        ("memory://", "Give the store a name without slashes."),
        ("memory://a/b", "Give the store a name without slashes."),
        ("parquet://data/bars", "Write three slashes before an absolute path"),
        ("parquet:", "Name the folder."),
    ],
)
def test_other_urls_are_refused_with_what_to_write(opened: object, url: str, text: str) -> None:
    assert callable(opened)
    with pytest.raises(StoreError) as caught:
        opened(url)
    assert text in str(caught.value)


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_bar_store("parquet:here").append(bars_at([0]))
    assert (tmp_path / "here" / "bars" / "instrument=EUR_USD").is_dir()


def test_opening_and_asking_makes_no_folder(tmp_path: Path) -> None:
    assert open_bar_store(f"parquet://{tmp_path / 'new'}").instruments() == ()
    assert not (tmp_path / "new").exists()
