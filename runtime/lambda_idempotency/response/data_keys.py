"""The data keys of one namespace: made by KMS, used in the process, kept within limits.

An answer is encrypted by a data key, which lies beside it, encrypted by KMS. One is held before its
call claims, so nothing that can fail is left for the time after the effect.

The limits follow https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/thresholds.html:
an age as short as its requests to KMS allow, and far fewer uses than a key with random nonces can
have (2^32, NIST SP 800-38D, 8.3). A call under way keeps the key that it holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..clients.aws.client import ServiceError
from ..clients.net import elapsed
from ..clients.net.deadline import Deadline, current
from ..clients.net.renewing import Loaded, Renewing
from ..clients.net.secret import Secret
from ..clients.net.waiting import Waits
from ..contract.names import ENCRYPTION_CONTEXT
from ..errors import StoreError

if TYPE_CHECKING:
    from ..clients.aws.kms import KMS

MAX_AGE_S: Final = 300.0
"""Seconds for which a data key is kept: one that KMS no longer gives is used no longer."""

RENEW_AFTER_S: Final = 240.0
"""Seconds after which a new one is made; while KMS fails, the old one is used to its end."""

MAX_USES: Final = 1000
"""The answers that are encrypted by one data key."""

MAX_KNOWN: Final = 100
"""The data keys that are kept to decrypt."""

BUDGET_S: Final = 5.0
"""Seconds for a request to KMS with its retries; less if the invocation has less left."""

_FAILURES: Final = (ServiceError, KeyError, TypeError, ValueError)
"""What a request to KMS may raise: all but the first for an answer that has no data key."""

_FOREIGN: Final = ("InvalidCiphertextException", "ValidationException")
"""KMS's errors for what is no data key of this context, and will never be one."""

_ADVICE: Final = {
    "AccessDeniedException": "the function needs kms:GenerateDataKey and kms:Decrypt on the key, "
    f"by IAM and by the key's policy, where kms:EncryptionContext:{ENCRYPTION_CONTEXT} is its "
    "namespace",
    "DisabledException": "the key is disabled; enable it",
    "InvalidKeyUsageException": "the key must be a symmetric one that encrypts",
    "KMSInvalidStateException": "the key is to be deleted, or lacks its material; cancel or import",
    "NotFoundException": "there is no such key in the function's region",
}


class DataKey:
    """One data key. `encrypted` is what KMS decrypts; `uses` counts what was sealed with it."""

    __slots__ = ("_aead", "encrypted", "uses")

    def __init__(self, plain: Secret[bytes], encrypted: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only where it is used

        self._aead = AESGCM(plain.reveal())
        self.encrypted = encrypted
        self.uses = 0

    def seal(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        """Encrypt data, and bind them to the associated data."""
        self.uses += 1
        return self._aead.encrypt(nonce, data, associated)

    def open(self, nonce: bytes, data: bytes, associated: bytes) -> bytes | None:
        """Decrypt data; None if they are not what was sealed, or bound to something else."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(nonce, data, associated)
        except (InvalidTag, ValueError):
            return None


class DataKeys:
    """The data keys of one namespace under one KMS key. Thread-safe; requests go to `kms()`."""

    def __init__(self, kms: Callable[[], KMS], key: str, namespace: str) -> None:
        self._kms = kms
        self._key = key
        self._context = {ENCRYPTION_CONTEXT: namespace}
        self._clock = elapsed.Stopwatch().seconds  # in which a frozen process has aged, too
        self._current = Renewing(self._made, failures=StoreError, clock=self._clock)
        self._known: OrderedDict[bytes, Loaded[DataKey]] = OrderedDict()

    async def hold(self, waits: Waits) -> DataKey:
        """Return the data key for the answers of a call. Raises `StoreError`."""
        ends = current(BUDGET_S)
        key = await self._current.current(waits, ends)
        if key.uses >= MAX_USES:
            self._current.refused(key)
            key = await self._current.current(waits, ends)
        return key

    async def known(self, encrypted: bytes, waits: Waits) -> DataKey | None:
        """Return the data key that an answer was encrypted with; None if it is none of this
        namespace. Raises `StoreError`, whose text says why KMS does not tell."""
        found = self._known.get(encrypted)
        if found is not None and found.ends_at is not None and self._clock() < found.ends_at:
            return found.value
        began = self._clock()
        try:
            plain = await self._kms().decrypt(encrypted, self._context, waits, current(BUDGET_S))
            key = DataKey(plain, encrypted)
        except _FAILURES as error:
            if code_of(error) in _FOREIGN:
                return None
            raise StoreError(reason(error), code=code_of(error)) from error
        return self._note(key, began).value

    async def _made(self, waits: Waits, deadline: Deadline) -> Loaded[DataKey]:
        began = self._clock()
        try:
            plain, encrypted = await self._kms().generate_data_key(
                self._key, self._context, waits, deadline
            )
            key = DataKey(plain, encrypted)
        except _FAILURES as error:
            why = f"KMS gave no data key for the answer: {reason(error)}"
            raise StoreError(why, code=code_of(error)) from error
        return self._note(key, began)

    def _note(self, key: DataKey, began: float) -> Loaded[DataKey]:
        loaded = Loaded(key, began + RENEW_AFTER_S, began + MAX_AGE_S)
        self._known[key.encrypted] = loaded
        while len(self._known) > MAX_KNOWN:
            with suppress(KeyError):  # dropped by another thread
                self._known.popitem(last=False)
        return loaded


def code_of(error: Exception) -> str | None:
    """Return the code of KMS's error; None: it has answered, and without a data key."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ServiceError) else None


def reason(error: Exception) -> str:
    """Return why KMS failed, and what to do."""
    if not isinstance(error, ServiceError):
        return "its answer has no data key; does AWS_ENDPOINT_URL or a proxy lead elsewhere?"
    advice = _ADVICE.get(str(code_of(error)))
    return f"{error}" if advice is None else f"{error}; {advice}"
