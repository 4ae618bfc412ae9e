"""Imports go one way, in functions and under TYPE_CHECKING too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from kit.local_aws import ROOT

PACKAGE: Final = "cdk_idempotency"
RUNTIME: Final = "lambda_idempotency"
SOURCES: Final = ROOT / "constructs" / PACKAGE

CONTRACT: Final = f"{RUNTIME}.contract"
BESIDE_THE_CONTRACT: Final = frozenset(
    {f"{RUNTIME}.redis_document", f"{RUNTIME}.rotation.settings"}
)
"""Modules of the runtime that become part of the contract; then this is empty."""

Graph = Mapping[str, frozenset[str]]


def _modules(root: Path) -> dict[str, Path]:
    """Return the files of a package by their dotted names."""
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imported(tree: ast.AST, package: str, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules that a module of `package` imports anywhere, by their dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            above = ".".join(parts) if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            for name in node.names:
                inner = f"{base}.{name.name}"
                is_module = inner in known or base == RUNTIME
                yield inner if is_module else base


def _graph(root: Path) -> Graph:
    """Return what each module of a package imports."""
    known = _modules(root)
    found = {}
    for name, path in known.items():
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        tree = ast.parse(path.read_text())
        found[name] = frozenset(_imported(tree, package, known))
    return found


def _cycle(graph: Graph) -> list[str]:
    """Return the modules of a cycle; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def _rooms(graph: Graph) -> Graph:
    """Return the same between the folders of the package; a file beside them is one of its own."""

    def room(module: str) -> str:
        return ".".join(module.split(".")[:2])

    found: dict[str, frozenset[str]] = {}
    for module, imports in graph.items():
        others = {room(each) for each in imports if each.startswith(f"{PACKAGE}.")}
        known = found.get(room(module), frozenset())
        found[room(module)] = known | (others - {room(module)})
    return found


def _of_the_runtime(graph: Graph) -> set[str]:
    imports = frozenset().union(*graph.values())
    return {each for each in imports if each == RUNTIME or each.startswith(f"{RUNTIME}.")}


GRAPH: Final = _graph(SOURCES)


def test_no_modules_import_one_another() -> None:
    assert _cycle(GRAPH) == []


def test_no_folders_import_one_another() -> None:
    assert _cycle(_rooms(GRAPH)) == []


def test_the_contract_is_all_that_is_imported_of_the_runtime() -> None:
    others = {each for each in _of_the_runtime(GRAPH) if not f"{each}.".startswith(f"{CONTRACT}.")}
    assert others == BESIDE_THE_CONTRACT


@pytest.mark.parametrize(
    "text",
    [
        "from .other import name",
        "from . import other",
        "import package.other",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .other import name",
        "def function():\n    from .other import name",
    ],
)
def test_a_cycle_is_found_however_it_is_hidden(tmp_path: Path, text: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text(text)
    (package / "other.py").write_text("from .one import name")
    assert set(_cycle(_graph(package))) == {"package.one", "package.other"}


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("from lambda_idempotency import stores", f"{RUNTIME}.stores"),
        ("from lambda_idempotency.stores import base", f"{RUNTIME}.stores"),
        ("import lambda_idempotency.stores", f"{RUNTIME}.stores"),
        ("def function():\n    import lambda_idempotency", RUNTIME),
    ],
)
def test_an_import_of_the_runtime_is_found(tmp_path: Path, text: str, imported: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "one.py").write_text(text)
    assert _of_the_runtime(_graph(package)) == {imported}
