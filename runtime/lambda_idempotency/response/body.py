"""The body of one call's response: to the record or an S3 object, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import StoreError
from ..metrics.reporting import WARNING, log
from ..protocol.record import NOT_KEPT, Record
from ..protocol.steps import Call, Outcome, Replayed, Returned, Unavailable
from . import compression
from .keeping import Keeping

if TYPE_CHECKING:
    from .offload import Objects


class ResponseBody:
    """The response that one call records or finds."""

    __slots__ = ("_call", "_keeps", "_max_data", "_objects")

    def __init__(self, call: Call, *, max_data: int | None, keeping: Keeping) -> None:
        self._call = call
        self._max_data = max_data
        self._keeps = keeping.store_response
        self._objects = keeping.objects

    def packed(self, ran: Returned) -> Returned:
        """Return a result in its recorded form."""
        if ran.data is None or not ran.keep:
            return ran
        if not self._keeps:
            return ran._replace(data=None, encoding=NOT_KEPT)
        packed = compression.pack(ran, max_data=self._max_data if self._objects is None else None)
        if packed.data is None:
            log(
                WARNING,
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
        try:
            return outcome._replace(record=fetched(outcome.record, self._objects))
        except StoreError as error:
            return Unavailable(error) if outcome.own is None else outcome.own


def fetched(record: Record, objects: Objects | None) -> Record:
    """Return the record with its body. Raises `StoreError` if S3 cannot be reached."""
    if objects is None or not compression.is_in_object(record):
        return record
    return objects.fetch(record)
