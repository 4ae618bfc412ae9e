"""Imports go one way: each room uses only the rooms below it, and no modules form a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from kit.aws.local import ROOT
from kit.imports import Graph, cycle, graph, room, rooms

RUNTIME: Final = "lambda_idempotency"
CONSTRUCT: Final = "cdk_idempotency"
COMMAND: Final = "cdk_idempotency_cli"
CONTRACT: Final = f"{RUNTIME}.contract"

ROOMS_BELOW: Final[Mapping[str, set[str]]] = {
    "encoder": set(),
    "errors": set(),
    "tuples": set(),
    "identity": {"encoder", "errors", "tuples"},
    "protocol": {"errors", "tuples"},
    "contract": {"errors", "identity", "protocol", "tuples"},
    "metrics": {"contract", "errors", "protocol", "tuples"},
    "clients": {"contract", "encoder", "errors", "metrics", "tuples"},
    "response": {"clients", "contract", "encoder", "errors", "metrics", "protocol", "tuples"},
    "stores": {"clients", "contract", "errors", "metrics", "protocol", "tuples"},
    "drivers": {"clients", "metrics", "protocol", "stores"},
    "execution": {
        *("clients", "contract", "drivers", "errors", "identity", "metrics", "protocol"),
        *("response", "stores", "tuples"),
    },
    "http": {
        *("contract", "errors", "execution", "identity", "metrics", "protocol", "response"),
        "tuples",
    },
    "decorators": {
        *("clients", "contract", "errors", "execution", "http", "identity", "metrics"),
        *("protocol", "response", "stores", "tuples"),
    },
    "rotation": {"contract", "errors", "tuples"},
    "testing": {"contract", "errors", "protocol", "stores", "tuples"},
    "wrap": {"contract", "decorators", "errors"},
}
"""The rooms of the runtime, and those that each imports from."""


def _runtime() -> Graph:
    found = dict(graph(ROOT / "runtime" / RUNTIME))
    del found[RUNTIME]  # loaded when its names are first used
    return found


MODULES: Final = _runtime()
CONSTRUCT_MODULES: Final = graph(ROOT / "constructs" / CONSTRUCT)
COMMAND_MODULES: Final = graph(ROOT / "constructs" / COMMAND)


def test_each_room_of_the_runtime_imports_from_those_below_it() -> None:
    found = {
        name.removeprefix(f"{RUNTIME}."): {each.removeprefix(f"{RUNTIME}.") for each in others}
        for name, others in rooms(MODULES, RUNTIME).items()
    }
    assert {name: others - ROOMS_BELOW[name] for name, others in found.items()} == {
        name: set() for name in ROOMS_BELOW
    }


def test_the_list_of_rooms_has_no_circle() -> None:
    assert cycle({name: frozenset(below) for name, below in ROOMS_BELOW.items()}) == []


@pytest.mark.parametrize(
    "modules", [MODULES, CONSTRUCT_MODULES, COMMAND_MODULES], ids=[RUNTIME, CONSTRUCT, COMMAND]
)
def test_no_modules_import_one_another(modules: Graph) -> None:
    assert cycle(modules) == []


def test_no_folders_of_the_construct_import_one_another() -> None:
    assert cycle(rooms(CONSTRUCT_MODULES, CONSTRUCT)) == []


def test_the_contract_is_all_that_the_construct_imports_of_the_runtime() -> None:
    assert {room(each) for each in _of_the_runtime(CONSTRUCT_MODULES)} == {CONTRACT}


def test_the_runtime_does_not_import_the_construct() -> None:
    assert not any(each.startswith(CONSTRUCT) for imports in MODULES.values() for each in imports)


def test_nothing_imports_the_command_line_and_it_needs_no_cdk() -> None:
    others = frozenset().union(*MODULES.values(), *CONSTRUCT_MODULES.values())
    assert not any(each.startswith(COMMAND) for each in others)
    assert not any(
        each.split(".")[0] in (CONSTRUCT, "aws_cdk", "constructs")
        for imports in COMMAND_MODULES.values()
        for each in imports
    )


def _of_the_runtime(modules: Graph) -> set[str]:
    imports = frozenset().union(*modules.values())
    return {each for each in imports if each == RUNTIME or each.startswith(f"{RUNTIME}.")}


# The reading of imports ---------------------------------------------------------------------------


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
def test_a_circle_is_found_however_it_is_hidden(tmp_path: Path, text: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text(text)
    (package / "other.py").write_text("from .one import name")
    assert set(cycle(graph(package))) == {"package.one", "package.other"}


def test_an_import_of_another_room_is_found(tmp_path: Path) -> None:
    for name, text in {"above": "from ..below.one import x", "below": "x = 1"}.items():
        folder = tmp_path / "package" / name
        folder.mkdir(parents=True)
        (folder / "one.py").write_text(text)
    found = rooms(graph(tmp_path / "package"), "package")
    assert found == {"package.above": {"package.below"}, "package.below": frozenset()}


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
    assert _of_the_runtime(graph(package)) == {imported}
