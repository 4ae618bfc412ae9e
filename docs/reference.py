"""Writes docs/api.md from the signatures and docstrings of all public names: `make docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from griffe import Alias, Attribute, Class, Function, Module, Object, Parameters, load

import cdk_idempotency
import lambda_idempotency

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "api.md"
WIDTH: Final = 92

HEAD: Final = """\
# API reference

Made of the docstrings by `make docs`; `make test` fails where it is out of date.
"""

PACKAGES: Final = (
    ("cdk_idempotency", "constructs", cdk_idempotency.__all__, "the construct, in your CDK app"),
    ("lambda_idempotency", "runtime", lambda_idempotency.__all__, "the runtime, in your functions"),
)


def page() -> str:
    """The whole page."""
    sections = [HEAD]
    for package, root, names, what in PACKAGES:
        loaded = load(package, search_paths=[ROOT / root], resolve_aliases=True)
        assert isinstance(loaded, Module)
        sections.append(f"## `{package}`: {what}\n")
        for name in sorted(names, key=str.lower):
            found = loaded[name]
            sections += _entry(found.final_target if isinstance(found, Alias) else found, level=3)
    return "\n".join(sections)


def _entry(of: Object, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {of.name}\n"
    if isinstance(of, Class):
        yield from _class(of, level)
    elif isinstance(of, Function):
        yield _code(_signature(of.name, of.parameters, of.returns))
        yield _text(of)
    elif isinstance(of, Attribute):
        yield _code(f"{of.name} = {of.value}")
        yield _text(of)


def _class(of: Class, level: int) -> Iterator[str]:
    is_dict = any("TypedDict" in str(base) for base in of.bases)
    constructor = None if _is_made_by_its_methods(of) else of.members.get("__init__")
    bases = ", ".join(str(base) for base in of.bases)
    if isinstance(constructor, Function):
        yield _code(_signature(of.name, constructor.parameters, None))
    elif bases.endswith("Error"):
        yield f"Raised as an `{bases}`.\n"
    yield _text(of)
    if isinstance(constructor, Function) and constructor.docstring:
        yield _text(constructor)
    rows = [] if _is_made_by_its_methods(of) else [_row(each) for each in _described(of)]
    if rows:
        yield "\n".join([f"| {'prop' if is_dict else 'attribute'} | |", "|---|---|", *rows, ""])
    for inherited in of.all_members.values():
        member = inherited.final_target if isinstance(inherited, Alias) else inherited
        if isinstance(member, Function) and _is_public(of, member):
            yield f"{'#' * (level + 1)} {of.name}.{member.name}\n"
            yield _code(_signature(member.name, member.parameters, member.returns))
            yield _text(member)


def _is_made_by_its_methods(of: Class) -> bool:
    """Whether its static methods alone are for users; the others are the construct's."""
    return of.docstring is not None and "made by its static methods" in of.docstring.value


def _is_public(of: Class, method: Function) -> bool:
    if method.name.startswith("_") or _is_of_every_store(of, method):
        return False
    return "staticmethod" in method.labels if _is_made_by_its_methods(of) else True


def _is_of_every_store(of: Class, member: Object) -> bool:
    """Whether `Store` describes the member, and this is one of the stores."""
    refers = member.docstring is not None and member.docstring.value.startswith("See `Store")
    inherits = member.parent is not None and member.parent.name == "Store" != of.name
    return refers or inherits


def _described(of: Class) -> Iterator[Attribute]:
    for member in of.all_members.values():
        found = member.final_target if isinstance(member, Alias) else member
        if not isinstance(found, Attribute) or found.name.startswith("_"):
            continue
        if found.docstring and not _is_of_every_store(of, found):
            yield found


def _row(member: Attribute) -> str:
    cell = " ".join(_text(member).split()).replace("|", "\\|")
    return f"| `{member.name}` | {cell} |"


def _signature(name: str, parameters: Parameters, returns: object) -> str:
    shown = list(_parameters(parameters))
    result = "" if returns is None or str(returns) == "None" else f" -> {returns}"
    line = f"{name}({', '.join(shown)}){result}"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"    {parameter},\n" for parameter in shown)
    return f"{name}(\n{rows}){result}"


def _parameters(parameters: Parameters) -> Iterator[str]:
    keyword_only = False
    for parameter in parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = str(parameter.kind.value) if parameter.kind else ""
        if kind == "keyword-only" and not keyword_only:
            keyword_only = True
            yield "*"
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        text = stars + parameter.name
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            text += f" = {parameter.default}"
        yield text


def _code(text: str) -> str:
    return f"```text\n{text}\n```\n"


def _text(of: Object) -> str:
    """The docstring, in Markdown: its paragraphs, with a line for each prop that begins one."""
    if of.docstring is None:
        return ""
    text = of.docstring.value.strip()
    return re.sub(r"(?<!\n)\n(`[a-z_`, ]+`:)", r"\n\n\1", text) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
