"""`cipher=`: what records keep is encrypted, and nothing that can fail is left for later."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.batches import batch, sqs
from kit.clocks import ManualClock
from kit.http_events import Http, rest, seen
from kit.kms import Kms
from lambda_idempotency import (
    ConfigurationError,
    HttpOptions,
    KmsCipher,
    MemoryStore,
    ResponseUnavailableError,
    StoreError,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.decorators import resources
from lambda_idempotency.protocol.record import NO_BODY, Completion, Record, Reply

SECRET: Final = "4111111111111111"
ANSWER: Final = {"card": SECRET}
EVENT: Final = {"id": 1}


@pytest.fixture
def kms() -> Kms:
    return Kms()


def _handler(store: MemoryStore, cipher: Any, answer: Any = ANSWER, **options: Any) -> Any:
    return idempotent(store=store, cipher=cipher, **options)(lambda event, context: answer)


def _only(store: MemoryStore) -> Record:
    [record] = store.records().values()
    return record


# A first call and a replay ------------------------------------------------------------------------


def test_a_duplicate_gets_the_answer_and_the_store_has_nothing_of_it(
    store: MemoryStore, kms: Kms
) -> None:
    handler = _handler(store, kms.cipher())
    assert [handler(EVENT, None), handler(EVENT, None)] == [ANSWER, ANSWER]
    assert SECRET not in repr(_only(store))
    assert (_only(store).encoding, type(_only(store).data)) == ("aes", bytes)


def test_a_first_call_and_its_replays_take_one_request_to_kms(store: MemoryStore, kms: Kms) -> None:
    handler = _handler(store, kms.cipher())
    for _ in range(3):
        handler(EVENT, None)
        handler({"id": 2}, None)
    assert kms.requests == ["GenerateDataKey"]


def test_a_replay_in_another_process_takes_two(store: MemoryStore, kms: Kms) -> None:
    _handler(store, kms.cipher())(EVENT, None)
    again = _handler(store, kms.cipher())
    assert [again(EVENT, None), again(EVENT, None)] == [ANSWER, ANSWER]
    assert kms.requests == ["GenerateDataKey", "GenerateDataKey", "Decrypt"]


def test_the_key_is_held_before_the_claim(kms: Kms) -> None:
    class Noting(MemoryStore):
        def claim(self, claim: Any, seen: Record | None = None) -> Reply:
            kms.requests.append("claim")
            return super().claim(claim, seen)

        def complete(self, completion: Completion) -> Reply:
            kms.requests.append("complete")
            return super().complete(completion)

    _handler(Noting(), kms.cipher())(EVENT, None)
    assert kms.requests == ["GenerateDataKey", "claim", "complete"]


def test_a_large_answer_is_compressed_before_it_is_encrypted(store: MemoryStore, kms: Kms) -> None:
    answer = {"text": "the same words " * 1000}
    handler = _handler(store, kms.cipher(), answer)
    assert [handler(EVENT, None), handler(EVENT, None)] == [answer, answer]
    assert _only(store).encoding == "aes zlib"
    assert len(_only(store).data or b"") < 1000


@pytest.mark.parametrize(("size", "fits"), [(700, True), (800, False)])
def test_the_encrypted_size_counts(kms: Kms, size: int, *, fits: bool) -> None:
    class Small(MemoryStore):
        max_data = 1000

    store = Small()
    handler = _handler(store, kms.cipher(), "x" * size)
    handler(EVENT, None)
    assert (_only(store).encoding != NO_BODY) == fits


def test_records_in_the_process_stay_encrypted(store: MemoryStore, kms: Kms) -> None:
    handler = _handler(store, kms.cipher(), cache_size=10)
    handler(EVENT, None)
    assert handler(EVENT, None) == ANSWER


def test_what_was_kept_in_plain_is_still_replayed(store: MemoryStore, kms: Kms) -> None:
    _handler(store, None)(EVENT, None)
    assert _handler(store, kms.cipher())(EVENT, None) == ANSWER


def test_the_other_ways_to_keep_less_compose(store: MemoryStore, kms: Kms) -> None:
    redacted = _handler(store, kms.cipher(), {"id": 7, "card": SECRET}, redact="{id: id}")
    redacted(EVENT, None)
    assert (redacted(EVENT, None), _only(store).encoding) == ({"id": 7}, "aes")


def test_on_replay_sees_the_answer(store: MemoryStore, kms: Kms) -> None:
    handler = _handler(store, kms.cipher(), on_replay=lambda answer, _: {**answer, "again": True})
    handler(EVENT, None)
    assert handler(EVENT, None) == {**ANSWER, "again": True}


def test_an_async_handler_does_the_same(store: MemoryStore, kms: Kms) -> None:
    async def answer(event: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        return ANSWER

    for _ in range(2):
        handler = idempotent(store=store, cipher=kms.cipher())(answer)
        assert handler(EVENT, None) == ANSWER
    assert SECRET not in repr(_only(store))
    assert kms.requests == ["GenerateDataKey", "GenerateDataKey", "Decrypt"]


def test_functions_do_the_same(store: MemoryStore, kms: Kms) -> None:
    @idempotent_function(store=store, cipher=kms.cipher())
    def charge(x: int) -> dict[str, str]:
        return ANSWER

    @idempotent_function(store=store, cipher=kms.cipher())
    async def refund(x: int) -> dict[str, str]:
        return ANSWER

    assert [charge(1), charge(1)] == [ANSWER, ANSWER]
    assert [asyncio.run(refund(1)), asyncio.run(refund(1))] == [ANSWER, ANSWER]
    assert SECRET not in repr(store.records())


# Without the key ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_without_a_data_key_nothing_runs(store: MemoryStore, kms: Kms, *, is_async: bool) -> None:
    runs: list[Any] = []

    async def awaited(event: Any, context: Any) -> Any:
        runs.append(event)

    def called(event: Any, context: Any) -> Any:
        runs.append(event)

    kms.fails["GenerateDataKey"] = "AccessDeniedException"
    handler = idempotent(store=store, cipher=kms.cipher())(awaited if is_async else called)
    with pytest.raises(StoreError, match="KMS gave no data key for the answer"):
        handler(EVENT, None)
    assert (runs, store.records()) == ([], {})


@pytest.mark.parametrize("is_async", [False, True])
def test_with_fail_open_it_runs_once_and_its_answer_is_not_kept(
    store: MemoryStore, kms: Kms, caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    runs: list[Any] = []

    async def awaited(event: Any, context: Any) -> Any:
        runs.append(event)
        return ANSWER

    def called(event: Any, context: Any) -> Any:
        runs.append(event)
        return ANSWER

    kms.fails["GenerateDataKey"] = "AccessDeniedException"
    code = awaited if is_async else called
    handler = idempotent(store=store, cipher=kms.cipher(), fail_open=True)(code)
    assert handler(EVENT, None) == ANSWER
    with pytest.raises(ResponseUnavailableError):
        handler(EVENT, None)
    assert (len(runs), SECRET in repr(store.records())) == (1, False)
    assert "It runs all the same (fail_open), and nothing is kept of its answer" in caplog.text


def test_a_replay_without_kms_fails_and_the_record_stays(store: MemoryStore, kms: Kms) -> None:
    _handler(store, kms.cipher())(EVENT, None)
    kms.fails["Decrypt"] = "DisabledException"
    again = _handler(store, kms.cipher(), fail_open=True)
    with pytest.raises(StoreError, match="is done, but KMS did not decrypt its answer"):
        again(EVENT, None)
    kms.fails.clear()
    assert again(EVENT, None) == ANSWER


def test_without_the_cipher_an_encrypted_answer_is_unavailable(
    store: MemoryStore, kms: Kms
) -> None:
    _handler(store, kms.cipher())(EVENT, None)
    with pytest.raises(ResponseUnavailableError, match="lacks the cipher"):
        _handler(store, None)(EVENT, None)


def test_an_answer_of_another_record_is_unavailable_and_nothing_runs(
    store: MemoryStore, kms: Kms
) -> None:
    handler = _handler(store, kms.cipher())
    for number in (1, 2):
        handler({"id": number}, None)
    first, second = store.records().values()
    store.put(second._replace(data=first.data))
    with pytest.raises(ResponseUnavailableError, match="copied from another record"):
        handler({"id": 2}, None)
    assert handler({"id": 1}, None) == ANSWER


# HTTP ---------------------------------------------------------------------------------------------


def _send(store: MemoryStore, cipher: KmsCipher, http: Http) -> Any:
    def handler(event: Any, context: Any) -> Any:
        return {"statusCode": 201, "body": json.dumps(ANSWER)}

    decorate = idempotent(store=store, cipher=cipher, http=HttpOptions(profile="accepted"))
    return seen("rest", decorate(handler)(rest(http), None))


def _status(store: MemoryStore) -> Http:
    return Http.status_of(_only(store).key, caller="alice")


def test_over_http_a_duplicate_and_the_status_have_the_answer(store: MemoryStore, kms: Kms) -> None:
    post = Http(caller="alice")
    first, again = (_send(store, kms.cipher(), post) for _ in range(2))
    status = _send(store, kms.cipher(), _status(store))
    assert first.json == again.json == status.json == ANSWER
    assert SECRET not in repr(_only(store))


def test_over_http_kms_that_fails_is_503(store: MemoryStore, kms: Kms) -> None:
    post = Http(caller="alice")
    _send(store, kms.cipher(), post)
    kms.fails["Decrypt"] = "DisabledException"
    assert _send(store, kms.cipher(), post).status == 503
    assert _send(store, kms.cipher(), _status(store)).status == 503
    kms.fails["GenerateDataKey"] = "DisabledException"
    assert _send(store, kms.cipher(), post).status == 503


# Steps --------------------------------------------------------------------------------------------


class Order:
    """A handler with two steps, which may fail after them."""

    def __init__(self, store: MemoryStore, kms: Kms, **options: Any) -> None:
        self.store, self.kms, self.options = store, kms, options
        self.charges = 0
        self.fails = True

    def charge(self) -> dict[str, str]:
        self.charges += 1
        return ANSWER

    def call(self, *, plain: bool = False) -> Any:
        cipher = None if plain else self.kms.cipher()

        @idempotent(store=self.store, cipher=cipher, key="id", **self.options)
        def order(event: Any, context: Any) -> Any:
            first = current().step("charge", self.charge)
            second = current().step("label", lambda: "l" * 2000)
            if self.fails:
                raise ZeroDivisionError
            return [first, len(second)]

        return order(EVENT, None)

    def fail(self) -> None:
        with pytest.raises(ZeroDivisionError):
            self.call()


def _copied(record: Record, source: str, target: str) -> Record:
    steps = json.loads(record.steps or "")
    return record._replace(steps=json.dumps({**steps, target: steps[source]}))


def test_steps_are_encrypted_and_go_on(store: MemoryStore, kms: Kms) -> None:
    order = Order(store, kms)
    order.fail()
    assert SECRET not in repr(_only(store))
    assert b"llll" not in repr(_only(store)).encode()
    order.fails = False
    assert order.call() == [ANSWER, 2000]
    assert order.charges == 1


def test_a_step_that_kms_does_not_decrypt_does_not_run_again(store: MemoryStore, kms: Kms) -> None:
    order = Order(store, kms)
    order.fail()
    order.fails = False
    kms.fails["Decrypt"] = "AccessDeniedException"
    with pytest.raises(StoreError, match=r"Step 'charge' under record .* is done, but KMS did not"):
        order.call()
    kms.fails.clear()
    assert order.call() == [ANSWER, 2000]
    assert order.charges == 1


def test_a_step_of_another_name_does_not_open_and_does_not_run(
    store: MemoryStore, kms: Kms
) -> None:
    order = Order(store, kms)
    order.fail()
    order.fails = False
    store.put(_copied(_only(store), "label", "charge"))
    for _ in range(2):
        with pytest.raises(ResponseUnavailableError, match=r"'charge' .* encrypted and does not"):
            order.call()
    assert order.charges == 1


def test_without_the_cipher_a_step_does_not_run_again(store: MemoryStore, kms: Kms) -> None:
    order = Order(store, kms)
    order.fail()
    with pytest.raises(ResponseUnavailableError, match="lacks the cipher"):
        order.call(plain=True)
    assert order.charges == 1


def test_with_fail_open_a_step_returns_and_its_result_is_not_kept(
    store: MemoryStore, kms: Kms
) -> None:
    order = Order(store, kms, fail_open=True)
    kms.fails["GenerateDataKey"] = "DisabledException"
    order.fail()
    assert SECRET not in repr(_only(store))
    with pytest.raises(ResponseUnavailableError):
        order.call()
    assert order.charges == 1


def test_async_steps_are_encrypted(store: MemoryStore, kms: Kms) -> None:
    fails = [True]

    async def order(event: Any, context: Any) -> Any:
        charge = await current().step("charge", lambda: ANSWER)
        if fails:
            fails.clear()
            raise ZeroDivisionError
        return charge

    handler = idempotent(store=store, cipher=kms.cipher(), key="id", name="order")(order)
    with pytest.raises(ZeroDivisionError):
        handler(EVENT, None)
    assert SECRET not in repr(_only(store))
    assert (
        idempotent(store=store, cipher=kms.cipher(), key="id", name="order")(order)(EVENT, None)
        == ANSWER
    )


# Batches ------------------------------------------------------------------------------------------


def _batch(store: MemoryStore, kms: Kms, then: Callable[[Any], Any]) -> Any:
    @idempotent_records(store=store, cipher=kms.cipher())
    def handler(record: Any, context: Any) -> None:
        then(record)

    return handler(batch(sqs("1", {"id": 1}), sqs("2", {"id": 2})), None)


def test_a_batch_holds_one_key_before_its_first_record(store: MemoryStore, kms: Kms) -> None:
    def charge(record: Any) -> None:
        kms.requests.append("run")
        current().step("charge", lambda: ANSWER)
        raise ZeroDivisionError

    _batch(store, kms, charge)
    assert kms.requests == ["GenerateDataKey", "run", "run"]
    assert SECRET not in repr(store.records())


def test_without_a_data_key_each_record_of_a_batch_fails(
    store: MemoryStore, kms: Kms, clock: ManualClock
) -> None:
    kms.fails["GenerateDataKey"] = "DisabledException"
    runs: list[Any] = []
    failed = _batch(store, kms, runs.append)["batchItemFailures"]
    assert ([each["itemIdentifier"] for each in failed], runs) == (["1", "2"], [])
    assert kms.requests == ["GenerateDataKey"]


# Options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cipher", ["alias/answers", KmsCipher, object()], ids=["text", "class", "object"]
)
def test_what_is_no_cipher_is_refused(store: MemoryStore, cipher: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"cipher is .*; expected KmsCipher\(key\)"):
        _handler(store, cipher)


def test_the_setting_of_the_construct_makes_one_cipher(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(response_key="arn:aws:kms:eu-central-1:111122223333:key/1")
    found = resources.keys_of(settings, None, "shop")
    assert found is not None
    assert found is resources.keys_of(settings, None, "shop")
    assert resources.keys_of(Settings(), None, "shop") is None


@pytest.mark.parametrize("encrypts", [False, True])
def test_only_a_function_with_a_cipher_loads_the_package(*, encrypts: bool) -> None:
    key = {"IDEMPOTENCY_RESPONSE_KEY": "alias/answers"} if encrypts else {}
    code = """
import sys
from lambda_idempotency import idempotent
handler = idempotent(lambda event, context: event)
if "IDEMPOTENCY_RESPONSE_KEY" not in __import__("os").environ:
    handler({"id": 1}, None)
print("cryptography" in sys.modules, "lambda_idempotency.response.sealing" in sys.modules)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "IDEMPOTENCY_STORE": "memory", "AWS_REGION": "eu-central-1", **key},
    )
    assert ran.stdout.split() == [str(encrypts), "False"]
