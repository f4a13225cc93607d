"""Readers of the service are told what a place is for, and nothing of where it is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.service.roles import by_role, roles_of
from hotband.stores.location import Locations

HOME, OUT = "/srv/ann/fx state", "/srv/ann/fx state/output/backtests"
PLACES = Locations.from_environment(
    {
        "HOTBAND_HOME": HOME,
        "HOTBAND_PROFILE": "/etc/ann/own.yaml",
        "HOTBAND_GATES": "valkey://ann:pw@desk:6379/0",
    }
)
ROLES = roles_of(PLACES, "/etc/ann/grid.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HOME} and {OUT} are there.", "The state folder and the output folder are there."),
        (f"3.0 GiB are free for {OUT}, little.", "3.0 GiB are free for the output folder, little."),
        (
            f"BarStore(parquet://{HOME}) has 2 instruments; the newest",
            "The bar store (parquet) has 2 instruments; the newest",
        ),
        ("/etc/ann/own.yaml loads, with 1 note", "The profile file loads, with 1 note"),
        (f"Run 'chmod o-w {HOME}'.", "Run 'chmod o-w STATE_FOLDER'."),
        ("Read it with 'hotband profile check /etc/ann/own.yaml'.",
         "Read it with 'hotband profile check PROFILE_FILE'."),
        (f"{HOME}/trials/a.trials: changed", "A file inside the state folder: changed"),
        (f"it's in '{HOME}' now", "it's in 'the state folder' now"),
        ("grid /etc/ann/grid.yaml: got 3", "grid the grid file: got 3"),
        ("the file /opt/x/y.json: gone", "The file [path]: gone"),
        (f"{HOME}-old/x is old", "[path]"),
    ],
)  # fmt: skip
def test_a_place_is_called_by_what_it_is_for(text: str, said: str) -> None:
    assert by_role(text, ROLES) == said


def test_a_store_at_a_place_that_is_not_known_keeps_its_bracket() -> None:
    assert by_role("BarStore(parquet:/opt/x) holds no bars.", ROLES) == "BarStore(parquet:[path])"


SEGMENT = st.text(alphabet="abXY01._- é", min_size=1, max_size=9).map(lambda s: f"Q{s}Q")


@given(
    st.lists(SEGMENT, min_size=1, max_size=4),
    st.sampled_from(["", "/", " "]),
    st.sampled_from(["", "in ", "'", "("]),
)
def test_nothing_of_a_path_at_or_below_a_place_stays(
    segments: list[str], joint: str, before: str
) -> None:
    below = "/".join(segments)
    if joint == " " and len(segments) == 1:
        below += "/Qx"
    for place in (HOME, OUT, "/etc/ann/own.yaml"):
        said = by_role(f"{before}{place}{joint}{below}", ROLES)
        assert "ann" not in said
        assert joint == "" or "Q" not in said


def test_places_that_are_not_set_have_no_role(tmp_path: Path) -> None:
    found = roles_of(Locations.from_environment({"HOTBAND_HOME": str(tmp_path)}))
    assert set(found.values()) == {
        "the state folder", "the output folder", "the store of bars and gates",
        "the bar store (parquet)", "the gate store (parquet)",
    }  # fmt: skip
