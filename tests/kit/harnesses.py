"""Stores under test, each with a way to plant records in any state and to see what is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import boto3
from botocore.config import Config

from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from kit.aws.local import REGION
from kit.clocks import ManualClock
from lambda_idempotency.clients.aws.typed import decoded
from lambda_idempotency.protocol import steps
from lambda_idempotency.protocol.record import INPROGRESS, Claim, Completion, Record, Reply
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.cached import CachedStore
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.dynamodb_items import from_item, to_item
from lambda_idempotency.stores.memory import MemoryStore
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.stores.redis_fields import from_fields, to_fields
from lambda_idempotency.testing.store_harness import StoreHarness
from simulation.explorer.backends import Backend, Request


class MemoryHarness(StoreHarness):
    """A `MemoryStore` whose clock stands still."""

    sees_expired = True

    def __init__(self, *, cached: bool = False) -> None:
        """Put the store, if `cached`, behind a `CachedStore`, which knows only what it has been
        told.
        """
        self._clock = ManualClock()
        self._memory = MemoryStore(self._clock)
        store: Store = self._memory
        if cached:
            store = CachedStore(store, 10, moment=self._clock.moment)
        super().__init__(store)

    def now(self) -> int:
        return int(self._clock() * 1000)

    def plant(self, record: Record) -> Record:
        self._memory.put(record)
        return record

    def stored(self) -> Record | None:
        return self._memory.records().get(self.key)


class ExploredStore(Store):
    """A store as the explorer sees it: a function of the record, the request and the time."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._clock = ManualClock()
        self.records: dict[str, Record | None] = {}

    renews = True

    @property
    def name(self) -> str:
        return f"explored {type(self._backend).__name__}"

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self._clock() * 1000)

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._ask(claim.key, steps.SendClaim(claim, seen))

    def renew(self, claim: Claim) -> Reply:
        return self._ask(claim.key, steps.Renew(claim))

    def complete(self, completion: Completion) -> Reply:
        return self._ask(completion.key, steps.Complete(completion))

    def release(self, key: str, owner: str) -> Reply:
        return self._ask(key, steps.Release(key, owner))

    def read(self, key: str) -> Reply:
        return self._ask(key, steps.Read(key))

    def _ask(self, key: str, request: Request) -> Reply:
        found = self.records.get(key)
        reply, self.records[key] = self._backend.ask(request, found, self.now(), confirmed=True)
        return reply


class ExploredHarness(StoreHarness):
    """An `ExploredStore`, whose clock stands still."""

    sees_expired = True

    def __init__(self, backend: Backend) -> None:
        self._explored = ExploredStore(backend)
        super().__init__(self._explored)

    def now(self) -> int:
        return self._explored.now()

    def plant(self, record: Record) -> Record:
        self._explored.records[record.key] = record
        return record

    def stored(self) -> Record | None:
        return self._explored.records.get(self.key)


class DynamoDBHarness(StoreHarness):
    """A `DynamoDBStore` on a table of a server on this machine, whose clock is this machine's."""

    sees_expired = True

    def __init__(self, client: Any, table: str) -> None:
        store = DynamoDBStore(table, client=None if isinstance(client, DynamoDB) else client)
        if isinstance(client, DynamoDB):
            store._client = client  # of the kind that it would make itself
        super().__init__(store)
        self.client = client
        self.table = table
        self.store.read(self.key)  # checks the clock

    def now(self) -> int:
        return int(time.time() * 1000)

    def plant(self, record: Record) -> Record:
        self.put(decoded(to_item(record)))
        return record

    def put(self, item: dict[str, Any]) -> None:
        """Put an item, a record or not."""
        self.client.put_item(TableName=self.table, Item=item)

    def item(self) -> dict[str, Any] | None:
        """Return the item under `key`, as DynamoDB holds it."""
        answer = self.client.get_item(
            TableName=self.table, Key={"id": {"S": self.key}}, ConsistentRead=True
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def stored(self) -> Record | None:
        item = self.item()
        return None if item is None else from_item(item, self.key, self.table)


class RedisHarness(StoreHarness):
    """A `RedisStore` on a server on this machine; `admin` may do everything there."""

    sees_expired = True

    def __init__(self, client: Any, admin: Any) -> None:
        super().__init__(RedisStore(client))
        self.admin = admin

    def now(self) -> int:
        return int(time.time() * 1000)

    def plant(self, record: Record) -> Record:
        self.put(*hash_of(record), key=record.key)
        return record

    def put(self, *fields: Any, key: str | None = None) -> None:
        """Put a hash, a record or not."""
        key = self.key if key is None else key
        self.admin.delete(key)
        self.admin.execute_command("HSET", key, *fields)

    def fields(self) -> dict[bytes, bytes]:
        """Return the fields under `key`, as Redis holds them."""
        found: dict[bytes, bytes] = self.admin.hgetall(self.key)
        return found

    def stored(self) -> Record | None:
        fields = self.fields()
        return from_fields(self.key, fields) if fields else None


def hash_of(record: Record) -> list[Any]:
    """Return names and values of a record's hash."""
    fields = [*to_fields(record), "expiration", record.expiration]
    if record.status == INPROGRESS:
        fields += ["in_progress_expiration", record.lease_end]
    return fields


def boto_client(endpoint: str, *, attempts: int = 1) -> Any:
    """boto3's client of a server on this machine."""
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"mode": "legacy", "total_max_attempts": attempts}, max_pool_connections=50
        ),
    )


def light_client(endpoint: str, *, sleep: Callable[[float], None] = time.sleep) -> Any:
    """Return the runtime's own client of a server on this machine."""
    return DynamoDB(
        environment=function_environment(endpoint),
        sleep=sleep,
    )


CLIENTS: Final[dict[str, Callable[[str], Any]]] = {"boto3": boto_client, "light": light_client}
"""The clients that a DynamoDB store may have, made for an endpoint."""


def create_table(client: Any, name: str) -> None:
    """Create a table like the construct's, as far as the store can tell."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
