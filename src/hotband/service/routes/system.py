"""The service itself: versions, sign-in, health, numbers."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from hotband.service.container import Current
from hotband.service.health import Meta, SystemReply, meta_of, require_ready, system_of
from hotband.service.problems import problems
from hotband.service.results.replies import Reply
from hotband.service.telemetry import CONTENT_TYPE
from hotband.service.tokens import clear_cookie, cookie_ids, set_cookie

router = APIRouter(tags=["system"])


class SignIn(Reply):
    """The token, once."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Ok(Reply):
    """All is well."""

    status: str = "ok"


@router.post("/api/session", operation_id="signIn", responses=problems(401, 422, 429))
def sign_in(service: Current, given: SignIn, request: Request, response: Response) -> Ok:
    """Exchange the token for a cookie that scripts cannot read."""
    made = service.sign_ins.exchange(given.token)
    response.headers["Set-Cookie"] = set_cookie(made, secure=request.scope["scheme"] == "https")
    return Ok()


@router.delete("/api/session", operation_id="signOut")
def sign_out(service: Current, request: Request, response: Response) -> Ok:
    """End the sign-in of the cookie."""
    for held in cookie_ids(request.headers.getlist("cookie")):
        service.sign_ins.end(held)
    response.headers["Set-Cookie"] = clear_cookie(secure=request.scope["scheme"] == "https")
    return Ok()


@router.get("/api/meta", operation_id="getMeta")
def meta(service: Current) -> Meta:
    """Versions and modes."""
    return meta_of(service)


@router.get("/api/system", operation_id="getSystem")
def system(service: Current) -> SystemReply:
    """What `hotband doctor` says, at most a quarter of a minute old."""
    return system_of(service)


@router.get("/health/live", operation_id="getLive")
async def live() -> Ok:
    """The process answers."""
    return Ok()


@router.get("/health/ready", operation_id="getReady", responses=problems(503))
def ready(service: Current) -> Ok:
    """Everything that a run needs answers; else 503 names what does not."""
    require_ready(service)
    return Ok(status="ready")


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(service: Current) -> Response:
    """Numbers for Prometheus."""
    return Response(service.telemetry.text(), headers={"Content-Type": CONTENT_TYPE})
