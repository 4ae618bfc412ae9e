"""Fixtures of the tests of durable executions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kit.durable import Executions, real
from lambda_idempotency import MemoryStore, idempotent
from lambda_idempotency.decorators import durable
from lambda_idempotency.execution.durable.liveness import Liveness

Handler = Callable[[Any, Any], Any]
Make = Callable[..., Executions]


@pytest.fixture
def records() -> MemoryStore:
    """Return the store of the records."""
    return MemoryStore()


@pytest.fixture(params=["inside", "outside"])
def form(request: pytest.FixtureRequest) -> str:
    """Return where ours is applied: inside of `@durable_execution`, or outside."""
    return str(request.param)


@pytest.fixture
def executions(records: MemoryStore, form: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Return the maker of a durable function in the runner, whose executions Lambda knows."""
    with ExitStack() as exits:

        def make(handler: Handler, **options: Any) -> Executions:
            options = {"key": "order", "store": records, "execution_timeout": 300, **options}
            ours = idempotent(name="pay", **options)
            if form == "inside":
                function = real(ours(handler), outer=lambda durable: durable)
            else:
                function = real(handler, outer=ours)
            made = exits.enter_context(Executions(function))
            liveness = Liveness(lambda: made, clock=lambda: made.clock)
            monkeypatch.setattr(durable, "_liveness", lambda: liveness)
            return made

        yield make
