"""The states of running tests as JSON values and back, with nothing taken on trust."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol, TypeVar

from hotband.errors import InputError


class State(Protocol):
    """A frozen dataclass of whole numbers, numbers, rows of numbers, and days or None."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


S = TypeVar("S", bound=State)


def state_values(state: State) -> dict[str, Any]:
    """The fields by name; rows as lists."""
    found = {field.name: getattr(state, field.name) for field in fields(state)}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


def _refused(what: str, got: object, allowed: str) -> InputError:
    return InputError(what, got, allowed, "Hand in a state that was kept whole, or start anew.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_state(kind: type[S], values: Mapping[str, Any]) -> S:
    """The state that :func:`state_values` wrote.

    Raises:
        InputError: Other keys, or values that are not of the kind of the field's default.
    """
    what, names = kind.__name__, [field.name for field in fields(kind)]
    if sorted(values) != sorted(names):
        raise _refused(what, ", ".join(sorted(values)) or "nothing", ", ".join(names))
    given: dict[str, Any] = {}
    for field in fields(kind):
        value, default = values[field.name], field.default
        where = f"{what}.{field.name}"
        if isinstance(default, tuple):
            if not (isinstance(value, list | tuple) and all(_is_number(x) for x in value)):
                raise _refused(where, value, "a list of numbers")
            given[field.name] = tuple(float(x) for x in value)
        elif isinstance(default, float):
            if not _is_number(value):
                raise _refused(where, value, "a number")
            given[field.name] = float(value)
        else:
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole and not (value is None and default is None):
                raise _refused(where, value, "a whole number" + " or null" * (default is None))
            given[field.name] = value
    return kind(**given)


def check_numbers(state: State, signed: tuple[str, ...] = ()) -> None:
    """Refuse a state with a number that is not finite or, unless ``signed``, below 0.

    Raises:
        InputError: Naming the field.
    """
    for name, value in state_values(state).items():
        numbers = value if isinstance(value, list) else [0 if value is None else value]
        low = -math.inf if name in signed else 0.0
        if not numbers or not all(math.isfinite(x) and x >= low for x in numbers):
            allowed = "finite numbers" if name in signed else "finite numbers from 0"
            raise _refused(f"{type(state).__name__}.{name}", value, allowed)
