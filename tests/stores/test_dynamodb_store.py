"""The DynamoDB store beyond the common contract: its items, its requests, its errors.

Nothing here depends on time; see test_service_clock.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from kit.local_aws import REGION
from kit.processes import free_port
from kit.worlds import DynamoDBWorld
from lambda_idempotency.errors import ConfigurationError, StoreError
from lambda_idempotency.record import Blocked, Claim, Completion, Done, Gone, Record, Reply, Store
from lambda_idempotency.stores.dynamodb import DynamoDBStore, to_item

ME: Final = "a" * 32
SECRET: Final = "card 4111"
DAY: Final = 24 * 3600 * 1000

VERBS: Final[dict[str, Callable[[Store, str], Reply]]] = {
    "claim": lambda store, key: store.claim(_claim(key)),
    "complete": lambda store, key: store.complete(_completion(key)),
    "release": lambda store, key: store.release(key, ME),
    "read": lambda store, key: store.read(key),
}
OPERATIONS: Final = {
    "claim": "put_item",
    "complete": "put_item",
    "release": "delete_item",
    "read": "get_item",
}
_EACH_VERB = pytest.mark.parametrize("verb", VERBS)


def _claim(key: str) -> Claim:
    return Claim(
        key=key, owner=ME, lease=30_000, expires_after=DAY, fingerprint="digest", scope="alice"
    )


def _completion(key: str) -> Completion:
    return Completion(
        key=key,
        owner=ME,
        attempt=2,
        expires_after=DAY,
        fingerprint="digest",
        data=SECRET,
        encoding="plain",
        scope="alice",
    )


def _offline_client(**options: Any) -> Any:
    return boto3.client(
        "dynamodb",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        **options,
    )


# Items --------------------------------------------------------------------------------------------


def test_a_claim_is_an_item_with_the_documented_attributes(dynamodb: DynamoDBWorld) -> None:
    now = dynamodb.store.claim(_claim(dynamodb.key)).now
    assert dynamodb.item() == {
        "id": {"S": dynamodb.key},
        "status": {"S": "INPROGRESS"},
        "owner": {"S": ME},
        "attempt": {"N": "1"},
        "expiration": {"N": str(-(-(now + 30_000 + DAY) // 1000))},
        "in_progress_expiration": {"N": str(now + 30_000)},
        "validation": {"S": "digest"},
        "scope": {"S": "alice"},
    }


def test_an_answer_is_an_item_with_the_documented_attributes(dynamodb: DynamoDBWorld) -> None:
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


def test_bytes_are_kept_as_binary(dynamodb: DynamoDBWorld) -> None:
    dynamodb.store.complete(_completion(dynamodb.key)._replace(data=b"\x00\x01"))
    item = dynamodb.item()
    assert item is not None
    assert item["data"] == {"B": b"\x00\x01"}


def test_what_is_not_known_is_not_an_attribute(dynamodb: DynamoDBWorld) -> None:
    completion = Completion(key=dynamodb.key, owner=ME, attempt=1, expires_after=DAY)
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
    others = sum(len(name) + len(*value.values()) for name, value in to_item(record).items())
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
    dynamodb: DynamoDBWorld, kind: str, verb: str
) -> None:
    item = {"id": {"S": dynamodb.key}, **_FOREIGN[kind]}
    dynamodb.put(item)
    with pytest.raises(StoreError) as raised:
        VERBS[verb](dynamodb.store, dynamodb.key)
    assert dynamodb.key in str(raised.value)
    assert f"table {dynamodb.table}" in str(raised.value)
    assert "4111" not in str(raised.value)
    assert dynamodb.item() == item


def test_an_item_that_is_no_record_but_has_expired_gives_way(dynamodb: DynamoDBWorld) -> None:
    dynamodb.put({**_POWERTOOLS, "id": {"S": dynamodb.key}, "expiration": {"N": "1"}})
    assert isinstance(dynamodb.store.claim(_claim(dynamodb.key)), Done)


# Requests -----------------------------------------------------------------------------------------


@_EACH_VERB
@pytest.mark.parametrize("state", ["absent", "own", "foreign"])
def test_a_verb_is_one_request(dynamodb: DynamoDBWorld, verb: str, state: str) -> None:
    if state != "absent":
        claim = _claim(dynamodb.key)._replace(owner=ME if state == "own" else "b" * 32)
        dynamodb.plant(claim.record(dynamodb.now()))
    sent: list[str] = []

    def count(event_name: str, **_: Any) -> None:
        sent.append(event_name)

    events = dynamodb.client.meta.events
    events.register("before-send.dynamodb", count)
    try:
        VERBS[verb](dynamodb.store, dynamodb.key)
    finally:
        events.unregister("before-send.dynamodb", count)
    operation = OPERATIONS[verb].title().replace("_", "")
    assert sent == [f"before-send.dynamodb.{operation}"]


def test_a_read_is_strongly_consistent() -> None:
    client = _offline_client()
    with Stubber(client) as stub:
        expected = {"TableName": "table", "Key": {"id": {"S": "shop#1"}}, "ConsistentRead": True}
        stub.add_response("get_item", {}, expected)
        assert isinstance(DynamoDBStore("table", client=client).read("shop#1"), Gone)
        stub.assert_no_pending_responses()


# Errors -------------------------------------------------------------------------------------------


def _error(store: Store, verb: str) -> str:
    """The message of the verb's failure, which names nothing it must not."""
    with pytest.raises(StoreError) as raised:
        VERBS[verb](store, "shop#secret-digest")
    message = str(raised.value)
    for secret in ("secret-digest", ME, SECRET, "alice"):
        assert secret not in message
    return message


@_EACH_VERB
def test_a_missing_table_is_named(dynamodb: DynamoDBWorld, verb: str) -> None:
    message = _error(DynamoDBStore("no-such-table", client=dynamodb.client), verb)
    assert f"DynamoDB {OPERATIONS[verb]} on table no-such-table failed" in message
    assert "ResourceNotFoundException" in message
    assert "account and region" in message


@_EACH_VERB
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_refusal_is_named_by_its_code(verb: str, code: str) -> None:
    client = _offline_client(config=Config(retries={"total_max_attempts": 1}))
    with Stubber(client) as stub:
        stub.add_client_error(
            OPERATIONS[verb],
            code,
            f"no access to shop#secret-digest {SECRET}",
            response_meta={"RequestId": "REQUEST-7"},
        )
        message = _error(DynamoDBStore("payments", client=client), verb)
    assert f"DynamoDB {OPERATIONS[verb]} on table payments failed: {code}" in message
    assert "REQUEST-7" in message
    assert ("attach()" in message) == (code == "AccessDeniedException")


@_EACH_VERB
def test_an_unreachable_endpoint_is_named_by_the_clients_error(verb: str) -> None:
    client = _offline_client(
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(retries={"total_max_attempts": 1}),
    )
    message = _error(DynamoDBStore("payments", client=client), verb)
    assert f"DynamoDB {OPERATIONS[verb]} on table payments failed" in message
    assert "EndpointConnectionError" in message


def test_what_the_client_raised_is_the_errors_cause(dynamodb: DynamoDBWorld) -> None:
    with pytest.raises(StoreError) as raised:
        DynamoDBStore("no-such-table", client=dynamodb.client).read(dynamodb.key)
    assert isinstance(raised.value.__cause__, dynamodb.client.exceptions.ResourceNotFoundException)


def test_a_refused_condition_is_no_error(dynamodb: DynamoDBWorld) -> None:
    dynamodb.store.claim(_claim(dynamodb.key))
    blocked = dynamodb.store.claim(_claim(dynamodb.key)._replace(owner="b" * 32))
    assert isinstance(blocked, Blocked)


def test_an_empty_table_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="table_name is empty"):
        DynamoDBStore("")
