"""One decorated handler of records: from a batch to what of it has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from ...drivers import sync_batch
from ...errors import IdempotencyError, MissingKeyError
from ...execution.attempt import Running, TimeLeft, unprotected
from ...execution.operation import DEFAULT_LEASE, Operation, answer, with_writes
from ...execution.orphans import reconciled
from ...identity.keys import Identity, KeyAbsentError, Selector, canonical_bytes, digest, record_id
from ...identity.records import BatchRecord, Delivered, records_of
from ...metrics.reporting import MetricsScope, report
from ...protocol.batch import Batch, BatchCall, run_batch, run_unprotected
from ...protocol.record import NO_BODY
from ...protocol.steps import Outcome, Raised, Reconcile, Returned, Run
from ..handlers import SyncHandler, time_left_of

RECORDED: Final = Returned(None, encoding=NO_BODY)
"""What is recorded of a record that has been handled: nobody waits for an answer."""


class RecordRule(NamedTuple):
    """How records are keyed. `key` None: by what the source identifies them with."""

    namespace: str
    key: Selector | None = None
    fingerprint: Selector | None = None

    def identify(self, record: BatchRecord) -> Identity:
        """The identity of a record. Raises `MissingKeyError`, saying why."""
        seen: Any = None
        if self.key is not None or self.fingerprint is not None:
            try:
                seen = record.view()
            except ValueError as error:
                raise MissingKeyError(f"The data of the record are unusable: {error}.") from None
        value = record.identity if self.key is None else self.key.select(seen)
        parsed = self.key is None or self.key.by_path
        key = canonical_bytes("key", value, parsed=parsed)
        return Identity(
            record_id(self.namespace, key, operation=record.arn), self._fingerprint(record, seen)
        )

    def _fingerprint(self, record: BatchRecord, seen: Any) -> str | None:
        if self.fingerprint is not None:
            chosen, parsed = self.fingerprint.select(seen), self.fingerprint.by_path
        elif self.key is None:
            chosen, parsed = record.data, True
        else:
            return None
        return digest((canonical_bytes("fingerprint", chosen, parsed=parsed),))


class RecordRunner(Protocol):
    """A handler of records, by the way in which it is run."""

    def run_batch(self, calls: BatchCalls, operation: Operation, context: Any) -> None:
        """Runs the records, or not, as theirs say."""
        ...


class SyncRecords(NamedTuple):
    """A handler of records as others call it."""

    handler: SyncHandler

    def run_batch(self, calls: BatchCalls, operation: Operation, context: Any) -> None:
        """See `RecordRunner.run_batch`."""

        def run(member: BatchCall, step: Run | Reconcile) -> Returned | None:
            attempt, record = operation.attempt(member.key, step), calls.delivered(member)
            if isinstance(step, Run):
                self.handler.run_as(attempt, record, context)
            else:
                assert operation.on_orphan is not None
                with Running(attempt, time_left_of(context)):
                    if reconciled(operation.on_orphan(record)) is None:
                        return None
            return with_writes(RECORDED, attempt)

        sync_batch.drive(calls.turns(), store=operation.store, run=run)


class RecordHandling(NamedTuple):
    """How the batches of one handler are answered. `rule` None: no record is protected."""

    rule: RecordRule | None
    operation: Operation

    def call(self, handler: RecordRunner, event: Any, context: Any) -> dict[str, Any]:
        """Runs the handler for the records of a batch, and tells which have failed."""
        time_left = time_left_of(context)
        calls = BatchCalls(
            records_of(event), lambda number, record: self._begin(number, record, time_left)
        )
        with MetricsScope(self.operation.metrics):
            handler.run_batch(calls, self.operation, context)
        return calls.response()

    def _begin(self, number: int, record: BatchRecord, time_left: TimeLeft | None) -> BatchCall:
        """Raises `MissingKeyError`, and what a callable raises that is to find the key."""
        identity = None
        if self.rule is not None:
            try:
                identity = self.rule.identify(record)
            except MissingKeyError as error:
                report("MissingKey", None)
                if not (self.operation.bypass_missing_key and isinstance(error, KeyAbsentError)):
                    raise
        if identity is None:
            return BatchCall(number, unprotected().key, run_unprotected(), lambda: DEFAULT_LEASE)
        begun = self.operation.begin(identity, time_left)
        return BatchCall(number, identity.key, begun.protocol, begun.remaining)


class BatchCalls:
    """The calls of one batch: which of its records have failed, and which have to wait for those.

    A failure of SQS FIFO stops its message group; one of Kinesis or DynamoDB Streams the batch.
    """

    def __init__(
        self, records: list[BatchRecord], begin: Callable[[int, BatchRecord], BatchCall]
    ) -> None:
        self._records = records
        self._begin = begin
        self._failed: dict[str, None] = {}
        self._stopped: set[str] = set()

    def turns(self) -> Batch:
        """The steps of the batch."""
        return run_batch(self._members(), self._end)

    def delivered(self, member: BatchCall) -> Delivered:
        """The record as it was delivered."""
        return self._records[member.number].delivered

    def response(self) -> dict[str, Any]:
        """The batch's response: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html."""
        return {"batchItemFailures": [{"itemIdentifier": item} for item in self._failed]}

    def _members(self) -> Iterator[BatchCall]:
        for number, record in enumerate(self._records):
            if record.group in self._stopped:
                self._failed[record.item] = None
                continue
            try:
                member = self._begin(number, record)
            except Exception as error:  # noqa: BLE001 - the others are to run all the same
                self._fail(record, error)
                continue
            yield member

    def _end(self, member: BatchCall, outcome: Outcome) -> None:
        try:
            answer(outcome, restore=lambda _: None)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(self._records[member.number], error, member.key, outcome)

    def _fail(
        self,
        record: BatchRecord,
        error: Exception,
        key: str | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        import logging  # 10 ms of a cold start, for those who need it

        self._failed[record.item] = None
        if record.group is not None:
            self._stopped.add(record.group)
        raised = isinstance(outcome, Raised) or not isinstance(error, IdempotencyError)
        logging.getLogger("lambda_idempotency").log(
            logging.ERROR if raised else logging.WARNING,
            "%s item %s failed%s: %s",
            *(record.source, record.item, "" if key is None else f" (record {key})"),
            type(error).__name__ if raised else error,
            exc_info=error if raised else None,
        )
