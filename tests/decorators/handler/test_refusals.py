"""What is no handler, and no context, is refused with what to do."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from kit.batches import batch, sqs
from lambda_idempotency import (
    ConfigurationError,
    DynamoDBStore,
    MemoryStore,
    idempotent,
    idempotent_records,
)


def _any(value: object) -> Any:
    return value


class Handler:
    """Handlers as methods."""

    def handle(self, event: Any, context: Any) -> Any:
        return event

    @staticmethod
    def static(event: Any, context: Any) -> Any:
        return event

    def __call__(self, event: Any, context: Any) -> Any:
        return event


def test_a_mock_as_the_context_is_refused() -> None:
    handler = idempotent(store=MemoryStore())(lambda event, _: event)
    with pytest.raises(ConfigurationError, match=r"in_millis\(\) returned a MagicMock; .*In tests"):
        handler({"id": 1}, MagicMock())


def test_a_mock_as_the_context_of_a_batch_is_refused() -> None:
    handler = idempotent_records(store=MemoryStore())(lambda record, context: None)
    with pytest.raises(ConfigurationError, match="returned a MagicMock"):
        handler(batch(sqs("m-1")), MagicMock())


def test_a_mock_that_tells_milliseconds_is_a_context() -> None:
    context = MagicMock()
    context.get_remaining_time_in_millis.return_value = 3000
    handler = idempotent(store=MemoryStore())(lambda event, _: event)
    assert handler({"id": 1}, context) == {"id": 1}


def test_a_type_error_of_the_handler_stays_its_own() -> None:
    def handle(event: Any, context: Any) -> Any:
        return event + 1

    context = MagicMock()
    context.get_remaining_time_in_millis.return_value = 3000
    with pytest.raises(TypeError, match="unsupported operand"):
        idempotent(store=MemoryStore())(handle)({"id": 1}, context)


def test_a_class_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"the class Handler; .*apply it to Handler\("):
        idempotent(store=MemoryStore())(_any(Handler))


def test_a_method_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"the method handle of Handler.*\(\.\.\.\)\.handle"
    ):
        idempotent(store=MemoryStore())(_any(Handler.handle))


@pytest.mark.parametrize(
    "handler", [Handler(), Handler().handle, Handler.static], ids=["object", "bound", "static"]
)
def test_what_takes_an_event_and_a_context_is_a_handler(handler: Any) -> None:
    assert idempotent(store=MemoryStore())(handler)({"id": 1}, None) == {"id": 1}


def test_a_function_whose_event_is_called_self_is_a_handler() -> None:
    def handler(self: Any, context: Any) -> Any:
        return self

    assert idempotent(store=MemoryStore())(handler)({"id": 1}, None) == {"id": 1}


def test_a_table_of_boto3_in_place_of_its_name_is_refused() -> None:
    table: Any = MagicMock()
    with pytest.raises(
        ConfigurationError, match=r"table_name is a unittest.mock.MagicMock; .*name"
    ):
        DynamoDBStore(table)
