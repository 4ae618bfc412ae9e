"""The DynamoDB store beyond the common contract: its items, its requests, its errors.

Nothing here depends on time; see test_service_clock.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import pytest

from kit.harnesses import CLIENTS, DynamoDBHarness
from kit.network.fault_server import FaultServer, failure
from kit.network.processes import free_port
from kit.network.proxy import LossyProxy
from lambda_idempotency.clients.aws.typed import decoded
from lambda_idempotency.errors import ConfigurationError, StoreError
from lambda_idempotency.protocol.record import (
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
)
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.dynamodb_items import to_item
from lambda_idempotency.testing.store_harness import new_key

ME: Final = "a" * 32
SECRET: Final = "card 4111"
TABLE: Final = "idempotency"
DAY: Final = 24 * 3600 * 1000

VERBS: Final[dict[str, Callable[[Store, str], Reply]]] = {
    "claim": lambda store, key: store.claim(_claim(key)),
    "renew": lambda store, key: store.renew(_claim(key)),
    "complete": lambda store, key: store.complete(_completion(key)),
    "release": lambda store, key: store.release(key, ME),
    "read": lambda store, key: store.read(key),
}
OPERATIONS: Final = {
    "claim": "put_item",
    "renew": "put_item",
    "complete": "put_item",
    "release": "delete_item",
    "read": "get_item",
}
Connect: TypeAlias = Callable[[str], Any]
_EACH_VERB = pytest.mark.parametrize("verb", VERBS)


def _claim(key: str) -> Claim:
    return Claim(
        key=key,
        owner=ME,
        lease_ms=30_000,
        expires_after_ms=DAY,
        fingerprint="digest",
        scope="alice",
    )


def _completion(key: str) -> Completion:
    return Completion(
        key=key,
        owner=ME,
        attempt=2,
        expires_after_ms=DAY,
        fingerprint="digest",
        data=SECRET,
        encoding="plain",
        scope="alice",
    )


@pytest.fixture(params=CLIENTS)
def connect(request: pytest.FixtureRequest, once: None) -> Iterator[Connect]:
    """Yield a factory of clients for an endpoint, of each kind in turn; none of them tries
    twice.
    """
    clients = []

    def connect(endpoint: str) -> Any:
        clients.append(CLIENTS[request.param](endpoint))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


# Items --------------------------------------------------------------------------------------------


def test_a_claim_is_an_item_with_the_documented_attributes(dynamodb: DynamoDBHarness) -> None:
    now = dynamodb.store.claim(_claim(dynamodb.key)).now
    assert dynamodb.item() == {
        "id": {"S": dynamodb.key},
        "status": {"S": "INPROGRESS"},
        "owner": {"S": ME},
        "attempt": {"N": "1"},
        "expiration": {"N": str(-(-(now + 30_000 + DAY) // 1000))},
        "in_progress_expiration": {"N": str(now + 30_000)},
        "revision": {"N": "1"},
        "validation": {"S": "digest"},
        "scope": {"S": "alice"},
    }


def test_steps_are_an_attribute_while_the_attempt_runs(dynamodb: DynamoDBHarness) -> None:
    claim = _claim(dynamodb.key)._replace(steps='{"charge":["1"]}')
    dynamodb.store.claim(claim)
    assert (dynamodb.item() or {})["steps"] == {"S": '{"charge":["1"]}'}
    dynamodb.store.renew(claim._replace(steps=b"\x00\xff"))
    assert (dynamodb.item() or {})["steps"] == {"B": b"\x00\xff"}
    dynamodb.store.complete(_completion(dynamodb.key))
    assert not {"steps", "revision"} & set(dynamodb.item() or {})


def test_an_answer_is_an_item_with_the_documented_attributes(dynamodb: DynamoDBHarness) -> None:
    now = dynamodb.store.complete(_completion(dynamodb.key)).now
    assert dynamodb.item() == {
        "id": {"S": dynamodb.key},
        "status": {"S": "COMPLETED"},
        "owner": {"S": ME},
        "attempt": {"N": "2"},
        "expiration": {"N": str(-(-(now + DAY) // 1000))},
        "validation": {"S": "digest"},
        "data": {"S": SECRET},
        "encoding": {"S": "plain"},
        "scope": {"S": "alice"},
    }


def test_bytes_are_kept_as_binary(dynamodb: DynamoDBHarness) -> None:
    dynamodb.store.complete(_completion(dynamodb.key)._replace(data=b"\x00\x01"))
    item = dynamodb.item()
    assert item is not None
    assert item["data"] == {"B": b"\x00\x01"}


def test_what_is_not_known_is_not_an_attribute(dynamodb: DynamoDBHarness) -> None:
    completion = Completion(key=dynamodb.key, owner=ME, attempt=1, expires_after_ms=DAY)
    dynamodb.store.complete(completion)
    assert set(dynamodb.item() or {}) == {"id", "status", "owner", "attempt", "expiration"}


def test_an_answer_of_the_allowed_size_fits_into_an_item() -> None:
    record = Record(
        key="n" * 128 + "#" + "0" * 64,
        status="COMPLETED",
        owner=ME,
        attempt=10**9,
        expiration=10**12,
        fingerprint="0" * 64,
        encoding="none",
        scope="0" * 64,
    )
    item = decoded(to_item(record))
    others = sum(len(name) + len(*value.values()) for name, value in item.items())
    assert DynamoDBStore.max_data is not None
    assert others + len("data") + DynamoDBStore.max_data <= 400 * 1024


# Items of somebody else ---------------------------------------------------------------------------

_POWERTOOLS: Final[dict[str, Any]] = {
    "status": {"S": "COMPLETED"},
    "expiration": {"N": "9999999999"},
    "data": {"S": SECRET},
}
_FOREIGN: Final[dict[str, dict[str, Any]]] = {
    "Powertools record": _POWERTOOLS,
    "some other item": {"price": {"N": "4111"}},
    "unknown status": {**_POWERTOOLS, "owner": {"S": ME}, "status": {"S": "EXPIRED"}},
    "attempt that is no number": {**_POWERTOOLS, "owner": {"S": ME}, "attempt": {"S": "x"}},
}


@_EACH_VERB
@pytest.mark.parametrize("kind", _FOREIGN)
def test_an_item_that_is_no_record_is_refused_by_name(
    dynamodb: DynamoDBHarness, kind: str, verb: str
) -> None:
    item = {"id": {"S": dynamodb.key}, **_FOREIGN[kind]}
    dynamodb.put(item)
    with pytest.raises(StoreError) as raised:
        VERBS[verb](dynamodb.store, dynamodb.key)
    assert dynamodb.key in str(raised.value)
    assert f"table {dynamodb.table}" in str(raised.value)
    assert "4111" not in str(raised.value)
    assert dynamodb.item() == item


def test_an_item_that_is_no_record_but_has_expired_gives_way(dynamodb: DynamoDBHarness) -> None:
    dynamodb.put({**_POWERTOOLS, "id": {"S": dynamodb.key}, "expiration": {"N": "1"}})
    assert isinstance(dynamodb.store.claim(_claim(dynamodb.key)), Applied)


# Records of somebody else ------------------------------------------------------------------------


class _MixedUp:
    """A client that gets the answers to another's requests."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def get_item(self, **request: Any) -> Any:
        return self._client.get_item(**{**request, "Key": {"id": {"S": self._key}}})

    def put_item(self, **request: Any) -> Any:
        item = {**request["Item"], "id": {"S": self._key}}
        return self._client.put_item(**{**request, "Item": item})

    def delete_item(self, **request: Any) -> Any:
        return self._client.delete_item(**{**request, "Key": {"id": {"S": self._key}}})


@_EACH_VERB
@pytest.mark.parametrize("expires_after", [DAY, -DAY], ids=["live", "expired"])
def test_another_record_than_was_asked_for_is_refused(
    dynamodb: DynamoDBHarness, verb: str, expires_after: int
) -> None:
    other = new_key()
    completion = _completion(other)._replace(owner="b" * 32, expires_after_ms=expires_after)
    dynamodb.plant(completion.record(dynamodb.now()))
    store = DynamoDBStore(dynamodb.table, client=_MixedUp(dynamodb.client, other))
    with pytest.raises(StoreError, match="another record than the one") as raised:
        VERBS[verb](store, dynamodb.key)
    for key in (dynamodb.key, other, SECRET):
        assert key not in str(raised.value)


# Servers that refuse without telling --------------------------------------------------------------


class _Silent:
    """A client of a server that knows no ReturnValuesOnConditionCheckFailure."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.requests: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def send(**request: Any) -> Any:
            self.requests.append(name)
            request.pop("ReturnValuesOnConditionCheckFailure", None)
            return getattr(self._client, name)(**request)

        return send


@pytest.mark.parametrize("verb", ["claim", "renew", "complete", "release"])
def test_a_refusal_that_does_not_say_what_is_there_is_read(
    dynamodb: DynamoDBHarness, verb: str
) -> None:
    held = dynamodb.plant(_claim(dynamodb.key)._replace(owner="b" * 32).record(dynamodb.now()))
    client = _Silent(dynamodb.client)
    reply = VERBS[verb](DynamoDBStore(dynamodb.table, client=client), dynamodb.key)
    assert isinstance(reply, Conflict)
    assert reply.record == held
    assert client.requests == [OPERATIONS[verb], "get_item"]


# Requests -----------------------------------------------------------------------------------------


@_EACH_VERB
@pytest.mark.parametrize("state", ["absent", "own", "foreign"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_verb_is_one_request(
    local_dynamodb: Any, proxy: LossyProxy, client: str, verb: str, state: str
) -> None:
    harness = DynamoDBHarness(CLIENTS[client](proxy.endpoint), TABLE)
    if state != "absent":
        claim = _claim(harness.key)._replace(owner=ME if state == "own" else "b" * 32)
        harness.plant(claim.record(harness.now()))
    before = len(proxy.operations)
    VERBS[verb](harness.store, harness.key)
    harness.client.close()
    requests = [OPERATIONS[verb].title().replace("_", "")]
    if state == "absent" and verb in ("renew", "release"):
        requests.append("GetItem")  # a refusal does not say that nothing is there
    assert proxy.operations[before:] == requests


def test_a_read_is_strongly_consistent(connect: Connect) -> None:
    with FaultServer() as server:
        store = DynamoDBStore("table", client=connect(server.endpoint))
        assert isinstance(store.read("shop#1"), Absent)
        (request,) = server.requests
    assert request.parsed == {
        "TableName": "table",
        "Key": {"id": {"S": "shop#1"}},
        "ConsistentRead": True,
    }


# Errors -------------------------------------------------------------------------------------------


def _error(store: Store, verb: str) -> str:
    """Return the message of the verb's failure, checked to quote no secret."""
    with pytest.raises(StoreError) as raised:
        VERBS[verb](store, "shop#secret-digest")
    message = str(raised.value)
    for secret in ("secret-digest", ME, SECRET, "alice"):
        assert secret not in message
    return message


@_EACH_VERB
def test_a_missing_table_is_named(dynamodb: DynamoDBHarness, verb: str) -> None:
    message = _error(DynamoDBStore("no-such-table", client=dynamodb.client), verb)
    assert f"DynamoDB {OPERATIONS[verb]} on table no-such-table failed" in message
    assert "ResourceNotFoundException" in message
    assert "account and region" in message


@_EACH_VERB
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_refusal_is_named_by_its_code(connect: Connect, verb: str, code: str) -> None:
    words = f"no access to shop#secret-digest {SECRET}"
    with FaultServer(otherwise=failure(code, message=words)) as server:
        message = _error(DynamoDBStore("payments", client=connect(server.endpoint)), verb)
    assert f"DynamoDB {OPERATIONS[verb]} on table payments failed: {code}" in message
    assert "REQUEST-7" in message
    assert ("attach()" in message) == (code == "AccessDeniedException")


@_EACH_VERB
def test_an_unreachable_endpoint_is_named_by_the_clients_error(connect: Connect, verb: str) -> None:
    client = connect(f"http://127.0.0.1:{free_port()}")
    message = _error(DynamoDBStore("payments", client=client), verb)
    assert f"DynamoDB {OPERATIONS[verb]} on table payments failed" in message
    assert "EndpointConnectionError" in message or "connection refused" in message


def test_what_the_client_raised_is_the_errors_cause(dynamodb: DynamoDBHarness) -> None:
    with pytest.raises(StoreError) as raised:
        DynamoDBStore("no-such-table", client=dynamodb.client).read(dynamodb.key)
    cause: Any = raised.value.__cause__
    assert cause.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_refused_condition_is_no_error(dynamodb: DynamoDBHarness) -> None:
    dynamodb.store.claim(_claim(dynamodb.key))
    blocked = dynamodb.store.claim(_claim(dynamodb.key)._replace(owner="b" * 32))
    assert isinstance(blocked, Conflict)


def test_an_empty_table_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="table_name is empty"):
        DynamoDBStore("")
