"""Records in Redis or Valkey: a hash each, and one Lua script per verb and round trip.

The server decides by its own clock. PEXPIREAT deletes a record at its `expiration`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeAlias

from ..clients.net.secret import Secret
from ..clients.net.waiting import Waits
from ..errors import IdempotencyError
from ..metrics.reporting import report
from ..protocol.record import (
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
)
from . import redis_scripts as scripts
from .base import ReplyOrError, another_record
from .coroutines import CoroutineStore
from .redis_clients import Command, ask_of
from .redis_errors import failure, foreign, is_unknown_script
from .redis_fields import from_fields, more_fields
from .redis_names import label_of, name_of
from .redis_scripts import Request

Asked: TypeAlias = Coroutine[Any, Any, Reply]


class RedisStore(CoroutineStore):
    """Records on a Redis or Valkey server.

    `client` is a URL, such as `rediss://user:password@redis.example.com:6379/0`, or
    `RedisSettings` (also for clusters, and for passwords in Secrets Manager or SSM): then the
    runtime's own client keeps to the invocation's time and needs no redis-py. Or it is a redis-py
    client, `Redis` or `RedisCluster`: it works in a thread, which is left behind where its timeouts
    and retries take longer than the call has left; a thread that a `Redis` does not need if they
    cannot. Raises `ConfigurationError` where it is
    something else.
    """

    renews = True

    def __init__(self, client: Any) -> None:
        if isinstance(client, str):
            client = Secret(client)  # an error would show the variable
        if isinstance(client, Secret | tuple):  # `RedisSettings` are a tuple, and no client is
            from ..clients.redis.fixed import client_of

            client = client_of(client)
        self._ask = ask_of(client)
        self._client = client
        self._name, self._label = name_of(client), label_of(client)
        self._policy_known = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def label(self) -> str:
        """The settings' parameter, or the host."""
        return self._label

    def close(self) -> None:
        """Close the client's idle connections."""
        self._client.close()

    def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Asked:
        return self._run(_claim(claim, seen), waits)

    def renewing(self, claim: Claim, waits: Waits) -> Asked:
        arguments = (_numbers(claim), claim.owner, *more_fields(claim))
        return self._run((scripts.RENEW, claim.key, arguments), waits)

    def completing(self, completion: Completion, waits: Waits) -> Asked:
        return self._run(_completion(completion), waits)

    def releasing(self, key: str, owner: str, waits: Waits) -> Asked:
        return self._run((scripts.RELEASE, key, (owner,)), waits)

    def reading(self, key: str, waits: Waits) -> Asked:
        return self._run((scripts.READ, key, ()), waits)

    async def completing_and_claiming(
        self, completion: Completion, claim: Claim, waits: Waits
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Do both in one round trip, or two in a cluster."""
        requests = (_completion(completion), _claim(claim, None))
        try:
            answers = await self._ask([scripts.command(request) for request in requests], waits)
        except Exception as error:  # noqa: BLE001 - it is the answer to both
            answers = [error, error]
        completed, claimed = [
            await self._reply_or_error(request, answer, waits)
            for request, answer in zip(requests, answers, strict=True)
        ]
        return completed, claimed

    async def _run(self, request: Request, waits: Waits) -> Reply:
        try:
            [answer] = await self._ask((scripts.command(request),), waits)
        except Exception as error:  # noqa: BLE001 - see `_reply`
            answer = error
        if self._policy_known and not isinstance(answer, Exception):
            return _reply(request[1], answer)
        return await self._reply(request, answer, waits)

    async def _answer(self, command: Command, waits: Waits) -> Any:
        """Return the answer to a command, or the error in its place."""
        try:
            [answer] = await self._ask((command,), waits)
        except Exception as error:  # noqa: BLE001 - see above
            return error
        return answer

    async def _reply_or_error(self, request: Request, answer: Any, waits: Waits) -> ReplyOrError:
        try:
            return await self._reply(request, answer, waits)
        except Exception as error:  # noqa: BLE001 - it is the answer, to one of two requests
            return error

    async def _reply(self, request: Request, answer: Any, waits: Waits) -> Reply:
        """Return the reply in an answer. Raise the answer's error, if it is one."""
        script, key, _ = request
        if isinstance(answer, Exception):
            if is_unknown_script(answer):
                answer = await self._answer(scripts.with_text(request), waits)
            if isinstance(answer, IdempotencyError):
                raise answer
            if isinstance(answer, Exception):
                raise failure(script.verb, key, answer, server=self._name) from answer
        reply = _reply(key, answer)
        if not self._policy_known:
            await self._check_policy(waits)
        return reply

    async def _check_policy(self, waits: Waits) -> None:
        """Warn once of a server that evicts records, if it tells: most users may not ask."""
        self._policy_known = True
        answer = await self._answer(("INFO", "memory"), waits)
        if policy_of(answer) not in ("", "noeviction"):
            report("EvictionPossible", None)


def _claim(claim: Claim, seen: Record | None) -> Request:
    owner, revision = ("", "-") if seen is None else (seen.owner, seen.revision)
    head = (f"{_numbers(claim)} {revision}", claim.owner, owner)
    return scripts.CLAIM, claim.key, (*head, *more_fields(claim))


def _numbers(claim: Claim) -> str:
    return f"{claim.lease_ms} {claim.expires_after_ms} {claim.attempt} {claim.revision}"


def _completion(completion: Completion) -> Request:
    after, not_after = completion.expires_after_ms, completion.not_after
    until = "strict" if completion.strict else "-" if not_after is None else not_after
    head = (f"{after} {completion.attempt} {completion.status} {until}", completion.owner)
    return scripts.COMPLETE, completion.key, (*head, *more_fields(completion))


def policy_of(information: Any) -> str:
    """Return the policy of a server for when it is full; empty where it does not say."""
    if isinstance(information, dict):  # redis-py's clients have read it
        return str(information.get("maxmemory_policy", ""))
    lines = information.splitlines() if isinstance(information, bytes) else ()
    for line in lines:
        name, _, policy = line.partition(b":")
        if name == b"maxmemory_policy":
            return policy.decode(errors="replace")
    return ""


def _reply(key: str, answer: Any) -> Reply:
    try:
        head, *flat = answer
        verdict, now, answered = head.split(b" ", 2)
        if answered != key.encode() or not now.isdigit():
            raise another_record("Redis")
        time = int(now)
        if verdict == scripts.APPLIED:
            return Applied(time)
        if verdict == scripts.ABSENT:
            return Absent(time)
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
    except (TypeError, ValueError, AttributeError):
        raise another_record("Redis") from None
    if verdict != scripts.CONFLICT:
        raise foreign(key)
    return Conflict(from_fields(key, fields), time)
