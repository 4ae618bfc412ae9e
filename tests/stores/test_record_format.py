"""Records of another release, as during a canary deployment or after a rollback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.harnesses import DynamoDBHarness, RedisHarness
from kit.redis.access import ME, VERBS, claim
from lambda_idempotency import idempotent
from lambda_idempotency.clients.aws.typed import decoded
from lambda_idempotency.errors import StoreError
from lambda_idempotency.identity.keys import KeyRule
from lambda_idempotency.protocol.record import Record
from lambda_idempotency.stores.dynamodb_items import to_item
from lambda_idempotency.stores.redis_fields import to_fields

NEWER: Final = "format '2', and this release reads '1': a newer release of cdk-idempotency wrote it"


@pytest.fixture(params=["dynamodb", "redis"])
def harness(
    request: pytest.FixtureRequest,
    dynamodb: DynamoDBHarness,
    redis_harnesses: Callable[[str], RedisHarness],
) -> DynamoDBHarness | RedisHarness:
    """Return each store in turn."""
    return dynamodb if request.param == "dynamodb" else redis_harnesses("redis 7")


def _plant(harness: DynamoDBHarness | RedisHarness, record: Record, written: str | None) -> Any:
    """Put a record of a format, and return what the store holds."""
    if isinstance(harness, DynamoDBHarness):
        more = {} if written is None else {"format": {"S": written}}
        harness.put({**decoded(to_item(record)), **more, "later": {"S": "x"}})
    else:
        times = ("expiration", record.expiration, "in_progress_expiration", record.lease_end)
        named = () if written is None else ("format", written)
        harness.put(*to_fields(record), *times, *named, "later", "x", key=record.key)
    return _held(harness, record.key)


def _held(harness: DynamoDBHarness | RedisHarness, key: str) -> Any:
    if isinstance(harness, RedisHarness):
        return harness.admin.hgetall(key)
    found = harness.client.get_item(
        TableName=harness.table, Key={"id": {"S": key}}, ConsistentRead=True
    )
    return found.get("Item")


def _orphan(harness: DynamoDBHarness | RedisHarness, key: str) -> Record:
    """Return the record of an attempt that died: its lease has ended, and it has not expired."""
    return claim(key)._replace(owner="b" * 32).record(harness.now() - 120_000)


@pytest.mark.parametrize("verb", VERBS)
def test_a_record_of_a_newer_release_is_refused_by_name_and_left_alone(
    harness: DynamoDBHarness | RedisHarness, verb: str
) -> None:
    planted = _plant(harness, _orphan(harness, harness.key), "2")
    with pytest.raises(StoreError) as raised:
        VERBS[verb](harness.store, harness.key)
    assert harness.key in str(raised.value)
    assert NEWER in str(raised.value)
    assert _held(harness, harness.key) == planted


def _call(harness: DynamoDBHarness | RedisHarness, written: str | None) -> tuple[list[int], Any]:
    """Call a handler whose request has an orphan of a format; return its runs, and the error."""
    runs: list[int] = []
    namespace = harness.key.partition("#")[0]
    options: dict[str, Any] = {"store": harness.store, "namespace": namespace, "name": "handler"}
    handler = idempotent(**options)(lambda *_: runs.append(1))
    event = {"id": harness.key}
    _plant(harness, _orphan(harness, KeyRule(namespace, "handler").identify(event).key), written)
    try:
        handler(event, None)
    except StoreError as error:
        return runs, error
    return runs, None


def test_an_orphan_of_a_newer_release_is_not_taken_over(
    harness: DynamoDBHarness | RedisHarness,
) -> None:
    runs, error = _call(harness, "2")
    assert runs == []
    assert NEWER in str(error)


@pytest.mark.parametrize("written", [None, "1"])
def test_an_orphan_of_an_older_release_is_taken_over(
    harness: DynamoDBHarness | RedisHarness, written: str | None
) -> None:
    assert _call(harness, written) == ([1], None)


def test_an_expired_record_of_a_newer_release_binds_nobody(
    harness: DynamoDBHarness | RedisHarness,
) -> None:
    expired = _orphan(harness, harness.key)._replace(expiration=1, lease_end=1)
    _plant(harness, expired, "2")
    harness.store.claim(claim(harness.key))
    assert ME in str(_held(harness, harness.key))
