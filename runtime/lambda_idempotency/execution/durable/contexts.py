"""The durable contexts around code, and the scope of its execution, in whichever thread it runs.

The SDK gives its threads no context variables, and each function a durable context as an argument.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, Protocol, TypeVar

from .forms import PACKAGE, is_durable_context


class OfExecution(Protocol):
    """Something that a durable execution has."""

    @property
    def execution(self) -> str | None:
        """The execution's ARN."""
        ...


S = TypeVar("S", bound=OfExecution)


def scope_around(scopes: Sequence[S]) -> S | None:
    """Return the newest scope of the execution in which this code runs, in any of its threads."""
    for context in contexts_around():
        arn = context.execution_context.durable_execution_arn
        return next((scope for scope in reversed(scopes) if scope.execution == arn), None)
    return None


def contexts_around() -> Iterator[Any]:
    """Yield the durable contexts that the functions around this code were given, innermost first.
    What a function only finds, by closure, may be that of another thread."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    while frame is not None:
        code = frame.f_code
        found = frame.f_locals
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            value = found.get(name)
            if str(type(value).__module__).startswith(PACKAGE) and is_durable_context(value):
                yield value
        frame = frame.f_back
