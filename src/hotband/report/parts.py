"""The pieces that all sections of the report are built of: tables, figures, chips, lists."""

from collections.abc import Iterable, Sequence

from hotband.report.markup import Child, Markup, element, join

_CLASSES = {"t": None, "n": "n", "w": "wide"}


def table(
    heads: Sequence[Child],
    kinds: str,
    rows: Iterable[Sequence[Child]],
    label: str | None = None,
    caption: str | None = None,
) -> Markup:
    """A table; ``kinds`` has a letter per column: t text, n number, w text that may wrap.

    The first column names its row. ``label`` names the table where no heading does; ``caption``
    stands above it for all to read.
    """
    head = [
        element("th", name, scope="col", class_=_CLASSES[kind])
        for name, kind in zip(heads, kinds, strict=True)
    ]
    lines = [table_row(row, kinds) for row in rows]
    bodies = [element("tbody", *lines)]
    return framed(element("tr", *head), bodies, label, caption)


def framed(
    head: Markup, bodies: Iterable[Markup], label: str | None, caption: str | None = None
) -> Markup:
    """A table of rows that are made already, in a box that scrolls where it is too wide."""
    made = element(
        "table",
        None if caption is None else element("caption", caption),
        element("thead", head),
        *bodies,
        aria_label=label,
    )
    return element("div", made, class_="scroll", tabindex="0", role="group", aria_label=label)


def table_row(cells: Sequence[Child], kinds: str) -> Markup:
    """A row whose first cell names it."""
    first, *others = cells
    made = [element("th", first, scope="row", class_=_CLASSES[kinds[0]])]
    for cell, kind in zip(others, kinds[1:], strict=True):
        made.append(element("td", cell, class_=_CLASSES[kind]))
    return element("tr", *made)


def figure(title: str, chart: Child, caption: Child, twin: Child) -> Markup:
    """A chart under its heading, with one line about it and the same numbers as a table."""
    return element(
        "figure",
        element("h3", title),
        None if caption is None else element("figcaption", caption),
        chart,
        None if twin is None else folded("Show as table", twin),
    )


def part(title: str, *inside: Child) -> Markup:
    """A stretch of a section under its own heading."""
    return element("div", element("h3", title), *inside, class_="part")


def folded(title: str, *inside: Child) -> Markup:
    """What is shown on demand."""
    return element("details", element("summary", title), *inside)


def chip(words: str, kind: str, title: str | None = None) -> Markup:
    """A word in a frame."""
    return element("span", words, class_=f"chip {kind}", title=title)


def pairs(items: Iterable[tuple[Child, Child]], kind: str = "facts") -> Markup:
    """Names and values."""
    made = [
        element("div", element("dt", name), element("dd", value)) for name, value in items
    ]  # fmt: skip
    return element("dl", *made, class_=kind)


def bullets(items: Iterable[Child], kind: str | None = None) -> Markup:
    """A list."""
    return element("ul", *(element("li", item) for item in items), class_=kind)


def paragraph(*inside: Child, kind: str | None = None) -> Markup:
    """A paragraph."""
    return element("p", *inside, class_=kind)


def short_hash(digest: str | None, none: str = "none") -> Markup:
    """The first of a hash, all of it when pointed at."""
    if digest is None:
        return element("span", none, class_="muted")
    return element("code", digest[:10], title=digest)


def spaced(*children: Child) -> Markup:
    """Children with a space between them."""
    kept = [child for child in children if child is not None]
    return join(*(part for child in kept for part in (child, " ")))
