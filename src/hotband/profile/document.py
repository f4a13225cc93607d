"""Reading YAML or JSON into plain mappings, without the surprises of YAML 1.1.

PyYAML reads ``start: 17:00`` as the number 1020 and keeps the last of two equal keys. Both
would change a strategy silently, so sessions stay text here and a repeated key is refused.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from hotband.errors import ProfileError
from hotband.market.yaml_files import OnceLoader

_INT: Final = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$")
_FLOAT: Final = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _Loader(OnceLoader):
    """Decimal numbers only, and no repeated keys."""

    def repeated(self, key: yaml.ScalarNode) -> Exception:
        return _repeated(key.value, f"line {key.start_mark.line + 1}")


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in table if tag not in _NUMBERS]
    for first, table in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in zip(_NUMBERS, (_INT, _FLOAT), strict=True):
    _Loader.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))


def _repeated(key: str, where: str) -> ProfileError:
    return ProfileError(
        f"key of the profile, {where}", key, "each key once", "Keep one of the two."
    )


def _json_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise _repeated(key, "JSON")
        found[key] = value
    return found


def parse_document(text: str, source: str) -> dict[str, object]:
    """The mapping in ``text``; empty text is an empty mapping.

    ``source`` names the text in errors and chooses JSON where it ends with ``.json``. Raises
    ProfileError for broken syntax, a repeated key, or anything but a mapping at the top.
    """
    try:
        if source.endswith(".json"):
            raw: object = json.loads(text, object_pairs_hook=_json_object)
        else:
            raw = _Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise ProfileError(
            f"profile {source}", words, "YAML or JSON", "Correct the text at that place."
        ) from error
    return {} if raw is None else as_mapping(raw, f"profile {source}")


def read_document(path: Path) -> dict[str, object]:
    """The mapping in the file at ``path`` (UTF-8); raises ProfileError as parse_document does."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(
            "profile file", path, "a readable UTF-8 file", f"Check the path ({error})."
        ) from error
    return parse_document(text, path.name)


def as_mapping(raw: object, path: str) -> dict[str, object]:
    """``raw`` as a mapping with text keys; raises ProfileError naming ``path`` otherwise."""
    if not isinstance(raw, Mapping):
        raise ProfileError(path, repr(raw), "a mapping of key: value", "Indent its keys below it.")
    for key in raw:
        if not isinstance(key, str):
            raise ProfileError(f"key in {path}", repr(key), "a text", "Put the key in quotes.")
    return dict(raw)
