"""HTML and SVG from calls: every text is escaped unless it is markup that was made here."""

from html import escape
from typing import Final, TypeAlias

VOID: Final = frozenset({"meta", "br", "hr", "col"})
"""Elements of HTML without an end tag."""
EMPTY: Final = frozenset({"rect", "line", "path", "circle", "polyline", "use"})
"""Elements of SVG that close themselves where they hold nothing."""
_UNSEEN: Final = (
    *(code for code in range(32) if code not in {9, 10}), *range(0x7F, 0xA0),
    *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000),
)  # fmt: skip
_TABLE: Final = dict.fromkeys(_UNSEEN, "\N{REPLACEMENT CHARACTER}")
"""Controls, also those that turn the direction of text round, and halves of characters."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child: TypeAlias = str | None
Attribute: TypeAlias = str | float | None


def text(value: str) -> Markup:
    """A text as markup; markup stays as it is. Unseen characters show as such."""
    if isinstance(value, Markup):
        return value
    return Markup(escape(value.translate(_TABLE), quote=True))


def join(*children: Child) -> Markup:
    """Children one after the other; None is none."""
    return Markup("".join(text(child) for child in children if child is not None))


def element(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """``<name ...>children</name>``; None leaves an attribute out.

    A name of Python's own ends in an underscore (``class_``), and other underscores are hyphens.
    """
    start = name
    for key, value in attributes.items():
        if value is not None:
            shown = value if isinstance(value, str) else coordinate(value)
            start += f' {key.rstrip("_").replace("_", "-")}="{text(shown)}"'
    if name in VOID:
        return Markup(f"<{start}>")
    inner = join(*children)
    if name in EMPTY and not inner:
        return Markup(f"<{start}/>")
    return Markup(f"<{start}>{inner}</{name}>")


def coordinate(value: float) -> str:
    """A number as short as a hundredth of a pixel allows."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))
