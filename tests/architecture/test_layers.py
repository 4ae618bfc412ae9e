"""Imports go one way: each room of the runtime uses those below it, and no modules form a circle.

Imports inside functions and for type checkers count: they are dependencies too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from kit.aws.local import ROOT

PACKAGE: Final = "lambda_idempotency"

ALLOWED: Final[Mapping[str, set[str]]] = {
    "errors": set(),
    "identity": {"errors"},
    "protocol": {"errors"},
    "contract": {"errors", "identity", "protocol"},
    "metrics": {"contract", "errors", "protocol"},
    "clients": {"contract", "errors", "metrics"},
    "response": {"clients", "errors", "protocol"},
    "stores": {"clients", "contract", "errors", "metrics", "protocol"},
    "drivers": {"clients", "metrics", "protocol", "stores"},
    "execution": {
        *("clients", "contract", "drivers", "errors", "identity", "metrics", "protocol"),
        *("response", "stores"),
    },
    "http": {"contract", "errors", "execution", "identity", "metrics", "protocol", "response"},
    "decorators": {
        *("clients", "contract", "errors", "execution", "http", "identity", "metrics"),
        *("protocol", "response", "stores"),
    },
    "rotation": {"clients", "contract", "errors"},
    "testing": {"errors", "protocol", "stores"},
    "wrap": {"contract", "decorators", "errors"},
}
"""The rooms that each room may import from."""


def modules(root: Path) -> dict[str, str]:
    """The source of each module of a package, by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imported(name: str, source: str, known: Mapping[str, str], *, is_package: bool) -> set[str]:
    """The modules of `known` that a module imports."""
    package = name if is_package else name.rpartition(".")[0]
    return {
        module
        for node in ast.walk(ast.parse(source))
        for candidate in _candidates(node, package)
        for module in (candidate, candidate.rpartition(".")[0])
        if module in known and module != name and (candidate in known) is (module == candidate)
    }


def _candidates(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = package.split(".")
        above = parents[: len(parents) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def graph(root: Path) -> dict[str, set[str]]:
    """What each module of a package imports from it."""
    known = modules(root)
    packages = {name.rpartition(".")[0] for name in known}
    return {
        name: imported(name, source, known, is_package=name in packages)
        for name, source in known.items()
    }


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


RUNTIME: Final = graph(ROOT / "runtime" / PACKAGE)
del RUNTIME[PACKAGE]  # its names are loaded when they are first used


def test_every_room_is_known() -> None:
    assert {room(module) for module in RUNTIME} - set(ALLOWED) <= {""}


@pytest.mark.parametrize("module", sorted(RUNTIME))
def test_a_module_imports_only_from_rooms_below_its_own(module: str) -> None:
    rooms = {room(other) for other in RUNTIME[module]} - {room(module), ""}
    assert rooms <= ALLOWED[room(module)]


def test_no_room_depends_on_itself_through_others() -> None:
    TopologicalSorter(ALLOWED).prepare()


def test_no_modules_import_one_another_in_a_circle() -> None:
    TopologicalSorter(RUNTIME).prepare()


# The test itself ----------------------------------------------------------------------------------


def _package(root: Path, **files: str) -> Path:
    package = root / "shop"
    for name, source in files.items():
        path = package / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return package


@pytest.mark.parametrize(
    "source",
    [
        "from .b import x",
        "from . import b",
        "import shop.b",
        "from shop.b import x",
        "def f():\n    from .b import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import x",
    ],
)
def test_an_import_is_seen_however_it_is_written(tmp_path: Path, source: str) -> None:
    found = graph(_package(tmp_path, a=source, b="x = 1"))
    assert found["shop.a"] == {"shop.b"}


def test_an_import_of_another_room_is_seen(tmp_path: Path) -> None:
    found = graph(_package(tmp_path, rooms__a="from ..other.b import x", other__b="x = 1"))
    assert found["shop.rooms.a"] == {"shop.other.b"}


def test_a_circle_is_found(tmp_path: Path) -> None:
    found = graph(_package(tmp_path, a="from .b import x", b="def f():\n    from .a import y"))
    with pytest.raises(CycleError):
        TopologicalSorter(found).prepare()
