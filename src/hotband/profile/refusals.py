"""Turning pydantic's findings into profile errors that name the YAML path."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hotband.errors import ProfileError
from hotband.profile.settings import LEVELS

_PIPS_OF: Final = dict(LEVELS)


def _parts(annotation: object) -> Iterator[object]:
    """An annotation and everything nested in it, outermost first."""
    yield annotation
    if get_origin(annotation) is Annotated:
        yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _parts(inner)


def nested_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, directly or as items; None for plain values."""
    for part in _parts(field.annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def allowed_of(field: FieldInfo) -> str | None:
    """The words for what a field takes: its description, or the one of its type."""
    if field.description is not None:
        return field.description
    for part in _parts(field.annotation):
        if isinstance(part, FieldInfo) and part.description is not None:
            return part.description
    return None


def _walk(
    model: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that holds the last named part of ``loc``, and its field if it has one."""
    field: FieldInfo | None = None
    names = [part for part in loc if isinstance(part, str)]
    for depth, name in enumerate(names):
        field = model.model_fields.get(name)
        inner = None if field is None else nested_model(field)
        if depth < len(names) - 1 and inner is not None:
            model = inner
    return model, field


def dotted(loc: tuple[int | str, ...]) -> str:
    """A pydantic location in the way people write it: ``exit.horizons[1]``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def profile_error(
    error: ValidationError,
    model: type[BaseModel],
    spell: Callable[[str], str],
    extra_names: tuple[str, ...] = (),
) -> ProfileError:
    """The first finding of ``error`` as a ProfileError; the others are counted in it.

    ``spell`` turns a dotted key of ``model`` into the path as the file writes it.
    ``extra_names`` are keys beside the model's own that near misses may have meant.
    """
    findings = error.errors(include_url=False)
    first = findings[0]
    loc = first["loc"]
    holder, field = _walk(model, loc)
    path = spell(dotted(loc))
    more = f" {len(findings) - 1} more to correct." if len(findings) > 1 else ""
    if first["type"] == "extra_forbidden":
        names = sorted({*holder.model_fields, *(extra_names if len(loc) == 1 else ())})
        key = str(loc[-1])
        return ProfileError(
            f"unknown key {path}", key, ", ".join(names), f"Correct or remove it.{more}", near=names
        )
    allowed = (None if field is None else allowed_of(field)) or first["msg"]
    got = first["input"]
    expected = str(first.get("ctx", {}).get("expected", ""))
    near = re.findall(r"'([^']+)'", expected)
    if near and isinstance(loc[-1], int):
        allowed = ", ".join(near)
    do = f"Correct the value.{more}"
    twin = _PIPS_OF.get(str(loc[-1]))
    if twin is not None and isinstance(got, int | float):
        do = f"Write 0.005 for half a percent, or use {twin}.{more}"
    shown = repr(got) if isinstance(got, str) and not near else got
    return ProfileError(path, shown, allowed, do, near=near)
