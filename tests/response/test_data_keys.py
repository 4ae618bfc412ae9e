"""Data keys are made, kept and given up within their limits."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from kit.clocks import ProcessClocks
from kit.kms import Kms
from lambda_idempotency import ConfigurationError, KmsCipher, StoreError
from lambda_idempotency.clients.aws.kms import KMS
from lambda_idempotency.clients.net import elapsed
from lambda_idempotency.clients.net.waiting import BLOCKING, run
from lambda_idempotency.response.data_keys import MAX_AGE_S, MAX_KNOWN, MAX_USES, DataKey, DataKeys


@pytest.fixture
def kms() -> Kms:
    return Kms()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> ProcessClocks:
    clocks = ProcessClocks()
    monkeypatch.setattr(elapsed, "now", clocks.moment)
    return clocks


@pytest.fixture
def keys(kms: Kms, clocks: ProcessClocks) -> DataKeys:
    return kms.cipher().keys("shop")


def _held(keys: DataKeys) -> DataKey:
    return run(keys.hold(BLOCKING))


def _known(keys: DataKeys, key: DataKey) -> DataKey | None:
    return run(keys.known(key.encrypted, BLOCKING))


def test_a_key_is_made_once(kms: Kms, keys: DataKeys) -> None:
    assert _held(keys) is _held(keys)
    assert kms.requests == ["GenerateDataKey"]


def test_the_own_key_needs_no_request_to_be_known(kms: Kms, keys: DataKeys) -> None:
    key = _held(keys)
    assert _known(keys, key) is key
    assert kms.requests == ["GenerateDataKey"]


def test_another_process_s_key_is_asked_for_once(kms: Kms, keys: DataKeys) -> None:
    other = _held(kms.cipher().keys("shop"))
    assert _known(keys, other) is _known(keys, other)
    assert kms.requests == ["GenerateDataKey", "Decrypt"]


@pytest.mark.parametrize(("passed", "asked"), [(239, 1), (241, 2)])
def test_a_key_of_some_age_is_replaced(
    kms: Kms, keys: DataKeys, clocks: ProcessClocks, passed: float, asked: int
) -> None:
    _held(keys)
    clocks.steady.advance(passed)
    _held(keys)
    assert kms.requests.count("GenerateDataKey") == asked


def test_while_kms_fails_the_key_is_used_to_its_end(
    kms: Kms, keys: DataKeys, clocks: ProcessClocks
) -> None:
    key = _held(keys)
    kms.fails["GenerateDataKey"] = "ThrottlingException"
    clocks.steady.advance(MAX_AGE_S - 1)
    assert _held(keys) is key
    clocks.steady.advance(2)
    with pytest.raises(StoreError, match="KMS gave no data key"):
        _held(keys)


def test_a_known_key_is_forgotten_at_its_end(
    kms: Kms, keys: DataKeys, clocks: ProcessClocks
) -> None:
    key = _held(keys)
    clocks.steady.advance(MAX_AGE_S + 1)
    kms.fails["Decrypt"] = "AccessDeniedException"
    with pytest.raises(StoreError, match="kms:Decrypt on the key"):
        _known(keys, key)


def test_a_key_has_aged_in_a_process_that_was_frozen(
    kms: Kms, keys: DataKeys, clocks: ProcessClocks
) -> None:
    key = _held(keys)
    clocks.wall.advance(MAX_AGE_S + 1)
    assert _held(keys) is not key


def test_a_key_that_was_made_while_the_clock_was_ahead_lasts_no_longer(
    kms: Kms, keys: DataKeys, clocks: ProcessClocks
) -> None:
    clocks.wall.advance(3600)
    key = _held(keys)
    clocks.wall.advance(-3600)
    clocks.steady.advance(MAX_AGE_S + 1)
    assert _held(keys) is not key


def test_a_key_is_replaced_after_its_last_use(kms: Kms, keys: DataKeys) -> None:
    key = _held(keys)
    for _ in range(MAX_USES - 1):
        key.seal(bytes(12), b"", b"")
    assert _held(keys) is key
    key.seal(bytes(12), b"", b"")
    assert _held(keys) is not key


def test_the_keys_to_decrypt_are_bounded(kms: Kms, keys: DataKeys) -> None:
    for _ in range(MAX_KNOWN + 5):
        _known(keys, _held(kms.cipher().keys("shop")))
    assert len(keys._known) == MAX_KNOWN


def test_a_namespace_has_the_same_keys_for_all_who_ask(kms: Kms) -> None:
    cipher = kms.cipher()
    assert cipher.keys("shop") is cipher.keys("shop")
    assert cipher.keys("shop") is not cipher.keys("other")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDeniedException", "where kms:EncryptionContext:cdk-idempotency:namespace is its"),
        ("DisabledException", "the key is disabled; enable it"),
        ("InvalidKeyUsageException", "must be a symmetric one"),
        ("KMSInvalidStateException", "the key is to be deleted"),
        ("NotFoundException", "no such key in the function's region"),
        ("KMSInternalException", "KMS GenerateDataKey failed: KMSInternalException"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    kms: Kms, keys: DataKeys, code: str, advice: str
) -> None:
    kms.fails["GenerateDataKey"] = code
    with pytest.raises(StoreError, match="no data key for the answer: .*" + advice):
        _held(keys)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Plaintext": 5, "CiphertextBlob": "AAAA"},
        {"Plaintext": "AAAA", "CiphertextBlob": "AAAA"},
    ],
    ids=["empty", "a number", "too short"],
)
def test_an_answer_without_a_data_key_is_told(
    kms: Kms, keys: DataKeys, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def request(*_: Any) -> dict[str, Any]:
        return dict(answer)

    key = _held(kms.cipher().keys("shop"))
    monkeypatch.setattr(KMS, "request", request)
    monkeypatch.setattr(keys, "_kms", lambda: KMS(environment={"AWS_REGION": "eu-central-1"}))
    with pytest.raises(StoreError, match="for the answer: its answer has no data key"):
        _held(keys)
    with pytest.raises(StoreError, match="its answer has no data key"):
        _known(keys, key)


def test_nothing_shows_a_data_key(kms: Kms, keys: DataKeys) -> None:
    key = _held(keys)
    plain = kms._made[key.encrypted][0].reveal()
    shown = repr(key) + repr(keys) + repr(keys.__dict__)
    assert repr(plain)[2:-1] not in shown


@pytest.mark.parametrize("key", ["", " ", None, 5])
def test_a_senseless_key_is_refused(key: object) -> None:
    with pytest.raises(ConfigurationError, match="the key of KmsCipher is"):
        KmsCipher(key)  # type: ignore[arg-type]


def test_without_the_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(ConfigurationError, match="ship it with the function's code"):
        KmsCipher("alias/answers")
