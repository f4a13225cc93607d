"""Results over HTTP: every route of a real run, page by page, filtered, refused, taken away."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from tests.service.running import PAIRS, Client, Here, enter, finished_home, service_here

SYMBOL = PAIRS[1]
PAGED = ("grid", "trades", "decisions")
OF_INSTRUMENT = (
    "", "/grid", "/axes", "/plane?x=hold_minutes&y=min_reps", "/curve", "/daily", "/trades",
    "/decisions", "/candles",
)  # fmt: skip


@pytest.fixture(scope="module")
def here(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Here]:
    """A service over a finished run; tests leave its files as they are."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        base = tmp_path_factory.getbasetemp()
        home = finished_home(base, tmp_path_factory.mktemp("results") / "home")
        with service_here(enter(monkeypatch, home)) as made:
            yield made


@pytest.fixture
def own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    """The same over a copy that a test may change."""
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as made:
        yield made


def run_of(client: Client) -> str:
    found: str = client.get("/api/backtests/latest").json()["run_id"]
    return found


def got(client: Client, page: str, **query: Any) -> dict[str, Any]:
    reply = client.get(f"/api/backtests/{run_of(client)}{page}", params=query or None)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def all_pages(client: Client, page: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while True:
        found = got(client, page, **query)
        items += found["items"]
        assert found["run_id"] == run_of(client)
        if found["next"] is None:
            assert len(items) == found["total"]
            return items
        query["cursor"] = found["next"]


@pytest.mark.parametrize("page", OF_INSTRUMENT)
def test_every_page_of_an_instrument_names_its_run(here: Here, page: str) -> None:
    found = got(here.client, f"/instruments/{SYMBOL}{page}")
    assert (found["run_id"], found["instrument"]) == (run_of(here.client), SYMBOL)
    assert found.get("absent") is None


@pytest.mark.parametrize("page", ["/overview", "/coverage", "/exports", "/artefact"])
def test_every_page_of_a_run_names_it(here: Here, page: str) -> None:
    assert got(here.client, page)["run_id"] == run_of(here.client)


@pytest.mark.parametrize("page", OF_INSTRUMENT)
def test_an_instrument_that_the_run_lacks_is_refused(here: Here, page: str) -> None:
    run = run_of(here.client)
    reply = here.client.get(f"/api/backtests/{run}/instruments/GBP_USD{page}")
    assert reply.status_code == 422
    assert "EUR_USD, USD_JPY" in reply.json()["detail"]


@pytest.mark.parametrize("page", OF_INSTRUMENT)
def test_a_run_that_is_not_known_has_no_pages(here: Here, page: str) -> None:
    reply = here.client.get(f"/api/backtests/{'f' * 16}/instruments/{SYMBOL}{page}")
    assert reply.status_code == 404


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("limit", [97, 500])
def test_pages_hold_every_row_once(here: Here, kind: str, limit: int) -> None:
    page = f"/instruments/{SYMBOL}/{kind}"
    items = all_pages(here.client, page, limit=limit)
    assert [item["id"] for item in items] == sorted({item["id"] for item in items})
    assert len(items) > (97 if kind != "grid" else 3)


def test_rows_are_those_of_the_table(here: Here) -> None:
    latest = here.service.library.latest()
    assert latest is not None
    table = here.service.folder.read_table(latest, "trades").filter(pl.col("instrument") == SYMBOL)
    found = all_pages(here.client, f"/instruments/{SYMBOL}/trades", limit=500)
    assert [item["pnl"] for item in found] == table["pnl"].to_list()


def test_filters_leave_what_they_say(here: Here) -> None:
    page = f"/instruments/{SYMBOL}/trades"
    whole = got(here.client, page)
    won = got(here.client, page, outcome="win", direction="LONG", limit=500)
    assert 0 < won["total"] < whole["total"] == won["unfiltered"]
    assert all(item["pnl"] > 0 and item["direction"] == "LONG" for item in won["items"])
    assert won["sums"]["wins"] == won["total"]


def test_trades_after_the_choice_come_with_their_phase(here: Here) -> None:
    latest = here.service.library.latest()
    assert latest is not None
    table = here.service.folder.read_table(latest, "hold_out_trades")
    after = table.filter(pl.col("instrument") == SYMBOL)["pnl"].to_list()
    page = f"/instruments/{SYMBOL}/trades"
    assert [item["pnl"] for item in all_pages(here.client, page, phase="hold_out")] == after
    marks = got(here.client, f"/instruments/{SYMBOL}/candles", phase="hold_out")
    assert marks["phase"] == "hold_out"
    assert got(here.client, page, limit=1)["phase"] == "look_back"


def test_a_trade_is_found_by_its_id_in_the_order_of_a_query(here: Here) -> None:
    page = f"/instruments/{SYMBOL}/trades"
    query = {"sort": "pnl", "descending": True, "direction": "LONG"}
    listed = all_pages(here.client, page, limit=500, **query)
    seen = got(here.client, f"{page}/{listed[7]['id']}", **query)
    assert (seen["trade"], seen["position"]) == (listed[7], 7)
    gone = got(here.client, f"{page}/99999999")
    assert (gone["trade"], gone["position"]) == (None, None)


def test_grid_rows_are_filtered_by_their_columns(here: Here) -> None:
    page = f"/instruments/{SYMBOL}/grid"
    found = got(here.client, page, where="hold_minutes:eq:15", column="hold_minutes")
    assert found["total"] > 0
    assert {item["hold_minutes"] for item in found["items"]} == {15}
    assert all(item.keys() == {"id", "cell", "hold_minutes"} for item in found["items"])


def test_decisions_add_up_with_the_funnel(here: Here) -> None:
    found = got(here.client, f"/instruments/{SYMBOL}/decisions")
    admitted = got(here.client, f"/instruments/{SYMBOL}/decisions", admit=True)
    assert admitted["total"] == found["admitted"]
    assert found["funnel"] is not None


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("trades", "sort=colour"),
        ("trades", "cursor=abc"),
        ("trades", "limit=501"),
        ("trades", "direction=UP"),
        ("trades", "start=2026-03-20T00:00:00"),
        ("trades", "start=2026-03-20T00:00:00Z&end=2026-03-02T00:00:00Z"),
        ("grid", "where=score"),
        ("grid", "where=colour:eq:1"),
        ("grid", "column=colour"),
        ("plane", "x=hold_minutes&y=hold_minutes"),
        ("plane", "x=hold_minutes&y=min_reps&metric=colour"),
        ("plane", "x=hold_minutes"),
        ("curve", "max_points=20001"),
        ("curve", "phase=middle"),
        ("candles", "side=last"),
        ("decisions", "reason=colour"),
    ],
)
def test_a_query_that_means_nothing_is_refused(here: Here, page: str, query: str) -> None:
    run = run_of(here.client)
    reply = here.client.get(f"/api/backtests/{run}/instruments/{SYMBOL}/{page}?{query}")
    assert reply.status_code == 422, reply.text
    assert reply.headers["content-type"] == "application/problem+json"


def test_a_cursor_of_one_query_fits_no_other(here: Here) -> None:
    page = f"/instruments/{SYMBOL}/trades"
    cursor = got(here.client, page, limit=5)["next"]
    run = run_of(here.client)
    query = {"cursor": cursor, "direction": "LONG"}
    reply = here.client.get(f"/api/backtests/{run}{page}", params=query)
    assert reply.status_code == 422


def test_the_curve_is_as_short_as_asked_for_and_keeps_its_ends(here: Here) -> None:
    page = f"/instruments/{SYMBOL}/curve"
    whole, short = got(here.client, page, max_points=20000), got(here.client, page, max_points=16)
    assert len(short["time_ms"]) <= 16 < len(whole["time_ms"])
    assert (short["equity"][0], short["equity"][-1]) == (whole["equity"][0], whole["equity"][-1])
    assert min(short["underwater"]) == min(whole["underwater"])


def test_a_plane_has_a_place_for_every_pair_of_values(here: Here) -> None:
    found = got(here.client, f"/instruments/{SYMBOL}/plane", x="hold_minutes", y="min_reps")
    assert len(found["values"]) == len(found["y"]["values"]) == 2
    assert {len(line) for line in found["values"]} == {len(found["x"]["values"])} == {2}


def test_candles_carry_the_trades_that_lie_in_them(here: Here) -> None:
    found = got(here.client, f"/instruments/{SYMBOL}/candles", max_points=500)
    assert 0 < len(found["time_ms"]) <= 500
    assert found["bars_changed"] is False
    assert found["markers"]
    assert all(high >= low for high, low in zip(found["high"], found["low"], strict=True))


def test_a_run_differs_from_itself_in_nothing(here: Here) -> None:
    run = run_of(here.client)
    reply = here.client.get("/api/backtests/compare", params={"base": run, "head": run})
    assert reply.json()["same"] is True
    lost = here.client.get("/api/backtests/compare", params={"base": run, "head": "f" * 16})
    assert lost.status_code == 404


def test_a_job_names_its_result_as_its_run_does(here: Here) -> None:
    (job,) = here.client.get("/api/backtests").json()["items"]
    by_job = here.client.get(f"/api/backtests/{job['job_id']}/overview")
    assert by_job.json() == got(here.client, "/overview")


def test_every_export_that_is_there_is_an_attachment(here: Here) -> None:
    found = got(here.client, "/exports")["exports"]
    assert all(export["available"] for export in found)
    for export in found:
        reply = here.client.get(f"/api/backtests/{run_of(here.client)}/exports/{export['id']}")
        assert reply.status_code == 200, export["id"]
        headers = reply.headers
        assert headers["content-disposition"] == f'attachment; filename="{export["name"]}"'
        assert headers["content-security-policy"] == "sandbox"
        assert headers["x-content-type-options"] == "nosniff"
        assert reply.content


def test_an_export_holds_the_rows_of_its_table(here: Here) -> None:
    run = run_of(here.client)
    csv = here.client.get(f"/api/backtests/{run}/exports/trades-csv")
    parquet = here.client.get(f"/api/backtests/{run}/exports/trades-parquet")
    rows = pl.read_parquet(io.BytesIO(parquet.content))
    assert pl.read_csv(io.BytesIO(csv.content)).height == rows.height > 0


@pytest.mark.parametrize("name", ["colour-csv", "latest-csv", "..%2f..%2fgrid.yaml", "Trades-csv"])
def test_an_export_that_the_manifest_lacks_is_refused(here: Here, name: str) -> None:
    reply = here.client.get(f"/api/backtests/{run_of(here.client)}/exports/{name}")
    assert reply.status_code in {400, 404, 422}


def test_a_run_that_is_not_over_has_no_result(own: Here) -> None:
    own.steps.say(run_id="0" * 16)
    own.client.start()
    for page in ("/overview", f"/instruments/{SYMBOL}/trades", "/exports", "/artefact"):
        reply = own.client.get(f"/api/backtests/{'0' * 16}{page}")
        assert (reply.status_code, reply.json()["state"]) == (409, "running"), page


def _gone(reply: httpx.Response) -> bool:
    return reply.status_code == 410 and str(reply.json()["type"]).endswith("result-gone")


def test_a_result_that_retention_has_removed_is_gone(own: Here) -> None:
    root = own.service.folder.root
    run = run_of(own.client)
    own.client.get("/api/backtests")
    (root / "2026-W13.json").unlink()
    (root / "latest.json").unlink()
    assert _gone(own.client.get(f"/api/backtests/{run}/overview"))
    assert own.client.get(f"/api/backtests/{run}").json()["state"] == "completed"


def test_tables_that_retention_has_removed_are_gone_but_not_the_summary(own: Here) -> None:
    run = run_of(own.client)
    shutil.rmtree(own.service.folder.root / "runs" / run)
    for page in (f"/instruments/{SYMBOL}/trades", f"/instruments/{SYMBOL}/grid"):
        assert _gone(own.client.get(f"/api/backtests/{run}{page}")), page
    assert own.client.get(f"/api/backtests/{run}/instruments/{SYMBOL}").status_code == 200
    assert _gone(own.client.get(f"/api/backtests/{run}/exports/trades-csv"))


def test_a_run_of_older_code_says_which_tables_it_lacks(own: Here) -> None:
    root = own.service.folder.root
    for name in ("latest.json", "2026-W13.json"):
        held = json.loads((root / name).read_text())
        held["provenance"]["code_version"] = "0.0.1"
        for table in ("equity", "decisions"):
            del held["files"][table]
        (root / name).write_text(json.dumps(held))
    for page in ("curve", "decisions"):
        found = got(own.client, f"/instruments/{SYMBOL}/{page}")
        assert found["absent"]["code"] == "table_missing"
    exports = {e["id"]: e["available"] for e in got(own.client, "/exports")["exports"]}
    assert (exports["equity-csv"], exports["trades-csv"]) == (False, True)
    run = run_of(own.client)
    assert own.client.get(f"/api/backtests/{run}/exports/equity-csv").status_code == 422


def test_a_result_that_is_replaced_is_read_again(own: Here) -> None:
    path = own.service.folder.root / "latest.json"
    before = own.client.get("/api/backtests/latest")
    held = json.loads(path.read_text())
    held["generated_at"] = "2026-12-01T00:00:00Z"
    path.write_text(json.dumps(held))
    after = own.client.get("/api/backtests/latest")
    assert after.json()["generated_at"] == "2026-12-01T00:00:00Z"
    assert after.headers["etag"] != before.headers["etag"]
