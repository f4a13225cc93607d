"""Artefacts from their files: whole, by their schema and with its version, or refused by name."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hotband.artefacts.values import first_fault
from hotband.durable import unusable
from hotband.errors import InputError, StoreError

D = TypeVar("D", bound=BaseModel)


def read_document(path: Path, model: type[D], do: str) -> D | None:
    """The document in a file; None = no such file. ``do``: what helps against a broken one.

    Raises:
        StoreError: It cannot be read, breaks its schema, or does not say the schema's version.
    """
    try:
        found = model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise unusable(path, cause) from cause
    except (ValidationError, InputError) as cause:
        raise _broken(path, first_fault(cause), model, do) from cause
    if "schema_version" not in found.model_fields_set:
        raise _broken(path, "no schema_version", model, do)
    return found


def _broken(path: Path, fault: str, model: type[BaseModel], do: str) -> StoreError:
    return StoreError(f"file {path}", fault, f"what docs/schemas says of {model.__name__}", do)
