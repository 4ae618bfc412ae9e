"""The subjects: a function, made idempotent by this library, by its peers, and by hand.

Each takes a workload (an event, an HTTP request, a batch of ten messages, three steps) and the
function that has the effect. Packages are imported in the process that measures them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from benchmarks import by_hand
from benchmarks.by_hand import STEPS, TABLE
from benchmarks.floor import Floor, Handler, RedisFloor, redis_by_hand

Subject: TypeAlias = Callable[[str, Handler], Handler]

DAY_S: Final = 24 * 3600


def redis_login() -> dict[str, Any]:
    """Return the arguments of redis-py's client, and of the peer's, from the environment."""
    login: dict[str, Any] = json.loads(os.environ["BENCH_REDIS"])
    return login


def ours_dynamodb(workload: str, function: Handler) -> Handler:
    """Return this library on DynamoDB."""
    from lambda_idempotency import DynamoDBStore

    return _ours(workload, function, store=DynamoDBStore(TABLE), namespace="bench")


def ours_async(workload: str, function: Handler) -> Handler:
    """Return the same with an async handler."""
    assert workload == "event"
    from lambda_idempotency import DynamoDBStore, idempotent

    async def handler(event: Any, context: Any) -> Any:
        return function(event, context)

    decorated: Handler = idempotent(store=DynamoDBStore(TABLE), namespace="bench")(handler)
    return decorated


def ours_attached(workload: str, function: Handler) -> Handler:
    """Return this library as in an attached function: configured by its environment."""
    return _ours(workload, function)


def ours_brought(workload: str, function: Handler) -> Handler:
    """Return this library over a client of the user's."""
    from lambda_idempotency import RedisStore

    store = RedisStore(_limited())
    return _ours(workload, function, store=store, namespace="bench")


def _ours(workload: str, function: Handler, **options: Any) -> Handler:
    from lambda_idempotency import current, idempotent, idempotent_records

    if workload == "batch":
        records: Handler = idempotent_records(name="records", **options)(function)
        return records
    if workload != "steps":
        decorated: Handler = idempotent(function, **options)
        return decorated

    @idempotent(key="order_id", **options)
    def handler(event: Any, context: Any) -> Any:
        step = current().step
        return {name: step(name, lambda: function(event, context)) for name in STEPS}

    return handler


def powertools_dynamodb(workload: str, function: Handler, *, validated: str = "body") -> Handler:
    """Return Powertools on DynamoDB, with the boto3 client that it makes for itself.

    `validated` is what must be the same in an HTTP request whose key comes again.
    """
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return _powertools(DynamoDBPersistenceLayer(TABLE), workload, function, validated)


def powertools_redis(workload: str, function: Handler) -> Handler:
    """Return Powertools on Redis, with the redis-py client that it makes for itself."""
    from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer

    return _powertools(CachePersistenceLayer(**redis_login()), workload, function)


def powertools_brought(workload: str, function: Handler) -> Handler:
    """Return Powertools over a client of the user's."""
    from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer

    client: Any = _limited()
    return _powertools(CachePersistenceLayer(client=client), workload, function)


def _powertools(layer: Any, workload: str, function: Handler, validated: str = "body") -> Handler:
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent

    options: dict[str, Any] = {
        "http": {
            "event_key_jmespath": 'headers."idempotency-key"',
            "payload_validation_jmespath": validated,
        },
        "batch": {"event_key_jmespath": "messageId"},
        "steps": {"event_key_jmespath": "order_id"},
    }.get(workload, {})
    config: Any = IdempotencyConfig(expires_after_seconds=DAY_S, **options)
    if workload == "batch":
        return _batch_processor(layer, config, function)
    if workload == "steps":
        return _three_functions(layer, config, function)
    decorated: Handler = idempotent(persistence_store=layer, config=config)(function)
    return decorated


def _batch_processor(layer: Any, config: Any, function: Handler) -> Handler:
    """Join the peer's two utilities as its documentation does."""
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.idempotency import idempotent_function

    processor = BatchProcessor(event_type=EventType.SQS)
    once: Any = idempotent_function(
        lambda record: function(record, None),
        data_keyword_argument="record",
        config=config,
        persistence_store=layer,
    )

    def handler(event: Any, context: Any) -> Any:
        config.register_lambda_context(context)
        return process_partial_response(
            event=event,
            record_handler=lambda record: once(record=record),
            processor=processor,
            context=context,
        )

    return handler


def _three_functions(layer: Any, config: Any, function: Handler) -> Handler:
    """Return a plain handler of three idempotent functions."""
    from aws_lambda_powertools.utilities.idempotency import idempotent_function

    def once(name: str) -> Any:
        return idempotent_function(
            lambda order: function(order, None),
            data_keyword_argument="order",
            config=config,
            persistence_store=layer,
            key_prefix=name,
        )

    steps = {name: once(name) for name in STEPS}

    def handler(event: Any, context: Any) -> Any:
        config.register_lambda_context(context)
        return {name: step(order=event) for name, step in steps.items()}

    return handler


def durable(workload: str, function: Handler) -> Handler:
    """Return a durable function in the in-memory runner of the SDK's testing package."""
    assert workload == "steps"
    from aws_durable_execution_sdk_python.execution import durable_execution
    from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

    def handler(event: Any, context: Any) -> Any:
        return {name: context.step(lambda _: function(event, None), name=name) for name in STEPS}

    runner = DurableFunctionTestRunner(handler=durable_execution(handler))

    def execution(event: Any, _: Any) -> Any:
        return json.loads(runner.run(input=json.dumps(event), timeout=60).result or "")

    return execution


def idemkit(workload: str, function: Handler) -> Handler:
    """Return idemkit on Redis, in its form for synchronous code."""
    assert workload == "event"
    import logging

    from idemkit import MethodConfig, RedisBackend, idempotent_sync

    logging.getLogger("idemkit").setLevel(logging.ERROR)  # it warns that there is one tenant
    backend = RedisBackend.from_url(os.environ["BENCH_URL"])

    config = MethodConfig(key_fields=["event"])

    def call(*, event: Any) -> Any:
        return function(event, None)

    once: Any = idempotent_sync(backend=backend, config=config)(call)
    return lambda event, _: once(event=event)


def _redis_by_hand(client: Callable[..., Any], workload: str, function: Handler) -> Handler:
    handler = redis_by_hand(client(**redis_login()), function)
    return by_hand.each_record(handler) if workload == "batch" else handler


def _redis_py(**login: Any) -> Any:
    import redis

    return redis.Redis(**login)


def _limited() -> Any:
    """Return a client of redis-py with the limits that docs/redis.md recommends."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    limits = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "protocol": 2}
    return _redis_py(**redis_login(), **limits, retry=Retry(NoBackoff(), 0))


def _boto3(workload: str, function: Handler) -> Handler:
    return by_hand.dynamodb(*by_hand.with_boto3(), workload, function)


def _floor(workload: str, function: Handler) -> Handler:
    return by_hand.dynamodb(*by_hand.with_floor(Floor()), workload, function)


SUBJECTS: Final[dict[str, Subject]] = {
    "dynamodb/ours": ours_dynamodb,
    "dynamodb/async": ours_async,
    "dynamodb/powertools": powertools_dynamodb,
    "dynamodb/by meaning": partial(powertools_dynamodb, validated="powertools_json(body)"),
    "dynamodb/durable": durable,
    "dynamodb/boto3": _boto3,
    "dynamodb/floor": _floor,
    "redis/ours": ours_attached,
    "redis/ours, brought": ours_brought,
    "redis/powertools": powertools_redis,
    "redis/powertools, brought": powertools_brought,
    "redis/idemkit": idemkit,
    "redis/redis-py": partial(_redis_by_hand, _redis_py),
    "redis/floor": partial(_redis_by_hand, RedisFloor),
}
"""The subjects, by store and column."""
