"""The durable execution around code, and its operations: the SDK tells them to nobody.

The SDK runs a step's function in its own frame, and all other code of a handler in frames of its
own, too. They are looked at only where the SDK is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable
from types import FrameType
from typing import Any, Final

from ...errors import ConfigurationError, StoreError
from ...tuples import NamedTuple
from ..attempt import AttemptScope
from .call import Execution, owner_of
from .contexts import contexts_around
from .forms import PACKAGE, is_durable_context
from .inside import Sdk

_EXECUTION: Final = f"{PACKAGE}.execution"
_STEP: Final = f"{PACKAGE}.operation.step"


class Operations(NamedTuple):
    """The durable operations that the code around a call has used before it."""

    decorator: str
    used: tuple[tuple[Any, int], ...]

    @classmethod
    def around(cls, decorator: str) -> Operations | None:
        """Return those around this code; None if it is in no durable execution."""
        counters = {
            id(each): each for each in map(_counter_of, contexts_around()) if each is not None
        }
        used = tuple((counter, counter.get_current()) for counter in counters.values())
        return cls(decorator, used) if used else None

    def none_in(self, run: Callable[[], Any]) -> Any:
        """Run the code of the call. Raises `ConfigurationError` if it has used operations."""
        try:
            return run()
        except BaseException as error:
            self._check_error(error)
            raise
        finally:
            self._check()

    async def none_in_async(self, run: Callable[[], Awaitable[Any]]) -> Any:
        """Run the async code of the call, as `none_in` does."""
        try:
            return await run()
        except BaseException as error:
            self._check_error(error)
            raise
        finally:
            self._check()

    def _check(self) -> None:
        if any(counter.get_current() != before for counter, before in self.used):
            raise self._refusal()

    def _check_error(self, error: BaseException) -> None:
        """Raise `ConfigurationError` for the SDK's suspension: of a callback made before the call,
        say. The key would be free, and the code run again when the execution resumes."""
        if not isinstance(error, Exception) and type(error).__module__.startswith(PACKAGE):
            raise self._refusal() from None

    def _refusal(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.decorator}: the call has used durable operations. Its recorded result "
            "would skip them when the execution resumes, and the operations after it would get "
            "each other's results. Use them outside of it, and call it in a step: "
            "context.step(lambda _: pay(order))"
        )


def _counter_of(context: Any) -> Any:
    """Return what counts a context's operations; None where it has another form than is known."""
    counter = getattr(context, "_step_counter", None)
    return counter if hasattr(counter, "get_current") else None


def check_no_context(name: str, arguments: Iterable[Any]) -> None:
    """Raise `ConfigurationError` if a durable context is among a function's arguments."""
    if any(map(is_durable_context, arguments)):
        raise ConfigurationError(
            f"@idempotent_function: {name} was given a durable context. A recorded result would "
            "skip the operations inside it, and those after it would get each other's results. "
            "Give the context to a plain function, and call an idempotent one in a step: "
            "context.step(lambda _: pay(order))"
        )


def check_whole(context: Any, mark: str) -> None:
    """Raise `ConfigurationError` if a durable context was given to a part of its function: the one
    under `@durable_execution` has the `mark`."""
    arn, function = context.execution_context.durable_execution_arn, _function_of_sdk()
    is_part = (
        getattr(context, "_step_id_prefix", None) is not None  # that of a branch
        or any(getattr(scope, "execution", None) == arn for scope in AttemptScope.running())
        or (function is not None and not getattr(function, mark, False))
    )
    if is_part:
        raise ConfigurationError(
            "@idempotent was applied to a part of a durable function. Its recorded answer would "
            "skip the part's operations when the execution resumes, and branches with one key "
            "would be one attempt. Put it directly under @durable_execution (a decorator between "
            "them has to use functools.wraps), and start an execution for each key"
        )


def _function_of_sdk() -> object:
    """Return the function under `@durable_execution`; None where the SDK has another form than is
    known."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    while frame is not None:
        if frame.f_globals.get("__name__") == _EXECUTION and "func" in frame.f_locals:
            return frame.f_locals["func"]
        frame = frame.f_back
    return None


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
