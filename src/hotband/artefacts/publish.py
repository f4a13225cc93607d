"""``python -m hotband.artefacts.publish FOLDER`` writes the artefacts' shapes as JSON Schema."""

import json
import sys
from pathlib import Path
from typing import Any

from hotband.artefacts.certificates import certificate_schema
from hotband.artefacts.roster import roster_schemas
from hotband.artefacts.schemas import DOCUMENTS


def schema_texts() -> dict[str, str]:
    """JSON Schema (2020-12) of every document, by file name."""
    plain = {
        name: model.model_json_schema(mode="serialization") for name, model in DOCUMENTS.items()
    }
    return {
        f"{name}.schema.json": json.dumps(_whole(schema), indent=2, sort_keys=True) + "\n"
        for name, schema in (
            plain | roster_schemas() | {"certificate": certificate_schema()}
        ).items()
    }


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    _close(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _close(schema: Any) -> None:
    """Refuse keys that miss their pattern: the models do, pydantic's schema would not."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for inner in schema.values():
            _close(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _close(inner)


def publish_schemas(folder: Path) -> list[Path]:
    """Write the schemas into ``folder``, the same bytes each time; which files there are."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = schema_texts()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in texts]


if __name__ == "__main__":
    publish_schemas(Path(sys.argv[1]))
