"""The tenants of Lambda's tenant isolation mode: one never gets another's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import MagicMock

import pytest

from kit.batches import sqs
from kit.http_events import SHAPES, Http
from lambda_idempotency import (
    HttpOptions,
    MemoryStore,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.protocol.record import INPROGRESS

BLUE: Final = SimpleNamespace(tenant_id="blue")
GREEN: Final = SimpleNamespace(tenant_id="green")
NOBODY: Final = SimpleNamespace(tenant_id=None)
CONTEXTS: Final = (BLUE, GREEN, NOBODY)


def runs_of(handler: Callable[[Any, Any], Any], event: Any, runs: list[Any]) -> int:
    """Send one event twice for each tenant, and return the number of runs."""
    for context in (*CONTEXTS, *CONTEXTS):
        handler(event, context)
    return len(runs)


@pytest.mark.parametrize("options", [{}, {"key": "id"}, {"key": lambda event: event["id"]}])
def test_each_tenants_event_runs_once(store: MemoryStore, options: Any) -> None:
    runs: list[Any] = []
    handler = idempotent(store=store, **options)(lambda event, context: runs.append(context))
    assert runs_of(handler, {"id": 7}, runs) == len(CONTEXTS)


def test_each_tenants_event_of_an_async_handler_runs_once(store: MemoryStore) -> None:
    runs: list[Any] = []

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> None:
        runs.append(context)

    assert runs_of(handler, {"id": 7}, runs) == len(CONTEXTS)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_tenants_request_runs_once(store: MemoryStore, shape: str) -> None:
    runs: list[Any] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        runs.append(context)
        return {"statusCode": 200}

    assert runs_of(handler, SHAPES[shape](Http()), runs) == len(CONTEXTS)


def test_the_state_of_a_request_is_told_to_its_tenant_alone(store: MemoryStore) -> None:
    handler = idempotent(store=store, http=HttpOptions(profile="accepted"))(
        lambda event, context: {"statusCode": 200}
    )
    handler(SHAPES["http-2.0"](Http()), BLUE)
    [key] = store.records()
    asked = Http.status_of(key)
    statuses = [
        handler(SHAPES["http-2.0"](asked), context)["statusCode"] for context in (BLUE, GREEN)
    ]
    assert statuses == [200, 404]


@pytest.mark.parametrize("options", [{}, {"key": "body"}])
def test_each_tenants_record_runs_once(store: MemoryStore, options: Any) -> None:
    runs: list[Any] = []
    handler = idempotent_records(store=store, **options)(
        lambda record, context: runs.append(context)
    )
    assert runs_of(handler, {"Records": [sqs("1", "7")]}, runs) == len(CONTEXTS)


# Functions that a handler calls -------------------------------------------------------------------


class Shop:
    """A function that handlers call, directly or through another one."""

    def __init__(self, store: MemoryStore) -> None:
        self.runs: list[Any] = []
        self.charge = idempotent_function(store=store, name="charge")(self._charge)
        self.outer = idempotent_function(store=store, name="outer")(self.charge_once)

    def charge_once(self, order: int) -> None:
        self.charge(order)

    def _charge(self, order: int) -> None:
        self.runs.append(current().tenant)


def in_a_handler(shop: Shop, store: MemoryStore) -> Callable[[Any, Any], Any]:
    return idempotent(store=store, key="call")(lambda event, context: shop.charge(event["id"]))


def in_a_handler_that_runs_unprotected(shop: Shop, store: MemoryStore) -> Callable[[Any, Any], Any]:
    return idempotent(store=store, key="no", on_missing_key="bypass")(
        lambda event, context: shop.charge(event["id"])
    )


def in_an_async_handler(shop: Shop, store: MemoryStore) -> Callable[[Any, Any], Any]:
    @idempotent(store=store, key="call")
    async def handler(event: Any, context: Any) -> None:
        await asyncio.to_thread(shop.charge, event["id"])

    return handler


def in_an_async_handler_that_runs_unprotected(
    shop: Shop, store: MemoryStore
) -> Callable[[Any, Any], Any]:
    @idempotent(store=store, key="no", on_missing_key="bypass")
    async def handler(event: Any, context: Any) -> None:
        shop.charge(event["id"])

    return handler


def in_a_function(shop: Shop, store: MemoryStore) -> Callable[[Any, Any], Any]:
    return idempotent(store=store, key="call")(lambda event, context: shop.outer(event["id"]))


def in_a_record(shop: Shop, store: MemoryStore) -> Callable[[Any, Any], Any]:
    records = idempotent_records(store=store)(
        lambda record, context: shop.charge(int(record["body"]))
    )
    return lambda event, context: records(
        {"Records": [sqs(str(event["call"]), event["id"])]}, context
    )


def in_a_record_that_runs_unprotected(shop: Shop, store: MemoryStore) -> Callable[[Any, Any], Any]:
    records = idempotent_records(store=store, key="no", on_missing_key="bypass")(
        lambda record, context: shop.charge(int(record["body"]))
    )
    return lambda event, context: records({"Records": [sqs("1", event["id"])]}, context)


def in_a_function_that_runs_unprotected(
    shop: Shop, store: MemoryStore
) -> Callable[[Any, Any], Any]:
    outer = idempotent_function(store=store, name="unprotected", key="no", on_missing_key="bypass")(
        shop.charge_once
    )
    return idempotent(store=store, key="call")(lambda event, context: outer(event["id"]))


def in_an_async_function_that_runs_unprotected(
    shop: Shop, store: MemoryStore
) -> Callable[[Any, Any], Any]:
    @idempotent_function(store=store, name="async", key="no", on_missing_key="bypass")
    async def outer(order: int) -> None:
        shop.charge(order)

    @idempotent(store=store, key="call")
    async def handler(event: Any, context: Any) -> None:
        await outer(event["id"])

    return handler


def in_a_thread_that_outlives_its_handler(
    shop: Shop, store: MemoryStore
) -> Callable[[Any, Any], Any]:
    @idempotent(store=store, key="call")
    def decorated(event: Any, context: Any) -> None:
        seen.append(copy_context())

    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        decorated(event, context)
        with ThreadPoolExecutor() as threads:
            threads.submit(seen.pop().run, shop.charge, event["id"]).result()

    return handler


@pytest.mark.parametrize(
    "place",
    [
        in_a_handler,
        in_a_handler_that_runs_unprotected,
        in_an_async_handler,
        in_an_async_handler_that_runs_unprotected,
        in_a_function,
        in_a_function_that_runs_unprotected,
        in_an_async_function_that_runs_unprotected,
        in_a_record,
        in_a_record_that_runs_unprotected,
        in_a_thread_that_outlives_its_handler,
    ],
)
def test_a_function_runs_once_for_each_tenant_whose_handler_calls_it(
    store: MemoryStore, place: Callable[[Shop, MemoryStore], Callable[[Any, Any], Any]]
) -> None:
    shop = Shop(store)
    handler = place(shop, store)
    for call in range(2):
        for context in CONTEXTS:
            handler({"id": 7, "call": call}, context)
    assert shop.runs == ["blue", "green", None]


def test_a_function_that_no_handler_calls_has_no_tenant(store: MemoryStore) -> None:
    shop = Shop(store)
    for _ in range(2):
        shop.charge(7)
    assert shop.runs == [None]


@pytest.mark.parametrize(
    "context",
    [None, object(), MagicMock(spec=["tenant_id"])],
    ids=["no context", "no attribute", "a mock's attribute"],
)
def test_a_context_without_a_tenant_is_like_none(store: MemoryStore, context: Any) -> None:
    runs: list[Any] = []
    handler = idempotent(store=store)(lambda event, context: runs.append(event))
    for other in (context, NOBODY):
        handler({"id": 7}, other)
    assert len(runs) == 1


# Functions that the user's other code calls -------------------------------------------------------


class Hooks:
    """The user's code that the layer runs besides the handler: each charges once for a tenant."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.shop = Shop(store)

    def select(self, event: Any) -> Any:
        self.shop.charge(7)
        return event["body"]

    def read(self, event: Any, *_: Any) -> None:
        self.shop.charge(7)

    def write(self, result: Any) -> Any:
        self.shop.charge(7)
        return result


def answered(event: Any, context: Any) -> Any:
    return {"statusCode": 200, "body": "x"}


def in_a_key(hooks: Hooks) -> Any:
    return idempotent(store=hooks.store, key=hooks.select)(answered)


def in_an_async_handlers_key(hooks: Hooks) -> Any:
    @idempotent(store=hooks.store, key=hooks.select)
    async def handler(event: Any, context: Any) -> None: ...

    return handler


def in_a_fingerprint(hooks: Hooks) -> Any:
    return idempotent(store=hooks.store, fingerprint=hooks.select)(answered)


def in_on_replay(hooks: Hooks) -> Any:
    return idempotent(store=hooks.store, on_replay=hooks.read)(answered)


def in_on_replay_of_an_event(hooks: Hooks) -> Any:
    return idempotent(store=hooks.store, key="body", http=None, on_replay=hooks.read)(answered)


def in_the_key_of_a_record_id(hooks: Hooks) -> Any:
    return idempotent(store=hooks.store, key=hooks.select)(answered).record_id


def in_a_records_key(hooks: Hooks) -> Any:
    records = idempotent_records(store=hooks.store, key=hooks.select)(answered)
    return lambda event, context: records({"Records": [sqs("1", "7")]}, context)


def in_the_key_of_record_ids(hooks: Hooks) -> Any:
    records = idempotent_records(store=hooks.store, key=hooks.select)(answered)
    return lambda event, context: records.record_ids({"Records": [sqs("1", "7")]}, context)


def _outer(hooks: Hooks, **options: Any) -> Any:
    @idempotent_function(store=hooks.store, name="outer of a hook", **options)
    def outer(body: str) -> Any:
        return body

    return idempotent(store=hooks.store, key="[body, `1`]", http=None, on_missing_key="bypass")(
        lambda event, context: outer(event["body"])
    )


def in_a_functions_key(hooks: Hooks) -> Any:
    return _outer(hooks, key=hooks.select)


def in_a_serializer(hooks: Hooks) -> Any:
    return _outer(hooks, serializer=(hooks.write, lambda value: value))


def in_a_deserializer(hooks: Hooks) -> Any:
    return _outer(hooks, serializer=(lambda value: value, hooks.write))


def _dying(hooks: Hooks, **options: Any) -> Any:
    """Return a handler whose first attempt for each tenant has died when the second one comes."""

    @idempotent(store=hooks.store, key="body", http=None, lease=1, heartbeat=False, **options)
    def handler(event: Any, context: Any) -> Any:
        current().step("charge", lambda: None)
        return answered(event, context)

    def twice(event: Any, context: Any) -> None:
        handler(event, context)
        record = hooks.store.records()[handler.record_id(event, context)]
        hooks.store.put(record._replace(status=INPROGRESS, lease_end=1))
        handler(event, context)

    return twice


def in_on_orphan(hooks: Hooks) -> Any:
    return _dying(hooks, on_orphan=hooks.read)


def in_on_interrupted(hooks: Hooks) -> Any:
    return _dying(hooks, on_interrupted=hooks.read)


def in_redact(hooks: Hooks) -> Any:
    """Redact the answer of each request: only the first one of a tenant is answered."""
    return idempotent(store=hooks.store, redact=hooks.write)(answered)


def in_a_step(hooks: Hooks) -> Any:
    return idempotent(store=hooks.store, key="body", http=None)(
        lambda event, context: current().step("charge", lambda: hooks.read(event))
    )


def in_a_handler_that_is_called_without_a_context(hooks: Hooks) -> Any:
    inner = idempotent(store=hooks.store, name="inner", key="body", http=None)(
        lambda event, context: hooks.shop.runs.append(current().tenant)
    )
    return idempotent(store=hooks.store, name="dispatcher", key="body", http=None)(
        lambda event, context: inner(event, None)
    )


@pytest.mark.parametrize(
    "place",
    [
        in_a_key,
        in_an_async_handlers_key,
        in_a_fingerprint,
        in_on_replay,
        in_on_replay_of_an_event,
        in_the_key_of_a_record_id,
        in_a_records_key,
        in_the_key_of_record_ids,
        in_a_functions_key,
        in_a_serializer,
        in_a_deserializer,
        in_on_orphan,
        in_on_interrupted,
        in_redact,
        in_a_step,
        in_a_handler_that_is_called_without_a_context,
    ],
)
def test_a_function_that_a_hook_calls_runs_once_for_each_tenant(
    store: MemoryStore, place: Callable[[Hooks], Callable[[Any, Any], Any]]
) -> None:
    hooks = Hooks(store)
    handler = place(hooks)
    for context in (*CONTEXTS, *CONTEXTS):
        handler(SHAPES["http-2.0"](Http()), context)
    assert hooks.shop.runs == ["blue", "green", None]
