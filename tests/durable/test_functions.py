"""`@idempotent_function` in a durable execution: in its steps, its body and its branches."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from aws_durable_execution_sdk_python import InvocationError

from kit.batches import sqs
from kit.durable import Executions
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    Reconciled,
    StoreError,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.protocol.record import INPROGRESS

Make = Callable[..., Executions]
ORDER = {"order": 7}

pytestmark = pytest.mark.parametrize("form", ["inside"], indirect=True)


class _KilledError(InvocationError):
    """The end of a process in the middle of a step."""


def _crashing(records: MemoryStore, runs: list[int], **options: Any) -> Callable[[int], int]:
    """Return a function whose first run leaves its claim behind, as a process does that is
    killed."""
    release = records.release

    @idempotent_function(store=records, name="charge", **options)
    def charge(order: int) -> int:
        runs.append(order)
        if len(runs) == 1:
            records.release = _lost  # type: ignore[assignment, method-assign]
            raise _KilledError("killed")
        records.release = release  # type: ignore[method-assign]
        return order

    return charge


def _lost(*_: Any) -> Any:
    raise OSError("killed")


def test_a_claim_that_a_crash_has_left_is_the_steps_own(executions: Make) -> None:
    runs: list[int] = []
    charge = _crashing(MemoryStore(), runs, max_attempts=1)
    pay = executions(lambda event, context: context.step(lambda _: charge(event["order"])))
    assert pay.run(ORDER) == 7
    assert runs == [7, 7]


def test_what_the_try_before_has_done_is_asked(executions: Make) -> None:
    runs: list[int] = []
    charge = _crashing(MemoryStore(), runs, on_orphan=lambda _: Reconciled(70))
    pay = executions(lambda event, context: context.step(lambda _: charge(event["order"])))
    assert pay.run(ORDER) == 70
    assert runs == [7]


def test_two_branches_stay_two(executions: Make) -> None:
    owners: set[str] = set()
    records = MemoryStore()

    @idempotent_function(store=records, name="charge")
    def charge(branch: int) -> int:
        owners.update(record.owner for record in records.records().values())
        return branch

    def branch(number: int) -> Callable[[Any], Any]:
        return lambda context: context.step(lambda _: charge(number))

    pay = executions(lambda _, context: context.parallel([branch(1), branch(2)]).get_results())
    assert pay.run(ORDER) == [1, 2]
    assert len({record.owner for record in records.records().values()}) == 2


def test_a_function_in_the_body_is_recorded_and_replayed(executions: Make) -> None:
    runs: list[int] = []

    @idempotent_function(store=MemoryStore(), name="charge")
    def charge(order: int) -> int:
        runs.append(order)
        return order

    def handler(event: Any, context: Any) -> Any:
        charged = charge(event["order"])
        context.create_callback(name="approve").result()
        return charged

    pay = executions(handler)
    arn = pay.start(ORDER)
    pay.answer(pay.callback(arn))
    assert pay.result(arn) == 7
    assert runs == [7]


def test_a_store_that_fails_in_the_body_costs_an_invocation_and_no_execution(
    executions: Make,
) -> None:
    records = MemoryStore()
    claim, failures = records.claim, iter([True])

    def fail_once(*args: Any) -> Any:
        if next(failures, False):
            raise StoreError("away")
        return claim(*args)

    records.claim = fail_once  # type: ignore[assignment, method-assign]

    @idempotent_function(store=records, name="charge")
    def charge(order: int) -> int:
        return order

    pay = executions(lambda event, _: charge(event["order"]))
    assert pay.run(ORDER) == 7
    assert len(pay.invocations) == 2


def test_a_store_that_fails_an_async_call_in_the_body_leaves_the_key_to_the_execution(
    executions: Make, records: MemoryStore
) -> None:
    store = MemoryStore()
    store.claim, claim = _away, store.claim  # type: ignore[assignment, method-assign]

    @idempotent_function(store=store, name="charge")
    async def charge(order: int) -> int:
        return order

    pay = executions(lambda event, _: asyncio.run(charge(event["order"])))
    statuses: list[str] = []

    def before(number: int) -> None:
        if number == 2:
            store.claim = claim  # type: ignore[method-assign]
            statuses.extend(record.status for record in records.records().values())

    pay.before = before
    assert pay.run(ORDER) == 7
    assert statuses == [INPROGRESS]


def _away(*_: Any) -> Any:
    raise StoreError("away")


# Durable operations inside a call -----------------------------------------------------------------


def _step(context: Any) -> Any:
    return context.step(lambda _: "a", name="a")


def _suspension(context: Any) -> Any:
    return context.create_callback(name="approve").result()


def _error(context: Any) -> Any:
    _step(context)
    raise ValueError("no funds")


@pytest.mark.parametrize("use", [_step, _suspension, _error])
def test_a_call_that_uses_durable_operations_is_refused_and_nothing_is_recorded(
    executions: Make, use: Callable[[Any], Any]
) -> None:
    records = MemoryStore()

    def handler(event: Any, context: Any) -> Any:
        @idempotent_function(store=records, name="charge")
        def charge(order: int) -> Any:
            return use(context)

        return charge(event["order"])

    pay = executions(handler)
    error = pay.fail(ORDER)
    assert error.type.endswith(".ConfigurationError")
    assert "the call has used durable operations" in error.message
    assert len(pay.invocations) == 1
    assert records.records() == {}


@pytest.mark.parametrize("is_async", [False, True])
def test_so_is_one_that_waits_for_a_callback_from_before_it(
    executions: Make, *, is_async: bool
) -> None:
    runs: list[int] = []

    def handler(event: Any, context: Any) -> Any:
        callback = context.create_callback(name="approve")

        def charge(order: int) -> Any:
            runs.append(order)
            return callback.result()

        async def charge_async(order: int) -> Any:
            return charge(order)

        protect = idempotent_function(store=MemoryStore(), name="charge")
        if is_async:
            return asyncio.run(protect(charge_async)(event["order"]))
        return protect(charge)(event["order"])

    assert "the call has used durable operations" in executions(handler).fail(ORDER).message
    assert runs == [7]


def test_so_is_one_in_a_branch(executions: Make) -> None:
    def branch(context: Any) -> Any:
        return idempotent_function(store=MemoryStore(), name="charge")(
            lambda order: _step(context)
        )(7)

    pay = executions(lambda _, context: context.parallel([branch]).throw_if_error())
    assert "the call has used durable operations" in pay.fail(ORDER).message


def test_so_is_an_async_one_and_a_handler(executions: Make) -> None:
    def handler(event: Any, context: Any) -> Any:
        async def charge(order: int) -> Any:
            return _step(context)

        store = MemoryStore()
        function = idempotent_function(store=store, name="function")(charge)
        other = idempotent(store=store, name="handler")(lambda *_: _step(context))
        texts = []
        calls: list[Callable[[], Any]]
        calls = [lambda: asyncio.run(function(7)), lambda: other(event, None)]
        for call in calls:
            with pytest.raises(ConfigurationError, match="has used durable operations") as raised:
                call()
            texts.append(str(raised.value).partition(":")[0])
        return texts, len(store.records())

    assert executions(handler).run(ORDER) == [["@idempotent_function", "@idempotent"], 0]


def test_a_record_that_uses_durable_operations_is_reported_as_failed(executions: Make) -> None:
    store = MemoryStore()

    def handler(_: Any, context: Any) -> Any:
        of_records = idempotent_records(store=store, name="r")(lambda *_: _step(context))
        return of_records({"Records": [sqs("1")]}, None)

    found = executions(handler).run(ORDER)
    assert found == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert store.records() == {}


def test_operations_beside_a_call_are_no_operations_in_it(executions: Make) -> None:
    @idempotent_function(store=MemoryStore(), name="charge")
    def charge(number: int) -> int:
        assert both.wait(30) is not None
        return number

    def branch(number: int) -> Callable[[Any], Any]:
        def run(context: Any) -> int:
            context.step(lambda _: None, name="before")
            charged = charge(number)
            context.step(lambda _: None, name="after")
            return charged

        return run

    both = threading.Barrier(2)
    pay = executions(lambda _, context: context.parallel([branch(1), branch(2)]).get_results())
    assert pay.run(ORDER) == [1, 2]
