"""The cost of an import: a fresh interpreter loads nothing heavy before it needs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final, get_args

import pytest

import lambda_idempotency
from kit.aws.credentials import function_environment
from kit.network.fault_server import FaultServer, answer

HEAVY: Final = {
    "asyncio",
    "boto3",
    "botocore",
    "cdk_idempotency",
    "dataclasses",
    "jmespath",
    "pydantic",
    "redis",
}

CALL: Final = """
from lambda_idempotency import MemoryStore, idempotent
handler = idempotent(store=MemoryStore())(lambda event, context: event)
assert handler({"id": 1}, None) == handler({"id": 1}, None) == {"id": 1}
"""

FUNCTION_CALL: Final = """
from lambda_idempotency import MemoryStore, idempotent_function
@idempotent_function(store=MemoryStore())
def charge(order: dict[str, int]) -> dict[str, int]:
    return order
assert charge({"id": 1}) == charge(order={"id": 1}) == {"id": 1}
"""

BATCH_CALL: Final = """
from lambda_idempotency import MemoryStore, idempotent_records
handler = idempotent_records(store=MemoryStore())(lambda record, context: None)
record = {"eventSource": "aws:sqs", "eventSourceARN": "arn", "messageId": "1", "body": "{}"}
assert handler({"Records": [record]}, None) == {"batchItemFailures": []}
"""

DYNAMODB_CALL: Final = """
from lambda_idempotency import DynamoDBStore, idempotent
def decorated(**options):
    return idempotent(store=DynamoDBStore("records"), namespace="shop", **options)(
        lambda event, context: event
    )
"""

NEVER_FOR_DYNAMODB: Final = {
    "asyncio",
    "boto3",
    "botocore",
    "cdk_idempotency",
    "email",
    "http.client",
    "jmespath",
    "redis",
    "stringprep",
    "urllib.request",
    "urllib3",
}

NOT_ON_THE_WAY: Final = {"datetime", "inspect", "ipaddress", "urllib.parse"}
"""Modules of the standard library that take milliseconds, and that only some functions need."""


def loaded_by(statements: str, environment: dict[str, str] | None = None) -> set[str]:
    code = f"{statements}\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=None if environment is None else {**os.environ, **environment},
    )
    return set(ran.stdout.split())


@pytest.fixture
def dynamodb() -> Iterator[dict[str, str]]:
    """Yield the environment of a function whose DynamoDB accepts every request."""
    with FaultServer(otherwise=answer()) as server:
        yield function_environment(server.endpoint)
        assert len(server.requests) == 2  # a whole call: the claim and the completion


@pytest.mark.parametrize(
    "statements",
    [
        "import lambda_idempotency",
        "import lambda_idempotency.contract.settings",
        "from lambda_idempotency import idempotent",
        "from lambda_idempotency import *",
        "from lambda_idempotency import DynamoDBStore; DynamoDBStore('records').name",
        CALL,
        "from lambda_idempotency import idempotent_function",
        FUNCTION_CALL,
        "from lambda_idempotency import idempotent_records",
        BATCH_CALL,
    ],
)
def test_nothing_heavy_is_loaded(statements: str) -> None:
    assert loaded_by(statements) & HEAVY == set()


def test_no_value_class_is_of_typings_making() -> None:
    runtime = Path(lambda_idempotency.__file__).parent
    named = [path for path in runtime.rglob("*.py") if "NamedTuple):" in path.read_text()]
    assert len(named) > 40
    for path in named:
        assert path.stem == "tuples" or "tuples import NamedTuple" in path.read_text(), path


def test_the_package_alone_loads_none_of_its_modules() -> None:
    loaded = loaded_by("import lambda_idempotency")
    assert {name for name in loaded if name.startswith("lambda_idempotency.")} == set()


def test_a_whole_call_on_dynamodb_loads_nothing_heavy(dynamodb: dict[str, str]) -> None:
    call = f"{DYNAMODB_CALL}\nassert decorated()({{'id': 1}}, None) == {{'id': 1}}"
    loaded = loaded_by(call, dynamodb)
    assert "lambda_idempotency.clients.aws.services" in loaded
    assert loaded & (NEVER_FOR_DYNAMODB | NOT_ON_THE_WAY) == set()


@pytest.mark.parametrize(("key", "adds"), [("id", set()), ("[id]", {"jmespath"})])
def test_a_path_adds_nothing_heavy_and_another_expression_jmespath(
    dynamodb: dict[str, str], key: str, adds: set[str]
) -> None:
    call = f"{DYNAMODB_CALL}\nassert decorated(key='{key}')({{'id': 1}}, None) == {{'id': 1}}"
    assert loaded_by(call, dynamodb) & NEVER_FOR_DYNAMODB == adds


def test_a_failed_call_on_dynamodb_loads_nothing_heavy(dynamodb: dict[str, str]) -> None:
    call = f"""{DYNAMODB_CALL}
def fail(event, context):
    raise ValueError
try:
    idempotent(store=DynamoDBStore("records"), namespace="shop")(fail)({{"id": 1}}, None)
except ValueError:
    pass
"""
    assert loaded_by(call, dynamodb) & NEVER_FOR_DYNAMODB == set()


def test_jmespath_is_loaded_where_an_expression_needs_it() -> None:
    option = "from lambda_idempotency import *; idempotent(key='[id]', store=MemoryStore())"
    assert "jmespath" in loaded_by(option)


HEARTBEAT: Final = {f"lambda_idempotency.{room}.heartbeat" for room in ("drivers", "protocol")}


def test_a_heartbeat_is_loaded_only_where_nothing_ends_an_attempt() -> None:
    lambda_function = {"AWS_LAMBDA_FUNCTION_NAME": "payments"}
    assert loaded_by(CALL, lambda_function) & HEARTBEAT == set()
    assert loaded_by(CALL) & HEARTBEAT == HEARTBEAT


def test_what_few_need_is_not_loaded() -> None:
    few = {"response.offload", "stores.cached", "clients.aws.s3", "clients.net.brought"}
    assert all(find_spec(f"lambda_idempotency.{name}") for name in few)
    assert loaded_by(CALL) & {f"lambda_idempotency.{name}" for name in few} == set()


def test_the_tables_of_event_sources_are_not_loaded_for_other_events() -> None:
    tables = {f"lambda_idempotency.identity.{name}_sources" for name in ("batch", "event")}
    assert loaded_by(CALL) & tables == set()
    assert loaded_by(f"{CALL}\nhandler([{{'id': 1}}], None)") & tables == set()
    rule = {"detail-type": "a"}
    assert loaded_by(f"{CALL}\nhandler({rule}, None)") & tables == {
        "lambda_idempotency.identity.event_sources"
    }


def http_modules(statements: str) -> set[str]:
    return {name for name in loaded_by(statements) if name.startswith("lambda_idempotency.http.")}


def test_http_mode_is_not_loaded_for_other_events() -> None:
    assert http_modules(CALL) == set()


def test_http_mode_is_loaded_by_the_first_request() -> None:
    event = "{'httpMethod': 'GET', 'resource': '/'}"
    assert "lambda_idempotency.http.mode" in http_modules(f"{CALL}\nhandler({event}, None)")


def test_http_mode_is_loaded_at_once_where_it_is_named() -> None:
    option = "from lambda_idempotency import *; idempotent(http='stripe', store=MemoryStore())"
    assert "lambda_idempotency.http.mode" in http_modules(option)


def test_asyncio_is_loaded_where_a_handler_needs_it() -> None:
    handler = "async def handler(event, context): ..."
    decorated = f"from lambda_idempotency import *\n{handler}\nidempotent(handler)"
    assert "asyncio" in loaded_by(decorated)


def test_asyncio_is_loaded_where_an_async_function_is_called() -> None:
    function = FUNCTION_CALL.replace("def charge", "async def charge").split("assert")[0]
    assert "asyncio" not in loaded_by(function)
    assert "asyncio" in loaded_by(f"{function}import asyncio; asyncio.run(charge({{}}))")


@pytest.mark.parametrize("name", sorted({*lambda_idempotency.__all__} - {"Reply"}))
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(lambda_idempotency, name).__name__ == name


def test_so_can_the_union_of_the_replies() -> None:
    names = {reply.__name__ for reply in get_args(lambda_idempotency.Reply)}
    assert names == {"Absent", "Applied", "Conflict", "WritesRefused"}


def test_another_name_cannot_be_imported() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lambda_idempotency.nonsense  # noqa: B018 - the lookup is what is tested
