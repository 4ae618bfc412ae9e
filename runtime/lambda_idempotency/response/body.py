"""The body of one call's response: to the record or an S3 object, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import StoreError
from ..protocol.record import Record
from ..protocol.steps import Call, Executed, Outcome, Replayed, Returned, Unavailable
from . import compression

if TYPE_CHECKING:
    from .offload import Objects


class ResponseBody:
    """The response that one call records or finds. `objects` are for large bodies."""

    __slots__ = ("_call", "_max_data", "_objects", "_own")

    def __init__(self, call: Call, *, max_data: int | None, objects: Objects | None) -> None:
        self._call = call
        self._max_data = max_data
        self._objects = objects
        self._own: Returned | None = None

    def packed(self, ran: Returned) -> Returned:
        """Return a result in its recorded form. Never raises."""
        self._own = ran
        if ran.data is None or not ran.keep:
            return ran
        packed = compression.pack(ran, max_data=self._max_data if self._objects is None else None)
        if packed.data is None:
            import logging  # its import takes 10 ms

            logging.getLogger("lambda_idempotency").warning(
                "%s: the response is too large for the store, so its duplicates get "
                "ResponseUnavailableError. Give Idempotency a bucket: large_responses=...",
                self._call.key,
            )
        return packed

    def offloaded(self, ran: Returned) -> Returned:
        """Return the result, its body in an object if it is large. Never raises."""
        assert self._objects is not None
        return self._objects.offload(
            ran, key=self._call.key, owner=self._call.owner, max_data=self._max_data
        )

    def fetched(self, outcome: Outcome) -> Outcome:
        """Return the outcome; a replayed record gets its body."""
        if not isinstance(outcome, Replayed):
            return outcome
        found: Outcome
        try:
            record = fetched(outcome.record, self._objects)
            missing, found = compression.is_in_object(record), Replayed(record)
        except StoreError as error:
            missing, found = True, Unavailable(error)
        if missing and self._own is not None and not self._own.writes:
            return Executed(self._own.result)  # this call was overtaken, but ran and has an answer
        return found


def fetched(record: Record, objects: Objects | None) -> Record:
    """Return the record with its body. Raises `StoreError` if S3 cannot be reached."""
    if objects is None or not compression.is_in_object(record):
        return record
    return objects.fetch(record)
