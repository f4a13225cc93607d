"""The token is random, its owner's alone, and the same for all processes; sign-ins end."""

import multiprocessing
import re
import stat
from pathlib import Path

import pytest

from hotband.errors import StoreError
from hotband.service.problems import Problem
from hotband.service.tokens import (
    SIGN_IN_SECONDS,
    SignIns,
    TokenFile,
    clear_cookie,
    cookie_ids,
    set_cookie,
)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "state")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sign_ins(tokens: TokenFile, clock: Clock) -> SignIns:
    tokens.read_or_create()
    return SignIns(tokens, clock)


def made_by_a_process(home: Path) -> str:
    return TokenFile(home).read_or_create()


def test_a_token_is_256_bits_that_stay(tokens: TokenFile, tmp_path: Path) -> None:
    made = tokens.read_or_create()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made)
    assert tokens.read_or_create() == made
    assert TokenFile(tmp_path / "other").read_or_create() != made


def test_only_its_owner_may_read_the_token_and_its_folder(tokens: TokenFile) -> None:
    tokens.read_or_create()
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) == 0o700


def test_no_draft_of_a_token_stays(tokens: TokenFile) -> None:
    tokens.read_or_create()
    tokens.rotate()
    assert [path.name for path in tokens.path.parent.iterdir()] == ["token"]


def test_processes_that_start_at_once_agree_on_the_token(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        made = pool.map(made_by_a_process, [tmp_path] * 16, chunksize=1)
    assert len(set(made)) == 1


def test_a_token_made_by_another_in_between_counts(
    tokens: TokenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, other = tokens._draft, TokenFile(tmp_path / "state")

    kept: list[str] = []

    def late() -> Path:
        kept.append(other.read_or_create())
        return draft()

    monkeypatch.setattr(tokens, "_draft", late)
    assert [tokens.read_or_create()] == kept
    assert other.current() == kept[0]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_token_that_others_may_read_is_refused(tokens: TokenFile, mode: int) -> None:
    tokens.read_or_create()
    tokens.path.chmod(mode)
    with pytest.raises(StoreError, match=rf"got mode {mode:04o}; allowed: a file of mode 0600"):
        tokens.read_or_create()
    with pytest.raises(StoreError, match="Run chmod 600"):
        tokens.matches("x")


def test_a_link_is_not_followed_to_a_token(tokens: TokenFile, tmp_path: Path) -> None:
    tokens.read_or_create()
    elsewhere = tokens.path.rename(tmp_path / "elsewhere")
    tokens.path.symlink_to(elsewhere)
    with pytest.raises(StoreError, match=r"file .*token: got "):
        tokens.read_or_create()


@pytest.mark.parametrize("text", ["", "secret", "x" * 42, "x" * 44, "x" * 500, "\u00e9" * 43])
def test_a_file_without_a_token_is_refused(tokens: TokenFile, text: str) -> None:
    tokens.read_or_create()
    tokens.path.write_text(text, "utf-8")
    with pytest.raises(StoreError, match="got no token; allowed: one made by hotband"):
        tokens.read_or_create()


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreError, match=r"token: got .*; allowed: a file that its owner reads"):
        TokenFile(tmp_path / "state").read_or_create()


def test_only_the_token_matches(tokens: TokenFile) -> None:
    made = tokens.read_or_create()
    assert tokens.matches(made)
    for wrong in ("", made[:-1], made + "=", made.swapcase(), "\u00e9", "\ud800"):
        assert not tokens.matches(wrong)


def test_a_rotated_token_counts_at_once_for_others_too(tokens: TokenFile, tmp_path: Path) -> None:
    old = tokens.read_or_create()
    new = TokenFile(tmp_path / "state").rotate()
    assert new != old
    assert tokens.matches(new)
    assert not tokens.matches(old)


def test_a_sign_in_holds_until_it_is_ended(sign_ins: SignIns) -> None:
    made = sign_ins.exchange(sign_ins.tokens.current())
    assert sign_ins.holds(made)
    sign_ins.end(made)
    sign_ins.end(made)
    assert not sign_ins.holds(made)


def test_a_sign_in_ends_by_itself(sign_ins: SignIns, clock: Clock) -> None:
    made = sign_ins.exchange(sign_ins.tokens.current())
    clock.now += SIGN_IN_SECONDS - 1
    assert sign_ins.holds(made)
    clock.now += 1
    assert not sign_ins.holds(made)


def test_a_rotated_token_ends_every_sign_in(sign_ins: SignIns) -> None:
    token = sign_ins.tokens.current()
    made = [sign_ins.exchange(token), sign_ins.exchange(token)]
    TokenFile(sign_ins.tokens.path.parents[1]).rotate()
    assert [sign_ins.holds(given) for given in made] == [False, False]


def test_an_id_that_nobody_was_given_is_no_sign_in(sign_ins: SignIns) -> None:
    made = sign_ins.exchange(sign_ins.tokens.current())
    for wrong in ("", "x" * 43, made[:-1], sign_ins.tokens.current(), "\ud800"):
        assert not sign_ins.holds(wrong)


def test_more_sign_ins_than_are_kept_end_the_oldest(sign_ins: SignIns) -> None:
    token = sign_ins.tokens.current()
    made = [sign_ins.exchange(token) for _ in range(257)]
    assert not sign_ins.holds(made[0])
    assert sign_ins.holds(made[1])
    assert sign_ins.holds(made[-1])


def test_a_wrong_token_signs_nobody_in(sign_ins: SignIns) -> None:
    with pytest.raises(Problem) as caught:
        sign_ins.exchange("x" * 43)
    assert (caught.value.status, caught.value.slug) == (401, "not-signed-in")
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


def test_five_wrong_tokens_in_a_minute_close_the_door_for_its_rest(
    sign_ins: SignIns, clock: Clock
) -> None:
    right = sign_ins.tokens.current()
    for _ in range(5):
        assert not sign_ins.accepts_token("wrong")
        clock.now += 1
    for given in ("wrong", right):
        with pytest.raises(Problem) as caught:
            sign_ins.accepts_token(given)
        assert (caught.value.status, caught.value.slug) == (429, "too-many-failures")
        assert caught.value.headers == {"Retry-After": "55"}
    clock.now += 55
    assert sign_ins.accepts_token(right)


def test_four_wrong_tokens_a_minute_close_nothing(sign_ins: SignIns, clock: Clock) -> None:
    for _ in range(20):
        assert not sign_ins.accepts_token("wrong")
        clock.now += 15
    assert sign_ins.accepts_token(sign_ins.tokens.current())


def test_a_closed_door_keeps_those_in_who_are_in(sign_ins: SignIns) -> None:
    made = sign_ins.exchange(sign_ins.tokens.current())
    for _ in range(5):
        sign_ins.accepts_token("wrong")
    assert sign_ins.holds(made)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    parts = set(set_cookie("abc", secure=False).split("; "))
    assert {"hotband_session=abc", "HttpOnly", "SameSite=Strict", "Path=/"} <= parts
    assert "Secure" not in parts
    assert "Secure" in set_cookie("abc", secure=True).split("; ")
    assert "Max-Age=0" in clear_cookie(secure=False)


def test_ids_are_read_from_among_the_cookies_of_others() -> None:
    given = ["a=1; hotband_session=x; Hotband_session=y", "hotband_session=z; hotband_session="]
    assert cookie_ids(given) == ["x", "z"]
    assert len(cookie_ids(["; ".join(["hotband_session=x"] * 1_000)])) == 8
