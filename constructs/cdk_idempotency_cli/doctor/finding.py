"""What a check of the deployment has found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from botocore.exceptions import ClientError

from lambda_idempotency.errors import IdempotencyError

from ..errors import FailedError

Level: TypeAlias = Literal["ok", "warning", "error"]


class Finding(NamedTuple):
    """`about` is the thing that was looked at; `text` says what it is like, and what to do."""

    level: Level
    about: str
    text: str


def ok(about: str, text: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding("ok", about, text)


def warning(about: str, text: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding("warning", about, text)


def error(about: str, text: str) -> Finding:
    """Return a finding that breaks, or may break, a promise."""
    return Finding("error", about, text)


def checked(about: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds; a warning, where the operator may not look."""
    try:
        yield from check()
    except ClientError as refused:
        code = refused.response["Error"]["Code"]
        yield warning(about, f"not checked: {refused.operation_name} was refused ({code})")
    except (IdempotencyError, FailedError) as failed:
        yield error(about, str(failed))
