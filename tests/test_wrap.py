"""The wrapped handler: loaded at import, idempotent, and loud if it is misconfigured."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lambda_idempotency import ConfigurationError

HANDLER = """
runs = 0
def handler(event, context):
    global runs
    runs += 1
    return runs
NUMBER = 5
"""
DECORATED = f"from lambda_idempotency import idempotent\n{HANDLER}\nhandler = idempotent(handler)"
UNDER_ANOTHER = f"""{DECORATED}
from functools import wraps
def traced(function):
    @wraps(function)
    def wrapper(event, context):
        return function(event, context)
    return wrapper
handler = traced(handler)
"""
ASYNC = HANDLER.replace("def handler", "async def handler").replace(
    "global runs", "import asyncio; global runs, loop; loop = asyncio.get_running_loop()"
)
OVER_ANOTHER = f"""{HANDLER}
from functools import wraps
def traced(function):
    @wraps(function)
    def wrapper(event, context):
        return [function(event, context)]
    return wrapper
handler = traced(handler)
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory that comes first on the path, as Lambda's /var/task does."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")
    return tmp_path


def load(monkeypatch: pytest.MonkeyPatch, name: str | None) -> Any:
    """Return a function that imports the wrapper as Lambda does, in this process."""
    for module in ("lambda_idempotency.wrap", "own", "orders", "orders.own", "broken"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    if name is not None:
        monkeypatch.setenv("IDEMPOTENCY_HANDLER", name)
    from importlib import import_module

    return import_module("lambda_idempotency.wrap").handler


@pytest.mark.parametrize("code", [HANDLER, ASYNC], ids=["sync", "async"])
def test_an_untouched_handler_becomes_idempotent(
    task: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (task / "own.py").write_text(code)
    handler = load(monkeypatch, "own.handler")
    assert [handler({"id": id_}, None) for id_ in (1, 1, 2)] == [1, 1, 2]
    if code is ASYNC:
        sys.modules["own"].loop.close()


@pytest.mark.parametrize("name", ["orders/own.handler", "orders.own.handler"])
def test_a_handler_in_a_directory_is_found(
    task: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (task / "orders").mkdir()
    (task / "orders" / "own.py").write_text(HANDLER)
    assert load(monkeypatch, name)({"id": 1}, None) == 1


def test_a_handler_that_others_have_decorated_is_wrapped(
    task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task / "own.py").write_text(OVER_ANOTHER)
    handler = load(monkeypatch, "own.handler")
    assert [handler({"id": id_}, None) for id_ in (1, 1, 2)] == [[1], [1], [2]]


@pytest.mark.parametrize("code", [DECORATED, UNDER_ANOTHER], ids=["bare", "under another"])
def test_a_decorated_handler_gets_no_second_wrap_and_one_warning(
    task: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    (task / "own.py").write_text(code)
    handler = load(monkeypatch, "own.handler")
    assert handler is sys.modules["own"].handler
    assert [handler({"id": id_}, None) for id_ in (1, 1, 2)] == [1, 1, 2]
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage().startswith("own.handler is decorated already")


def test_an_untouched_handler_gets_no_warning(
    task: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (task / "own.py").write_text(HANDLER)
    load(monkeypatch, "own.handler")
    assert caplog.records == []


def test_a_switched_off_handler_is_the_functions_own(
    task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    (task / "own.py").write_text(HANDLER)
    handler = load(monkeypatch, "own.handler")
    assert [handler({"id": 1}, None), handler({"id": 1}, None)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "variable IDEMPOTENCY_HANDLER is missing; expected the function's own handler"),
        ("own", "handler is 'own'; expected a module and a function"),
        ("own.", "handler is 'own.'; expected a module and a function"),
        ("lambda_idempotency.wrap.handler", "the wrapper itself"),
        ("lambda_idempotency/wrap.handler", "the wrapper itself"),
        ("other.handler", "there is no module other"),
        ("orders/other.handler", "there is no module orders"),
        ("own.other", "other is not there in"),
        ("own.NUMBER", "NUMBER is a int in"),
    ],
)
def test_a_misconfigured_handler_is_loud_at_import(
    task: Path, monkeypatch: pytest.MonkeyPatch, name: str | None, message: str
) -> None:
    (task / "own.py").write_text(HANDLER)
    with pytest.raises(ConfigurationError, match="IDEMPOTENCY_HANDLER") as refused:
        load(monkeypatch, name)
    assert message in str(refused.value)


def test_what_the_handlers_module_lacks_is_its_own_affair(
    task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task / "broken.py").write_text("import no_such_library")
    with pytest.raises(ModuleNotFoundError, match="no_such_library") as missing:
        load(monkeypatch, "broken.handler")
    assert not isinstance(missing.value, ConfigurationError)


def test_a_missing_store_is_loud_inside_lambda(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (task / "own.py").write_text(HANDLER)
    monkeypatch.delenv("IDEMPOTENCY_STORE")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")
    with pytest.raises(ConfigurationError, match="no store is configured"):
        load(monkeypatch, "own.handler")


def test_the_handlers_module_is_loaded_at_import(task: Path) -> None:
    (task / "own.py").write_text("print('loaded')\n" + HANDLER)
    done = subprocess.run(
        [sys.executable, "-c", "import lambda_idempotency.wrap"],
        env={
            "PYTHONPATH": str(task),
            "IDEMPOTENCY_STORE": "memory",
            "IDEMPOTENCY_HANDLER": "own.handler",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "loaded\n"
