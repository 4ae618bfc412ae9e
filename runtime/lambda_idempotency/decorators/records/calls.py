"""The calls of one batch: from its records to the failed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from ...errors import IdempotencyError
from ...execution.attempt import TimeLeft
from ...execution.call import ActiveCall, UnprotectedCall
from ...execution.hooks import OnOrphan
from ...execution.operation import Operation
from ...execution.outcomes import result_of
from ...execution.runner import Runner
from ...execution.target import Target
from ...identity.batch_sources import Delivered
from ...identity.records import BatchRecord, RecordRule, records_of
from ...metrics.reporting import ERROR, WARNING, MetricsScope, log
from ...protocol.batch import Batch, BatchCall, run_batch
from ...protocol.record import NO_BODY
from ...protocol.steps import Outcome, Raised, Returned
from ...stores.memory import MemoryStore

RecordCode: TypeAlias = Callable[[Delivered], Any]
"""The handler of a record, with the context bound."""

RECORDED: Final = Returned(None, encoding=NO_BODY)
"""The recorded result of a handled record. It has no body: nobody waits for an answer."""


class Records(NamedTuple):
    """The handling of one handler's batches. `operation` None: no record is protected."""

    rule: RecordRule | None
    operation: Operation | None
    on_orphan: OnOrphan | None

    def respond(
        self, runner: Runner, code: RecordCode, event: Any, time_left: TimeLeft | None
    ) -> dict[str, Any]:
        """Run the handler for the records of a batch, and return the failed ones."""

        def begin(number: int, record: BatchRecord) -> BatchCall:
            call = self._call(record, self._target(code, record, time_left))
            return BatchCall(number, call.key, call.protocol, call.remaining, runner.code_of(call))

        failures = BatchFailures(records_of(event))
        with MetricsScope(None if self.operation is None else self.operation.metrics):
            store = MemoryStore() if self.operation is None else self.operation.store
            runner.run_batch(failures.batch(begin), store)
        return failures.response()

    def _target(self, code: RecordCode, record: BatchRecord, time_left: TimeLeft | None) -> Target:
        on_orphan = self.on_orphan
        return Target(
            run=lambda: code(record.delivered),
            record=lambda _: RECORDED,
            reconcile=None if on_orphan is None else lambda: on_orphan(record.delivered),
            time_left=time_left,
        )

    def _call(self, record: BatchRecord, target: Target) -> ActiveCall | UnprotectedCall:
        """Return a record's call. Raises `MissingKeyError`, and what the key's callable raises."""
        rule, operation = self.rule, self.operation
        if rule is not None and operation is not None:
            identity = operation.identify(lambda: rule.identify(record))
            if identity is not None:
                return operation.begin(identity, target)
        return UnprotectedCall(target)


class BatchFailures:
    """The failed records of one batch, and those that must wait for them.

    In SQS FIFO a failure stops its message group; in Kinesis and DynamoDB Streams, the batch.
    """

    def __init__(self, records: list[BatchRecord]) -> None:
        self._records = records
        self._failed: dict[str, None] = {}
        self._stopped: set[str] = set()

    def batch(self, begin: Callable[[int, BatchRecord], BatchCall]) -> Batch:
        """Return the batch's steps. `begin` makes the call of a record when its turn has come."""
        return run_batch(self._calls(begin), self._end)

    def response(self) -> dict[str, Any]:
        """Return the batch's response.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        return {"batchItemFailures": [{"itemIdentifier": item} for item in self._failed]}

    def _calls(self, begin: Callable[[int, BatchRecord], BatchCall]) -> Iterator[BatchCall]:
        for number, record in enumerate(self._records):
            if record.group in self._stopped:
                self._failed[record.item] = None
                continue
            try:
                call = begin(number, record)
            except Exception as error:  # noqa: BLE001 - the other records must still run
                self._fail(record, error)
                continue
            yield call

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
        self._failed[record.item] = None
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
