"""The errors that users of the package meet. No message holds a key, a payload or a secret."""

from __future__ import annotations


class IdempotencyError(Exception):
    """Base of every error this package raises."""


class ConfigurationError(IdempotencyError):
    """A setting or an option is missing or invalid; the message says which and what to do."""


class MissingKeyError(IdempotencyError):
    """The event holds no usable idempotency key, so nothing ran."""


class InProgressError(IdempotencyError):
    """Another attempt holds the key. Retry: within `retry_after` seconds the key is either answered
    or free."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FingerprintMismatchError(IdempotencyError):
    """The key was used before with another payload, so nothing ran."""


class StoreError(IdempotencyError):
    """The store, S3 or KMS could not be reached or refused the request, or the store answered after
    the lease had ended. Nothing ran; at a step, the step did not.

    `applied` is False where the store said that this request wrote nothing, else None. `code` is
    the service's name for what went wrong, and `host` what was asked, as far as they are known.
    """

    def __init__(
        self,
        *message: str,
        applied: bool | None = None,
        code: str | None = None,
        host: str | None = None,
    ) -> None:
        super().__init__(*message)
        self.applied = applied
        self.code = code
        self.host = host


class ResponseUnavailableError(IdempotencyError):
    """The operation is done, but its response cannot be replayed: it could not be stored, was not
    to be (`store_response=False`), or cannot be read or decrypted here."""


class ParkedError(IdempotencyError):
    """The key is parked: its attempts kept dying, nobody knows how one ended, or an operator has
    stopped it. An operator must decide before another one runs."""


class BatchError(IdempotencyError):
    """Records of a batch failed, and its source delivers the whole batch again. Raised after the
    others are done and recorded, so they do not run again."""


class CommitError(IdempotencyError):
    """The handler or step ran, but its writes were not applied, so there is no result.

    `applied` is False; or None where it is unknown, and then the key stays blocked until its lease
    ends.
    """

    def __init__(self, message: str, *, applied: bool | None) -> None:
        super().__init__(message)
        self.applied = applied


class LeaseLostError(IdempotencyError):
    """The handler ran beyond its lease and another attempt took over, so its `commit_with` writes
    were not applied, or its step was not recorded. Retry to get the other attempt's answer."""


class StepInterruptedError(IdempotencyError):
    """An attempt died, and may have run this step, which has no recovery point. Raised in its place
    if `on_interrupted` is "raise"."""
