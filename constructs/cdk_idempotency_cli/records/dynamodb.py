"""Records in a DynamoDB table, by boto3's client."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from lambda_idempotency.clients.net.waiting import BLOCKING, run
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import (
    INPROGRESS,
    Absent,
    Applied,
    Conflict,
    Record,
    Reply,
)
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.dynamodb_conditions import Condition
from lambda_idempotency.stores.dynamodb_items import from_item

from .base import Found

_WITHOUT_ANSWERS: Final = {
    "#id": "id",
    "#status": "status",
    "#owner": "owner",
    "#attempt": "attempt",
    "#expiration": "expiration",
    "#lease_end": "in_progress_expiration",
    "#revision": "revision",
    "#encoding": "encoding",
    "#execution": "execution",
}
"""The attributes that a scan reads: neither answers nor steps leave the table."""


class DynamoDBRecords(DynamoDBStore):
    """The records of one table."""

    def __init__(self, client: Any, table: str) -> None:
        super().__init__(table, client=client)

    @property
    def place(self) -> str:
        return f"table {self.label}"

    def find(self, key: str) -> Found | None:
        request = f'{self._at(key)},"ConsistentRead":true}}'
        answer = run(self._send("get_item", request, self._clock.read(), BLOCKING))
        if answer.item is None:
            return None
        return Found(from_item(answer.item, key, self._table), self._clock.now())

    def delete(self, seen: Record, *, forced: bool = False) -> Reply:
        return self._write("delete_item", self._at(seen.key), seen, forced=forced)

    def put(self, record: Record, seen: Record, *, forced: bool = False) -> Reply:
        put = self._put_of(record, "").removesuffix(",}")
        return self._write("put_item", put, seen, forced=forced)

    def scan(self, namespace: str | None) -> Generator[list[Found], None, None]:
        chosen = {}
        if namespace is not None:
            chosen = {
                "FilterExpression": "begins_with(#id, :namespace)",
                "ExpressionAttributeValues": {":namespace": {"S": f"{namespace}#"}},
            }
        pages = self._brought.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression=", ".join(_WITHOUT_ANSWERS),
            ExpressionAttributeNames=_WITHOUT_ANSWERS,
            **chosen,
        )
        reading = self._clock.read()
        for page in pages:
            self._clock.check(page["ResponseMetadata"]["HTTPHeaders"].get("date"), reading)
            reading = self._clock.read()
            now = reading.now
            yield [
                Found(record, now)
                for item in page["Items"]
                if (record := _record(item, self._table)) is not None
            ]

    def size(self) -> int | None:
        count = self._brought.describe_table(TableName=self._table)["Table"].get("ItemCount")
        return int(count) if count else None  # DynamoDB counts every six hours

    def close(self) -> None:
        """Leave the client, which is not its own, open."""

    def _write(self, operation: str, request: str, seen: Record, *, forced: bool) -> Reply:
        reading = self._clock.read()
        clauses = ["#status = :status", "#owner = :seen"]
        demanded: dict[str, str | int] = {"status": seen.status, "seen": seen.owner}
        if seen.status == INPROGRESS:
            clauses.append("#revision = :revision")
            demanded["revision"] = seen.revision
            if not forced:
                clauses.append("#lease_end <= :now_ms")
        guard = Condition(" AND ".join(clauses)).at(reading, **demanded)
        answer = run(self._send(operation, f"{request},{guard}}}", reading, BLOCKING))
        if not answer.refused:
            return Applied(reading.now)
        if answer.item is None:
            return Absent(reading.now)
        return Conflict(from_item(answer.item, seen.key, self._table), reading.now)


def _record(item: Mapping[str, Any], table: str) -> Record | None:
    """Return the record in an item; None if it is not one of this library."""
    try:
        return from_item(item, item["id"]["S"], table)
    except (StoreError, KeyError):
        return None
