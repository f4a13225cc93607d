"""YAML files of settings, in which no key silently replaces another.

PyYAML keeps the last of two equal keys, so that a correction of a margin rate could be lost
without a word.
"""

from pathlib import Path
from typing import Any

import yaml

from hotband.errors import InputError


class OnceLoader(yaml.SafeLoader):
    """SafeLoader that refuses a repeated key; what ``<<`` brings in may be replaced."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        """One mapping of the text, before anything is merged into it.

        ``anchor`` is the mapping's name in the text or None; the stubs say otherwise.
        """
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise self.repeated(key)
                seen.add(key.value)
        return node

    def repeated(self, key: yaml.ScalarNode) -> Exception:
        """What to raise for a key that stands twice."""
        text = f"the key {key.value!r} stands twice"
        return yaml.composer.ComposerError(None, None, text, key.start_mark)


def read_yaml(path: Path, what: str, error: type[InputError]) -> object:
    """The document in the file at ``path`` (UTF-8); None where it is empty.

    Raises:
        InputError: (the class ``error``, naming ``what``) for a file that cannot be read, broken
            syntax, an impossible date and a repeated key.
    """
    try:
        document: object = OnceLoader(path.read_text("utf-8")).get_single_data()
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as cause:
        got = f"{path} ({' '.join(str(cause).split())})"
        raise error(what, got, "a readable YAML file", "Correct the path or the text.") from cause
    return document
