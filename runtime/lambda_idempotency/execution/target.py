"""The code that one call runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigurationError
from ..protocol.steps import Returned
from ..tuples import NamedTuple
from .invocation_scope import TimeLeft

if TYPE_CHECKING:
    from .durable.call import Ends, Execution  # few functions are durable


class Target(NamedTuple):
    """The code that a call runs, and the way its result is recorded.

    `run` is the handler or function with its arguments bound; in an async call it returns an
    awaitable. Its result has to be `finished`, as the decorator of this name demands. `record`
    turns a result into its recorded form; if it raises, the result is recorded without a body.
    `reconcile` is `on_orphan` with its argument bound. `time_left` is that of the invocation in
    which the code runs, if there is one. `subject` returns what hooks are told: the event, the
    arguments, the record. `replayable` tells whether a duplicate can get a recorded text in a
    result's place. `execution` is the durable execution that the call is, or is a step of, and
    `ends` what its ends mean.
    """

    decorator: str
    run: Callable[[], Any]
    record: Callable[[Any], Returned]
    reconcile: Callable[[], Any] | None = None
    time_left: TimeLeft | None = None
    subject: Callable[[], Any] = lambda: None
    replayable: Callable[[str, Any], bool] = lambda _, __: True
    execution: Execution | None = None
    ends: Ends | None = None

    def finished(self, result: Any) -> Any:
        """Return a result of `run`. Raises as the function `finished`."""
        return finished(result, self.decorator)


def finished(result: Any, decorator: str) -> Any:
    """Return a result; raise `ConfigurationError` if nobody has run it yet.

    Recorded, it would be done forever: the body of a generator or coroutine has not begun. The
    error frees the key.
    """
    if (kind := unfinished(result)) is None:
        return result
    raise ConfigurationError(
        f"{decorator}: the function returned a {kind}, which nobody would run under its record. "
        "Decorate the `async def` itself, under its other decorators; return a list of what a "
        "generator yields."
    )


def unfinished(result: Any) -> str | None:
    """Return the kind of a result that nobody has run yet, and end it. None: it is finished."""
    kind = type(result)
    if kind in _FINISHED:
        return None
    is_awaitable = hasattr(kind, "__await__") or hasattr(kind, "add_done_callback")  # a future
    if not is_awaitable and not hasattr(kind, "__next__") and not hasattr(kind, "__anext__"):
        return None
    for stop in ("close", "cancel"):  # a coroutine and a generator, a future
        if callable(end := getattr(result, stop, None)):
            end()
    return kind.__name__


_FINISHED: Final = frozenset({dict, list, tuple, str, bytes, int, float, bool, type(None)})
"""The types that almost all results have: nothing of them is yet to be run."""
