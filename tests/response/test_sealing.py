"""What was sealed for a slot of a record opens there, and nowhere else."""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.kms import Kms
from lambda_idempotency import StoreError
from lambda_idempotency.clients.net.waiting import BLOCKING, run
from lambda_idempotency.protocol.record import COMPLETED, NO_BODY, Record
from lambda_idempotency.protocol.steps import Returned
from lambda_idempotency.response.data_keys import DataKey
from lambda_idempotency.response.sealing import RESPONSE, of_step, opened, sealed

KEYS: Final = Kms().cipher().keys("shop")
KEY: Final = run(KEYS.hold(BLOCKING))
TEXT: Final = '{"card":"4111111111111111"}'

RECORDS: Final = st.text(max_size=20)
SLOTS: Final = st.just(RESPONSE) | st.text(max_size=12).map(of_step)
ENCODINGS: Final = st.none() | st.just("zlib")
DATA: Final = st.text(max_size=50) | st.binary(max_size=50)


def _record(ran: Returned, key: str = "shop#1") -> Record:
    return Record(key, COMPLETED, "0" * 32, 1, 2**31, data=ran.data, encoding=ran.encoding)


def _sealed(
    data: str | bytes = TEXT, record: str = "shop#1", slot: tuple[str, ...] = RESPONSE
) -> Returned:
    return sealed(Returned(None, data), KEY, record=record, slot=slot)


def _opened(record: Record, slot: tuple[str, ...] = RESPONSE) -> Record:
    return opened(record, KEYS, slot=slot, what="It")


def _bytes(data: str | bytes | None) -> bytes:
    assert data is not None
    return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data


@given(DATA, RECORDS, SLOTS, ENCODINGS)
def test_what_was_sealed_opens_in_its_slot(
    data: str | bytes, record: str, slot: tuple[str, ...], encoding: str | None
) -> None:
    ran = sealed(Returned(None, data, encoding), KEY, record=record, slot=slot)
    found = _opened(_record(ran, record), slot)
    assert (found.data, found.encoding) == (_bytes(data), encoding)


@given(RECORDS, SLOTS, RECORDS, SLOTS)
def test_in_another_slot_or_record_it_does_not_open(
    record: str, slot: tuple[str, ...], other: str, other_slot: tuple[str, ...]
) -> None:
    ran = _sealed(record=record, slot=slot)
    found = _opened(_record(ran, other), other_slot)
    assert (found.data != ran.data) == ((record, slot) == (other, other_slot))


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte_does_not_open(place: int, change: int) -> None:
    data = bytearray(_bytes(_sealed().data))
    data[place % len(data)] ^= change
    record = _record(_sealed())._replace(data=bytes(data))
    assert _opened(record) == record


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_whatever_stands_there_is_opened_or_left_alone(data: str | bytes) -> None:
    record = _record(Returned(None, data, "aes"))
    assert _opened(record) == record


@given(st.integers(0, 300))
def test_a_part_of_it_does_not_open(size: int) -> None:
    data = _bytes(_sealed().data)
    record = _record(_sealed())._replace(data=data[: size % len(data)])
    assert _opened(record) == record


def test_under_another_encoding_it_does_not_open() -> None:
    record = _record(_sealed())._replace(encoding="aes zlib")
    assert _opened(record) == record


def test_base64_is_read_too() -> None:
    data = b2a_base64(_bytes(_sealed().data), newline=False).decode()
    assert _opened(_record(_sealed())._replace(data=data)).data == TEXT.encode()


def test_the_same_text_is_sealed_otherwise_each_time() -> None:
    first, second = _bytes(_sealed().data), _bytes(_sealed().data)
    assert first != second
    assert TEXT.encode() not in first


def test_the_response_and_a_step_of_that_name_are_two_slots() -> None:
    record = _record(_sealed(slot=RESPONSE))
    assert _opened(record, of_step("response")) == record


def test_a_part_of_the_record_s_id_is_none_of_the_slot() -> None:
    record = _record(_sealed(record="shop", slot=of_step("steps")), "shopstep")
    assert _opened(record, of_step("s")) == record


def test_plain_data_are_left_as_they_are() -> None:
    record = _record(Returned(None, TEXT))
    assert _opened(record) == record


def test_without_a_key_nothing_is_left_of_the_data() -> None:
    ran = sealed(Returned("result", TEXT), None, record="shop#1", slot=RESPONSE)
    assert (ran.result, ran.data, ran.encoding) == ("result", None, NO_BODY)


def test_sealing_that_fails_loses_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(DataKey, "seal", fail)
    ran = sealed(Returned("result", TEXT), KEY, record="shop#1", slot=RESPONSE)
    assert (ran.result, ran.data, ran.encoding) == ("result", None, NO_BODY)


def test_another_namespace_does_not_open_it() -> None:
    kms = Kms()
    ran = sealed(
        Returned(None, TEXT),
        run(kms.cipher().keys("shop").hold(BLOCKING)),
        record="shop#1",
        slot=RESPONSE,
    )
    record = _record(ran)
    assert opened(record, kms.cipher().keys("other"), slot=RESPONSE, what="It") == record
    assert opened(record, kms.cipher().keys("shop"), slot=RESPONSE, what="It").encoding is None


def test_kms_that_fails_is_told_with_the_cause_and_what_to_do() -> None:
    kms = Kms()
    key = run(kms.cipher().keys("shop").hold(BLOCKING))
    record = _record(sealed(Returned(None, TEXT), key, record="shop#1", slot=RESPONSE))
    kms.fails["Decrypt"] = "DisabledException"
    with pytest.raises(StoreError) as raised:
        opened(record, kms.cipher().keys("shop"), slot=RESPONSE, what="It")
    assert "It is done, but KMS did not decrypt its answer: KMS Decrypt failed: Dis" in str(
        raised.value
    )
    assert "the key is disabled; enable it. The record stays" in str(raised.value)
