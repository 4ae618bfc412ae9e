"""Data keys of KMS. https://docs.aws.amazon.com/kms/latest/APIReference/"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any, Final

from ..net.deadline import Deadline
from ..net.secret import Secret
from ..net.waiting import Waits
from .services import JsonClient, Service

_KMS: Final = Service(
    name="KMS",
    endpoint="kms",
    variable="KMS",
    target="TrentService",
    content_type="application/x-amz-json-1.1",
)


class KMS(JsonClient):
    """Makes data keys under a KMS key, and decrypts them. Both raise `ServiceError`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_KMS, **options)

    async def generate_data_key(
        self, key: str, context: Mapping[str, str], waits: Waits, deadline: Deadline
    ) -> tuple[Secret[bytes], bytes]:
        """Return a new key of 256 bits, plain and encrypted."""
        asked = {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context}
        answer = await self.request("GenerateDataKey", asked, waits, deadline)
        return _plain(answer), a2b_base64(answer["CiphertextBlob"])

    async def decrypt(
        self, encrypted: bytes, context: Mapping[str, str], waits: Waits, deadline: Deadline
    ) -> Secret[bytes]:
        """Return the data key that was encrypted under this context. The encrypted one names its
        KMS key, also after that was rotated."""
        asked = {"CiphertextBlob": encrypted, "EncryptionContext": context}
        return _plain(await self.request("Decrypt", asked, waits, deadline))


def _plain(answer: dict[str, Any]) -> Secret[bytes]:
    return Secret(a2b_base64(answer.pop("Plaintext")))
