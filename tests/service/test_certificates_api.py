"""Parity over HTTP: certificates by session, and what they prove of a run's cells now."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotband.artefacts.certificates import write_certificate
from hotband.artefacts.schemas import Latest
from hotband.weekly.parity import parity_of_run
from tests.service.paper_state import SESSION, certificate, certify, differing
from tests.service.running import WEEK, Here, enter, finished_home, service_here

OTHER = "20260315T210000Z-0123abcd"


@pytest.fixture
def here(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as made:
        yield made


@pytest.fixture
def root(here: Here) -> Path:
    return here.service.folder.root


@pytest.fixture
def latest(here: Here) -> Latest:
    found = here.service.library.latest()
    assert found is not None
    return found


def test_without_a_certificate_the_list_is_empty(here: Here) -> None:
    reply = here.client.get("/api/certificates").json()
    assert reply == {"items": [], "total": 0, "unreadable": []}


def test_certificates_are_listed_newest_first_in_short_form(here: Here, root: Path) -> None:
    write_certificate(root, certificate(OTHER, produced="2026-03-21T00:00:00Z"))
    write_certificate(root, differing())
    reply = here.client.get("/api/certificates").json()
    assert [each["session"] for each in reply["items"]] == [OTHER, SESSION]
    short = reply["items"][1]
    assert (short["proven"], short["match_pct"]) == (False, 97.3)
    assert short["mismatch_counts"] == {"late_data": 5}
    assert "mismatches" not in short


def test_a_list_is_no_longer_than_asked_and_counts_all(here: Here, root: Path) -> None:
    for second in range(4):
        write_certificate(root, certificate(f"20260308T22000{second}Z-0123abcd"))
    reply = here.client.get("/api/certificates", params={"limit": 3}).json()
    assert (len(reply["items"]), reply["total"]) == (3, 4)


def test_a_certificate_is_told_whole_and_again_where_it_was_replaced(
    here: Here, root: Path
) -> None:
    write_certificate(root, certificate())
    assert here.client.get(f"/api/certificates/{SESSION}").json() == certificate().to_dict()
    write_certificate(root, differing())
    assert here.client.get(f"/api/certificates/{SESSION}").json() == differing().to_dict()


def test_the_words_of_a_certificate_name_no_path(here: Here, root: Path) -> None:
    missed = differing().mismatches[0].model_copy(update={"why": "no answer of /srv/secret"})
    write_certificate(root, differing(mismatches=(missed,)))
    assert "/srv" not in here.client.get(f"/api/certificates/{SESSION}").text


def test_an_unknown_session_is_not_found(here: Here) -> None:
    reply = here.client.get(f"/api/certificates/{SESSION}")
    assert (reply.status_code, reply.json()["type"]) == (
        404, "urn:hotband:problem:unknown-certificate",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["a", "latest", "..%2flatest", f"{SESSION}%00", f"{SESSION}.json"])
def test_what_is_no_id_of_a_session_is_refused(here: Here, root: Path, name: str) -> None:
    (root / "certificates").mkdir()
    (root / "certificates" / "a.json").write_text(certificate().model_dump_json())
    assert here.client.get(f"/api/certificates/{name}").status_code in {400, 404, 422}


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 2}', '{"match_pct": NaN}'])
def test_a_damaged_certificate_is_named_and_the_others_are_shown(
    here: Here, root: Path, text: str
) -> None:
    write_certificate(root, certificate(OTHER))
    (root / "certificates" / f"{SESSION}.json").write_text(text)
    reply = here.client.get("/api/certificates")
    assert [each["session"] for each in reply.json()["items"]] == [OTHER]
    assert [each["name"] for each in reply.json()["unreadable"]] == [SESSION]
    one = here.client.get(f"/api/certificates/{SESSION}")
    assert (one.status_code, one.json()["type"]) == (
        503, "urn:hotband:problem:certificate-unreadable",
    )  # fmt: skip
    for each in (reply, one):
        assert str(root) not in each.text


def test_a_certificate_under_another_name_proves_nothing_of_that_session(
    here: Here, root: Path
) -> None:
    where = write_certificate(root, certificate(OTHER))
    os.replace(where, where.with_name(f"{SESSION}.json"))  # noqa: PTH105 # as an owner might
    assert here.client.get(f"/api/certificates/{SESSION}").status_code == 503


def test_parity_of_a_run_is_what_its_certificates_prove_now(
    here: Here, root: Path, latest: Latest
) -> None:
    path = f"/api/backtests/{latest.run_id}/parity"
    before = here.client.get(path).json()
    assert before["run_id"] == latest.run_id
    assert {each["state"] for each in before["parity"].values()} == {"unproven"}
    certify(root, latest, "EUR_USD", certificate())
    certify(root, latest, "USD_JPY", differing(OTHER))
    after = here.client.get(path).json()["parity"]
    assert {name: each["state"] for name, each in after.items()} == {
        "EUR_USD": "proven", "USD_JPY": "differs",
    }  # fmt: skip
    assert after == {
        name: each.model_dump(mode="json") for name, each in parity_of_run(root, latest).items()
    }


def test_the_roster_says_what_is_proven_of_its_week_now(
    here: Here, root: Path, latest: Latest
) -> None:
    certify(root, latest, "EUR_USD", certificate())
    found = here.client.get("/api/roster", params={"week": WEEK}).json()["parity"]
    assert found["EUR_USD"]["state"] == "proven"
    assert found["USD_JPY"] == {
        "state": "unproven", "reason": "no paper session has traded this cell", "session": None,
        "window": None, "match_pct": None, "file": None,
    }  # fmt: skip


def test_a_certificate_that_nobody_can_read_leaves_no_path_in_the_reason(
    here: Here, root: Path, latest: Latest
) -> None:
    (root / "certificates").mkdir()
    (root / "certificates" / f"{SESSION}.json").write_text("{")
    reply = here.client.get(f"/api/backtests/{latest.run_id}/parity")
    assert reply.json()["parity"]["EUR_USD"]["state"] == "unproven"
    assert str(root) not in reply.text
