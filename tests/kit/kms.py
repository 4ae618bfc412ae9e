"""KMS in the process: it counts its requests, and fails as a test says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lambda_idempotency import KmsCipher
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.net.secret import Secret


class Kms:
    """One KMS key, which knows its data keys by their encrypted form and context."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.fails: dict[str, str] = {}
        self._made: dict[bytes, tuple[Secret[bytes], Mapping[str, str]]] = {}

    def cipher(self) -> KmsCipher:
        """Return a cipher of a process that has no data key yet."""
        cipher = KmsCipher("alias/answers")
        cipher._client = self  # type: ignore[assignment]
        return cipher

    async def generate_data_key(
        self, key: str, context: Mapping[str, str], *_: Any
    ) -> tuple[Secret[bytes], bytes]:
        self._note("GenerateDataKey")
        encrypted = os.urandom(184)  # the size of KMS's own
        self._made[encrypted] = Secret(os.urandom(32)), context
        return self._made[encrypted][0], encrypted

    async def decrypt(self, encrypted: bytes, context: Mapping[str, str], *_: Any) -> Secret[bytes]:
        self._note("Decrypt")
        plain, known = self._made.get(encrypted, (None, None))
        if plain is None or known != context:
            raise failure("Decrypt", "InvalidCiphertextException")
        return plain

    def _note(self, operation: str) -> None:
        self.requests.append(operation)
        if operation in self.fails:
            raise failure(operation, self.fails[operation])


def failure(operation: str, code: str) -> ServiceError:
    """Return an error of KMS."""
    return ServiceError("KMS", operation, {"Error": {"Code": code}, "ResponseMetadata": {}})
