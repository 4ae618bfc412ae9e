"""The code that one call runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.steps import Returned
from ..tuples import NamedTuple
from .invocation_scope import TimeLeft


class Target(NamedTuple):
    """The code that a call runs, and the way its result is recorded.

    `run` is the handler or function with its arguments bound; in an async call it returns an
    awaitable. `record` turns a result into its recorded form; if it raises, the result is recorded
    without a body. `reconcile` is `on_orphan` with its argument bound. `time_left` is that of the
    invocation in which the code runs, if there is one. `subject` returns what hooks are told: the
    event, the arguments, the record. `replayable` tells whether a duplicate can get a recorded text
    in a result's place.
    """

    run: Callable[[], Any]
    record: Callable[[Any], Returned]
    reconcile: Callable[[], Any] | None = None
    time_left: TimeLeft | None = None
    subject: Callable[[], Any] = lambda: None
    replayable: Callable[[str, Any], bool] = lambda _, __: True
