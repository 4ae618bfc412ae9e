"""Records in a DynamoDB table: one conditional request per verb.

The table has the string key `id` and TTL on `expiration`; `dynamodb_items` has the records' form,
`dynamodb_conditions` the conditions that decide.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from ..clients.aws.clock import MAX_SKEW_MS, ClockReading, ServiceClock
from ..clients.aws.endpoints import Endpoint, endpoint_of
from ..contract.names import PARTITION_KEY
from ..errors import ConfigurationError, StoreError
from ..protocol.record import (
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
    WritesRefused,
)
from . import transaction
from .base import ReplyOrError, Store
from .dynamodb_conditions import (
    CLAIM,
    COMPLETE,
    COMPLETE_OR_CREATE,
    IF_OWN,
    TAKE_OVER,
    Condition,
)
from .dynamodb_items import MAX_DATA, from_item, to_item

_TRANSACT: Final = "transact_write_items"


class DynamoDBStore(Store):
    """Records in a DynamoDB table.

    `client` is a low-level boto3 DynamoDB client; by default the runtime's own, light one, which
    takes region, credentials and endpoint from Lambda's environment at the first request.
    `url_suffix` is the partition's. `clock` returns epoch seconds, `steady` seconds that nobody
    sets.
    """

    max_data: int | None = MAX_DATA
    transactional = True
    renews = True

    def __init__(
        self,
        table_name: str,
        *,
        client: Any = None,
        url_suffix: str = "amazonaws.com",
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        if not table_name:
            raise ConfigurationError("table_name is empty; expected the name of a DynamoDB table")
        self._table = table_name
        self._client = client
        self._url_suffix = url_suffix
        self._clock = ServiceClock(clock, steady)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The endpoint's URL and the table, or the table alone while no region is known, as in a
        unit test."""
        endpoint = self._endpoint()
        return self._table if endpoint is None else f"{endpoint.url}/{self._table}"

    @property
    def label(self) -> str:
        """The table, as in the construct's metrics."""
        return self._table

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        if seen is None:
            return self._lease(claim, CLAIM)
        return self._lease(claim, TAKE_OVER, seen=seen.owner)

    def renew(self, claim: Claim) -> Reply:
        return self._lease(claim, IF_OWN, me=claim.owner)

    def complete(self, completion: Completion) -> Reply:
        if completion.writes:
            return self._commit(completion)
        if completion.strict:
            condition = IF_OWN
        elif completion.may_create(self._clock.now()):
            condition = COMPLETE_OR_CREATE
        else:
            condition = COMPLETE
        reply, _ = self._put(completion, condition, me=completion.owner)
        return reply

    def release(self, key: str, owner: str) -> Reply:
        reading = self._clock.read()
        guard = IF_OWN.at(reading, me=owner)
        answer = self._send("delete_item", reading, **self._at(key), **guard)
        return self._reply(key, answer, reading.now)

    def read(self, key: str) -> Reply:
        reading = self._clock.read()
        answer = self._send("get_item", reading, **self._at(key), ConsistentRead=True)
        return self._found(key, answer.item)

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Send two requests at once: no single request does both and lets one of them fail."""
        from .in_parallel import in_parallel  # for batches

        return in_parallel(lambda: self.complete(completion), lambda: self.claim(claim))

    def _at(self, key: str) -> dict[str, Any]:
        return {"TableName": self._table, "Key": {PARTITION_KEY: {"S": key}}}

    def _lease(self, claim: Claim, condition: Condition, **owners: str) -> Reply:
        """Write a claim's record."""
        reply, moved = self._put(claim, condition, **owners)
        if isinstance(reply, Applied) and abs(moved) > MAX_SKEW_MS:
            # The lease just written is off by that much: write it again while it is still ours.
            reply, _ = self._put(claim, IF_OWN, me=claim.owner)
        return reply

    def _put(
        self, write: Claim | Completion, condition: Condition, **owners: str
    ) -> tuple[Reply, int]:
        reading = self._clock.read()
        guard = condition.at(reading, **owners)
        item = to_item(write.record(reading.now))
        answer = self._send("put_item", reading, TableName=self._table, Item=item, **guard)
        return self._reply(write.key, answer, reading.now), answer.moved

    def _commit(self, completion: Completion) -> Reply:
        reading = self._clock.read()
        item = to_item(completion.record(reading.now))
        request = transaction.request(self._table, completion, item)
        answer = self._send(_TRANSACT, reading, **request)
        if answer.about is not None:
            return WritesRefused(answer.about, reading.now)
        return self._reply(completion.key, answer, reading.now)

    def _reply(self, key: str, answer: _Answer, now: int) -> Reply:
        if not answer.refused:
            return Applied(now)
        if answer.item is None:
            # Nothing is there; or the server knows no ReturnValuesOnConditionCheckFailure.
            return self.read(key)
        return self._found(key, answer.item)

    def _found(self, key: str, item: Mapping[str, Any] | None) -> Reply:
        now = self._clock.now()
        if item is None:
            return Absent(now)
        record = from_item(item, key, self._table)
        return Absent(now) if record.expired(now) else Conflict(record, now)

    def _send(self, operation: str, sent: ClockReading, **request: Any) -> _Answer:
        client = self._client if self._client is not None else self._create_client()
        refused, about = False, None
        try:
            response = getattr(client, operation)(**request)
        except Exception as error:
            response = getattr(error, "response", None)
            response = response if isinstance(response, Mapping) else {}
            code = _code(response)
            if code == "ConditionalCheckFailedException":
                refused = True
            elif operation == _TRANSACT and (found := transaction.verdict(code, response)):
                refused, about = found.about is None, found.about
                response = {**response, "Item": found.item}
            else:
                raise self._unreachable(operation, error, response) from error
        metadata = response.get("ResponseMetadata", {})
        moved = self._clock.check(metadata.get("HTTPHeaders", {}).get("date"), sent)
        return _Answer(response.get("Item"), refused, moved, about)

    def _endpoint(self) -> Endpoint | None:
        """Return where requests go, or will go once there is a client."""
        with suppress(Exception):  # a client may be any object: what it does not say is not known
            if self._client is not None:
                return Endpoint.parse(self._client.meta.endpoint_url)
        with suppress(ConfigurationError):
            return endpoint_of("dynamodb", "DYNAMODB", self._url_suffix, os.environ)
        return None

    def _create_client(self) -> Any:
        with self._lock:
            if self._client is None:
                from ..clients.aws.services import DynamoDB

                self._client = DynamoDB(url_suffix=self._url_suffix)
            return self._client

    def _unreachable(self, operation: str, error: Exception, response: Any) -> StoreError:
        code = _code(response) or type(error).__name__
        request = response.get("ResponseMetadata", {}).get("RequestId", "none")
        about = getattr(error, "about", "")
        return StoreError(
            f"DynamoDB {operation} on table {self._table} failed: {code}{about} (request id "
            f"{request}). "
            f"{_HINTS.get(code, '')}".rstrip()
        )


class _Answer(NamedTuple):
    item: Mapping[str, Any] | None
    refused: bool
    moved: int
    about: str | None = None


def _code(response: Any) -> str:
    code: str = response.get("Error", {}).get("Code", "")
    return code


_HINTS: Final = {
    "AccessDeniedException": "Attach the function with Idempotency.attach(), or see grant_use().",
    "ResourceNotFoundException": "Is the table in this account and region?",
}
