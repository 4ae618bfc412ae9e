"""Outcomes, turned into the caller's result, or into the error that says why there is none.

The code that raises and HTTP mode share the table of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import (
    CommitError,
    FingerprintMismatchError,
    IdempotencyError,
    InProgressError,
    LeaseLostError,
    ParkedError,
    StoreError,
)
from ..metrics.reporting import WARNING, log
from ..protocol.record import Record
from ..protocol.steps import (
    CommitFailed,
    Executed,
    InProgress,
    LeaseLost,
    Mismatch,
    Outcome,
    Parked,
    Raised,
    Replayed,
    Unavailable,
)


def result_of(outcome: Outcome, restore: Callable[[Record], Any]) -> Any:
    """Return the caller's result. `restore` derives it from a record.

    Raises what the handler raised, or the error of an outcome that has no result.
    """
    if isinstance(outcome, Executed):
        return outcome.result
    if isinstance(outcome, Replayed):
        return replayed(outcome, restore)
    if isinstance(outcome, Raised):
        raise outcome.error
    raise error_of(outcome)


def replayed(outcome: Replayed, restore: Callable[[Record], Any]) -> Any:
    """Return the result in a record; the call's own one, if it has any, where `restore` raises."""
    if outcome.own is None:
        return restore(outcome.record)
    try:
        return restore(outcome.record)
    except BaseException as error:  # noqa: BLE001 - whatever a hook raises, the effect has happened
        log(
            WARNING,
            "%s: this call was overtaken, and the other answer cannot be replayed (%s), so the "
            "caller gets its own.",
            outcome.record.key,
            type(error).__name__,
        )
        return outcome.own.result


def error_of(outcome: Outcome) -> IdempotencyError:
    """Return the error for an outcome that is neither a result nor the handler's own error."""
    return _ERRORS[type(outcome)](outcome)


def _in_progress(outcome: InProgress) -> InProgressError:
    rest = max(outcome.record.lease_end - outcome.now, 0) / 1000
    return InProgressError(
        f"Another attempt under record {outcome.record.key} is in progress; retry later. "
        f"It may hold the key for {rest:.1f} s more.",
        retry_after=rest,
    )


def _mismatch(outcome: Mismatch) -> FingerprintMismatchError:
    return FingerprintMismatchError(
        f"Record {outcome.record.key} belongs to a request with the same key and another "
        "payload. Send a new request under a new key."
    )


def _parked(outcome: Parked) -> ParkedError:
    return ParkedError(
        f"Record {outcome.key} is parked: {outcome.attempts} attempts left no answer. Find out "
        "whether the effect happened. If it did not, cdk-idempotency release lets it run again."
    )


def _unavailable(outcome: Unavailable) -> IdempotencyError:
    if isinstance(outcome.error, IdempotencyError):
        return outcome.error
    error = StoreError(f"The store failed: {type(outcome.error).__name__}.")
    error.__cause__ = outcome.error
    return error


def _commit_failed(outcome: CommitFailed) -> CommitError:
    if outcome.applied is None:
        return CommitError(
            f"Nobody knows whether the writes under record {outcome.key} were applied: "
            f"{outcome.about}. Retry: the record tells, at the latest when its lease has ended.",
            applied=None,
        )
    return CommitError(
        f"The writes under record {outcome.key} were not applied, and nothing was recorded: "
        f"{outcome.about}. A retry runs again.",
        applied=False,
    )


def _lease_lost(outcome: LeaseLost) -> LeaseLostError:
    return LeaseLostError(
        f"The attempt under record {outcome.key} has lost its lease (another one took over, or its "
        "record is gone), so its writes were not applied. Retry to get the other attempt's answer."
    )


_ERRORS: Final[Mapping[type, Callable[[Any], IdempotencyError]]] = {
    InProgress: _in_progress,
    Mismatch: _mismatch,
    Parked: _parked,
    Unavailable: _unavailable,
    CommitFailed: _commit_failed,
    LeaseLost: _lease_lost,
}
