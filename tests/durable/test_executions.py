"""Durable executions: one effect for a key, however often they are suspended, repeated or killed.

Each case runs with ours inside of `@durable_execution` and outside of it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_durable_execution_sdk_python import InvocationError

from kit.durable import DiedError, Executions
from kit.http_events import Http, http_2
from lambda_idempotency import ConfigurationError, MemoryStore, StoreError, current
from lambda_idempotency.execution.invocation_scope import invocation_time_left
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS

Make = Callable[..., Executions]
ORDER = {"order": 7, "amount": 12}


class Shop:
    """A durable function with effects: it charges, waits for a callback, and ships."""

    def __init__(self) -> None:
        self.charges: list[int] = []
        self.shipments: list[int] = []

    def handler(self, event: Any, context: Any) -> Any:
        charge = context.step(lambda _: self._charge(event["order"]), name="charge")
        approved = context.create_callback(name="approve").result()
        context.step(lambda _: self.shipments.append(event["order"]), name="ship")
        return {"charge": charge, "approved": approved}

    def _charge(self, order: int) -> int:
        self.charges.append(order)
        return len(self.charges)


def _record(records: MemoryStore) -> Any:
    [record] = records.records().values()
    return record


def test_a_suspended_execution_keeps_its_key(executions: Make, records: MemoryStore) -> None:
    shop = Shop()
    pay = executions(shop.handler)
    arn = pay.start(ORDER)
    callback = pay.callback(arn)
    record = _record(records)
    assert (record.status, record.attempt, record.execution) == (INPROGRESS, 1, arn)
    pay.answer(callback, "yes")
    assert pay.result(arn)["charge"] == 1
    assert _record(records).status == COMPLETED
    assert [answer["Status"] for answer in pay.invocations] == ["PENDING", "SUCCEEDED"]


def test_a_duplicate_of_a_suspended_execution_fails_in_progress(executions: Make) -> None:
    shop = Shop()
    pay = executions(shop.handler)
    arn = pay.start(ORDER)
    callback = pay.callback(arn)
    error = pay.fail(ORDER)
    assert error.type == "lambda_idempotency.errors.InProgressError"
    pay.answer(callback)
    pay.result(arn)
    assert (shop.charges, shop.shipments) == ([7], [7])


def test_a_duplicate_of_a_completed_execution_gets_its_result(executions: Make) -> None:
    shop = Shop()
    pay = executions(shop.handler)
    arn = pay.start(ORDER)
    pay.answer(pay.callback(arn), "yes")
    first = pay.result(arn)
    assert pay.run(ORDER) == first
    assert (shop.charges, shop.shipments) == ([7], [7])


def test_another_key_is_another_execution(executions: Make) -> None:
    pay = executions(lambda event, _: event["order"])
    assert [pay.run({"order": order}) for order in (1, 2, 1)] == [1, 2, 1]


def test_an_invocation_that_dies_before_its_first_checkpoint_goes_on(executions: Make) -> None:
    runs: list[int] = []

    def handler(event: Any, context: Any) -> Any:
        runs.append(event["order"])
        if len(runs) == 1:
            raise InvocationError("died")
        return context.step(lambda _: "paid", name="pay")

    pay = executions(handler)
    assert pay.run(ORDER) == "paid"
    assert len(runs) == 2


def test_an_invocation_that_dies_between_two_steps_goes_on_where_it_was(executions: Make) -> None:
    effects: list[str] = []

    def handler(_: Any, context: Any) -> Any:
        context.step(lambda _: effects.append("charge"), name="charge")
        if len(pay.invocations) < 3:
            raise InvocationError("died")
        context.step(lambda _: effects.append("ship"), name="ship")
        return "done"

    pay = executions(handler)
    assert pay.run(ORDER) == "done"
    assert effects == ["charge", "ship"]
    assert len(pay.invocations) == 3


def test_a_death_between_our_record_and_lambdas_replays_our_own_answer(
    executions: Make, records: MemoryStore
) -> None:
    effects: list[str] = []

    def handler(_: Any, context: Any) -> Any:
        context.step(lambda _: effects.append("charge"), name="charge")
        return "done"

    pay = executions(handler)

    def die(number: int, _: Any) -> None:
        if number == 1:
            assert _record(records).status == COMPLETED
            raise DiedError

    pay.after = die
    assert pay.run(ORDER) == "done"
    assert effects == ["charge"]


def test_an_answer_that_is_not_kept_is_made_again_by_its_own_execution(executions: Make) -> None:
    pay = executions(lambda event, _: event["order"], store_response=False)

    def die(number: int, _: Any) -> None:
        if number == 1:
            raise DiedError

    pay.after = die
    assert pay.run(ORDER) == 7
    assert pay.fail(ORDER).type == "lambda_idempotency.errors.ResponseUnavailableError"


def test_an_execution_that_fails_frees_its_key(executions: Make, records: MemoryStore) -> None:
    outcomes = iter([ValueError("no funds"), None])

    def handler(event: Any, _: Any) -> Any:
        if (error := next(outcomes)) is not None:
            raise error
        return "paid"

    pay = executions(handler)
    assert pay.fail(ORDER).type.endswith("ValueError")
    assert records.records() == {}
    assert pay.run(ORDER) == "paid"


def test_a_result_that_is_no_json_fails_the_execution_and_frees_the_key(
    executions: Make, records: MemoryStore
) -> None:
    pay = executions(lambda *_: {1, 2})
    assert pay.fail(ORDER).type.endswith("TypeError")
    assert records.records() == {}


def test_a_store_that_fails_once_costs_an_invocation_and_no_execution(
    executions: Make, records: MemoryStore
) -> None:
    shop = Shop()
    pay = executions(shop.handler)
    arn = pay.start(ORDER)
    callback = pay.callback(arn)
    claim = records.claim

    def fail(*_: Any) -> Any:
        records.claim = claim  # type: ignore[method-assign]
        raise StoreError("the store is away")

    records.claim = fail  # type: ignore[method-assign,assignment]
    pay.answer(callback)
    assert pay.result(arn)["charge"] == 1
    kinds = [type(answer) for answer in pay.invocations]
    assert len(kinds) == 3
    assert issubclass(kinds[1], StoreError)
    assert shop.charges == [7]


def test_an_http_request_survives_a_store_that_fails_too(
    executions: Make, records: MemoryStore
) -> None:
    pay = executions(lambda *_: {"statusCode": 200})
    claim = records.claim

    def fail(*_: Any) -> Any:
        records.claim = claim  # type: ignore[method-assign]
        raise StoreError("the store is away")

    records.claim = fail  # type: ignore[method-assign,assignment]
    assert pay.run({**http_2(Http()), **ORDER}) == {"statusCode": 200}
    assert len(pay.invocations) == 2


def test_another_payload_under_the_key_is_a_mismatch(executions: Make) -> None:
    pay = executions(lambda event, _: event["amount"], fingerprint="amount")
    assert pay.run(ORDER) == 12
    error = pay.fail({**ORDER, "amount": 13})
    assert error.type == "lambda_idempotency.errors.FingerprintMismatchError"


def test_an_input_without_a_key_fails(executions: Make) -> None:
    pay = executions(lambda *_: None)
    assert pay.fail({"amount": 1}).type.endswith("KeyAbsentError")


def test_the_whole_input_is_the_key_if_none_is_named(executions: Make) -> None:
    pay: Executions = executions(lambda *_: len(pay.invocations), key=None)
    assert [pay.run(event) for event in (ORDER, ORDER, {"order": 8})] == [1, 1, 3]


def test_the_claim_of_each_later_invocation_takes_one_request(
    executions: Make, records: MemoryStore
) -> None:
    requests: list[str] = []

    def counted(verb: str) -> Any:
        ask = getattr(records, verb)

        def asked(*args: Any) -> Any:
            requests.append(verb)
            return ask(*args)

        return asked

    for verb in ("claim", "renew", "complete", "release", "read"):
        setattr(records, verb, counted(verb))
    shop = Shop()
    pay = executions(shop.handler)
    arn = pay.start(ORDER)
    pay.answer(pay.callback(arn))
    pay.result(arn)
    assert requests == ["claim", "claim", "complete"]


def test_the_answer_is_the_runtimes_own_json(executions: Make, records: MemoryStore) -> None:
    pay = executions(lambda *_: {"text": "ü", "number": 1.5, "none": None})
    first = pay.run(ORDER)
    assert json.loads(_record(records).data) == first == pay.run(ORDER)


def test_the_current_attempt_is_known_in_the_body_and_in_branches(executions: Make) -> None:
    def handler(_: Any, context: Any) -> Any:
        keys = context.parallel([lambda _: current().downstream_key("pay") for _ in range(3)])
        return [current().downstream_key("pay"), *keys.get_results()]

    pay = executions(handler)
    assert len({*pay.run(ORDER)}) == 1


def test_each_branch_knows_the_attempt_and_the_invocation_of_its_own_execution(
    executions: Make,
) -> None:
    both = threading.Barrier(2)

    def branch(_: Any) -> Any:
        both.wait(30)
        left = invocation_time_left()
        return [current().downstream_key("pay"), left is not None and id(left.__self__)]  # type: ignore[attr-defined]

    def handler(_: Any, context: Any) -> Any:
        own = [current().downstream_key("pay"), id(context.lambda_context)]
        return own, *context.parallel([branch]).get_results()

    pay = executions(handler)
    arns = [pay.start({"order": order}) for order in (7, 8)]
    results = [pay.result(arn) for arn in arns]
    assert [own == in_branch for own, in_branch in results] == [True, True]
    assert results[0] != results[1]


def test_other_threads_are_in_no_execution(executions: Make) -> None:
    def handler(*_: Any) -> Any:
        with ThreadPoolExecutor() as pool, pytest.raises(ConfigurationError, match="no idempotent"):
            pool.submit(current).result()
        return "none"

    assert executions(handler).run(ORDER) == "none"


def test_an_attempt_keeps_its_number(executions: Make) -> None:
    def handler(_: Any, context: Any) -> Any:
        if len(pay.invocations) < 3:
            raise InvocationError("died")
        return current().attempt

    pay = executions(handler, max_attempts=1)
    assert pay.run(ORDER) == 1
