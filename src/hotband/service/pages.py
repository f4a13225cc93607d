"""The dashboard's files: those that the build made, by exact name, and the page for its routes."""

import json
import mimetypes
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hotband.service.problems import Problem

BUILT: Final = Path(__file__).parent / "page"
PAGE: Final = "index.html"
MANIFEST: Final = ".vite/manifest.json"
ROUTES: Final = re.compile(r"/(instruments/[A-Z]{3}_[A-Z]{3}|roster|compare|history|system)?")
"""What the page itself shows; anything else is not found."""
FOREVER: Final = "public, max-age=31536000, immutable"
MISSING: Final = (
    "The dashboard is not built into this installation: run 'make page' in a checkout. "
    "The API under /api works without it."
)


@dataclass(frozen=True)
class Pages:
    """Built files, read once; nothing but these is ever served."""

    folder: Path = BUILT

    @property
    def built(self) -> bool:
        """Whether there is a dashboard."""
        return PAGE in self.files

    @cached_property
    def files(self) -> dict[str, tuple[bytes, str]]:
        """By name under the root: bytes and media type."""
        if not (self.folder / MANIFEST).is_file():
            return {}
        manifest = json.loads((self.folder / MANIFEST).read_text("utf-8"))
        names = {PAGE} | {path.name for path in self.folder.iterdir() if path.is_file()}
        for chunk in manifest.values():
            names |= {chunk["file"], *chunk.get("css", ()), *chunk.get("assets", ())}
        return {name: ((self.folder / name).read_bytes(), _media(name)) for name in sorted(names)}

    def __contains__(self, path: object) -> bool:
        """Whether a path is the page's: it needs no sign-in, as it holds only its own code."""
        name = str(path)
        return ROUTES.fullmatch(name) is not None or name.removeprefix("/") in self.files

    def reply(self, path: str) -> Response:
        """The reply for a path of the page; Problem 404 for any other."""
        name = path.removeprefix("/")
        if name in self.files and name != PAGE:
            data, media = self.files[name]
            kept = FOREVER if name.startswith("assets/") else "no-cache"
            return Response(data, media_type=media, headers={"Cache-Control": kept})
        if not ROUTES.fullmatch(path):
            raise Problem("not-found", "Not Found", 404, "There is nothing here.")
        if not self.built:
            raise Problem("page-not-built", "Page not built", 404, MISSING)
        data, media = self.files[PAGE]
        return Response(data, media_type=media, headers={"Cache-Control": "no-cache"})


def _media(name: str) -> str:
    if name.endswith(".js"):
        return "text/javascript; charset=utf-8"
    found = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def page_router(pages: Pages) -> APIRouter:
    """The routes of the page; to be added after all others."""
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    def page(request: Request) -> Response:
        """A file of the page, or the page itself."""
        return pages.reply(request.scope["path"])

    return router
