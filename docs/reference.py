"""Write the API reference from the signatures and docstrings of all public names: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from griffe import Alias, Attribute, Class, Function, Object, load

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "dist" / "api.md"
"""The file to write, in a directory that Git ignores."""

PACKAGES: Final = (("cdk_idempotency", "constructs"), ("lambda_idempotency", "runtime"))
"""Each package and the directory that holds it."""


def page() -> str:
    """Return the whole page."""
    parts = ["# API reference", *(part for each in PACKAGES for part in _package(*each))]
    return "\n\n".join(parts) + "\n"


def _package(name: str, directory: str) -> Iterator[str]:
    package = load(name, search_paths=[ROOT / directory], resolve_aliases=True)
    yield f"## `{name}`"
    # Imported for its names: `__all__` may be an expression, and griffe runs no code.
    for public in sorted(import_module(name).__all__, key=str.lower):
        yield from _entry(public, package[public], level=3)


def _entry(title: str, found: Object | Alias, *, level: int) -> Iterator[str]:
    """Yield a name's heading, signature and docstring, and the same of its public members."""
    target = found.final_target if isinstance(found, Alias) else found
    yield f"{'#' * level} {title}"
    yield f"```python\n{_signature(target)}\n```"
    yield from _docstring(target)
    if isinstance(target, Class):
        yield from _docstring(target.members.get("__init__"))
        for name, member in target.all_members.items():
            if not name.startswith("_") and member.docstring is not None:
                yield from _entry(f"{title}.{name}", member, level=level + 1)


def _signature(of: Object) -> str:
    match of:
        case Function():
            return str(of.signature())
        case Class():
            bases = ", ".join(str(base) for base in of.bases)
            head = f"class {of.name}({bases})" if bases else f"class {of.name}"
            return f"{head}\n{of.signature()}" if "__init__" in of.members else head
        case Attribute(annotation=None):
            return f"{of.name} = {of.value}"
        case Attribute():
            return f"{of.name}: {of.annotation}"
        case _:
            return of.name


def _docstring(of: Object | Alias | None) -> Iterator[str]:
    if of is not None and of.docstring is not None and of.docstring.value:
        yield of.docstring.value.strip()


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
    print(PAGE.relative_to(ROOT))
