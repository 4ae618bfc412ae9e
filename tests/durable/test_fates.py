"""What a duplicate learns of the execution that holds its key, and does then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.durable import DiedError, Executions
from kit.http_events import Http, http_2
from lambda_idempotency import MemoryStore, Reconciled
from lambda_idempotency.protocol.record import COMPLETED, PARKED

Make = Callable[..., Executions]
ORDER = {"order": 7}
REQUEST = {**http_2(Http()), **ORDER}


class Shop:
    """A durable function that charges, and then waits for a callback."""

    def __init__(self) -> None:
        self.charges = 0

    def handler(self, _: Any, context: Any) -> Any:
        context.step(lambda _: self._charge(), name="charge")
        context.create_callback(name="approve").result()
        return {"charges": self.charges}

    def _charge(self) -> None:
        self.charges += 1


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _suspended(pay: Executions) -> str:
    arn = pay.start(ORDER)
    pay.callback(arn)
    return arn


def _forget(pay: Executions) -> None:
    pay.clock += 5


def test_a_running_execution_is_asked_for_once_in_five_seconds(
    executions: Make, shop: Shop
) -> None:
    pay = executions(shop.handler)
    arn = _suspended(pay)
    pay.fail(ORDER)
    pay.fail(ORDER)
    assert pay.asked == [(arn, False)]
    _forget(pay)
    pay.fail(ORDER)
    assert pay.asked == [(arn, False), (arn, False)]


@pytest.mark.parametrize("end", ["stop", "time_out"])
def test_an_execution_that_is_ended_from_outside_is_a_dead_attempt(
    executions: Make, shop: Shop, records: MemoryStore, end: str
) -> None:
    asked: list[Any] = []
    pay = executions(shop.handler, on_orphan=asked.append)
    getattr(pay, end)(_suspended(pay))
    again = _suspended(pay)
    assert asked == [ORDER]
    [record] = records.records().values()
    assert (record.attempt, record.execution) == (2, again)
    assert shop.charges == 2


def test_what_a_stopped_execution_has_done_is_found_out(executions: Make, shop: Shop) -> None:
    pay = executions(shop.handler, on_orphan=lambda _: Reconciled({"charges": 1}))
    pay.stop(_suspended(pay))
    assert [pay.run(ORDER), pay.run(ORDER)] == [{"charges": 1}] * 2
    assert shop.charges == 1


def test_what_was_found_out_is_asked_again_where_it_is_not_kept(
    executions: Make, shop: Shop
) -> None:
    asked: list[Any] = []

    def find_out(order: Any) -> Reconciled:
        asked.append(order)
        return Reconciled({"charges": 1})

    pay = executions(shop.handler, on_orphan=find_out, store_response=False)
    pay.stop(_suspended(pay))

    def die(number: int, _: Any) -> None:
        if number == 2:  # between our record and Lambda's
            raise DiedError

    pay.after = die
    assert pay.run(ORDER) == {"charges": 1}
    assert (asked, shop.charges) == ([ORDER, ORDER], 1)


@pytest.mark.parametrize("trouble", ["raises", "no JSON"])
def test_what_could_not_be_found_out_is_asked_by_the_next_execution(
    executions: Make, shop: Shop, trouble: str
) -> None:
    knows: list[bool] = []

    def find_out(_: Any) -> Reconciled:
        if knows:
            return Reconciled({"charges": 1})
        if trouble == "raises":
            raise OSError("the bank does not answer")
        return Reconciled({1, 2})

    pay = executions(shop.handler, on_orphan=find_out)
    pay.stop(_suspended(pay))
    pay.fail(ORDER)
    knows.append(True)
    assert pay.run(ORDER) == {"charges": 1}
    assert shop.charges == 1


def test_an_execution_that_lambda_has_failed_frees_the_key(
    executions: Make, shop: Shop, records: MemoryStore
) -> None:
    pay = executions(shop.handler)

    def die(number: int, _: Any) -> None:
        if number <= 5:
            raise DiedError

    pay.after = die
    pay.fail(ORDER)
    [record] = records.records().values()
    again = _suspended(pay)
    [taken] = records.records().values()
    assert (record.attempt, taken.attempt, taken.execution) == (1, 1, again)


def test_the_answer_that_could_not_be_recorded_is_recorded_by_a_duplicate(
    executions: Make, records: MemoryStore
) -> None:
    pay = executions(lambda event, _: event["order"])
    complete, records.complete = records.complete, _away  # type: ignore[assignment, method-assign]
    assert pay.run(ORDER) == 7
    records.complete = complete  # type: ignore[method-assign]
    assert pay.run(ORDER) == 7
    [record] = records.records().values()
    assert (record.status, record.data) == (COMPLETED, "7")
    assert [data for _, data in pay.asked] == [False, True]
    assert pay.run(ORDER) == 7
    assert len(pay.asked) == 2


def _away(*_: Any) -> Any:
    raise OSError("away")


@pytest.mark.parametrize("form", ["inside"], indirect=True)
def test_an_http_answer_that_is_not_kept_frees_the_key_though_the_store_was_away(
    executions: Make, records: MemoryStore
) -> None:
    codes = iter([500, 200])
    pay = executions(lambda *_: {"statusCode": next(codes)})
    release, records.release = records.release, _away  # type: ignore[assignment, method-assign]
    assert pay.run(REQUEST)["statusCode"] == 500
    records.release = release  # type: ignore[method-assign]
    assert pay.run(REQUEST)["statusCode"] == 200


def test_an_answer_that_cannot_be_read_is_never_made_again(
    executions: Make, records: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[Any] = []
    pay = executions(lambda event, _: runs.append(event))
    complete, records.complete = records.complete, _away  # type: ignore[assignment, method-assign]
    pay.run(ORDER)
    records.complete = complete  # type: ignore[method-assign]
    ask = pay.get_durable_execution

    def without_data(arn: str, *, data: bool) -> dict[str, Any]:
        found = ask(arn, data=data)
        found.pop("Result", None)
        return found

    monkeypatch.setattr(pay, "get_durable_execution", without_data)
    for _ in range(2):
        assert pay.fail(ORDER).type.endswith(".ResponseUnavailableError")
    assert len(runs) == 1


@pytest.mark.parametrize("asks", [True, False])
def test_nobody_knows_how_a_deleted_execution_ended(
    executions: Make, shop: Shop, records: MemoryStore, *, asks: bool
) -> None:
    asked: list[Any] = []
    pay = executions(shop.handler, on_orphan=asked.append if asks else None)
    _suspended(pay)
    pay.denied = "ResourceNotFoundException"
    if asks:
        _suspended(pay)
        assert asked == [ORDER]
    else:
        assert pay.fail(ORDER).type.endswith(".ParkedError")
        assert [record.status for record in records.records().values()] == [PARKED]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "lambda:GetDurableExecution"),
        ("TooManyRequestsException", "TooManyRequestsException"),
    ],
)
def test_a_fate_that_is_not_told_is_in_progress_and_says_why(
    executions: Make, shop: Shop, caplog: pytest.LogCaptureFixture, code: str, said: str
) -> None:
    pay = executions(shop.handler)
    _suspended(pay)
    pay.denied = code
    assert pay.fail(ORDER).type.endswith(".InProgressError")
    assert said in caplog.text
    assert "LivenessUnknown" in caplog.text


def test_a_status_that_is_not_known_is_named(
    executions: Make, shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay = executions(shop.handler)
    _suspended(pay)
    monkeypatch.setattr(pay, "get_durable_execution", lambda arn, data: {"Status": "HIBERNATING"})
    assert pay.fail(ORDER).type.endswith(".InProgressError")
    assert "'HIBERNATING'; known are RUNNING" in caplog.text
