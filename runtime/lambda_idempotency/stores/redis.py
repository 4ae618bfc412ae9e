"""Records in Redis or Valkey: a hash each, and one Lua script per verb and round trip.

The server decides by its own clock. PEXPIREAT deletes a record at its `expiration`.
"""

from __future__ import annotations

from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from ..errors import ConfigurationError, IdempotencyError
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
from .base import ReplyOrError, Store, another_record, attempted
from .redis_errors import failure, foreign
from .redis_fields import from_fields, to_fields
from .redis_names import label_of, name_of
from .redis_scripts import Request


class RedisStore(Store):
    """Records on a Redis or Valkey server.

    `client` is a redis-py client, `Redis` or `RedisCluster`, with timeouts and retries as you want
    them; an attached function has one that keeps to the invocation's time. Raises
    `ConfigurationError` where `client` is something else.
    """

    renews = True

    def __init__(self, client: Any) -> None:
        execute = getattr(client, "execute_command", None)
        if not callable(execute) or iscoroutinefunction(execute):
            kind = type(client)
            raise ConfigurationError(
                f"client is a {kind.__module__}.{kind.__qualname__}; expected a client of redis-py "
                "that is not asynchronous, such as redis.Redis(host=...)"
            )
        self._name, self._label = name_of(client), label_of(client)
        self._client = client
        self._policy_known = False
        # The pipelines of a cluster client do not follow a key that moves to another node.
        is_cluster = hasattr(client, "nodes_manager")
        self._pipelines = None if is_cluster else getattr(client, "pipeline", None)

    @property
    def name(self) -> str:
        return self._name

    @property
    def label(self) -> str:
        """The settings' parameter, or the host."""
        return self._label

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._run(_claim(claim, seen))

    def renew(self, claim: Claim) -> Reply:
        fields = to_fields(claim.record(0))
        arguments = (claim.lease_ms, claim.expires_after_ms, claim.owner, *fields)
        return self._run(Request(scripts.RENEW, claim.key, arguments))

    def complete(self, completion: Completion) -> Reply:
        return self._run(_completion(completion))

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Do both in one round trip, or two in a cluster."""
        requests = (_completion(completion), _claim(claim, None))
        try:
            answers = self._ask_all([request.command for request in requests])
        except Exception as error:  # noqa: BLE001 - it is the answer to both
            answers = [error, error]
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
        try:
            answer = self._ask(*request.command)
        except Exception as error:  # noqa: BLE001 - see `_reply`
            answer = error
        return self._reply(request, answer)

    def _reply(self, request: Request, answer: Any) -> Reply:
        """Return the reply in an answer. Raise the answer's error, if it is one."""
        if isinstance(answer, IdempotencyError):
            raise answer
        if isinstance(answer, Exception):
            if type(answer).__name__ != "NoScriptError":
                raise failure(request.script.verb, request.key, answer) from answer
            answer = self._load(request)
        if not self._policy_known:
            self._check_policy()
        return _reply(request.key, answer)

    def _load(self, request: Request) -> Any:
        """Run a script that the server has not seen since its start."""
        try:
            return self._ask(*request.with_text)
        except IdempotencyError:
            raise
        except Exception as error:
            raise failure(request.script.verb, request.key, error) from error

    def _ask_all(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Return the answers to several commands; a command that failed has its error there."""
        if self._pipelines is None:
            return [self._asked(command) for command in commands]
        with self._pipelines(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command, NEVER_DECODE=True)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
            return answers

    def _asked(self, command: tuple[Any, ...]) -> Any:
        try:
            return self._ask(*command)
        except Exception as error:  # noqa: BLE001 - see `_ask_all`
            return error

    def _ask(self, *command: Any) -> Any:
        # Answers come as bytes, even where the client decodes: some of them are not text.
        return self._client.execute_command(*command, NEVER_DECODE=True)

    def _check_policy(self) -> None:
        """Warn once of a server that evicts records, if the user may ask for its policy."""
        self._policy_known = True
        try:
            policy = _policy(self._ask("INFO", "memory"))
        except Exception:  # noqa: BLE001 - most users may not ask
            return
        if policy not in ("", "noeviction"):
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
    for line in information.decode().splitlines():
        name, _, policy = line.partition(":")
        if name == "maxmemory_policy":
            return str(policy)
    return ""


def _reply(key: str, answer: Any) -> Reply:
    verdict, now, asked = answer[0], answer[1], answer[2]
    if asked != key.encode():
        raise another_record("Redis")
    if verdict == scripts.APPLIED:
        return Applied(now)
    if verdict == scripts.ABSENT:
        return Absent(now)
    if verdict == scripts.CONFLICT:
        flat = answer[3]
        return Conflict(from_fields(key, dict(zip(flat[::2], flat[1::2], strict=True))), now)
    raise foreign(key)
