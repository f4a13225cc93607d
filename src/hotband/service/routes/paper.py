"""Paper sessions and what they prove: recordings under the state folder, certificates."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from hotband.artefacts.certificates import Certificate
from hotband.service.certificates import MOST_LISTED, SESSION, Certificates
from hotband.service.container import Current
from hotband.service.paper import PaperReply
from hotband.service.problems import problems

router = APIRouter(prefix="/api", tags=["paper"])


@router.get("/paper", operation_id="getPaper")
def paper(service: Current) -> PaperReply:
    """The newest paper sessions as their recordings tell them, and which of them run now."""
    return service.paper.read()


@router.get("/certificates", operation_id="getCertificates", responses=problems(422))
def certificates(
    service: Current, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 20
) -> Certificates:
    """The newest parity certificates in short form."""
    return service.certificates.newest(limit)


@router.get(
    "/certificates/{session}", operation_id="getCertificate", responses=problems(404, 422, 503)
)
def certificate(
    service: Current,
    session: Annotated[str, Path(pattern=SESSION, description="The id of a paper session")],
) -> Certificate:
    """A whole certificate."""
    return service.certificates.of_session(session)
