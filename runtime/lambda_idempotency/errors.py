"""What can go wrong, for the person who meets it. No message holds a key, a payload or a secret."""

from __future__ import annotations


class IdempotencyError(Exception):
    """Base of every error this package raises."""


class ConfigurationError(IdempotencyError):
    """A setting or an option is missing or senseless; the message says which and what to do."""


class MissingKeyError(IdempotencyError):
    """The event holds no usable idempotency key, so nothing ran."""


class InProgressError(IdempotencyError):
    """Another attempt holds the key. Retry: it will be answered or free within `retry_after`.

    `retry_after` is in seconds.
    """

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FingerprintMismatchError(IdempotencyError):
    """The key was used before with another payload, so nothing ran."""


class StoreError(IdempotencyError):
    """The store could not be reached, refused the request, or answered when the lease had ended.
    Raised only before anything ran."""


class ResponseUnavailableError(IdempotencyError):
    """The operation is done, but its response could not be stored, so it cannot be repeated."""


class ParkedError(IdempotencyError):
    """Attempts under this key kept dying; an operator must decide before it runs again."""


class CommitError(IdempotencyError):
    """The handler ran, and its `commit_with` writes were not applied; so there is no result.

    `applied` is False, or None where nobody knows: then the key stays blocked until its lease ends.
    """

    def __init__(self, message: str, *, applied: bool | None) -> None:
        super().__init__(message)
        self.applied = applied


class LeaseLostError(IdempotencyError):
    """The handler ran beyond its lease and another attempt took over, so that its `commit_with`
    writes were not applied; retry for the other attempt's answer."""
