"""Operations for tests, made as a decorator makes them."""

from __future__ import annotations

from typing import Unpack

from lambda_idempotency import MemoryStore
from lambda_idempotency.decorators.options import Configuration, ReplayOptions
from lambda_idempotency.execution.operation import Operation


def operation_of(**options: Unpack[ReplayOptions]) -> Operation:
    """Return the operation of a decorator with these options, on a store of its own."""
    given: ReplayOptions = {"store": MemoryStore(), "namespace": "shop", **options}
    return Configuration.of(given, ReplayOptions).operation()
