"""The work of one call, counted: once, and not again."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import jmespath
import pytest

from lambda_idempotency import MemoryStore, idempotent
from lambda_idempotency.execution import operation
from lambda_idempotency.identity import canonical, keys
from lambda_idempotency.response import lambda_json

Count = Callable[[Any, str], None]


@pytest.fixture
def seen() -> Counter[str]:
    return Counter()


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch, seen: Counter[str]) -> Count:
    """Return a function that counts the calls of another by its name."""

    def counted(module: Any, name: str) -> None:
        original = getattr(module, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            seen[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, wrapper)

    return counted


def _handler(**options: Any) -> Callable[[Any, Any], Any]:
    return idempotent(store=MemoryStore(), **options)(lambda event, _: {"id": event["id"]})


def test_a_call_makes_one_canonical_form_and_one_digest(count: Count, seen: Counter[str]) -> None:
    handler = _handler()
    count(keys, "canonical")
    count(keys, "digest")
    handler({"id": 1, "items": list(range(100))}, None)
    assert seen == {"canonical": 1, "digest": 1}


@pytest.mark.parametrize(("price", "times"), [(1.5, 1), (1.0, 1), (1e22, 2), (-0.0, 2)])
def test_only_a_payload_with_an_ambiguous_number_is_encoded_twice(
    count: Count, seen: Counter[str], price: float, times: int
) -> None:
    handler = _handler()
    count(canonical, "_ENCODE")
    handler({"id": 1, "price": price}, None)
    assert seen == {"_ENCODE": times}


def test_a_result_is_serialised_once_and_a_replay_not_at_all(
    count: Count, seen: Counter[str]
) -> None:
    handler = _handler()
    count(lambda_json, "_ENCODE")
    handler({"id": 1}, None)
    handler({"id": 1}, None)
    assert seen == {"_ENCODE": 1}


def test_an_expression_is_compiled_where_it_is_applied(count: Count, seen: Counter[str]) -> None:
    count(jmespath, "compile")
    handler = _handler(key="[id]", fingerprint="id")  # a path needs no JMESPath
    assert seen == {"compile": 1}
    handler({"id": 1}, None)
    handler({"id": 2}, None)
    assert seen == {"compile": 1}


def test_an_event_is_not_copied(count: Count, seen: Counter[str]) -> None:
    count(copy, "deepcopy")
    count(copy, "copy")
    given = {"id": 1}
    received: list[Any] = []
    idempotent(store=MemoryStore())(lambda event, _: received.append(event))(given, None)
    assert received[0] is given
    assert seen == {}


def test_a_call_draws_one_owner(count: Count, seen: Counter[str]) -> None:
    handler = _handler()
    count(operation.os, "urandom")  # type: ignore[attr-defined]
    handler({"id": 1}, None)
    assert seen == {"urandom": 1}


def test_a_store_reads_its_clock_once_for_each_verb() -> None:
    reads = 0

    def clock() -> float:
        nonlocal reads
        reads += 1
        return time.time()

    handler = idempotent(store=MemoryStore(clock))(lambda event, _: event)
    handler({"id": 1}, None)
    assert reads == 2  # the claim and the completion
    handler({"id": 1}, None)
    assert reads == 3
