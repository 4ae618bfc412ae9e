"""What is compared: one handler, wrapped by this library, by the peer, and by hand.

A subject's imports happen where it is made, in the worker process that is its own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeAlias

from benchmarks.floor_redis import BusyError, RedisFloor, by_hand

Handler: TypeAlias = Callable[[Any, Any], Any]

TABLE = "bench"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A way to wrap a handler, and one of records. `busy` is what a duplicate of a running attempt
    raises; `later` moves the clock of a store in memory."""

    wrap: Callable[[Handler], Handler]
    wrap_records: Callable[[Handler], Handler]
    busy: type[Exception]
    later: Callable[[float], None] | None = None


def ours() -> Subject:
    """This library, on DynamoDB."""
    from lambda_idempotency import DynamoDBStore, InProgressError, idempotent, idempotent_records

    store = DynamoDBStore(TABLE)
    return Subject(
        wrap=idempotent(store=store, namespace="bench"),
        wrap_records=idempotent_records(store=store, namespace="bench"),
        busy=InProgressError,
    )


def powertools() -> Subject:
    """The peer, on DynamoDB, with the boto3 client it makes for itself."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return _powertools(DynamoDBPersistenceLayer(table_name=TABLE))


def boto3() -> Subject:
    """The two requests by hand through boto3."""
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
    """The two requests by hand on a socket."""
    from benchmarks.floor import Floor

    client = Floor()
    return _by_hand(
        lambda **request: client.call("DynamoDB_20120810.PutItem", request).get("Item"),
        lambda **request: client.call("DynamoDB_20120810.UpdateItem", request),
    )


def ours_redis() -> Subject:
    """This library on Redis, as in an attached function: all it knows is its environment."""
    from lambda_idempotency import InProgressError, idempotent, idempotent_records

    return Subject(wrap=idempotent, wrap_records=idempotent_records, busy=InProgressError)


def powertools_redis() -> Subject:
    """The peer on Redis, with the redis-py client it makes for itself."""
    from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer

    return _powertools(CachePersistenceLayer(**redis_login()))


def redis_py() -> Subject:
    """The two scripts by hand through redis-py."""
    import redis

    return _each(partial(by_hand, redis.Redis(**redis_login())))


def floor_redis() -> Subject:
    """The two scripts by hand on a socket."""
    return _each(partial(by_hand, RedisFloor(**redis_login())))


def ours_memory() -> Subject:
    """This library without I/O."""
    from lambda_idempotency import InProgressError, MemoryStore, idempotent, idempotent_records

    moved = [0.0]

    def later(seconds: float) -> None:
        moved[0] += seconds

    store = MemoryStore(clock=lambda: time.time() + moved[0])
    return Subject(
        wrap=idempotent(store=store),
        wrap_records=idempotent_records(store=store),
        busy=InProgressError,
        later=later,
    )


def powertools_memory() -> Subject:
    """The peer without I/O."""
    from benchmarks.memory_layer import MemoryLayer

    return _powertools(MemoryLayer())


SUBJECTS: dict[str, Callable[[], Subject]] = {
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
"""By store and column."""


def redis_login() -> dict[str, Any]:
    """How the environment says that Redis is reached, in redis-py's and the peer's own words."""
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
    """As the peer's documentation joins its two utilities."""
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


def _each(wrap: Callable[[Handler], Handler]) -> Subject:
    """By hand: a batch is one call for each of its records."""

    def wrap_records(handler: Handler) -> Handler:
        handle = wrap(handler)

        def batch(event: Any, context: Any) -> Any:
            for record in event["Records"]:
                handle(record, context)
            return {"batchItemFailures": []}

        return batch

    return Subject(wrap=wrap, wrap_records=wrap_records, busy=BusyError)


def _by_hand(put: Callable[..., Any], update: Callable[..., Any]) -> Subject:
    """A claim and a completion; `put` returns the item that is in the way."""

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


def environment(endpoint: str) -> dict[str, str]:
    """A Lambda's environment, with a session token of the usual length, pointed at the stub."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "IDEMPOTENCY_", "POWERTOOLS_", "PYTHON"))
    }
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2Vj" * 50,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "IDEMPOTENCY_METRICS": "false",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "PYTHONHASHSEED": "0",
    }
