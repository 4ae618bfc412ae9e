"""The production stores as functions: a record, a request and a time give a reply and a record."""

from __future__ import annotations

from collections.abc import Callable, Container
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, cast

from kit.aws.conditions import Facts, Item, compiled
from lambda_idempotency.clients.aws.typed import decoded
from lambda_idempotency.clients.net.waiting import Waits
from lambda_idempotency.drivers.requests import ask
from lambda_idempotency.protocol.record import Absent, Applied, Conflict, Record, Reply
from lambda_idempotency.protocol.steps import Complete, Read, Release, Renew, SendClaim
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.dynamodb_items import from_item, to_item
from lambda_idempotency.stores.memory import MemoryStore

if TYPE_CHECKING:
    from lambda_idempotency.clients.aws.services import DynamoDB

Request: TypeAlias = SendClaim | Renew | Complete | Release | Read

KEY: Final = "shop#5d41402a"


class Backend(Protocol):
    """A store of at most one record, at a time that is passed in."""

    def ask(
        self, request: Request, record: Record | None, now: int, *, confirmed: bool
    ) -> tuple[Reply, Record | None]:
        """Return the reply, and what is stored afterwards.

        `now` is the time of the clock that decides, in epoch milliseconds; `confirmed`: a response
        has confirmed that clock before.
        """
        ...


class Step(NamedTuple):
    """A wall clock that is set: `within` a request, or before it."""

    milliseconds: int
    within: bool


class Clock(NamedTuple):
    """A worker's clock: the milliseconds by which it is wrong, and whether it is confirmed."""

    wrong: int
    confirmed: bool


class MemoryBackend:
    """`MemoryStore`: the store's own clock decides, as in Redis."""

    def __init__(self, store: type[MemoryStore] = MemoryStore) -> None:
        self._now = 0
        self._store = store(lambda: self._now / 1000)

    def ask(
        self, request: Request, record: Record | None, now: int, *, confirmed: bool = True
    ) -> tuple[Reply, Record | None]:
        self._now = now
        self._store.clear()
        if record is not None:
            self._store.put(record)
        return _reply(self._store, request), next(iter(self._store.records().values()), None)


class DynamoDBBackend:
    """`DynamoDBStore`: the worker's clock decides, in conditions that the table evaluates."""

    def __init__(self, store: type[DynamoDBStore] = DynamoDBStore) -> None:
        self._now = self._ahead = 0
        self._table = _Table()
        self._create = store
        self._confirmed = self._new()
        self._confirmed.read(KEY)

    def ask(
        self, request: Request, record: Record | None, now: int, *, confirmed: bool
    ) -> tuple[Reply, Record | None]:
        self._now = now
        self._table.item = {} if record is None else decoded(to_item(record))
        reply = _reply(self._confirmed if confirmed else self._new(), request)
        item = self._table.item
        return reply, from_item(item, request_key(request), "table") if item else None

    def _new(self) -> DynamoDBStore:
        return self._on_table(clock=self._seconds)

    def _on_table(self, *, clock: Callable[[], float]) -> DynamoDBStore:
        store = self._create("table", clock=clock, steady=self._seconds)
        store._client = cast("DynamoDB", self._table)  # in the place of its own client
        return store

    def _seconds(self) -> float:
        return self._now / 1000

    def ask_across(
        self,
        request: Request,
        record: Record | None,
        now: int,
        *,
        confirmed: bool,
        true: int,
        step: Step,
    ) -> tuple[Reply, Record | None, Clock]:
        """Ask while the worker's wall clock is set. Responses tell the `true` time in whole
        seconds, half a second late. Return the worker's clock, too."""
        self._now, self._ahead = now, 0
        store = self._on_table(clock=lambda: (self._now + self._ahead) / 1000)
        if confirmed:
            store.read(KEY)
        self._table.item = {} if record is None else decoded(to_item(record))
        self._table.date = formatdate(true / 1000, usegmt=True)
        if step.within:
            self._table.meanwhile = lambda: setattr(self, "_ahead", step.milliseconds)
        else:
            self._ahead = step.milliseconds
        reply = _reply(store, request)
        self._table.date, self._table.meanwhile = None, lambda: None
        item, reading = self._table.item, store._clock.read()
        after = from_item(item, request_key(request), "table") if item else None
        return reply, after, Clock(reading.now - true - 500, reading.checked)


class _RefusedError(Exception):
    """The error of a client if the condition does not hold."""

    def __init__(self, code: str, **response: Any) -> None:
        super().__init__()
        self.response = {"Error": {"Code": code}, **response}


class _Table:
    """DynamoDB's client, as far as the store uses it, with one item. Its responses have no Date, so
    a worker's clock stays as wrong as it is."""

    def __init__(self) -> None:
        self.item: Item = {}
        self.date: str | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        """A function that is called while a request is under way."""

    async def ask(
        self, operation: str, request: str, _: Waits, answers: Container[str]
    ) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self, operation)(**decoded(request))
        except _RefusedError as refused:
            if refused.response["Error"]["Code"] not in answers:
                raise
            return refused.response
        return answer

    def put_item(self, **request: Any) -> dict[str, Any]:
        self._check(request)
        self.item = request["Item"]
        return self._answer()

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        # The token is ignored: the condition alone must keep a repetition from taking effect.
        put = request["TransactItems"][0]["Put"]
        if not self._holds(put):
            reason = {
                "Code": "ConditionalCheckFailed",
                **({"Item": self.item} if self.item else {}),
            }
            rest = [{"Code": "None"}] * (len(request["TransactItems"]) - 1)
            raise _RefusedError("TransactionCanceledException", CancellationReasons=[reason, *rest])
        self.item = put["Item"]
        return self._answer()

    def delete_item(self, **request: Any) -> dict[str, Any]:
        self._check(request)
        self.item = {}
        return self._answer()

    def get_item(self, **_: Any) -> dict[str, Any]:
        found = {"Item": self.item} if self.item else {}
        return {**found, **self._answer()}

    def _answer(self) -> dict[str, Any]:
        self.meanwhile()
        return {"ResponseMetadata": {"HTTPHeaders": {"date": self.date}}}

    def _check(self, request: dict[str, Any]) -> None:
        if not self._holds(request):
            found = {"Item": self.item} if self.item else {}
            raise _RefusedError("ConditionalCheckFailedException", **found, **self._answer())

    def _holds(self, request: dict[str, Any]) -> bool:
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        return compiled(request["ConditionExpression"])(Facts(self.item, names, values))


def request_key(request: Request) -> str:
    """Return the key of a request's record."""
    if isinstance(request, SendClaim | Renew):
        return request.claim.key
    return request.completion.key if isinstance(request, Complete) else request.key


def _reply(store: Store, request: Request) -> Reply:
    reply = ask(store, request)
    assert isinstance(reply, Applied | Conflict | Absent)
    return reply
