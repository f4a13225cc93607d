"""The overview has a tile for every instrument, finished or not."""

from hotband.artefacts.schemas import Latest
from hotband.service.results.summary import Overview, Tile, overview
from tests.service.results.conftest import MISSING, Held


def tile(found: Overview, name: str) -> Tile:
    return next(tile for tile in found.tiles if tile.instrument == name)


def test_every_instrument_has_a_tile_by_name(held: Held) -> None:
    found = overview(held.folder, held.latest)
    assert [item.instrument for item in found.tiles] == sorted(held.latest.instruments)
    assert found.run_id == held.latest.run_id
    assert Overview.model_validate_json(found.model_dump_json()) == found


def test_a_tile_has_its_instruments_own_numbers(held: Held) -> None:
    entry = held.entry("EUR_USD")
    seen = tile(overview(held.folder, held.latest), "EUR_USD")
    assert seen.metrics["pnl"] == entry.metric_details["pnl"]
    assert seen.metrics["sharpe"].reason == "window_too_short"
    assert (seen.qualified, seen.score, seen.params) == (
        entry.qualified, entry.score, entry.params,
    )  # fmt: skip
    gates = len(entry.judgement.promotion.gates)
    assert seen.gates_passed + seen.gates_failed + seen.gates_not_evaluated == gates


def test_a_failed_instrument_has_its_error_and_no_numbers(held: Held) -> None:
    seen = tile(overview(held.folder, held.latest), MISSING)
    assert seen.state == "error"
    assert seen.error is not None
    assert (seen.metrics, seen.sparkline, seen.coverage) == ({}, (), None)


def test_a_sparkline_is_short_and_empty_where_no_account_was_kept(held: Held) -> None:
    line = tile(overview(held.folder, held.latest), "EUR_USD").sparkline
    assert 16 < len(line) <= 64
    assert tile(overview(held.folder, held.older), "EUR_USD").sparkline == ()


def test_cells_are_those_of_all_instruments(held: Held) -> None:
    wanted = held.folder.read_table(held.latest, "rows").height
    assert overview(held.folder, held.latest).cells == wanted


def test_actions_are_counted(held: Held) -> None:
    found = overview(held.folder, held.latest)
    assert sum(found.actions.values()) == len(held.latest.roster.decisions)


def test_the_result_of_these_tests_is_a_whole_result(held: Held) -> None:
    assert Latest.model_validate_json(held.latest.model_dump_json()) == held.latest
