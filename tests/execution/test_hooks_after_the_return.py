"""Code of the user's that runs between the handler's return and its caller: whatever it raises, the
result is not lost, and the key is not freed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from lambda_idempotency import (
    MemoryStore,
    ResponseUnavailableError,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.protocol.record import COMPLETED

ERRORS: Final = (SystemExit(3), KeyboardInterrupt(), MemoryError(), RecursionError(), ValueError())

each_error = pytest.mark.parametrize("error", ERRORS, ids=repr)


class Odd:
    """A value that raises where it is compared, or where Lambda's client looks at it."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __eq__(self, _: object) -> bool:
        raise self._error

    __hash__ = None  # type: ignore[assignment]

    def _asdict(self) -> Any:
        raise self._error


def _function(store: MemoryStore, result: Any, kind: str, **options: Any) -> Any:
    def pay(order: int) -> Any:
        return result

    async def pay_async(order: int) -> Any:
        return result

    decorate = idempotent_function(store=store, name="pay", **options)
    if kind == "sync":
        return partial(decorate(pay), 1)
    return lambda: asyncio.run(decorate(pay_async)(1))


def _handler(store: MemoryStore, result: Any, kind: str, **options: Any) -> Any:
    async def pay(event: Any, context: Any) -> Any:
        return result

    code: Any = pay if kind == "async" else lambda event, context: result
    handler = idempotent(store=store, **options)(code)
    return lambda: handler({"id": 1}, None)


def _raising(error: BaseException, *, first: Any = None) -> Callable[[Any], Any]:
    """Return a callable that raises; with `first`, only from the second time on."""
    before = [] if first is None else [first]

    def raises(_: Any) -> Any:
        if before:
            return before.pop()
        raise error

    return raises


def _same(value: Any) -> Any:
    return value


KINDS: Final[dict[str, Callable[[MemoryStore, BaseException, str], Any]]] = {
    "a serializer": lambda store, error, kind: _function(
        store, 5, kind, serializer=(_raising(error), _same)
    ),
    "its way back": lambda store, error, kind: _function(
        store, 5, kind, serializer=(_same, _raising(error))
    ),
    "a result that is compared": lambda store, error, kind: _function(
        store, odd := Odd(error), kind, serializer=(lambda _: 5, lambda _: odd)
    ),
    "a result that is encoded": lambda store, error, kind: _handler(
        store, {"odd": Odd(error)}, kind
    ),
    "redact": lambda store, error, kind: _handler(store, {"id": 1}, kind, redact=_raising(error)),
    "what redact returns": lambda store, error, kind: _handler(
        store, {"id": 1}, kind, redact=lambda _: Odd(error)
    ),
    "the way back of what is kept": lambda store, error, kind: _function(
        store, 5, kind, redact=_same, serializer=(_same, _raising(error, first=5))
    ),
}


@each_error
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("code", KINDS)
def test_the_caller_gets_its_result_and_a_duplicate_is_told(
    store: MemoryStore, code: str, kind: str, error: BaseException
) -> None:
    call = KINDS[code](store, error, kind)
    assert call() is not None
    assert [record.status for record in store.records().values()] == [COMPLETED]
    with pytest.raises(ResponseUnavailableError):
        call()


class _Filter(logging.Filter):
    """A filter of the user's that raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def filter(self, _: logging.LogRecord) -> bool:
        raise self._error


class Small(MemoryStore):
    """A store with room for nothing."""

    max_data = 1


@each_error
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("made", "result"), [(MemoryStore, {1j}), (Small, "large")], ids=["no JSON", "too large"]
)
def test_so_does_who_logs_that_nothing_can_be_recorded(
    made: Callable[[], MemoryStore], result: Any, kind: str, error: BaseException
) -> None:
    store, logger, broken = made(), logging.getLogger("lambda_idempotency"), _Filter(error)
    logger.addFilter(broken)
    try:
        assert _handler(store, result, kind)() == result
    finally:
        logger.removeFilter(broken)
    assert [record.status for record in store.records().values()] == [COMPLETED]
