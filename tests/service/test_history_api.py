"""History and notes over HTTP: read page by page, and written by those who have read them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.running import Here, enter, make_home, service_here

RUN_ID = "0123456789abcdef"


@pytest.fixture
def here(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as made:
        yield made


def test_notes_are_kept_by_those_who_have_read_them(here: Here) -> None:
    here.steps.say(run_id=RUN_ID)
    here.client.start()
    page = f"/api/backtests/{RUN_ID}/notes"
    empty = here.client.get(page)
    assert (empty.json()["text"], empty.headers["etag"]) == ("", '"0"')
    assert here.client.patch(page, json={"text": "a"}).status_code == 428
    kept = here.client.patch(page, json={"text": "a"}, headers={"If-Match": '"0"'})
    assert (kept.status_code, kept.headers["etag"]) == (200, '"1"')
    late = here.client.patch(page, json={"text": "b"}, headers={"If-Match": '"0"'})
    assert (late.status_code, late.json()["type"].rpartition(":")[2]) == (412, "version-changed")
    assert here.client.get(page).json()["text"] == "a"
    long = here.client.patch(page, json={"text": "a" * 2001}, headers={"If-Match": '"1"'})
    assert long.status_code == 422
    assert here.client.get(f"/api/backtests/{RUN_ID}").json()["has_note"] is True


def test_history_is_read_page_by_page_to_its_end(here: Here) -> None:
    made = []
    for _ in range(5):
        job = here.service.index.begin({}, None, ("EUR_USD",))
        here.service.index.end(job.job_id, "cancelled")
        made.append(job.job_id)
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = here.client.get("/api/backtests", params=query).json()
        assert len(page["items"]) <= 2
        seen += [item["job_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=aDE6Li4v", "limit=0", "limit=501"])
def test_a_page_that_does_not_exist_is_refused(here: Here, query: str) -> None:
    assert here.client.get(f"/api/backtests?{query}").status_code == 422
