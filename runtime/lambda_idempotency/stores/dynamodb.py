"""Records in a DynamoDB table: one conditional request per verb.

The table has the string key `id` and TTL on `expiration`. Attribute names follow Powertools for
AWS Lambda, so that one table design serves both. Expiry is decided by the condition: TTL deletes
within days, not at the second
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ..clients.aws.clock import MAX_SKEW, ClockReading, ServiceClock
from ..contract.dynamodb import PARTITION_KEY, TTL_ATTRIBUTE
from ..errors import ConfigurationError, StoreError
from ..protocol.record import (
    COMPLETED,
    INPROGRESS,
    PARKED,
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
from .in_parallel import in_parallel

_ABSENT: Final = "attribute_not_exists(#id)"
_EXPIRED: Final = "#expiration <= :now"
_ORPHAN: Final = (
    "(#status = :inprogress AND #owner = :seen AND #lease_end <= :now_ms AND #expiration > :now)"
)
_OWN: Final = "(#status = :inprogress AND #owner = :me AND #expiration > :now)"
_PARKED: Final = "(#status = :parked AND #expiration > :now)"

_TRANSACT: Final = "transact_write_items"
_ITEM_LIMIT: Final = 400 * 1024  # bytes, names included; the other attributes take less than 1 KiB


class DynamoDBStore:
    """`client` is a low-level boto3 DynamoDB client; by default the runtime's own, light one, which
    takes region, credentials and endpoint from Lambda's environment at the first request.
    `url_suffix` is the partition's. `clock` returns epoch seconds."""

    max_data: int | None = _ITEM_LIMIT - 1024
    transactional = True

    def __init__(
        self,
        table_name: str,
        *,
        client: Any = None,
        url_suffix: str = "amazonaws.com",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not table_name:
            raise ConfigurationError("table_name is empty; expected the name of a DynamoDB table")
        self.name = self._table = table_name
        self._client = client
        self._url_suffix = url_suffix
        self._clock = ServiceClock(clock)
        self._lock = threading.Lock()

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        """See `Store.claim`."""
        if seen is None:
            reply, moved = self._put(claim, _CLAIM)
        else:
            reply, moved = self._put(claim, _TAKE_OVER, seen=seen.owner)
        if isinstance(reply, Applied) and abs(moved) > MAX_SKEW:
            # The lease just written is off by that much: write it again while it is still ours.
            reply, _ = self._put(claim, _IF_OWN, me=claim.owner)
        return reply

    def complete(self, completion: Completion) -> Reply:
        """See `Store.complete`."""
        if completion.writes:
            return self._commit(completion)
        if completion.strict:
            condition = _IF_OWN
        elif completion.may_create(self._clock.now()):
            condition = _COMPLETE_OR_CREATE
        else:
            condition = _COMPLETE
        reply, _ = self._put(completion, condition, me=completion.owner)
        return reply

    def release(self, key: str, owner: str) -> Reply:
        """See `Store.release`."""
        reading = self._clock.read()
        guard = _IF_OWN.at(reading, me=owner)
        answer = self._send("delete_item", reading, **self._at(key), **guard)
        return self._reply(answer, reading.now)

    def read(self, key: str) -> Reply:
        """See `Store.read`."""
        reading = self._clock.read()
        answer = self._send("get_item", reading, **self._at(key), ConsistentRead=True)
        return self._found(answer.item)

    def together(
        self, completion: Completion, claim: Claim
    ) -> tuple[Reply | Exception, Reply | Exception]:
        """See `Store`. There is no request that does both and lets one of them fail."""
        return in_parallel(lambda: self.complete(completion), lambda: self.claim(claim))

    def _at(self, key: str) -> dict[str, Any]:
        return {"TableName": self._table, "Key": {PARTITION_KEY: {"S": key}}}

    def _put(
        self, write: Claim | Completion, condition: _Condition, **owners: str
    ) -> tuple[Reply, int]:
        reading = self._clock.read()
        guard = condition.at(reading, **owners)
        item = to_item(write.record(reading.now))
        answer = self._send("put_item", reading, TableName=self._table, Item=item, **guard)
        return self._reply(answer, reading.now), answer.moved

    def _commit(self, completion: Completion) -> Reply:
        reading = self._clock.read()
        item = to_item(completion.record(reading.now))
        request = transaction.request(self._table, completion, item)
        answer = self._send(_TRANSACT, reading, **request)
        if answer.about is not None:
            return WritesRefused(answer.about, reading.now)
        return self._reply(answer, reading.now)

    def _reply(self, answer: _Answer, now: int) -> Reply:
        return self._found(answer.item) if answer.refused else Applied(now)

    def _found(self, item: Mapping[str, Any] | None) -> Reply:
        now = self._clock.now()
        if item is None:
            return Absent(now)
        record = from_item(item, self._table)
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


class _Condition:
    """A condition expression, with just the names and values it uses: DynamoDB refuses others."""

    def __init__(self, *clauses: str) -> None:
        expression = " OR ".join(clauses)
        names = {
            "#id": PARTITION_KEY,
            "#status": "status",
            "#owner": "owner",
            "#expiration": TTL_ATTRIBUTE,
            "#lease_end": "in_progress_expiration",
        }
        values = {":inprogress": {"S": INPROGRESS}, ":parked": {"S": PARKED}}
        used = set(expression.replace("(", " ").replace(")", " ").split())
        self._request = {
            "ConditionExpression": expression,
            "ExpressionAttributeNames": {name: names[name] for name in names if name in used},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        self._constants = {name: values[name] for name in values if name in used}
        self._seconds = ":now" in used
        self._milliseconds = ":now_ms" in used

    def at(self, reading: ClockReading, **owners: str) -> dict[str, Any]:
        """The part of a request that makes it conditional; `owners` are its `:me` and `:seen`."""
        now = reading.now if reading.checked else 0  # by an unconfirmed clock nothing has expired
        values = dict(self._constants)
        if self._seconds:
            values[":now"] = {"N": str(now // 1000)}
        if self._milliseconds:
            values[":now_ms"] = {"N": str(now)}
        for name, owner in owners.items():
            values[f":{name}"] = {"S": owner}
        return {**self._request, "ExpressionAttributeValues": values}


_CLAIM: Final = _Condition(_ABSENT, _EXPIRED)
_TAKE_OVER: Final = _Condition(_ORPHAN)
_IF_OWN: Final = _Condition(_OWN)
_COMPLETE: Final = _Condition(_OWN, _PARKED)
_COMPLETE_OR_CREATE: Final = _Condition(_OWN, _PARKED, _ABSENT, _EXPIRED)


class _Answer(NamedTuple):
    item: Mapping[str, Any] | None
    refused: bool
    moved: int
    about: str | None = None


def to_item(record: Record) -> dict[str, Any]:
    """The record as a DynamoDB item; absent values are left out."""
    item: dict[str, Any] = {
        PARTITION_KEY: {"S": record.key},
        "status": {"S": record.status},
        "owner": {"S": record.owner},
        "attempt": {"N": str(record.attempt)},
        TTL_ATTRIBUTE: {"N": str(record.expiration)},
    }
    if record.status == INPROGRESS:
        item["in_progress_expiration"] = {"N": str(record.lease_end)}
    if record.fingerprint is not None:
        item["validation"] = {"S": record.fingerprint}
    if record.data is not None:
        item["data"] = {"S" if isinstance(record.data, str) else "B": record.data}
    if record.encoding is not None:
        item["encoding"] = {"S": record.encoding}
    if record.scope is not None:
        item["scope"] = {"S": record.scope}
    return item


def from_item(item: Mapping[str, Any], table: str) -> Record:
    """The record in a DynamoDB item. Raises `StoreError` where it is none of ours."""
    key = item[PARTITION_KEY]["S"]
    try:
        status = item["status"]["S"]
        if status not in (INPROGRESS, COMPLETED, PARKED):
            raise ValueError
        data = item.get("data", {})
        return Record(
            key=key,
            status=status,
            owner=item["owner"]["S"],
            attempt=int(item["attempt"]["N"]),
            expiration=int(item[TTL_ATTRIBUTE]["N"]),
            lease_end=int(item["in_progress_expiration"]["N"]) if status == INPROGRESS else 0,
            fingerprint=_text(item, "validation"),
            data=data["B"] if "B" in data else data.get("S"),
            encoding=_text(item, "encoding"),
            scope=_text(item, "scope"),
        )
    except (KeyError, ValueError):
        raise StoreError(
            f"Item {key} of table {table} is not an idempotency record of this library; "
            "delete it, or give this function a table or namespace of its own."
        ) from None


def _text(item: Mapping[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _code(response: Any) -> str:
    code: str = response.get("Error", {}).get("Code", "")
    return code


_HINTS: Final = {
    "AccessDeniedException": "Attach the function with Idempotency.attach(), or see grant_use().",
    "ResourceNotFoundException": "Is the table in this account and region?",
}
