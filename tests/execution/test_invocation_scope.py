"""Code knows the invocation in which it runs."""

from __future__ import annotations

from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

from lambda_idempotency.execution.invocation_scope import (
    InvocationScope,
    invocation_tenant,
    invocation_time_left,
)


def context(tenant: str | None, left: int | None = None) -> Any:
    if left is None:
        return SimpleNamespace(tenant_id=tenant)
    return SimpleNamespace(tenant_id=tenant, get_remaining_time_in_millis=lambda: left)


def here() -> tuple[str | None, int | None]:
    ask = invocation_time_left()
    return invocation_tenant(), None if ask is None else ask()


def test_code_has_the_tenant_and_the_time_of_its_invocation_and_of_none_afterwards() -> None:
    with InvocationScope(context("blue", 7)):
        assert here() == ("blue", 7)
    assert here() == (None, None)


def test_an_invocation_within_another_has_its_own() -> None:
    with InvocationScope(context("blue", 7)):
        with InvocationScope(context("green", 8)):
            assert here() == ("green", 8)
        assert here() == ("blue", 7)


def test_a_handler_that_is_called_without_a_context_is_in_the_invocation_around_it() -> None:
    with InvocationScope(context("blue", 7)), InvocationScope(None):
        assert here() == ("blue", 7)


def test_what_outlives_an_invocation_has_its_tenant_but_no_time() -> None:
    with InvocationScope(context("blue", 7)):
        outliving = copy_context()
    assert outliving.run(here) == ("blue", None)
