"""Records in a DynamoDB table: one conditional request per verb.

The table has the string key `id` and TTL on `expiration`; `dynamodb_items` has the records' form,
`dynamodb_conditions` the conditions that decide.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..clients.aws.clock import MAX_SKEW_MS, ClockReading, ServiceClock
from ..clients.aws.endpoints import Endpoint, endpoint_of
from ..clients.aws.typed import decoded, quoted, text
from ..clients.net.deadline import current
from ..clients.net.retry import Backoff
from ..clients.net.secret import Environment
from ..clients.net.waiting import BLOCKING, Waits
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
from ..tuples import NamedTuple
from . import transaction
from .base import ReplyOrError
from .coroutines import CoroutineStore
from .dynamodb_conditions import (
    CLAIM,
    COMPLETE,
    COMPLETE_OR_CREATE,
    IF_NOT_AHEAD,
    IF_OWN,
    IF_WITHOUT_STEPS,
    TAKE_OVER,
    Condition,
)
from .dynamodb_errors import NOT_DYNAMODB, code_of, unreachable
from .dynamodb_items import MAX_DATA, from_item, to_item

if TYPE_CHECKING:
    from ..clients.aws.services import DynamoDB
    from ..clients.net.brought import Brought

CLAIM_TRIES: Final = 3
"""Further tries to claim a key that is refused and not there."""

_TRANSACT: Final = "transact_write_items"
_ANSWERS: Final = frozenset({"ConditionalCheckFailedException"})
"""The errors that are answers: an exception for each replay would cost more than to read it."""


class DynamoDBStore(CoroutineStore):
    """Records in a DynamoDB table.

    `client` is a low-level boto3 DynamoDB client, which works in a thread and is left behind where
    it takes longer than the call has left; by default the runtime's own, light one, which
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
        if not isinstance(table_name, str):
            kind = type(table_name)
            raise ConfigurationError(
                f"table_name is a {kind.__module__}.{kind.__qualname__}; expected the name of a "
                "DynamoDB table, such as table.name of boto3's"
            )
        if not table_name:
            raise ConfigurationError("table_name is empty; expected the name of a DynamoDB table")
        self._table = table_name
        self._request = f'{{"TableName":{quoted(table_name)}'
        self._brought = client
        self._threads: Brought | None = None
        if client is not None:
            from ..clients.net.brought import Brought  # few functions bring a client

            self._threads = Brought(getattr(client, "close", lambda: None))
        self._client: DynamoDB | None = None
        self._url_suffix = url_suffix
        self._clock = ServiceClock(clock, steady)

    @property
    def name(self) -> str:
        """The endpoint's URL and the table, or the table alone while no region is known, as in a
        unit test."""
        endpoint = self._endpoint()
        return self.label if endpoint is None else f"{endpoint.url}/{self.label}"

    @property
    def label(self) -> str:
        """The table's name, as in the construct's metrics, also where its ARN is given."""
        return self._table.rpartition("/")[2]  # no name has a slash

    async def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Reply:
        if seen is not None:
            answer, now = await self._lease(
                claim, TAKE_OVER, waits, seen=seen.owner, revision=seen.revision
            )
        else:
            answer, now = await self._lease(claim, CLAIM, waits)
            if answer.refused and answer.item is None:
                return await self._untold(claim, waits)
        return await self._reply(claim.key, answer, now, waits)

    async def renewing(self, claim: Claim, waits: Waits) -> Reply:
        if claim.writes:
            return await self._commit(claim, waits)
        answer, now = await self._lease(
            claim, IF_NOT_AHEAD, waits, me=claim.owner, revision=claim.revision
        )
        return await self._reply(claim.key, answer, now, waits)

    async def _untold(self, claim: Claim, waits: Waits) -> Reply:
        """Find out what stands in the way of a claim; DynamoDB itself tells it at once.

        The record may have been released in between: then the claim is sent again, a few times.
        """
        backoff, deadline = Backoff(), current(math.inf)
        for _ in range(CLAIM_TRIES):
            found = await self.reading(claim.key, waits)
            if isinstance(found, Conflict):
                return found
            if not await backoff.pause(waits, deadline):
                break
            answer, now = await self._lease(claim, CLAIM, waits)
            if not answer.refused or answer.item is not None:
                return await self._reply(claim.key, answer, now, waits)
        raise StoreError(
            f"DynamoDB put_item on table {self._table} failed: it refuses to write record "
            f"{claim.key}, and finds none there. {NOT_DYNAMODB}"
        )

    async def completing(self, completion: Completion, waits: Waits) -> Reply:
        if completion.writes:
            return await self._commit(completion, waits)
        reading = self._clock.read()
        if completion.strict:
            condition = IF_OWN
        else:
            creates = completion.may_create(reading.now)
            condition = COMPLETE_OR_CREATE if creates else COMPLETE
        guard = condition.at(reading, me=completion.owner)
        answer = await self._put(completion, reading, guard, waits)
        return await self._reply(completion.key, answer, reading.now, waits)

    async def releasing(self, key: str, owner: str, waits: Waits) -> Reply:
        reading = self._clock.read()
        guard = IF_WITHOUT_STEPS.at(reading, me=owner)
        answer = await self._send("delete_item", f"{self._at(key)},{guard}}}", reading, waits)
        return await self._reply(key, answer, reading.now, waits)

    async def reading(self, key: str, waits: Waits) -> Reply:
        request = f'{self._at(key)},"ConsistentRead":true}}'
        answer = await self._send("get_item", request, self._clock.read(), waits)
        return self._found(key, answer.item)

    async def completing_and_claiming(
        self, completion: Completion, claim: Claim, waits: Waits
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Send two requests at once: no single request does both and lets one of them fail."""
        from . import in_parallel  # for batches

        if waits is BLOCKING and self._brought is not None:
            return in_parallel.in_threads(
                lambda: self.complete(completion), lambda: self.claim(claim)
            )
        return await in_parallel.gathered(
            lambda waits: self.completing(completion, waits),
            lambda waits: self.claiming(claim, None, waits),
            waits,
        )

    def _at(self, key: str) -> str:
        """Return the beginning of a request about a key."""
        return f'{self._request},"Key":{{{text(PARTITION_KEY, key)}}}'

    def _put_of(self, record: Record, guard: str) -> str:
        """Return the request that puts a record, if the guard holds."""
        return f'{self._request},"Item":{to_item(record)},{guard}}}'

    async def _lease(
        self, claim: Claim, condition: Condition, waits: Waits, **demanded: str | int
    ) -> tuple[_Answer, int]:
        """Write a claim's record. Return its time, too."""
        reading = self._clock.read()
        answer = await self._put(claim, reading, condition.at(reading, **demanded), waits)
        if not answer.refused and abs(answer.moved) > MAX_SKEW_MS:
            # The lease just written is off by that much: write it again while it is still ours.
            reading = self._clock.read()
            guard = IF_NOT_AHEAD.at(reading, me=claim.owner, revision=claim.revision)
            answer = await self._put(claim, reading, guard, waits)
        return answer, reading.now

    async def _put(
        self, write: Claim | Completion, reading: ClockReading, guard: str, waits: Waits
    ) -> _Answer:
        request = self._put_of(write.record(reading.now), guard)
        return await self._send("put_item", request, reading, waits)

    async def _commit(self, write: Claim | Completion, waits: Waits) -> Reply:
        reading = self._clock.read()
        put = self._put_of(write.record(reading.now), transaction.condition(write, reading))
        answer = await self._send(_TRANSACT, transaction.request(put, write), reading, waits)
        if answer.about is not None:
            return WritesRefused(answer.about, reading.now)
        return await self._reply(write.key, answer, reading.now, waits)

    async def _reply(self, key: str, answer: _Answer, now: int, waits: Waits) -> Reply:
        if not answer.refused:
            return Applied(now)
        if answer.item is None:
            # Nothing is there; or the server knows no ReturnValuesOnConditionCheckFailure.
            return await self.reading(key, waits)
        return self._found(key, answer.item)

    def _found(self, key: str, item: Mapping[str, Any] | None) -> Reply:
        now = self._clock.now()
        if item is None:
            return Absent(now)
        record = from_item(item, key, self._table)
        return Absent(now) if record.expired(now) else Conflict(record, now)

    async def _send(
        self, operation: str, request: str, sent: ClockReading, waits: Waits
    ) -> _Answer:
        """Send a request, in JSON, for which the clock has been read. Raises `StoreError`."""
        refused, about = False, None
        response: Any
        own = self._own_client() if self._threads is None else None
        try:
            if own is not None:
                response = await own.ask(operation, request, waits, _ANSWERS)
                refused = "Error" in response
            else:
                assert self._threads is not None
                send = partial(getattr(self._brought, operation), **decoded(request))
                response = await self._threads.ask(send, waits)
        except Exception as error:
            response = getattr(error, "response", None)
            response = response if isinstance(response, Mapping) else {}
            code = code_of(response)
            if code in _ANSWERS:
                refused = True
            elif operation == _TRANSACT and (
                found := transaction.verdict(code or type(error).__name__, response)
            ):
                refused, about = found.about is None, found.about
                response = {**response, "Item": found.item}
            else:
                endpoint = self._endpoint()
                host = None if endpoint is None else endpoint.authority
                raise unreachable(operation, self._table, error, response, host=host) from error
        metadata = response.get("ResponseMetadata", {})
        moved = self._clock.check(metadata.get("HTTPHeaders", {}).get("date"), sent)
        return _Answer(response.get("Item"), refused, moved, about)

    def _endpoint(self) -> Endpoint | None:
        """Return where requests go, or will go once there is a client."""
        with suppress(Exception):  # a client may be any object: what it does not say is not known
            if (client := self._brought or self._client) is not None:
                return Endpoint.parse(client.meta.endpoint_url)
        with suppress(ConfigurationError):
            return endpoint_of("dynamodb", "DYNAMODB", self._url_suffix, Environment.of(None))
        return None

    def _own_client(self) -> DynamoDB:
        if self._client is None:
            from ..clients.aws.services import DynamoDB

            # Without a lock, for which a signal handler in this thread would wait forever: of two
            # callers at once each makes a client, and all later ones have one of them.
            made = DynamoDB(url_suffix=self._url_suffix)
            self._client = self._client or made
        return self._client


class _Answer(NamedTuple):
    item: Mapping[str, Any] | None
    refused: bool
    moved: int
    about: str | None = None
