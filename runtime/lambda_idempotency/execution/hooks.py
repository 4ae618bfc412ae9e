"""The user's code that runs besides the handler: `on_orphan`, `on_interrupted`, `on_replay`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from ..errors import ConfigurationError, StepInterruptedError
from ..tuples import NamedTuple


class Reconciled(NamedTuple):
    """The return value of `on_orphan` if the dead attempt had its effect.

    `response` is recorded, and returned to the caller.
    """

    response: Any


OnOrphan: TypeAlias = Callable[[Any], Any]
"""Takes the event (or a function's arguments by name). Returns `Reconciled(response)`, or None to
run again. `current()` is the attempt that has taken over."""


OnInterrupted: TypeAlias = Literal["rerun", "raise"] | Callable[[Any, str], Any]
"""What to do at a step that a dead attempt may have run: run it, raise `StepInterruptedError`, or
ask a callable. That takes the event (or what `on_orphan` takes) and the step's name. It returns
`Reconciled(result)`, which is recorded as the step's, or None to run the step."""


class Replay(NamedTuple):
    """The record whose response is replayed.

    `key` is its id, `attempt` the number of the attempt that answered, and `expiration` the epoch
    second at which the record ends.
    """

    key: str
    attempt: int
    expiration: int


OnReplay: TypeAlias = Callable[[Any, Replay], Any]
"""Takes the response about to be replayed, a new object at each call. Returns the response to
replay in its place, or None to replay it as it is."""


def reconciled(found: object) -> Reconciled | None:
    """Return the result of `on_orphan`. Raises `ConfigurationError` if it has another type."""
    if found is None or isinstance(found, Reconciled):
        return found
    raise ConfigurationError(
        f"on_orphan returned a {type(found).__name__}; expected Reconciled(response), or None to "
        "run again"
    )


def question(
    asked: OnInterrupted | None, subject: Callable[[], Any], *, name: str, key: str
) -> Callable[[], Any] | None:
    """Return the question about a step that a dead attempt may have run. None: run it. Raises
    `StepInterruptedError` if that is the answer."""
    if asked is None or asked == "rerun":
        return None
    if callable(asked):
        hook = asked
        return lambda: hook(subject(), name)
    raise StepInterruptedError(
        f"Step {name!r} under record {key} may have run in an attempt that died, and "
        'on_interrupted is "raise". Find out whether its effect happened.'
    )


async def settled(hook: Callable[[], Any]) -> Any:
    """Return what a hook returns, sync or async."""
    found = hook()
    return await found if hasattr(found, "__await__") else found
