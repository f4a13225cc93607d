"""Which names a backup may hold, and what is replaced with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.service.backup_names import is_kept, part_of


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("state/service/index.sqlite", "state/service/index.sqlite"),
        ("state/trials/EUR_USD/" + "a" * 64 + ".trials", "state/trials"),
        ("state/gates/instrument=EUR_USD/month=2026-01/part.parquet", "state/gates"),
        ("state/hotband.yaml", "state/hotband.yaml"),
        ("output/latest.json", "output/latest.json"),
        ("output/runs/0123456789abcdef/rows.parquet", "output/runs"),
        ("output/roster/2025-W01.2.json", "output/roster"),
        ("output/certificates/20250415T120000Z-0a1b2c.json", "output/certificates"),
    ],
)
def test_a_file_is_replaced_with_the_part_it_belongs_to(name: str, part: str) -> None:
    assert is_kept(name)
    assert part_of(name) == part


@given(st.text(max_size=40))
def test_a_name_that_is_kept_never_leads_out_of_its_folder(text: str) -> None:
    for name in (text, f"state/{text}.yaml", f"state/gates/{text}/part.parquet"):
        if is_kept(name):
            assert not any(part in {"", ".", ".."} for part in name.split("/"))
            assert "\\" not in name
            assert name.isascii()
            assert name.isprintable()
