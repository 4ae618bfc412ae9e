"""Handlers whose responses are objects in S3."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from typing import Any, Final, TypeAlias

from kit.network.fault_server import Step, answer
from lambda_idempotency import (
    MemoryStore,
    idempotent,
)
from lambda_idempotency.protocol.record import Completion, Conflict, Record, Reply

BUCKET: Final = "large-responses"
LARGE: Final = os.urandom(5000).hex()
"""A text that compresses to half its size."""

SUFFIXES: Final = count()

Settle: TypeAlias = Callable[..., None]


class Store(MemoryStore):
    """A store that holds little, and lets a test see its only record."""

    def __init__(self, max_data: int | None = 9000) -> None:
        super().__init__()
        self.max_data: int | None = max_data
        self.key = ""
        self.before: Callable[[], None] = lambda: None

    def complete(self, completion: Completion) -> Reply:
        self.before()
        self.key = completion.key
        return super().complete(completion)

    @property
    def record(self) -> Record:
        reply = self.read(self.key)
        assert isinstance(reply, Conflict)
        return reply.record


def error_of(code: str, status: int) -> Step:
    """Return S3's answer with this error."""
    return answer(f"<Error><Code>{code}</Code></Error>".encode(), status=status)


def object_of(record: Record) -> str:
    """Return the name of the object of a record's response."""
    return f"shop/{record.key.removeprefix('shop#')}/{record.owner}"


def objects(s3: Any) -> set[str]:
    """Return the names of all objects in the bucket."""
    return {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


class Handler:
    """A handler that counts its runs; a new application takes the settings of the moment."""

    def __init__(self, store: Store, result: Any = LARGE, **options: Any) -> None:
        self.runs = 0
        self.result = result
        self._call = idempotent(store=store, name="handler", **options)(self._run)

    def _run(self, event: Any, context: Any) -> Any:
        self.runs += 1
        return self.result

    def __call__(self, event: Any = None, context: Any = None) -> Any:
        return self._call(event or {"id": 1}, context)


class Hurried:
    """The context of an invocation with little time left."""

    def get_remaining_time_in_millis(self) -> int:
        return 200
