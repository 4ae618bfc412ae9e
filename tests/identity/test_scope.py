"""The scope of messages: WebSocket APIs have one, other events none."""

from __future__ import annotations

from typing import Any, Final

import pytest

from lambda_idempotency import ConfigurationError, HttpOptions, MemoryStore, idempotent
from lambda_idempotency.identity.scope import ANYWHERE, Scope, message_scope

CONTEXT: Final[dict[str, Any]] = {
    "routeKey": "pay",
    "eventType": "MESSAGE",
    "messageId": "m1",
    "connectionId": "c1",
    "connectedAt": 1_607_854_667_185,
    "domainName": "abc.execute-api.us-east-1.amazonaws.com",
    "stage": "prod",
    "apiId": "abc",
    "identity": {"sourceIp": "192.0.2.1"},
    "authorizer": {"principalId": "alice"},
}


def message(**parts: Any) -> dict[str, Any]:
    """Return a message of a WebSocket API, with parts of its context replaced."""
    return {"requestContext": {**CONTEXT, **parts}, "body": '{"id": 7}', "isBase64Encoded": False}


def scope(event: Any, *, api: str = "stage", claim: str | None = None) -> Scope:
    return message_scope(event, None, api=api, claim=claim)


def test_the_scope_of_a_message_is_its_api_its_caller_and_its_route() -> None:
    assert scope(message()) == Scope(
        api=("domain", "abc.execute-api.us-east-1.amazonaws.com", "stage", "prod"),
        caller=(("authorizer", "alice"),),
        route=["pay"],
    )


@pytest.mark.parametrize(
    "other",
    [
        {"stage": "test"},
        {"domainName": "other"},
        {"routeKey": "refund"},
        {"authorizer": {"principalId": "bob"}},
        {"authorizer": None},
    ],
    ids=str,
)
def test_a_message_elsewhere_or_of_another_caller_has_another_scope(other: Any) -> None:
    assert scope(message(**other)) != scope(message())


@pytest.mark.parametrize(
    "other",
    [{"messageId": "m2"}, {"connectionId": "c2"}, {"connectedAt": 1}, {"apiId": "other"}],
    ids=str,
)
def test_a_message_that_is_sent_again_has_the_same_scope_on_any_connection(other: Any) -> None:
    assert scope(message(**other)) == scope(message())


def test_an_authorizer_that_tells_nobody_apart_is_an_error_until_a_value_is_named() -> None:
    event = message(authorizer={"user": "alice"})
    with pytest.raises(ConfigurationError, match="principal_claim"):
        scope(event)
    assert scope(event, claim="user").caller == (("claim", "", "user", "alice"),)


def test_an_api_scope_holds_for_messages() -> None:
    one, other = message(), message(stage="test", domainName="other", apiId="other")
    assert scope(one, api="none") == scope(other, api="none")


@pytest.mark.parametrize(
    "event", [None, 5, [], {}, {"requestContext": None}, {"requestContext": {"routeKey": "pay"}}]
)
def test_another_event_has_no_scope_but_its_tenant(event: Any) -> None:
    assert scope(event) == ANYWHERE
    assert message_scope(event, "blue", api="stage", claim=None) == Scope(tenant="blue")


@pytest.mark.parametrize("http", [HttpOptions(), None], ids=["http", "off"])
def test_a_handler_runs_once_for_a_message_of_each_caller_and_stage(
    store: MemoryStore, http: HttpOptions | None
) -> None:
    runs: list[Any] = []
    handler = idempotent(store=store, http=http, key="body")(
        lambda event, context: runs.append(event)
    )
    for event in (message(), message(stage="test"), message(authorizer={"principalId": "bob"})):
        for _ in range(2):
            handler(event, None)
    assert len(runs) == 3
