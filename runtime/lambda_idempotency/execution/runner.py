"""The ways to run a Lambda handler: directly, or on its own event loop (`loop_runner`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..drivers import sync
from ..identity.keys import Identity
from ..protocol.steps import Outcome, Reconcile, Run
from .attempt import run_as, unprotected
from .call import ActiveCall, UnprotectedCall
from .operation import Operation
from .target import Target

if TYPE_CHECKING:
    from ..protocol.batch import Batch
    from ..stores.base import Store


class Runner(Protocol):
    """Runs the calls of one handler, which is sync or async."""

    def call(self, operation: Operation, identity: Identity, target: Target) -> Outcome:
        """Run a call to its outcome."""
        ...

    def run_unprotected(self, target: Target) -> Any:
        """Run the handler without a record. `current()` has a key that is unique to this call."""
        ...

    def run_batch(self, batch: Batch, store: Store) -> None:
        """Run a batch to its end."""
        ...

    def code_of(self, call: ActiveCall | UnprotectedCall) -> Callable[[Run | Reconcile], Any]:
        """Return the function that runs the user's code for a call of a batch."""
        ...


class SyncRunner:
    """Runs a synchronous handler directly. It holds no state."""

    def call(self, operation: Operation, identity: Identity, target: Target) -> Outcome:
        """Run a call to its outcome."""
        return operation.call(identity, target)

    def run_unprotected(self, target: Target) -> Any:
        """Run the handler without a record."""
        return target.finished(run_as(unprotected(), target.run))

    def run_batch(self, batch: Batch, store: Store) -> None:
        """Run a batch to its end."""
        sync.drive_batch(batch, store=store)

    def code_of(self, call: ActiveCall | UnprotectedCall) -> Callable[[Run | Reconcile], Any]:
        """Return the function that runs the user's code."""
        return call.run
