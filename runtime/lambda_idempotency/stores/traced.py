"""Spans of OpenTelemetry and subsegments of X-Ray around each request to a store.

Loaded only where one of their packages was, when a decorator was applied: without them no call
passes here. Names and attributes are those of the semantic conventions:
https://opentelemetry.io/docs/specs/semconv/database/dynamodb/
https://opentelemetry.io/docs/specs/semconv/database/redis/
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TypeVar

from ..clients.net.waiting import Waits
from ..errors import StoreError
from ..protocol.record import Claim, Completion, Record, Reply
from .base import ReplyOrError, Store
from .coroutines import AroundStore, with_coroutines

T = TypeVar("T")

X_RAY: Final = "aws_xray_sdk.core"
OPEN_TELEMETRY: Final = "opentelemetry.trace"


class TracedStore(AroundStore):
    """A store whose requests are seen in traces. They name the table or server, the operation, and
    the error, and no key."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = with_coroutines(store)
        kind = type(store).__module__.rpartition(".")[2]
        self._system = {"dynamodb": "aws.dynamodb", "redis": "redis"}.get(kind, "other")

    @property
    def on_loop(self) -> bool:
        return self._store.on_loop

    async def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Reply:
        return await self._seen("PutItem", self._store.claiming(claim, seen, waits))

    async def renewing(self, claim: Claim, waits: Waits) -> Reply:
        operation = "TransactWriteItems" if claim.writes else "PutItem"
        return await self._seen(operation, self._store.renewing(claim, waits))

    async def completing(self, completion: Completion, waits: Waits) -> Reply:
        operation = "TransactWriteItems" if completion.writes else "PutItem"
        return await self._seen(operation, self._store.completing(completion, waits))

    async def releasing(self, key: str, owner: str, waits: Waits) -> Reply:
        return await self._seen("DeleteItem", self._store.releasing(key, owner, waits))

    async def reading(self, key: str, waits: Waits) -> Reply:
        return await self._seen("GetItem", self._store.reading(key, waits))

    async def completing_and_claiming(
        self, completion: Completion, claim: Claim, waits: Waits
    ) -> tuple[ReplyOrError, ReplyOrError]:
        asked = self._store.completing_and_claiming(completion, claim, waits)
        return await self._seen("BATCH PutItem", asked)

    async def _seen(self, operation: str, asked: Awaitable[T]) -> T:
        """Await an answer inside a span. An error is told by its code, and never by its words."""
        if self._system == "redis":
            operation = "EVALSHA"  # each verb is a script
        with ExitStack() as spans:
            told = []
            for enter in (_open_telemetry, _x_ray):
                with suppress(Exception):  # what traces do must not cost a result
                    told.append(spans.enter_context(enter(self._system, operation, self._label)))
            try:
                return await asked
            except Exception as error:
                code = getattr(error, "code", None) if isinstance(error, StoreError) else None
                for tell in told:
                    with suppress(Exception):
                        tell(type(error).__name__ if code is None else code)
                raise


@contextmanager
def _open_telemetry(system: str, operation: str, label: str) -> Iterator[Any]:
    """Open a span. Yield what marks it as failed, by a code."""
    if (trace := sys.modules.get(OPEN_TELEMETRY)) is None:
        yield lambda _: None
        return
    attributes: dict[str, Any] = {"db.system.name": system, "db.operation.name": operation}
    if system == "aws.dynamodb":
        attributes["aws.dynamodb.table_names"] = [label]
    else:
        attributes["server.address"] = label
    tracer = trace.get_tracer("lambda_idempotency")
    with tracer.start_as_current_span(
        f"{operation} {label}",
        kind=trace.SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:

        def failed(code: str) -> None:
            span.set_attribute("error.type", code)
            span.set_attribute("db.response.status_code", code)
            span.set_status(trace.Status(trace.StatusCode.ERROR))

        yield failed


@contextmanager
def _x_ray(system: str, operation: str, label: str) -> Iterator[Any]:
    """Open a subsegment. Yield what marks it as failed, by a code."""
    core = sys.modules.get(X_RAY)
    recorder = None if core is None else core.xray_recorder
    if recorder is None:
        yield lambda _: None
        return
    is_aws = system == "aws.dynamodb"
    subsegment = recorder.begin_subsegment(
        "DynamoDB" if is_aws else label, "aws" if is_aws else "remote"
    )
    if subsegment is None:  # outside of an invocation, or not sampled
        yield lambda _: None
        return
    if is_aws:
        subsegment.set_aws({"operation": operation, "table_name": label})

    def failed(code: str) -> None:
        subsegment.add_fault_flag()
        subsegment.put_annotation("error", code)

    try:
        yield failed
    finally:
        with suppress(Exception):
            recorder.end_subsegment()
