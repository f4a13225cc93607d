"""Every route of the application: signed in or not, in JSON that is JSON, for this origin only."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from hotband.service.app import PUBLIC, create_api
from tests.service.paper_state import SESSION
from tests.service.whole_service import Whole, finished_home, serving

SYMBOL: Final = "EUR_USD"
KINDS: Final = (APIRoute, Route)


def routes() -> list[tuple[str, str]]:
    """(method, path template) of all that the application answers, the page's own aside."""
    return [
        (method, route.path)
        for route in _flat(create_api().routes)
        for method in sorted(route.methods or {"?"})
        if not route.path.startswith("/{path")
    ]


def _flat(routes: list[Any]) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "routes", None)
        original = getattr(getattr(route, "original_router", None), "routes", None)
        if isinstance(route, KINDS) or (inner is None and original is None):
            yield route
        else:
            yield from _flat(list(inner or original or ()))


ROUTES: Final = routes()
ALL: Final = pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)


def filled(path: str, run: str = "0123456789abcdef") -> str:
    values = {
        "run": run,
        "symbol": SYMBOL,
        "export_id": "rows-csv",
        "session": SESSION,
        "trade": "0",
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A service that asks for its token."""
    with serving(finished_home(tmp_path_factory), "--auth", "token") as made:
        yield made


@pytest.fixture(scope="module")
def run(whole: Whole) -> str:
    with whole.client() as client:
        return str(client.get("/api/backtests/latest").json()["run_id"])


def call(client: httpx.Client, method: str, path: str, **headers: str) -> httpx.Response:
    sent = {"Content-Type": "application/json"} | headers
    content = b"{}" if method in {"POST", "PATCH"} else None
    return client.request(method, path, headers=sent, content=content)


def test_all_routes_were_found() -> None:
    document = create_api().openapi()
    declared = {(m.upper(), path) for path, each in document["paths"].items() for m in each}
    assert declared <= set(ROUTES)
    assert {path for _, path in set(ROUTES) - declared} == {"/api/openapi.json"}


@ALL
def test_a_route_is_public_by_name_or_asks_for_the_token(
    whole: Whole, method: str, path: str
) -> None:
    with whole.client(signed_in=False) as client:
        reply = call(client, method, filled(path))
        with_cookie = call(client, method, filled(path), Cookie="hotband_session=guess")
    if path in PUBLIC:
        assert reply.status_code != 401 or path == "/api/session"
        return
    for each in (reply, with_cookie):
        assert each.status_code == 401
        assert each.headers["WWW-Authenticate"] == "Bearer"
        assert each.json()["type"] == "urn:hotband:problem:not-signed-in"


@pytest.mark.parametrize(
    "path",
    [
        "/api/unknown",
        "/api/backtests/run/",
        "/API/backtests",
        "/api/backtests;x",
        "/metrics/",
        "/api",
    ],
)
def test_what_is_no_route_asks_for_the_token_first(whole: Whole, path: str) -> None:
    with whole.client(signed_in=False) as client:
        assert client.get(path).status_code == 401


@ALL
def test_no_reply_has_a_cors_header_and_every_number_is_one(
    whole: Whole, run: str, method: str, path: str
) -> None:
    with whole.client() as client:
        own = call(client, method, filled(path, run), Origin=whole.base_url)
        for foreign in ("http://evil.example", "null"):
            reply = call(client, method, filled(path, run), Origin=foreign)
            assert reply.status_code == 403
            assert not cors(reply)
    assert own.status_code < 500
    assert not cors(own)
    if "json" in own.headers.get("content-type", ""):
        json.loads(own.content, parse_constant=no_number)


def cors(reply: httpx.Response) -> list[str]:
    return [name for name in reply.headers if name.lower().startswith("access-control-")]


def no_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


def test_the_application_has_no_websocket_and_mounts_nothing() -> None:
    kinds = {type(route) for route in _flat(create_api().routes)}
    assert all(issubclass(kind, KINDS) for kind in kinds), kinds


def test_a_cookie_that_the_token_bought_opens_what_the_token_opens(whole: Whole) -> None:
    with whole.client(signed_in=False) as client:
        bought = client.post("/api/session", json={"token": whole.token})
        assert bought.status_code == 200
        cookie = bought.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert client.get("/api/meta").status_code == 200
        ended = client.request(
            "DELETE", "/api/session", headers={"Content-Type": "application/json"}
        )
        assert ended.status_code == 200
        assert client.get("/api/meta", headers={"Cookie": cookie.split(";")[0]}).status_code == 401


def test_meta_and_documents_say_nothing_before_sign_in(whole: Whole) -> None:
    with whole.client(signed_in=False) as client:
        live = client.get("/health/live")
        ready = client.get("/health/ready")
    assert live.json() == {"status": "ok"}
    assert set(ready.json()) == {"status"}
