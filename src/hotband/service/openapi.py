"""``python -m hotband.service.openapi FILE`` writes the API's OpenAPI document."""

import json
import sys
from pathlib import Path

from hotband.service.app import create_api


def openapi_text() -> str:
    """The document, the same bytes for the same routes."""
    document = create_api().openapi()
    # The version of the package changes without the routes.
    document["info"]["version"] = "1"
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), "utf-8")
