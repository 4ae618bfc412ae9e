"""The client when time or a connection runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Final, TypeAlias

import pytest

from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from kit.network.fault_server import SILENCE, UNREAD, FaultServer, Request, Step, answer, failure
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.credentials import Credentials, CredentialSource
from lambda_idempotency.clients.net import deadline

Connect: TypeAlias = Callable[..., Any]

KEY: Final = {"id": {"S": "shop#1"}}
ITEM: Final = {"Item": {"id": {"S": "shop#1"}}}


def _get(client: DynamoDB) -> dict[str, Any]:
    return client.get_item(TableName="table", Key=KEY)


def _error(client: DynamoDB) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        _get(client)
    return raised.value


# Dead connections ---------------------------------------------------------------------------------


def test_a_connection_that_proves_dead_is_replaced_without_a_pause(
    server: FaultServer, client: DynamoDB, slept: list[float]
) -> None:
    server.script(answer(), UNREAD, answer(ITEM))
    _get(client)
    assert _get(client)["Item"] == ITEM["Item"]
    assert [request.connection for request in server.requests] == [1, 2]
    assert slept == []


def test_where_one_connection_proves_dead_all_are_replaced(
    server: FaultServer, client: DynamoDB, slept: list[float]
) -> None:
    both = Barrier(2, timeout=30)

    def together(_: Request) -> Step:
        both.wait()
        return answer()

    server.script(together, together, UNREAD, answer(ITEM))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: _get(client), range(2)))
    assert _get(client)["Item"] == ITEM["Item"]
    assert server.requests[-1].connection == 3
    assert slept == []


def test_a_server_that_hangs_up_on_every_second_request_is_not_asked_for_ever(
    server: FaultServer, client: DynamoDB, slept: list[float]
) -> None:
    server.script(answer(), *[UNREAD] * 50)
    _get(client)
    assert _error(client).response["Error"]["Code"] == "ConnectionFailed"
    assert server.opened <= len(slept) + 3


# The deadline -------------------------------------------------------------------------------------


@pytest.fixture
def limited(slept: list[float]) -> Iterator[None]:
    """End the call after 300 ms."""
    token = deadline.start(300)
    yield
    deadline.end(token)


def test_nothing_is_sent_after_the_calls_end_and_the_last_failure_is_raised(
    server: FaultServer, client: DynamoDB, slept: list[float], limited: None
) -> None:
    server.script(*[failure("ThrottlingException")] * 3)
    server.script(*[failure("InternalServerError", status=500)] * 20)
    assert _error(client).response["Error"]["Code"] == "InternalServerError"
    assert slept == [0.025, 0.05, 0.1]
    assert len(server.requests) == 4


def test_nothing_is_sent_for_a_call_that_has_ended(
    server: FaultServer, client: DynamoDB, slept: Any, limited: None
) -> None:
    slept.now += 1
    assert "timed out" in str(_error(client))
    assert server.requests == []


def test_before_its_end_a_call_is_tried_again(
    server: FaultServer, client: DynamoDB, limited: None
) -> None:
    server.script(*[failure("ThrottlingException")] * 3, answer(ITEM))
    assert _get(client)["Item"] == ITEM["Item"]


def test_a_silent_server_is_waited_for_until_the_calls_end(server: FaultServer) -> None:
    server.script(SILENCE)
    token = deadline.start(100)
    try:
        assert "timed out" in str(
            _error(DynamoDB(environment=function_environment(server.endpoint)))
        )
    finally:
        deadline.end(token)
    assert len(server.requests) == 1


def test_what_was_mended_after_the_calls_end_is_not_tried_again(
    *,
    server: FaultServer,
    issuer: FaultServer,
    connect: Connect,
    slept: Any,
    limited: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = CredentialSource.refused

    def late(source: CredentialSource, credentials: Credentials) -> bool:
        slept.now += 1
        return refused(source, credentials)

    monkeypatch.setattr(CredentialSource, "refused", late)
    server.script(failure("ExpiredTokenException"))
    client = connect(
        AWS_ACCESS_KEY_ID="", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{issuer.endpoint}/role"
    )
    assert _error(client).response["Error"]["Code"] == "ExpiredTokenException"
    assert (len(server.requests), len(issuer.requests)) == (1, 1)
