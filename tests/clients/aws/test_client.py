"""The client's requests and its retries: how many, after which pause, and for how long."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Final, TypeAlias

import pytest

from kit.aws.light import SSM, DynamoDB, SecretsManager
from kit.network.fault_server import LOST, SILENCE, UNREAD, FaultServer, Step, answer, failure, raw
from kit.network.processes import free_port
from lambda_idempotency.clients.aws import services as module
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.services import BUDGET_S
from lambda_idempotency.clients.net.retry import PAUSES_S
from lambda_idempotency.clients.net.waiting import BLOCKING, run

Connect: TypeAlias = Callable[..., Any]

KEY: Final = {"id": {"S": "shop#1"}}
ITEM: Final = {"Item": {"id": {"S": "shop#1"}}}


def _get(client: DynamoDB) -> dict[str, Any]:
    return client.get_item(TableName="table", Key=KEY)


def _error(client: DynamoDB) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        _get(client)
    return raised.value


def _code(client: DynamoDB) -> Any:
    return _error(client).response["Error"]["Code"]


# Requests -----------------------------------------------------------------------------------------


def test_a_request_is_json_with_its_operation_as_target(
    server: FaultServer, client: DynamoDB
) -> None:
    _get(client)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/")
    assert request.parsed == {"TableName": "table", "Key": KEY}
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("service", "method", "target"),
    [
        (DynamoDB, "put_item", "DynamoDB_20120810.PutItem"),
        (DynamoDB, "delete_item", "DynamoDB_20120810.DeleteItem"),
        (DynamoDB, "transact_write_items", "DynamoDB_20120810.TransactWriteItems"),
        (SSM, "get_parameter", "AmazonSSM.GetParameter"),
        (SecretsManager, "get_secret_value", "secretsmanager.GetSecretValue"),
    ],
)
def test_each_operation_has_its_target(
    server: FaultServer, connect: Connect, service: type, method: str, target: str
) -> None:
    getattr(connect(service=service), method)()
    assert server.requests[0].headers["x-amz-target"] == target


def test_the_path_of_the_endpoint_is_kept(server: FaultServer, connect: Connect) -> None:
    _get(connect(AWS_ENDPOINT_URL=f"{server.endpoint}/pre%20fix"))
    assert server.requests[0].path == "/pre%20fix"


def test_an_answer_is_the_items_and_what_the_server_said_about_it(
    server: FaultServer, client: DynamoDB
) -> None:
    server.script(answer(ITEM, headers={"x-amzn-RequestId": "REQUEST-7"}))
    response = _get(client)
    metadata = response["ResponseMetadata"]
    assert response["Item"] == ITEM["Item"]
    assert (metadata["RequestId"], metadata["HTTPStatusCode"]) == ("REQUEST-7", 200)
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == "REQUEST-7"


def test_what_is_not_json_is_not_sent(server: FaultServer, client: DynamoDB) -> None:
    with pytest.raises(TypeError, match="object"):
        client.get_item(Key=object())
    assert server.opened == 0


# Sent again ---------------------------------------------------------------------------------------

_PASSING: Final[dict[str, Step]] = {
    **{
        code: failure(code)
        for code in (
            "ProvisionedThroughputExceededException",
            "ReplicatedWriteConflictException",
            "RequestLimitExceeded",
            "ThrottlingException",
            "TransactionConflictException",
            "TransactionInProgressException",
        )
    },
    "InternalServerError": failure("InternalServerError", status=500),
    "ServiceUnavailable": failure("ServiceUnavailable", status=503),
    "an unknown code of a 500": failure("Unheard", status=500),
    **{str(status): answer(b"<html>", status=status) for status in (429, 500, 502, 503, 504)},
    "closed before reading": UNREAD,
    "reply lost": LOST,
    "half a reply": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", close=True),
    "garbage": raw(b"\x00\r\n\r\n", close=True),
    "no JSON": answer(b"<html>"),
    "no text": answer(b'{"Item": "\xff"}'),
    "half of JSON": answer(b'{"Item": {'),
    "too deep": answer(b"[" * 100_000),
    "a list": answer(b"[]"),
    "null": answer(b"null"),
    "wrong checksum": answer(headers={"x-amz-crc32": "1"}),
    "senseless checksum": answer(headers={"x-amz-crc32": "none"}),
    "an error with a wrong checksum": answer(
        b'{"__type": "ValidationException"}', status=400, headers={"x-amz-crc32": "1"}
    ),
}


@pytest.mark.parametrize("fault", _PASSING)
def test_what_passes_is_tried_again_after_a_pause(
    server: FaultServer, client: DynamoDB, slept: list[float], fault: str
) -> None:
    server.script(_PASSING[fault], answer(ITEM))
    assert _get(client)["Item"] == ITEM["Item"]
    assert slept == [PAUSES_S[0]]


@pytest.mark.parametrize("fault", _PASSING)
def test_what_does_not_pass_in_time_is_an_error(
    client: DynamoDB, server: FaultServer, slept: list[float], fault: str
) -> None:
    server.script(*[_PASSING[fault]] * 20)
    assert _code(client) not in ("", "ValidationException")
    assert slept == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]
    assert sum(slept) < BUDGET_S


def test_pauses_grow() -> None:
    assert list(PAUSES_S) == sorted(PAUSES_S)
    assert PAUSES_S[0] < PAUSES_S[-1]


def test_of_each_pause_a_random_part_is_waited(
    server: FaultServer,
    client: DynamoDB,
    slept: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter([b"\x00", b"\x33", b"\xff"])
    monkeypatch.setattr(os, "urandom", lambda _: next(drawn))
    server.script(*[failure("ThrottlingException")] * 3, answer(ITEM))
    _get(client)
    assert slept == [0, PAUSES_S[1] / 5, PAUSES_S[2]]


_LASTING: Final[dict[str, Step]] = {
    **{
        code: failure(code)
        for code in (
            "AccessDeniedException",
            "ConditionalCheckFailedException",
            "ResourceNotFoundException",
            "TransactionCanceledException",
            "ValidationException",
        )
    },
    "HTTP 301": answer(b"", status=301, headers={"Location": "http://127.0.0.1/"}),
    "HTTP 403": answer(b"<html>", status=403),
    "HTTP 404": answer(b"{}", status=404),
    "HTTP 413": answer(b"[]", status=413),
}


@pytest.mark.parametrize("code", _LASTING)
def test_what_lasts_is_not_tried_again(
    server: FaultServer, client: DynamoDB, slept: list[float], code: str
) -> None:
    server.script(_LASTING[code], answer(ITEM))
    assert _code(client) == code
    assert len(server.requests) == 1
    assert slept == []


def test_an_error_that_is_an_answer_is_returned_and_any_other_raised(
    server: FaultServer, client: DynamoDB
) -> None:
    refused = failure("ConditionalCheckFailedException", Item={"a": {"B": "AAH/"}})
    server.script(refused, failure("ValidationException"))

    def ask() -> dict[str, Any]:
        return run(client.ask("put_item", "{}", BLOCKING, {"ConditionalCheckFailedException"}))

    found = ask()
    assert found["Error"]["Code"] == "ConditionalCheckFailedException"
    assert found["Item"] == {"a": {"B": b"\x00\x01\xff"}}
    with pytest.raises(ServiceError, match="ValidationException"):
        ask()


def test_an_empty_answer_is_one(server: FaultServer, client: DynamoDB) -> None:
    server.script(answer(b""))
    assert set(_get(client)) == {"ResponseMetadata"}


def test_a_port_where_nobody_listens_is_tried_until_the_end(
    connect: Connect, slept: list[float]
) -> None:
    error = _error(connect(AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}"))
    assert "connection refused" in str(error)
    assert len(slept) == len(PAUSES_S) + 2


def test_a_try_without_an_answer_is_given_up(
    server: FaultServer, client: DynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRY_S", 0.1)
    server.script(SILENCE, answer(ITEM))
    assert _get(client)["Item"] == ITEM["Item"]
    assert len(server.requests) == 2


# Threads ------------------------------------------------------------------------------------------


def test_many_threads_each_get_their_own_answer(server: FaultServer, connect: Connect) -> None:
    threads, rounds = 16, 20
    client, start = connect(), Barrier(threads)
    server.script(*[lambda request: answer({"Item": request.parsed["Key"]})] * threads * rounds)

    def work(thread: int) -> bool:
        start.wait()
        keys = [{"id": {"S": f"{thread}:{number}"}} for number in range(rounds)]
        return all(client.get_item(Key=key)["Item"] == key for key in keys)

    with ThreadPoolExecutor(threads) as pool:
        assert all(pool.map(work, range(threads)))
    assert server.opened <= threads
    assert len(server.requests) == threads * rounds
