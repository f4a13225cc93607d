"""The reference pages of the documentation site, made from the sources at each build.

A hook of MkDocs: the pages are in no folder, so that none can be out of date. Commands come from
their own help, reasons and errors from their tables, artefacts from the JSON Schemas, the HTTP
pages from the OpenAPI document; the Python page hands names to mkdocstrings.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

METHODS = ("get", "post", "put", "patch", "delete")


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Put every decision into the navigation."""
    folder = Path(config.docs_dir)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.glob("decisions/*.md"))
    for section in config.nav or ():
        if "Decisions" in section:
            section["Decisions"] = found
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages to the files of the site."""
    from mkdocs.structure.files import File

    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """Every reference page by its name, as Markdown."""
    return {
        "commands": commands_page(),
        "python": python_page(),
        "reasons": reasons_page(),
        "errors": errors_page(),
        "artefacts": artefacts_page(),
        "http": http_page(),
    }


def commands_page() -> str:
    """Each command with what it does, its arguments and its options."""
    lines = [
        "# Commands", "",
        "Every command ends with 0, or with 1 and a message in four parts on standard error; "
        "other exit statuses are named with the command. A default stands in square brackets. "
        "`hotband COMMAND --help` prints the same.", "",
    ]  # fmt: skip
    for path, command in sorted(commands()):
        lines += [f"## {' '.join(path)}", "", _prose(command.help or ""), ""]
        usage = [f"`hotband {' '.join(path)}", *_placeholders(command)]
        lines += [" ".join(usage) + "`", ""]
        rows = [_parameter(one) for one in command.params if one.name != "help"]
        lines += _table(("parameter", "takes", "what it says"), rows)
    return "\n".join(lines)


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    from typer.main import get_command

    from hotband.cli.main import app

    def below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield path, command
            return
        for name, each in inner.items():
            yield from below((*path, name), each)

    return below((), get_command(app))


def _placeholders(command: Any) -> list[str]:
    words = []
    for one in command.params:
        if one.param_type_name == "argument":
            word = one.name.upper() + ("..." if one.nargs == -1 else "")
            words.append(word if one.required else f"[{word}]")
    return [*words, "[OPTIONS]"]


def _parameter(one: Any) -> tuple[str, str, str]:
    if one.param_type_name == "argument":
        name = one.name.upper()
    else:
        name = ", ".join([*one.opts, *one.secondary_opts])
    flag = getattr(one, "is_flag", False)
    takes = "" if flag else _taken(one.type_descriptor.annotation)
    says = _cell(getattr(one, "help", None) or "")
    default = one.default
    if one.required:
        says = f"{says} Required."
    elif not flag and default is not None and not callable(default) and "[" not in says:
        says = f"{says} [{default}]"
    return f"`{name}`", takes, says


def _taken(annotation: Any) -> str:
    """What a parameter takes, in words for its type."""
    if get_origin(annotation) is Literal:
        return " \\| ".join(f"`{one}`" for one in get_args(annotation))
    if get_origin(annotation) is list:
        return _taken(get_args(annotation)[0])
    words = {"str": "text", "int": "whole number", "float": "number", "Path": "path"}
    return words[annotation.__name__]


def python_page() -> str:
    """The public names, each from its docstring."""
    import hotband

    homes: dict[str, str] = vars(hotband)["_HOMES"]
    lines = [
        "# Python", "",
        "The names of `hotband` itself; all else may change without notice. Times without a zone "
        "are refused. Frames are Polars.", "",
    ]  # fmt: skip
    for name, module in sorted(homes.items()):
        lines += [f"## hotband.{name}", "", f"::: {module}.{name}", ""]
    return "\n".join(lines)


def reasons_page() -> str:
    """Every reason code with its text."""
    from hotband.core.codes import REASONS, Severity

    kinds = {
        Severity.REFUSAL: "refusal",
        Severity.BLOCK: "hard block",
        Severity.NOTE: "note",
    }
    spans = (
        ("Gating", "Why a gate is not admitted; all that hold are given.", range(48)),
        ("Planning", "What became of an admitted gate.", range(48, 64)),
        ("Sizing", "Which limit bound, or why there is no size.", range(64, 80)),
        ("Exits", "Why a ticket was closed.", range(80, 96)),
    )
    lines = [
        "# Reasons", "",
        "One table for the backtest, the paper session, the API and the dashboard. A *hard block* "
        "stops every entry, a *refusal* this gate, a *note* records what happened. Gates derived "
        "from bars carry `synthetic:thresholds` and `synthetic:min_reps_met` where they are "
        "admitted.", "",
    ]  # fmt: skip
    for title, text, codes in spans:
        rows = [
            (str(code), f"`{one.name}`", kinds[one.severity], _cell(one.text))
            for code, one in sorted(REASONS.items())
            if code in codes
        ]
        lines += [f"## {title}", "", text, "", *_table(("code", "reason", "kind", "says"), rows)]
    return "\n".join(lines)


def errors_page() -> str:
    """The error tree, from the docstring that draws it and the classes."""
    import hotband.errors as tree

    text = tree.__doc__ or ""
    drawing = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    lines = [
        "# Errors", "",
        "Every error that hotband raises is one of these. Its message has four parts: which "
        "parameter, what was received, what is allowed, what to do.", "",
        "```text", *drawing, "```", "",
    ]  # fmt: skip
    meant = {1: "correct the call", 2: "try again later", 3: "a defect of hotband: report it"}
    rows = [
        (f"`{name}`", meant[one.severity.value], _cell((one.__doc__ or "").splitlines()[0]))
        for name, one in sorted(vars(tree).items())
        if isinstance(one, type) and issubclass(one, tree.HotbandError)
    ]
    return "\n".join([*lines, *_table(("class", "what helps", "when"), rows)])


def artefacts_page() -> str:
    """The fields of every published document, from the JSON Schemas."""
    import json

    from hotband.artefacts.publish import schema_texts

    lines = [
        "# Artefacts", "",
        "The shapes of the files that hotband writes for others to read, as JSON Schema "
        "2020-12. Numbers are never NaN or infinite; what is undefined is `null` with a reason.",
        "",
    ]  # fmt: skip
    seen: set[str] = set()
    for name, text in sorted(schema_texts().items()):
        schema = json.loads(text)
        title = name.removesuffix(".schema.json")
        lines += [f"## {title}", "", f"[`{name}`](../schemas/{name})", ""]
        lines += [_prose(schema.get("description", "")), "", *_fields(schema)]
        for part, shape in sorted(schema.get("$defs", {}).items()):
            if part in seen or "properties" not in shape:
                continue
            seen.add(part)
            lines += [f"### {part}", "", _prose(shape.get("description", "")), ""]
            lines += _fields(shape)
    return "\n".join(lines)


def _fields(shape: dict[str, Any]) -> list[str]:
    required = set(shape.get("required", ()))
    rows = [
        (f"`{name}`", _type(one), "yes" if name in required else "no",
         _cell(one.get("description", "")))
        for name, one in shape.get("properties", {}).items()
    ]  # fmt: skip
    return _table(("field", "type", "always", "says"), rows)


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return f"`{shape['$ref'].rpartition('/')[2]}`"
    if "const" in shape:
        return f"`{shape['const']}`"
    if "enum" in shape:
        return " \\| ".join(f"`{one}`" for one in shape["enum"])
    for key in ("anyOf", "oneOf"):
        if key in shape:
            return " \\| ".join(_type(one) for one in shape[key])
    kind = shape.get("type", "any")
    if kind == "array":
        return f"list of {_type(shape.get('items', {}))}"
    inner = shape.get("additionalProperties")
    if not isinstance(inner, dict):
        inner = next(iter(shape.get("patternProperties", {}).values()), None)
    if kind == "object" and inner is not None:
        return f"map to {_type(inner)}"
    return str(kind)


def http_page() -> str:
    """The routes, from the OpenAPI document."""
    from hotband.service.app import create_api

    document = create_api().openapi()
    lines = [
        "# HTTP", "",
        "The routes of `hotband serve` and `hotband up`; the whole document is "
        "[`openapi.json`](../openapi.json). Who may call them is on [its page](../service.md). "
        "Errors are problems by RFC 9457.", "",
    ]  # fmt: skip
    for path, methods in sorted(document["paths"].items()):
        for method in METHODS:
            if method in methods:
                lines += _route(path, method, methods[method])
    return "\n".join(lines)


def _route(path: str, method: str, route: dict[str, Any]) -> list[str]:
    lines = [f"## {method.upper()} {path}", ""]
    lines += [_prose(route.get("description") or route.get("summary", "")), ""]
    rows = [
        (f"`{one['name']}`", one["in"], _type(one.get("schema", {})),
         _cell(one.get("description") or one.get("schema", {}).get("description", "")))
        for one in route.get("parameters", ())
    ]  # fmt: skip
    rows += [
        ("body", "body", _type(content.get("schema", {})), "")
        for content in route.get("requestBody", {}).get("content", {}).values()
    ]
    lines += _table(("parameter", "in", "type", "says"), rows)
    answers = [(f"{code}", _cell(one["description"])) for code, one in route["responses"].items()]
    return [*lines, *_table(("answer", "says"), answers)]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {' | '.join(row)} |" for row in [head, *rows]]
    return [lines[0], f"|{'---|' * len(head)}", *lines[1:], ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _prose(text: str) -> str:
    """Text of a docstring without Markdown of its own, paragraphs kept."""
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(part.replace("<", "&lt;").replace("``", "`") for part in parts)
