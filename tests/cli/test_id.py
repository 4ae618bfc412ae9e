"""`id`: from a request to its record, by the layer's own code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.batches import batch, sqs
from kit.http_events import KEY, Http, http_2, rest, url
from kit.operator import Operator
from lambda_idempotency import MemoryStore, idempotent, idempotent_records

pytestmark = pytest.mark.xdist_group("cli")

SHOP = ("--namespace", "shop")
CALLER = "alice"


@pytest.fixture(scope="module")
def operator(local_aws: LocalAws) -> Operator:
    """Return an operator, who needs no AWS for this."""
    return Operator(local_aws)


def expected(event: Any, **options: Any) -> str:
    """Return the id that a handler of the shop tells."""

    @idempotent(namespace="shop", store=MemoryStore(), **options)
    def handler(event: Any, context: Any) -> None: ...

    return handler.record_id(event)


def printed(operator: Operator, *arguments: str) -> str:
    """Return the id that is printed."""
    ran = operator.run("id", *SHOP, *arguments)
    assert ran.code == 0, ran.err
    return ran.out.strip()


@pytest.mark.parametrize("path", ["id", "order.id"])
def test_a_key_is_put_where_the_function_looks_for_it(operator: Operator, path: str) -> None:
    event: Any = "p-1"
    for name in reversed(path.split(".")):
        event = {name: event}
    assert printed(operator, "--key-expression", path, "--key", "p-1") == expected(event, key=path)


def test_a_number_is_not_its_text(operator: Operator) -> None:
    text = printed(operator, "--key-expression", "id", "--key", "7")
    number = printed(operator, "--key-expression", "id", "--key-json", "7")
    assert text == expected({"id": "7"}, key="id")
    assert number == expected({"id": 7}, key="id") != text


def test_a_key_that_is_not_json_is_refused(operator: Operator) -> None:
    ran = operator.run("id", *SHOP, "--key-json", "{")
    assert ran.code == 2
    assert "it is not JSON" in ran.err


def test_an_event_is_read_from_a_file(operator: Operator, tmp_path: Path) -> None:
    event = {"id": "p-1", "amount": 5}
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert printed(operator, "--event", str(tmp_path / "event.json")) == expected(event)


def test_a_key_that_no_event_can_be_made_for_asks_for_the_event(operator: Operator) -> None:
    ran = operator.run("id", *SHOP, "--key-expression", "[a, b]", "--key", "p-1")
    assert ran.code == 2
    assert "--event" in ran.err


def test_a_request_has_to_be_given(operator: Operator) -> None:
    assert operator.run("id", *SHOP).code == 2


def test_the_name_in_the_code_counts(operator: Operator) -> None:
    named = printed(operator, "--key-expression", "id", "--key", "1", "--name", "cancel")
    assert named == expected({"id": "1"}, key="id", name="cancel")
    assert named != expected({"id": "1"}, key="id")


HTTP: dict[str, tuple[Callable[[Http], Any], tuple[str, ...]]] = {
    "http": (http_2, ("--path", "/prod/orders/7", "--api-stage", "prod")),
    "rest": (rest, ("--path", "/prod/orders/7", "--api-stage", "prod")),
    "url": (url, ("--path", "/orders/7")),
}
HOSTS = {"url": "abc.lambda-url.us-east-1.on.aws"}


def _parts(api: str) -> tuple[str, ...]:
    host = HOSTS.get(api, "api.execute-api.us-east-1.amazonaws.com")
    route = "POST /orders/7" if api == "url" else "POST /orders/{id}"
    return (
        *("--http", route, "--api", api, "--host", host),
        *("--key", KEY, *HTTP[api][1]),
    )


@pytest.mark.parametrize("api", HTTP)
def test_an_http_request_is_made_of_its_parts(operator: Operator, api: str) -> None:
    assert printed(operator, *_parts(api)) == expected(HTTP[api][0](Http()))


@pytest.mark.parametrize("api", HTTP)
def test_so_is_its_caller(operator: Operator, api: str) -> None:
    event = HTTP[api][0](Http(caller=CALLER))
    context = event["requestContext"]["authorizer"]
    claims = context.get("claims") or context.get("jwt", {}).get("claims")
    caller = ("--jwt", claims["iss"], claims["sub"]) if claims else ("--iam", f"AROA{CALLER}:s")
    told = printed(operator, *_parts(api), *caller)
    assert told == expected(event) != printed(operator, *_parts(api))


def test_a_route_with_parameters_needs_the_path(operator: Operator) -> None:
    ran = operator.run("id", *SHOP, "--http", "POST /orders/{id}", "--key", "k")
    assert ran.code == 2
    assert "--path" in ran.err


def test_a_message_of_a_queue_has_the_id_of_its_record(operator: Operator) -> None:
    event = batch(sqs("1", {"order": {"id": "o-1"}}))
    queue = event["Records"][0]["eventSourceARN"]

    @idempotent_records(namespace="shop", key="body.order.id", store=MemoryStore())
    def handler(record: Any, context: Any) -> None: ...

    message = ("--queue", queue, "--key-expression", "body.order.id", "--key", "o-1")
    assert [printed(operator, *message)] == handler.record_ids(event)


def test_each_record_of_a_batch_has_a_line(operator: Operator, tmp_path: Path) -> None:
    event = batch(sqs("1", "a"), sqs("2", "b"))
    (tmp_path / "event.json").write_text(json.dumps(event))
    ran = operator.run("id", *SHOP, "--event", str(tmp_path / "event.json"), "--json")
    assert len({each["id"] for each in ran.json}) == 2


CODE = """
import os
from lambda_idempotency import idempotent, idempotent_function

@idempotent(key=lambda event: event["id"].lower())
def handler(event, context):
    raise AssertionError("it was run")

@idempotent_function(key="order")
def charge(order, amount):
    raise AssertionError("it was run")
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return the folder of a function's code."""
    (tmp_path / "cli_payments.py").write_text(CODE)
    return tmp_path


def test_the_code_itself_is_asked(operator: Operator, code: Path) -> None:
    own = ("--code", str(code), "--handler", "cli_payments.handler", "--key-expression", "id")
    told = printed(operator, *own, "--key", "P-1")
    assert told == expected({"id": "p-1"}, key="id")


def test_a_function_is_asked_with_the_arguments_of_its_call(operator: Operator, code: Path) -> None:
    own = ("--code", str(code), "--handler", "cli_payments.charge")
    one, again, other = (
        printed(operator, *own, "--arguments", json.dumps({"order": order, "amount": amount}))
        for order, amount in ((1, 5), (1, 6), (2, 5))
    )
    assert one == again != other


def test_a_handler_that_is_not_there_is_named(operator: Operator, code: Path) -> None:
    own = ("--code", str(code), "--handler", "cli_payments.nothing")
    ran = operator.run("id", *SHOP, *own, "--key", "1")
    assert ran.code == 3
    assert "cli_payments.nothing" in ran.err


def test_the_environment_is_as_before(
    operator: Operator, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("IDEMPOTENCY_NAMESPACE", "mine")
    before = dict(os.environ)
    printed(operator, "--key-expression", "id", "--key", "1")
    assert dict(os.environ) == before
