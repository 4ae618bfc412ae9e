"""Records in Redis or Valkey: a hash each, and one Lua script per verb and round trip.

The server decides by its own clock. PEXPIREAT deletes a record at its `expiration`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

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
from .base import ReplyOrError, Store, attempted
from .redis_clients import ask_of
from .redis_errors import failure, foreign, is_unknown_script, misdirected
from .redis_fields import from_fields, to_fields
from .redis_names import label_of, name_of
from .redis_scripts import Request


class RedisStore(Store):
    """Records on a Redis or Valkey server.

    `client` is a redis-py client, `Redis` or `RedisCluster`, with timeouts and retries as you want
    them; an attached function has one that keeps to the invocation's time. Raises
    `ConfigurationError` where `client` is something else.
    """

    def __init__(self, client: Any) -> None:
        self._ask = ask_of(client)
        self._name, self._label = name_of(client), label_of(client)
        self._policy_known = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def label(self) -> str:
        """The settings' parameter, or the host."""
        return self._label

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._run(_claim(claim, seen))

    def complete(self, completion: Completion) -> Reply:
        return self._run(_completion(completion))

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Do both in one round trip, or two in a cluster."""
        requests = (_completion(completion), _claim(claim, None))
        answers = self._ask([request.command for request in requests])
        completed, claimed = (
            attempted(partial(self._reply, request, answer))
            for request, answer in zip(requests, answers, strict=True)
        )
        return completed, claimed

    def release(self, key: str, owner: str) -> Reply:
        return self._run(Request(scripts.RELEASE, key, (owner,)))

    def read(self, key: str) -> Reply:
        return self._run(Request(scripts.READ, key))

    def _run(self, request: Request) -> Reply:
        [answer] = self._ask((request.command,))
        return self._reply(request, answer)

    def _reply(self, request: Request, answer: Any) -> Reply:
        """Return the reply in an answer. Raise the answer's error, if it is one."""
        if isinstance(answer, Exception) and is_unknown_script(answer):
            [answer] = self._ask((request.with_text,))
        if isinstance(answer, IdempotencyError):
            raise answer
        if isinstance(answer, Exception):
            raise failure(request.script.verb, request.key, answer) from answer
        reply = _reply(request.key, answer)
        if not self._policy_known:
            self._check_policy()
        return reply

    def _check_policy(self) -> None:
        """Warn once of a server that evicts records, if it tells: most users may not ask."""
        self._policy_known = True
        [answer] = self._ask((("INFO", "memory"),))
        if _policy(answer) not in ("", "noeviction"):
            report("EvictionPossible", None)


def _claim(claim: Claim, seen: Record | None) -> Request:
    fields = to_fields(claim.record(0))
    owner = "" if seen is None else seen.owner
    return Request(
        scripts.CLAIM, claim.key, (claim.lease_ms, claim.expires_after_ms, owner, *fields)
    )


def _completion(completion: Completion) -> Request:
    not_after: str | int = "strict" if completion.strict else ""
    if not completion.strict and completion.not_after is not None:
        not_after = completion.not_after
    fields = to_fields(completion.record(0))
    head = (completion.owner, completion.expires_after_ms, not_after)
    return Request(scripts.COMPLETE, completion.key, (*head, *fields))


def _policy(information: Any) -> str:
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
        verdict, now, answered, *rest = answer
        if answered != key.encode() or not isinstance(now, int):
            raise misdirected(key)
        if verdict == scripts.APPLIED:
            return Applied(now)
        if verdict == scripts.ABSENT:
            return Absent(now)
        if verdict == scripts.CONFLICT:
            [flat] = rest
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
    except (TypeError, ValueError):
        raise misdirected(key) from None
    if verdict != scripts.CONFLICT:
        raise foreign(key)
    return Conflict(from_fields(key, fields), now)
