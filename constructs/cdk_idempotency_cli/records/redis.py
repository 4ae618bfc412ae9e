"""Records on a Redis server, by the runtime's own client.

Each write is one script. It decides by the server's clock, as those of the runtime do.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Final, NamedTuple

from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.waiting import BLOCKING, Waits, run
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.clients.redis.resp import ReplyError
from lambda_idempotency.clients.redis.slots import Address, SlotMap
from lambda_idempotency.contract.redis import RedisSettings, SecretsManagerCredentials
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import INPROGRESS, Conflict, Record, Reply
from lambda_idempotency.stores.redis import RedisStore, policy_of
from lambda_idempotency.stores.redis_fields import from_fields, to_fields
from lambda_idempotency.stores.redis_scripts import script

from ..aws import Aws
from ..errors import FailedError
from .base import Found

_FIND: Final = script("read", "return #fields == 0 and absent or conflict\n")
_AS_SEEN: Final = """
if #fields == 0 then return absent end
if status ~= ARGV[1] or owner ~= ARGV[2] then return conflict end
if status == 'INPROGRESS' then
  if revision ~= tonumber(ARGV[3]) then return conflict end
  if ARGV[4] ~= 'forced' and lease_end > now then return conflict end
end
"""
_DELETE: Final = script("delete", f"{_AS_SEEN}\nredis.call('DEL', key)\nreturn applied\n")
_PUT: Final = script("put", f"{_AS_SEEN}\nreturn put(tonumber(ARGV[5]), unpack(ARGV, 6))\n")

_PATIENCE_S: Final = 10.0
_PAGE: Final = 500
"""About how many keys a request looks at."""


class Access(NamedTuple):
    """The way to a server: its settings' parameter, and the secret of a user who may do more than
    the functions' own. `node` is one of its nodes."""

    aws: Aws
    parameter: str
    secret: str | None = None
    node: Address | None = None


class RedisRecords(RedisStore):
    """The records of one server, or of a cluster."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._own = _Client(access)
        super().__init__(self._own)

    @property
    def place(self) -> str:
        return f"the Redis server of SSM parameter {self.label}"

    def find(self, key: str) -> Found | None:
        reply = run(self._run((_FIND, key, ()), BLOCKING))
        return Found(*reply) if isinstance(reply, Conflict) else None

    def delete(self, seen: Record, *, forced: bool = False) -> Reply:
        return run(self._run((_DELETE, seen.key, _as_seen(seen, forced)), BLOCKING))

    def put(self, record: Record, seen: Record, *, forced: bool = False) -> Reply:
        lease = ("in_progress_expiration", record.lease_end) if record.status == INPROGRESS else ()
        arguments = (*_as_seen(seen, forced), record.expiration, *to_fields(record), *lease)
        return run(self._run((_PUT, seen.key, arguments), BLOCKING))

    def scan(self, namespace: str | None) -> Generator[list[Found], None, None]:
        pattern = "*#*" if namespace is None else f"{namespace}#*"
        for client in self._nodes():
            cursor = b"0"
            try:
                while True:
                    cursor, found = _page(client, cursor, pattern)
                    yield found
                    if cursor == b"0":
                        break
            finally:
                client.close()

    def settings(self) -> RedisSettings:
        """Return the settings of the server, as the functions read them."""
        return self._own.read_settings()

    def time(self) -> float | None:
        """Return the server's time in epoch seconds; None of a cluster, whose nodes differ."""
        if self.settings().cluster:
            return None
        return _milliseconds(self._own.execute_command("TIME")) / 1000

    def policy(self) -> str:
        """Return the server's policy for when it is full; empty if this user may not ask."""
        [answer] = self._own.execute_all([("INFO", "memory")])
        return policy_of(answer)

    def size(self) -> int | None:
        return None

    def _nodes(self) -> Iterator[ParameterClient]:
        """Yield a client of each node that has keys."""
        settings = self.settings()
        if not settings.cluster:
            yield self._own
            return
        slots = self._own.execute_command("CLUSTER", "SLOTS")
        for node in SlotMap(slots, Address(settings.host, settings.port)).nodes():
            yield _Client(self._access._replace(node=node))


class _Client(ParameterClient):
    """The client of the runtime, with an operator's credentials."""

    def __init__(self, access: Access) -> None:
        super().__init__(
            access.parameter,
            url_suffix=access.aws.url_suffix,
            environment=access.aws.environment(),
        )
        self._access_of = access

    async def settings(self, waits: Waits, ends: Deadline) -> RedisSettings:
        found = await super().settings(waits, ends)
        secret, node = self._access_of.secret, self._access_of.node
        if secret is not None:
            credentials = SecretsManagerCredentials(secret)
            found = found._replace(username=None, credentials=credentials)
        if node is not None:
            found = found._replace(host=node.host, port=node.port, cluster=False)
        return found

    def read_settings(self) -> RedisSettings:
        """Return the settings as they are now."""
        return run(self.settings(BLOCKING, Deadline(_PATIENCE_S)))


def _as_seen(seen: Record, forced: bool) -> tuple[Any, ...]:  # noqa: FBT001 - of the script
    return (seen.status, seen.owner, seen.revision, "forced" if forced else "")


def _page(client: ParameterClient, cursor: bytes, pattern: str) -> tuple[bytes, list[Found]]:
    """Return the records in a page of a node's keys, and where the next one begins."""
    command = ("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE, "TYPE", "hash")
    now: Any
    page: Any
    now, page = client.execute_all([("TIME",), command])
    if isinstance(page, ReplyError):
        raise _may_not_list(page)
    cursor, keys = page
    replies = client.execute_all([("HGETALL", key) for key in keys]) if keys else []
    return cursor, list(_found(keys, replies, _milliseconds(now)))


def _found(keys: list[bytes], replies: list[Any], now: int) -> Iterator[Found]:
    """Yield the records among the values of these keys."""
    for key, flat in zip(keys, replies, strict=True):
        if isinstance(flat, list) and flat:
            try:
                yield Found(_record(key.decode(), flat), now)
            except (StoreError, UnicodeDecodeError):
                continue  # not a record of this library


def _record(key: str, flat: list[bytes]) -> Record:
    return from_fields(key, dict(zip(flat[::2], flat[1::2], strict=True)))


def _milliseconds(time: list[bytes]) -> int:
    seconds, microseconds = time
    return int(seconds) * 1000 + int(microseconds) // 1000


def _may_not_list(error: ReplyError) -> FailedError:
    if error.status_code != "NOPERM":
        return FailedError(f"Redis refused to list its keys: {error.status_code}")
    return FailedError(
        "This Redis user may not list keys: the functions' own cannot. Give the name of a secret "
        "with --redis-secret whose user has the functions' rights and +scan, and +cluster|slots "
        "for a cluster"
    )
