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
    from .data_keys import DataKey


class ResponseBody:
    """The response that one call records or finds. `data_key` encrypts it, where `keeping` says
    so."""

    __slots__ = ("_call", "_data_key", "_keeping", "_max_data")

    def __init__(
        self, call: Call, max_data: int | None, keeping: Keeping, data_key: DataKey | None
    ) -> None:
        self._call = call
        self._max_data = max_data
        self._keeping = keeping
        self._data_key = data_key

    def packed(self, ran: Returned) -> Returned:
        """Return a result in its recorded form."""
        if ran.data is None or not ran.keep:
            return ran
        if not self._keeping.store_response:
            return ran._replace(data=None, encoding=NOT_KEPT)
        max_data = self._max_data if self._keeping.objects is None else None
        if self._keeping.keys is None:
            packed = compression.pack(ran, max_data=max_data)
        else:
            from .sealing import RESPONSE, sealed

            packed = compression.pack(ran, max_data=None)
            packed = sealed(packed, self._data_key, record=self._call.key, slot=RESPONSE)
            if packed.data is None:
                return packed  # `fail_open`, and the log has said so
            packed = compression.fitting(packed, max_data=max_data)
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
        assert self._keeping.objects is not None
        return self._keeping.objects.offload(
            ran, key=self._call.key, owner=self._call.owner, max_data=self._max_data
        )

    def fetched(self, outcome: Outcome) -> Outcome:
        """Return the outcome; a replayed record gets its body."""
        if not isinstance(outcome, Replayed):
            return outcome
        try:
            return outcome._replace(record=fetched(outcome.record, self._keeping))
        except StoreError as error:
            return Unavailable(error) if outcome.own is None else outcome.own


def fetched(record: Record, keeping: Keeping) -> Record:
    """Return the record with its body, decrypted. Raises `StoreError` if S3 or KMS cannot be
    reached."""
    what = f"The operation under record {record.key}"
    if keeping.objects is not None and compression.is_in_object(record):
        record = keeping.objects.fetch(record, what=what)
    if keeping.keys is None or not compression.is_encrypted(record):
        return record
    from .sealing import RESPONSE, opened

    return opened(record, keeping.keys, slot=RESPONSE, what=what)
