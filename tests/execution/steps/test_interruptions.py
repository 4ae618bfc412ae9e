"""After a death, the steps that may have been interrupted."""

from __future__ import annotations

from typing import Any

import pytest

from kit.steps import (
    EVENT,
    RESULT,
    WRITE,
    Faulty,
    Shop,
    attempt_died,
    attempt_raises,
    raises_then_dies,
)
from lambda_idempotency import (
    ConfigurationError,
    Reconciled,
    StepInterruptedError,
    idempotent,
)
from lambda_idempotency.protocol.record import Claim


def _interrupted(store: Faulty, on_interrupted: Any) -> tuple[Shop, Any]:
    """Return a shop whose first attempt died after its charge."""
    shop = Shop()
    handler = idempotent(store=store, on_interrupted=on_interrupted)(shop)
    attempt_raises(handler)
    attempt_died(store)
    return shop, handler


@pytest.mark.parametrize("option", [None, "rerun", lambda event, name: None])
def test_a_step_that_may_have_been_interrupted_runs(store: Faulty, option: Any) -> None:
    _, handler = _interrupted(store, option)
    assert handler(EVENT, None) == RESULT


def test_a_step_that_may_have_been_interrupted_raises_if_told_so(store: Faulty) -> None:
    shop, handler = _interrupted(store, "raise")
    for _ in range(2):
        with pytest.raises(StepInterruptedError, match="'label'"):
            handler(EVENT, None)
    assert shop.ran == ["charge"]


def test_an_interrupted_step_is_asked_about_once_it_is_reached(store: Faulty) -> None:
    asked: list[Any] = []

    def ask(event: Any, name: str) -> Reconciled:
        asked.append((event, name))
        return Reconciled("found")

    shop, handler = _interrupted(store, ask)
    assert handler(EVENT, None) == [RESULT[0], "found"]
    assert asked == [(EVENT, "label")]
    assert shop.ran == ["charge"]


def test_a_step_with_writes_is_never_asked_about(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = "in charge"
    shop.writes = [WRITE]
    handler = idempotent(store=store, on_interrupted="raise")(shop)
    store.claim(Claim("x", "a" * 32, 1, 1))
    attempt_raises(handler)
    store.clear()
    raises_then_dies(store, handler)
    with pytest.raises(StepInterruptedError, match="'label'"):
        handler(EVENT, None)
    assert store.committed == [WRITE]


def test_a_step_that_nobody_asked_about_yet_is_asked_about_after_a_give_up(store: Faulty) -> None:
    _, handler = _interrupted(store, "raise")
    with pytest.raises(StepInterruptedError):
        handler(EVENT, None)
    [record] = store.records().values()
    assert (record.lease_end, record.attempt) == (0, 2)


def test_an_on_interrupted_that_is_nothing_known_is_refused(store: Faulty) -> None:
    options: Any = {"on_interrupted": "again"}
    with pytest.raises(ConfigurationError, match="on_interrupted is 'again'"):
        idempotent(store=store, **options)(Shop())
