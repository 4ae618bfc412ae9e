"""Data keys of the local KMS, and what is sent for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.network.fault_server import FaultServer, answer, failure
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.kms import KMS
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.waiting import BLOCKING, run

CONTEXT: Final = {"cdk-idempotency:namespace": "shop/payments"}


def _made(kms: KMS, key: str) -> tuple[bytes, bytes]:
    plain, encrypted = run(kms.generate_data_key(key, CONTEXT, BLOCKING, Deadline(30)))
    return plain.reveal(), encrypted


def _decrypted(kms: KMS, encrypted: bytes, context: dict[str, str]) -> bytes:
    return run(kms.decrypt(encrypted, context, BLOCKING, Deadline(30))).reveal()


def test_a_data_key_is_decrypted_under_its_context(kms: KMS, kms_key: str, boto_kms: Any) -> None:
    plain, encrypted = _made(kms, kms_key)
    theirs = boto_kms.decrypt(CiphertextBlob=encrypted, EncryptionContext=CONTEXT)
    assert len(plain) == 32
    assert _decrypted(kms, encrypted, CONTEXT) == theirs["Plaintext"] == plain


@pytest.mark.parametrize("context", [{}, {"cdk-idempotency:namespace": "other"}])
def test_under_another_context_it_is_not(kms: KMS, kms_key: str, context: dict[str, str]) -> None:
    _, encrypted = _made(kms, kms_key)
    with pytest.raises(ServiceError, match="InvalidCiphertextException"):
        _decrypted(kms, encrypted, context)


def test_under_a_new_key_of_the_alias_the_old_data_keys_are_decrypted(
    kms: KMS, boto_kms: Any
) -> None:
    first, second = (boto_kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    boto_kms.create_alias(AliasName="alias/rotated", TargetKeyId=first)
    plain, encrypted = _made(kms, "alias/rotated")
    boto_kms.update_alias(AliasName="alias/rotated", TargetKeyId=second)
    assert _made(kms, "alias/rotated")[0] != plain
    assert _decrypted(kms, encrypted, CONTEXT) == plain


def test_a_disabled_key_is_told(kms: KMS, boto_kms: Any) -> None:
    disabled = str(boto_kms.create_key()["KeyMetadata"]["Arn"])
    _, encrypted = _made(kms, disabled)
    boto_kms.disable_key(KeyId=disabled)
    with pytest.raises(ServiceError, match="KMS Decrypt failed: DisabledException"):
        _decrypted(kms, encrypted, CONTEXT)
    with pytest.raises(ServiceError, match="KMS GenerateDataKey failed: DisabledException"):
        _made(kms, disabled)


def test_what_is_sent_is_what_the_reference_says(
    server: FaultServer, connect: Callable[..., KMS]
) -> None:
    server.script(answer(b'{"Plaintext":"AA==","CiphertextBlob":"AQ=="}'))
    assert _made(connect(service=KMS), "alias/answers") == (b"\x00", b"\x01")
    [request] = server.requests
    assert request.headers["x-amz-target"] == "TrentService.GenerateDataKey"
    assert request.parsed == {
        "KeyId": "alias/answers",
        "KeySpec": "AES_256",
        "EncryptionContext": CONTEXT,
    }


def test_a_passing_failure_is_tried_again(server: FaultServer, connect: Callable[..., KMS]) -> None:
    server.script(failure("ThrottlingException"), answer(b'{"Plaintext":"AA=="}'))
    assert _decrypted(connect(service=KMS), b"x", {}) == b"\x00"
