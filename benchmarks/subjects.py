"""The subjects: one handler, wrapped by this library, by Powertools (the peer), and by hand.

A subject's packages are imported when it is made, in the worker process that is its own.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeAlias

from benchmarks.floor import BusyError, Floor, RedisFloor, by_hand

Handler: TypeAlias = Callable[[Any, Any], Any]

TABLE: Final = "bench"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A decorator of a handler and one of a batch's handler.

    `busy` is the error of a duplicate of a running attempt; `later` moves the clock of a store in
    memory by seconds.
    """

    wrap: Callable[[Handler], Handler]
    wrap_records: Callable[[Handler], Handler]
    busy: type[Exception]
    later: Callable[[float], None] | None = None


def ours() -> Subject:
    """Return this library on DynamoDB."""
    from lambda_idempotency import DynamoDBStore, InProgressError, idempotent, idempotent_records

    store = DynamoDBStore(TABLE)
    return Subject(
        wrap=idempotent(store=store, namespace="bench"),
        wrap_records=idempotent_records(store=store, namespace="bench", name="records"),
        busy=InProgressError,
    )


def powertools() -> Subject:
    """Return the peer on DynamoDB, with the boto3 client it makes for itself."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return _powertools(DynamoDBPersistenceLayer(table_name=TABLE))


def boto3() -> Subject:
    """Return the two requests by hand through boto3."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("dynamodb")

    def put(**request: Any) -> Any:
        try:
            client.put_item(**request)
        except ClientError as error:
            return error.response.get("Item")
        return None

    return _by_hand(put, client.update_item)


def floor() -> Subject:
    """Return the two requests by hand on a socket."""
    client = Floor()
    return _by_hand(
        lambda **request: client.call("DynamoDB_20120810.PutItem", request).get("Item"),
        lambda **request: client.call("DynamoDB_20120810.UpdateItem", request),
    )


def ours_redis() -> Subject:
    """Return this library on Redis, as in an attached function: configured by its environment."""
    from lambda_idempotency import InProgressError, idempotent, idempotent_records

    records = idempotent_records(name="records")
    return Subject(wrap=idempotent, wrap_records=records, busy=InProgressError)


def powertools_redis() -> Subject:
    """Return the peer on Redis, with the redis-py client it makes for itself."""
    from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer

    return _powertools(CachePersistenceLayer(**redis_login()))


def redis_py() -> Subject:
    """Return the two scripts by hand through redis-py."""
    import redis

    return _each(partial(by_hand, redis.Redis(**redis_login())))


def floor_redis() -> Subject:
    """Return the two scripts by hand on a socket."""
    return _each(partial(by_hand, RedisFloor(**redis_login())))


def ours_memory() -> Subject:
    """Return this library on its store in memory."""
    from lambda_idempotency import InProgressError, MemoryStore, idempotent, idempotent_records

    moved = [0.0]

    def later(seconds: float) -> None:
        moved[0] += seconds

    store = MemoryStore(clock=lambda: time.time() + moved[0])
    return Subject(
        wrap=idempotent(store=store),
        wrap_records=idempotent_records(store=store, name="records"),
        busy=InProgressError,
        later=later,
    )


def powertools_memory() -> Subject:
    """Return the peer on a persistence layer in memory."""
    return _powertools(_memory_layer())


SUBJECTS: Final[dict[str, Callable[[], Subject]]] = {
    "dynamodb/ours": ours,
    "dynamodb/powertools": powertools,
    "dynamodb/boto3": boto3,
    "dynamodb/floor": floor,
    "redis/ours": ours_redis,
    "redis/powertools": powertools_redis,
    "redis/redis-py": redis_py,
    "redis/floor": floor_redis,
    "memory/ours": ours_memory,
    "memory/powertools": powertools_memory,
}
"""The subjects, by store and column."""


def redis_login() -> dict[str, Any]:
    """Return the arguments of redis-py's client, and of the peer's, from the environment."""
    login: dict[str, Any] = json.loads(os.environ["BENCH_REDIS"])
    return login


def _powertools(layer: Any) -> Subject:
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
    )

    config = IdempotencyConfig(expires_after_seconds=24 * 3600)

    def wrap(handler: Handler) -> Handler:
        wrapped: Handler = idempotent(persistence_store=layer, config=config)(handler)
        return wrapped

    return Subject(
        wrap=wrap,
        wrap_records=partial(_batch_processor, layer),
        busy=IdempotencyAlreadyInProgressError,
    )


def _batch_processor(layer: Any, handler: Handler) -> Handler:
    """Join the peer's two utilities as its documentation does."""
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function

    processor = BatchProcessor(event_type=EventType.SQS)
    config = IdempotencyConfig(event_key_jmespath="messageId", expires_after_seconds=24 * 3600)

    def handle(record: Any) -> Any:
        return handler(record, None)

    once = idempotent_function(
        handle, data_keyword_argument="record", config=config, persistence_store=layer
    )

    def batch(event: Any, context: Any) -> Any:
        config.register_lambda_context(context)
        return process_partial_response(
            event=event,
            record_handler=lambda record: once(record=record),
            processor=processor,
            context=context,
        )

    return batch


def _memory_layer() -> Any:
    """Return the peer's protocol without I/O."""
    from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyItemAlreadyExistsError,
        IdempotencyItemNotFoundError,
    )

    class MemoryLayer(BasePersistenceLayer):
        """Records in a dictionary, with the conditions of the peer's DynamoDB layer."""

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]  # the peer is untyped here
            self._records: dict[str, Any] = {}
            self._lock = threading.Lock()

        def _get_record(self, idempotency_key: str) -> Any:
            try:
                return self._records[idempotency_key]
            except KeyError:
                raise IdempotencyItemNotFoundError from None

        def _put_record(self, data_record: Any) -> None:
            with self._lock:
                found = self._records.get(data_record.idempotency_key)
                if found is not None and not _is_free(found):
                    raise IdempotencyItemAlreadyExistsError(old_data_record=found)
                self._records[data_record.idempotency_key] = data_record

        def _update_record(self, data_record: Any) -> None:
            self._records[data_record.idempotency_key] = data_record

        def _delete_record(self, data_record: Any) -> None:
            self._records.pop(data_record.idempotency_key, None)

    return MemoryLayer()


def _is_free(found: Any) -> bool:
    now = time.time()
    ends = found.in_progress_expiry_timestamp
    return bool(
        found.expiry_timestamp < now
        or (found.status == "INPROGRESS" and ends is not None and ends < now * 1000)
    )


def _each(wrap: Callable[[Handler], Handler]) -> Subject:
    """Return a subject by hand, whose batch is one call for each record."""

    def wrap_records(handler: Handler) -> Handler:
        handle = wrap(handler)

        def batch(event: Any, context: Any) -> Any:
            for record in event["Records"]:
                handle(record, context)
            return {"batchItemFailures": []}

        return batch

    return Subject(wrap=wrap, wrap_records=wrap_records, busy=BusyError)


def _by_hand(put: Callable[..., Any], update: Callable[..., Any]) -> Subject:
    """Return a subject of a claim and a completion; `put` returns the item that is in the way."""

    def wrap(handler: Handler) -> Handler:
        def wrapped(event: Any, context: Any) -> Any:
            text = json.dumps(event, sort_keys=True, separators=(",", ":"))
            key = f"{context.function_name}#{sha256(text.encode()).hexdigest()}"
            now = int(time.time() * 1000)
            found = put(
                TableName=TABLE,
                Item={
                    "id": {"S": key},
                    "status": {"S": "INPROGRESS"},
                    "expiration": {"N": str(now // 1000 + 24 * 3600)},
                    "in_progress_expiration": {"N": str(now + 30_000)},
                },
                ConditionExpression="attribute_not_exists(id) OR expiration < :now",
                ExpressionAttributeValues={":now": {"N": str(now // 1000)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            if found is not None:
                if found["status"]["S"] != "COMPLETED":
                    raise BusyError
                return json.loads(found["data"]["S"])
            result = handler(event, context)
            update(
                TableName=TABLE,
                Key={"id": {"S": key}},
                UpdateExpression="SET #status = :status, #data = :data",
                ExpressionAttributeNames={"#status": "status", "#data": "data"},
                ExpressionAttributeValues={
                    ":status": {"S": "COMPLETED"},
                    ":data": {"S": json.dumps(result)},
                },
            )
            return result

        return wrapped

    return _each(wrap)
