"""Code that runs as an attempt."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Any

import pytest

from lambda_idempotency import current
from lambda_idempotency.execution.attempt import run_as, run_as_async, unprotected


def test_async_code_is_awaited_whatever_makes_it_awaitable() -> None:
    @types.coroutine
    def work() -> Generator[Any, Any, str]:
        yield from asyncio.sleep(0).__await__()
        return current().key

    attempt = unprotected()
    assert asyncio.run(run_as_async(attempt, work)) == attempt.key


def test_async_code_that_cannot_be_awaited_is_no_result() -> None:
    broken: Any = lambda: 42  # noqa: E731
    with pytest.raises(TypeError, match="await"):
        asyncio.run(run_as_async(unprotected(), broken))


def test_code_sees_its_attempt() -> None:
    attempt = unprotected()
    assert run_as(attempt, current) == attempt
