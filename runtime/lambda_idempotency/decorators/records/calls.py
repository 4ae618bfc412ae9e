"""The calls of one batch: from its records to the failed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ...errors import BatchError, ConfigurationError, IdempotencyError, StoreError
from ...execution.call import ActiveCall, UnprotectedCall
from ...execution.hooks import OnOrphan
from ...execution.invocation_scope import TimeLeft, invocation_tenant, invocation_time_left
from ...execution.operation import Operation
from ...execution.outcomes import result_of
from ...execution.runner import Runner
from ...execution.target import Target
from ...identity import effort
from ...identity.batch_fields import Delivered
from ...identity.keys import Identity
from ...identity.records import BatchRecord, RecordRule, records_of
from ...identity.scope import Scope
from ...metrics.reporting import ERROR, WARNING, MetricsScope, log
from ...protocol.batch import Batch, BatchCall, run_batch
from ...protocol.record import NO_BODY
from ...protocol.steps import Outcome, Raised, Returned
from ...stores.memory import MemoryStore
from ...tuples import NamedTuple
from ..options import DISABLED

if TYPE_CHECKING:
    from ...response.data_keys import DataKey

RecordCode: TypeAlias = Callable[[Delivered], Any]
"""The handler of a record, with the context bound."""

READING_SHARE: Final = 0.25
"""The part of the time left that reading one record may take: one that takes longer fails alone."""

RECORDED: Final = Returned(None, encoding=NO_BODY)
"""The recorded result of a handled record. It has no body: nobody waits for an answer."""


class Records(NamedTuple):
    """The handling of one handler's batches. `operation` None: no record is protected. `responds`
    False: the event source reads no response."""

    rule: RecordRule | None
    operation: Operation | None
    on_orphan: OnOrphan | None
    responds: bool

    def respond(self, runner: Runner, code: RecordCode, event: Any) -> dict[str, Any]:
        """Run the handler for the records of a batch, and return the failed ones. Raises
        `BatchError` where its source would not read them."""
        with MetricsScope(None if self.operation is None else self.operation.metrics):
            return self._respond(runner, code, event)

    def _respond(self, runner: Runner, code: RecordCode, event: Any) -> dict[str, Any]:
        time_left, scope = invocation_time_left(), Scope(tenant=invocation_tenant())
        data_key, no_key = self._hold(time_left)

        def identify(record: BatchRecord) -> Identity | None:
            left = None if time_left is None else time_left() * READING_SHARE
            with effort.limited(left):
                identity = self._identity(record, scope)
            if identity is not None and no_key is not None:
                raise no_key
            return identity

        def begin(number: int, record: BatchRecord, identity: Identity | None) -> BatchCall:
            call = self._call(identity, self._target(code, record), data_key)
            code_of = runner.code_of(call)
            return BatchCall(number, call.key, call.protocol, call.remaining, code_of, call.renewed)

        records = records_of(event)
        if self.rule is not None:
            self.rule.check(records)
        failures = BatchFailures(records, identify)
        store = MemoryStore() if self.operation is None else self.operation.store
        runner.run_batch(failures.batch(begin), store)
        return failures.response(is_read=self.responds)

    def record_ids(self, event: Any) -> list[str]:
        """Return the ids of the records of a batch, in its order. Raises `MissingKeyError`, and
        `ConfigurationError`."""
        if self.rule is None:
            raise ConfigurationError(f"@idempotent_records: {DISABLED}")
        records = records_of(event)
        self.rule.check(records)
        scope = Scope(tenant=invocation_tenant())
        return [self.rule.identify(record, scope=scope).key for record in records]

    def _hold(self, time_left: TimeLeft | None) -> tuple[DataKey | None, StoreError | None]:
        """Return the data key for the steps of all records: to ask for one between two records
        would stand between an effect and its completion. Or why there is none: each record fails
        by it."""
        if self.operation is None:
            return None, None
        try:
            return self.operation.hold(None, time_left), None
        except StoreError as error:
            return None, error

    def _target(self, code: RecordCode, record: BatchRecord) -> Target:
        on_orphan = self.on_orphan
        return Target(
            "@idempotent_records",
            run=lambda: code(record.delivered),
            record=lambda _: RECORDED,
            reconcile=None if on_orphan is None else lambda: on_orphan(record.delivered),
            time_left=invocation_time_left(),
            subject=lambda: record.delivered,
        )

    def _identity(self, record: BatchRecord, scope: Scope) -> Identity | None:
        """Return a record's identity; None: it runs without one. Raises `MissingKeyError`, and what
        the key's callable raises."""
        rule, operation = self.rule, self.operation
        if rule is None or operation is None:
            return None
        return operation.identify(lambda: rule.identify(record, scope=scope))

    def _call(
        self, identity: Identity | None, target: Target, data_key: DataKey | None
    ) -> ActiveCall | UnprotectedCall:
        if identity is None or self.operation is None:
            return UnprotectedCall(target)
        return self.operation.begin(identity, target, data_key=data_key)


class BatchFailures:
    """The failed records of one batch, and those that must wait for them.

    In SQS FIFO a failure stops its message group, in Kafka its partition; in Kinesis, DynamoDB
    Streams and DocumentDB, the batch. `identify` reads a record, which may take long, or the
    process down. So it reads the next one before this one runs: nothing of it stands between an
    effect and its completion.
    """

    def __init__(
        self, records: list[BatchRecord], identify: Callable[[BatchRecord], Identity | None]
    ) -> None:
        self._records = records
        self._identify = identify
        self._unread = iter(enumerate(records))
        self._next: tuple[int, Identity | None] | None = None
        self._exit: BaseException | None = None
        self._failed: set[str] = set()
        self._stopped: set[str] = set()

    def batch(self, begin: Callable[[int, BatchRecord, Identity | None], BatchCall]) -> Batch:
        """Return the batch's steps. `begin` makes the call of a record when its turn has come."""
        return run_batch(self._calls(begin), self._end, self._read_ahead)

    def response(self, *, is_read: bool) -> dict[str, Any]:
        """Return the batch's response. Raises `BatchError` if a record failed and nobody reads it.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        source = self._records[0].source if self._records else None
        if self._failed and source is not None and not (is_read and source.responds):
            raise BatchError(
                f"{len(self._failed)} of {len(self._records)} records of {source.title} failed or "
                "wait for one that did; the log says why. The whole batch has to come again, and "
                "the records that are done do not run again."
            )
        failed = {each.item: each.identifier for each in self._records if each.item in self._failed}
        return {"batchItemFailures": [{"itemIdentifier": item} for item in failed.values()]}

    def _calls(
        self, begin: Callable[[int, BatchRecord, Identity | None], BatchCall]
    ) -> Iterator[BatchCall]:
        while True:
            self._read_ahead()
            if self._exit is not None:
                raise self._exit
            if self._next is None:
                return
            (number, identity), self._next = self._next, None
            record = self._records[number]
            if not self._stops(record):
                yield begin(number, record, identity)

    def _read_ahead(self) -> None:
        """Read the next record that may run, unless that has been done. What ends the process waits
        for the record's turn: the one before it has been claimed and runs first."""
        while self._next is None and self._exit is None:
            number, record = next(self._unread, (0, None))
            if record is None:
                return
            if self._stops(record):
                continue
            try:
                self._next = number, self._identify(record)
            except Exception as error:  # noqa: BLE001 - the other records must still run
                self._fail(record, error)
            except BaseException as error:  # noqa: BLE001 - raised by `_calls`
                self._exit = error

    def _stops(self, record: BatchRecord) -> bool:
        """Tell whether a record must wait for an earlier one that has failed."""
        if record.group not in self._stopped:
            return False
        self._failed.add(record.item)
        return True

    def _end(self, call: BatchCall, outcome: Outcome) -> None:
        try:
            result_of(outcome, restore=lambda _: None)
        except Exception as error:  # noqa: BLE001 - the other records must still run
            self._fail(self._records[call.number], error, call.key, outcome)

    def _fail(
        self,
        record: BatchRecord,
        error: Exception,
        key: str | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        self._failed.add(record.item)
        if record.group is not None:
            self._stopped.add(record.group)
        raised = isinstance(outcome, Raised) or not isinstance(error, IdempotencyError)
        log(
            ERROR if raised else WARNING,
            "%s item %s failed%s: %s",
            *(record.source_name, record.item, "" if key is None else f" (record {key})"),
            type(error).__name__ if raised else error,
            error=error if raised else None,
        )
