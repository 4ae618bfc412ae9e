"""The imports of a package, read from its source: in functions and under TYPE_CHECKING too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeAlias

Graph: TypeAlias = Mapping[str, frozenset[str]]
"""What each module imports, by dotted names."""


def graph(root: Path) -> Graph:
    """Return what each module of the package in `root` imports, from it and from others."""
    known = _modules(root)
    found = {}
    for name, path in known.items():
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        found[name] = frozenset(_imported(ast.parse(path.read_text()), package, known)) - {name}
    return found


def room(module: str) -> str:
    """Return the folder of a package that a module is in; a file beside them is one of its own."""
    return ".".join(module.split(".")[:2])


def rooms(modules: Graph, package: str) -> Graph:
    """Return what the rooms of a package import from one another."""
    found: dict[str, frozenset[str]] = {}
    for module, imports in modules.items():
        others = {room(each) for each in imports if each.startswith(f"{package}.")}
        found[room(module)] = found.get(room(module), frozenset()) | (others - {room(module)})
    return found


def cycle(imports: Graph) -> list[str]:
    """Return the modules of a cycle; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def _modules(root: Path) -> dict[str, Path]:
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imported(tree: ast.AST, package: str, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            above = ".".join(parts) if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            for name in node.names:
                inner = f"{base}.{name.name}"
                # Of another package, what is imported from its top is taken for a module.
                is_module = inner in known or (base not in known and "." not in base)
                yield inner if is_module else base
