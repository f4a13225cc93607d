"""Every file keeps the sizes that we work by, and the measure sees one that does not."""

from pathlib import Path

import pytest
from tests.canary.sizes import (
    FOLDERS,
    MANY_PARAMETERS,
    MOSTLY_WORDS,
    ROOT,
    faults,
    python_files,
    words_and_code,
)
from tests.canary.test_words import our_files

PLACE = "src/hotband/market/rates.py"
GOOD = '"""Why this is here."""\n\n\ndef rate(day: int) -> float:\n    return 0.5 * day\n'


def numbered(lines: int, indent: str = "    ") -> str:
    return "".join(f"{indent}x{i} = {i}\n" for i in range(lines))


def parameters(n: int) -> str:
    return ", ".join(f"p{i}: int" for i in range(n))


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_keeps_its_sizes(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    assert faults(place, path.read_text("utf-8")) == []


def test_no_python_lies_outside_of_the_folders_that_are_measured() -> None:
    places = [path.relative_to(ROOT).as_posix() for path in our_files() if path.suffix == ".py"]
    assert [place for place in places if place.partition("/")[0] not in FOLDERS] == []
    assert set(FOLDERS) <= {place.partition("/")[0] for place in places}


@pytest.mark.parametrize("place", [*MANY_PARAMETERS, *MOSTLY_WORDS])
def test_an_exception_names_something_that_still_exists(place: str) -> None:
    file, _, name = place.partition(":")
    assert (ROOT / file).exists()
    if name:
        assert f"def {name.rpartition('.')[2]}(" in (ROOT / file).read_text("utf-8")


def test_a_good_file_has_no_fault() -> None:
    assert faults(PLACE, GOOD) == []


@pytest.mark.parametrize(
    ("place", "source", "fault"),
    [
        (PLACE, GOOD + numbered(396, ""), "401 lines, at most 400"),
        (PLACE, GOOD + f"\n\ndef long() -> None:\n{numbered(60)}", "rates.py:long: 61 lines"),
        (PLACE, GOOD + f"\n\n@kernel\ndef k() -> None:\n{numbered(90)}", "rates.py:k: 91 lines"),
        (PLACE, GOOD + f"\n\nclass Wide:\n{numbered(200)}", "rates.py:Wide: 201 lines"),
        (PLACE, GOOD + f"\n\ndef f({parameters(9)}) -> None: ...\n", "f: 9 parameters, at most 8"),
        (
            PLACE,
            GOOD + f"\n\nclass C:\n    def f(self, *, {parameters(8)}) -> None: ...\n",
            "rates.py:C.f: 9 parameters, at most 8",
        ),
        (
            PLACE,
            GOOD + f"\n\n@kernel\ndef k({parameters(13)}) -> None: ...\n",
            "k: 13 parameters, at most 12",
        ),
        (PLACE, GOOD.partition("\n\n\n")[2], "does not say why it exists"),
        (PLACE, '"""Why.\n\nMuch.\nMore.\n"""\n\nx = 1\n', "4 docstring lines, 1 lines of code"),
        ("src/hotband/market/utils.py", GOOD, "named after nothing"),
        ("tests/helpers/rates.py", GOOD, "named after nothing"),
    ],
)
def test_each_size_bites(place: str, source: str, fault: str) -> None:
    found = faults(place, source)
    assert len(found) == 1, found
    assert fault in found[0]


def test_a_file_function_and_class_at_their_limits_pass() -> None:
    within = (
        f"\n\ndef f({parameters(8)}) -> None:\n{numbered(59)}"
        f"\n\n@kernel\ndef k({parameters(12)}) -> None:\n{numbered(89)}"
        f"\n\nclass C:\n{numbered(199)}"
    )
    assert faults(PLACE, GOOD + within) == []
    assert len((GOOD + numbered(395, "")).splitlines()) == 400
    assert faults(PLACE, GOOD + numbered(395, "")) == []


def test_comments_and_blank_lines_are_neither_words_nor_code() -> None:
    source = '"""Why.\n\nMore.\n"""\n\n# a remark\nx = """two\nlines"""\n'
    assert words_and_code(source) == (3, 2)
