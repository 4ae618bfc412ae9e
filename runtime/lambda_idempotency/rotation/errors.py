"""The errors of a rotation. Their messages name secrets, users and nodes, never a value."""

from __future__ import annotations

from ..errors import IdempotencyError


class RotationError(IdempotencyError):
    """A step failed. Secrets Manager repeats the rotation, which then continues."""


class RefusedError(RotationError):
    """AWS refused a request; `code` is its error code."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
