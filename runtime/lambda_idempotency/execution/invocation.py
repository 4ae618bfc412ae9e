"""The handling of one event by a decorated handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..identity.keys import Identity
from ..protocol.record import Record, Reply
from ..protocol.steps import Outcome, Returned
from ..tuples import NamedTuple
from .operation import Operation
from .runner import Runner
from .target import Target


class Invocation(NamedTuple):
    """A handler with its event bound (`target`), the runner, and the operation that protects it."""

    operation: Operation
    runner: Runner
    target: Target

    def call(
        self,
        identity: Identity,
        *,
        record: Callable[[Any], Returned] | None = None,
        replayable: Callable[[str, Any], bool] | None = None,
    ) -> Outcome:
        """Run the handler, unless its record decides. `record` and `replayable` replace the
        target's."""
        target = self.target
        if record is not None:
            target = target._replace(record=record)
        if replayable is not None:
            target = target._replace(replayable=replayable)
        return self.runner.call(self.operation, identity, target)

    def run_unprotected(self) -> Any:
        """Run the handler without a record."""
        return self.runner.run_unprotected(self.target)

    def read(self, key: str) -> Reply:
        """Read a record. Raises what the store raises."""
        return self.operation.read(key, self.target.time_left)

    def fetch_and_restore(self, record: Record) -> Any:
        """Return the result in a record that was read. Raises `StoreError`,
        `ResponseUnavailableError`, and what `on_replay` raises."""
        return self.operation.restored(self.operation.fetched(record, self.target.time_left))
