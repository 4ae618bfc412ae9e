"""The durable operation around a function that is called: the SDK tells it to nobody.

The SDK runs a step's function in its own frame, and all other code of a handler in frames of its
own, too. They are looked at only where the SDK is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any, Final

from ...errors import ConfigurationError, StoreError
from .call import Execution, owner_of
from .forms import is_durable_context
from .inside import PACKAGE, Sdk

_STEP: Final = f"{PACKAGE}.operation.step"


def check_no_context(name: str, arguments: Iterable[Any]) -> None:
    """Raise `ConfigurationError` if a durable context is among a function's arguments."""
    if any(map(is_durable_context, arguments)):
        raise ConfigurationError(
            f"@idempotent_function: {name} was given a durable context. A recorded result would "
            "skip the operations inside it, and those after it would get each other's results. "
            "Give the context to a plain function, and call an idempotent one in a step: "
            "context.step(lambda _: pay(order))"
        )


def step_around() -> Execution | None:
    """Return the step of a durable execution in which this code runs. It has one owner whenever it
    is tried, so that the next try goes on at once; two steps have two."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    while frame is not None:
        if frame.f_globals.get("__name__") == _STEP and frame.f_code.co_name == "execute":
            return _step_of(frame.f_locals.get("self"))
        frame = frame.f_back
    return None


def _step_of(executor: Any) -> Execution | None:
    """Return the step that the SDK executes; None where it has another form than is known: then the
    call is an ordinary one."""
    arn = getattr(getattr(executor, "state", None), "durable_execution_arn", None)
    identifier = getattr(executor, "operation_identifier", None)
    operation = getattr(identifier, "operation_id", None)
    if not isinstance(arn, str) or not isinstance(operation, str):
        return None
    return Execution(owner_of(arn, operation))


def is_in_body() -> bool:
    """Tell whether this code runs in a durable execution, in no step of it."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    inside = False
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module == _STEP:
            return False
        inside = inside or module.partition(".")[0] == PACKAGE
        frame = frame.f_back
    return inside


def retryable(error: StoreError) -> Exception:
    """Return a store's failure as an error that ends the invocation alone, where the execution
    would fail of it. In a step it is the step's own retries that matter."""
    sdk = Sdk.loaded() if is_in_body() else None
    return error if sdk is None else sdk.retryable(error)
