"""The peer's persistence layer in memory: its protocol without I/O."""

from __future__ import annotations

import threading
import time
from typing import Any

from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)


class MemoryLayer(BasePersistenceLayer):
    """Records in a dictionary, with the conditions of the peer's DynamoDB layer."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the peer is untyped here
        self._records: dict[str, Any] = {}
        self._lock = threading.Lock()

    def _get_record(self, idempotency_key: str) -> Any:
        try:
            return self._records[idempotency_key]
        except KeyError:
            raise IdempotencyItemNotFoundError from None

    def _put_record(self, data_record: Any) -> None:
        with self._lock:
            found = self._records.get(data_record.idempotency_key)
            if found is not None and not _is_free(found):
                raise IdempotencyItemAlreadyExistsError(old_data_record=found)
            self._records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: Any) -> None:
        self._records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: Any) -> None:
        self._records.pop(data_record.idempotency_key, None)


def _is_free(found: Any) -> bool:
    now = time.time()
    ends = found.in_progress_expiry_timestamp
    return bool(
        found.expiry_timestamp < now
        or (found.status == "INPROGRESS" and ends is not None and ends < now * 1000)
    )
