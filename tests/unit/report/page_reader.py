"""Reads a page with the standard parser, and refuses one that is not well formed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "col"}


@dataclass
class Node:
    """An element: its name, attributes, children and texts in order."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Node | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, as a reader sees it, without titles."""
        parts = [c if isinstance(c, str) else c.text for c in self.children if _shown(c)]
        return "".join(parts).replace("\N{NO-BREAK SPACE}", " ")

    def all(self, name: str | None = None, **attributes: str) -> "list[Node]":
        """Every element below of that name with those attributes."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                wanted = name is None or child.name == name
                same = all(child.attributes.get(k.rstrip("_")) == v for k, v in attributes.items())
                found += [child] if wanted and same else []
                found += child.all(name, **attributes)
        return found

    def one(self, name: str | None = None, **attributes: str) -> "Node":
        """The only such element."""
        (found,) = self.all(name, **attributes)
        return found

    def rows(self) -> list[list[str]]:
        """Of a table: the texts of every row's cells."""
        return [
            [cell.text for cell in row.children if isinstance(cell, Node)] for row in self.all("tr")
        ]


def _shown(child: "Node | str") -> bool:
    return isinstance(child, str) or child.name not in {"title", "style"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> inside <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def read(html: str) -> Node:
    """The ``html`` element of a page; AssertionError where its tags do not match."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root], "an element was left open"
    return reader.root.one("html")


def numeral(text: str) -> float:
    """The first number in a text as the report writes numbers."""
    kept = text.replace("−", "-").replace(",", "").replace("%", "").split()[0]
    return float(kept)
