"""What can go wrong in a rotation. Messages name secrets, users and nodes, never a value."""

from __future__ import annotations

from ..errors import IdempotencyError


class RotationError(IdempotencyError):
    """A step could not be done. Secrets Manager repeats the rotation, which continues it."""


class RefusedError(RotationError):
    """AWS refused a request; `code` is its error code."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
