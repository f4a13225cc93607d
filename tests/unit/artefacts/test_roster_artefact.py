"""The roster's files: whole or not at all, never overwritten, as their schema says."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.canary.sizes import ROOT
from tests.unit.roster.roster_weeks import week_of

from hotband.artefacts.roster import Decided, Held, RosterFolder, RosterWeek, roster_schemas
from hotband.artefacts.roster_part import RosterPart, RosterVerdict
from hotband.errors import InputError, StoreError
from hotband.roster.decision import RosterState
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings

RUN = "0123456789abcdef"
NEW = Held(state=RosterState(instrument="EUR_USD"))


def decided(kind: str = "p", number: int = 0, before: Held = NEW, **changes: Any) -> Decided:
    result = week_of(kind, number, **changes)
    state, decision = decide(before.state, result)
    after = Held(state=state, counted_through=date(2025, 1, 10))
    return Decided(run_id=RUN, before=before, result=result, decision=decision, after=after)


def week(entry: Decided | None = None, **changes: Any) -> RosterWeek:
    made = entry or decided()
    fields: dict[str, Any] = {
        "generated_at": "2025-01-11T00:00:00Z",
        "week": made.result.week,
        "settings": RosterSettings(),
        "decided": {"EUR_USD": made},
    }
    return RosterWeek(**(fields | changes))


@pytest.fixture
def folder(tmp_path: Path) -> RosterFolder:
    return RosterFolder(tmp_path)


def test_nothing_is_remembered_before_the_first_week(folder: RosterFolder) -> None:
    assert folder.read() is None
    assert folder.weeks() == []


def test_a_week_comes_back_as_it_was_written(folder: RosterFolder) -> None:
    first = week(decided(returns=(0.001, -0.002), net=-0.001))
    assert folder.write(first) == "roster/2025-W02.json"
    assert folder.read_week("2025-W02") == first


def test_the_same_decisions_are_not_written_again(folder: RosterFolder) -> None:
    folder.write(week())
    assert folder.write(week(generated_at="2025-02-01T00:00:00Z")) == "roster/2025-W02.json"
    assert folder.read_week("2025-W02").generated_at == "2025-01-11T00:00:00Z"


def test_other_decisions_are_the_next_version_and_the_first_one_stays(
    folder: RosterFolder,
) -> None:
    folder.write(week())
    kept = (folder.root / "roster/2025-W02.json").read_bytes()
    assert folder.write(week(decided("f"))) == "roster/2025-W02.2.json"
    assert (folder.root / "roster/2025-W02.json").read_bytes() == kept
    assert folder.read_week("2025-W02").decided["EUR_USD"].decision.light == "red"


def test_a_writer_killed_before_the_roster_leaves_what_the_week_says(folder: RosterFolder) -> None:
    folder.write(week())
    (folder.root / "roster.json").unlink()
    held = folder.read()
    assert held is not None
    assert held.week == "2025-W02"
    folder.write(week())
    assert (folder.root / "roster.json").is_file()


def test_a_roster_without_its_week_is_refused(folder: RosterFolder) -> None:
    folder.write(week())
    (folder.root / "roster/2025-W02.json").unlink()
    with pytest.raises(StoreError, match=r"roster/2025-W02.json, which is not there"):
        folder.read()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text["decided"]["EUR_USD"]["result"].update(trades=-1),
        lambda text: text["decided"]["EUR_USD"]["result"].update(net=0.5),
        lambda text: text["decided"]["EUR_USD"].update(surprise=1),
        lambda text: text.update(week="2025-W03"),
        lambda text: text.pop("schema_version"),
        lambda text: text["decided"]["EUR_USD"]["after"]["state"]["evidence"].update(peak=0.1),
    ],
)
def test_a_broken_week_is_refused_by_its_name(folder: RosterFolder, spoil: Any) -> None:
    folder.write(week())
    path = folder.root / "roster/2025-W02.json"
    text = json.loads(path.read_text())
    spoil(text)
    path.write_text(json.dumps(text))
    with pytest.raises(StoreError, match=r"roster/2025-W02\.json"):
        folder.read()


def test_a_week_that_was_not_decided_is_refused(folder: RosterFolder) -> None:
    folder.write(week())
    with pytest.raises(InputError, match=r"2025-W03.*allowed: 2025-W02"):
        folder.read_week("2025-W03")


def test_no_draft_is_left_beside_the_weeks(folder: RosterFolder) -> None:
    (folder.root / "roster").mkdir()
    (folder.root / "roster/.2025-W01.json.new").write_text("half")
    folder.write(week())
    assert [path.name for path in (folder.root / "roster").iterdir()] == ["2025-W02.json"]


def test_the_published_schemas_are_those_of_the_models() -> None:
    for name, schema in roster_schemas().items():
        published = json.loads((ROOT / "docs/schemas" / f"{name}.schema.json").read_text())
        assert published["$defs"] == json.loads(json.dumps(schema["$defs"]))


def test_the_schemas_know_every_key_of_the_files(folder: RosterFolder) -> None:
    folder.write(week(decided(returns=(0.001,))))
    schemas = roster_schemas()
    for name, path in (("roster", "roster.json"), ("roster.week", "roster/2025-W02.json")):
        unknown = list(missing(json.loads((folder.root / path).read_text()), schemas[name]))
        assert unknown == []


def missing(value: Any, schema: Any, defs: Any = None, place: str = "$") -> Any:
    """Places that the schema does not allow: a walk over the parts of it that are used here."""
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        found = [list(missing(value, option, defs, place)) for option in schema["anyOf"]]
        yield from min(found, key=len)
        return
    kinds: dict[str, type] = {
        "object": dict, "array": list, "null": type(None), "string": str,
    }  # fmt: skip
    kind = schema.get("type")
    if kind in kinds and not isinstance(value, kinds[kind]):
        yield f"{place}: no {kind}"
        return
    if isinstance(value, dict):
        allowed = schema.get("properties", {})
        free = schema.get("additionalProperties") or {}
        patterns = schema.get("patternProperties", {})
        for key, inner in value.items():
            options = [allowed.get(key), free, *patterns.values()]
            option = next((each for each in options if each), None)
            if option is None:
                yield f"{place}.{key}"
            elif isinstance(option, dict):
                yield from missing(inner, option, defs, f"{place}.{key}")
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for at, inner in enumerate(value):
            yield from missing(inner, schema["items"], defs, f"{place}[{at}]")


def test_the_part_of_the_latest_result_has_decisions_or_a_reason() -> None:
    with pytest.raises(ValidationError, match="or why there are none"):
        RosterPart()
    with pytest.raises(ValidationError, match="only with one"):
        RosterPart(week="2025-W02")


def test_a_verdict_is_the_decision_in_short() -> None:
    entry = decided("f")
    verdict = entry.verdict
    assert isinstance(verdict, RosterVerdict)
    assert (verdict.light, verdict.rule, verdict.size_x) == ("red", "tighten", 0.0)
    assert list(verdict.reasons) == [why.text for why in entry.decision.reasons]
