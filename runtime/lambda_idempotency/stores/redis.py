"""Records in Redis or Valkey: a hash each, and one Lua script per verb and round trip.

The server decides by its own clock. PEXPIREAT deletes a record at its `expiration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutinefunction
from typing import Any, Final

from ..errors import ConfigurationError, IdempotencyError, StoreError
from ..metrics.reporting import report
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
    Status,
)
from . import redis_scripts as scripts
from .redis_scripts import Request


class RedisStore:
    """`client` is a redis-py client, `Redis` or `RedisCluster`, with timeouts and retries as you
    want them; an attached function has one that keeps to the invocation's time.

    Raises `ConfigurationError` where `client` is none.
    """

    max_data: int | None = None

    def __init__(self, client: Any) -> None:
        execute = getattr(client, "execute_command", None)
        if not callable(execute) or iscoroutinefunction(execute):
            kind = type(client)
            raise ConfigurationError(
                f"client is a {kind.__module__}.{kind.__qualname__}; expected a client of redis-py "
                "that is not asynchronous, such as redis.Redis(host=...)"
            )
        self.name = _name_of(client)
        self._client = client
        self._policy_known = False
        # The pipelines of a cluster's client follow no node that moves.
        is_cluster = hasattr(client, "nodes_manager")
        self._pipelines = None if is_cluster else getattr(client, "pipeline", None)

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        """See `Store.claim`."""
        return self._run(_claim(claim, seen))

    def complete(self, completion: Completion) -> Reply:
        """See `Store.complete`."""
        return self._run(_completion(completion))

    def together(
        self, completion: Completion, claim: Claim
    ) -> tuple[Reply | Exception, Reply | Exception]:
        """See `Store`. One round trip; two where the records are on nodes of a cluster."""
        requests = (_completion(completion), _claim(claim, None))
        try:
            answers = self._ask_all([request.command for request in requests])
        except Exception as error:  # noqa: BLE001 - it is the answer to both
            answers = [error, error]
        completed, claimed = map(self._caught, requests, answers)
        return completed, claimed

    def release(self, key: str, owner: str) -> Reply:
        """See `Store.release`."""
        return self._run(Request(scripts.RELEASE, key, (owner,)))

    def read(self, key: str) -> Reply:
        """See `Store.read`."""
        return self._run(Request(scripts.READ, key))

    def _run(self, request: Request) -> Reply:
        try:
            answer = self._ask(*request.command)
        except Exception as error:  # noqa: BLE001 - see `_reply`
            answer = error
        return self._reply(request, answer)

    def _reply(self, request: Request, answer: Any) -> Reply:
        """The reply in an answer, which may be an error."""
        if isinstance(answer, IdempotencyError):
            raise answer
        if isinstance(answer, Exception):
            if type(answer).__name__ != "NoScriptError":
                raise _failure(request.script.verb, request.key, answer) from answer
            answer = self._load(request)
        if not self._policy_known:
            self._check_policy()
        return _reply(request.key, answer)

    def _caught(self, request: Request, answer: Any) -> Reply | Exception:
        try:
            return self._reply(request, answer)
        except Exception as error:  # noqa: BLE001 - the other one's may be a reply
            return error

    def _load(self, request: Request) -> Any:
        """Runs a script that the server has not seen since its start."""
        try:
            return self._ask(*request.with_text)
        except IdempotencyError:
            raise
        except Exception as error:
            raise _failure(request.script.verb, request.key, error) from error

    def _ask_all(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """The answers to several commands; one that has failed alone has its error there."""
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
        # Answers come as bytes, also where the client decodes: some of them are no text.
        return self._client.execute_command(*command, NEVER_DECODE=True)

    def _check_policy(self) -> None:
        """Once: warns of a server that evicts records, where the user may know."""
        self._policy_known = True
        try:
            policy = _policy(self._ask("INFO", "memory"))
        except Exception:  # noqa: BLE001 - most users may not ask
            return
        if policy not in ("", "noeviction"):
            report("EvictionPossible", None)


def _name_of(client: Any) -> str:
    """The settings' parameter of an attached function's client, the host of one of redis-py."""
    pool = getattr(client, "connection_pool", None)
    host = getattr(pool, "connection_kwargs", {}).get("host", "redis")
    return str(getattr(client, "name", host))


def _claim(claim: Claim, seen: Record | None) -> Request:
    fields: list[Any] = ["status", INPROGRESS, "owner", claim.owner, "attempt", claim.attempt]
    if claim.fingerprint is not None:
        fields += ("validation", claim.fingerprint)
    if claim.scope is not None:
        fields += ("scope", claim.scope)
    owner = "" if seen is None else seen.owner
    return Request(scripts.CLAIM, claim.key, (claim.lease, claim.expires_after, owner, *fields))


def _completion(completion: Completion) -> Request:
    not_after: str | int = "strict" if completion.strict else ""
    if not completion.strict and completion.not_after is not None:
        not_after = completion.not_after
    fields = to_fields(completion.record(0))
    head = (completion.owner, completion.expires_after, not_after)
    return Request(scripts.COMPLETE, completion.key, (*head, *fields))


def _policy(information: Any) -> str:
    """What a server does when it is full; empty where it does not say."""
    if isinstance(information, dict):  # redis-py's clients have read it
        return str(information.get("maxmemory_policy", ""))
    for line in information.decode().splitlines():
        name, _, policy = line.partition(":")
        if name == "maxmemory_policy":
            return str(policy)
    return ""


def _reply(key: str, answer: Any) -> Reply:
    verdict, now = answer[0], answer[1]
    if verdict == scripts.APPLIED:
        return Applied(now)
    if verdict == scripts.ABSENT:
        return Absent(now)
    if verdict == scripts.CONFLICT:
        flat = answer[2]
        return Conflict(from_fields(key, dict(zip(flat[::2], flat[1::2], strict=True))), now)
    raise _foreign(key)


def to_fields(record: Record) -> list[Any]:
    """The record as names and values of a hash, without its times; absent values are left out."""
    fields: list[Any] = [
        *("status", record.status),
        *("owner", record.owner),
        *("attempt", record.attempt),
    ]
    if record.fingerprint is not None:
        fields += ("validation", record.fingerprint)
    if isinstance(record.data, str):
        fields += ("data", record.data.encode())  # a client may have another encoding
    elif record.data is not None:
        fields += ("blob", record.data)
    if record.encoding is not None:
        fields += ("encoding", record.encoding)
    if record.scope is not None:
        fields += ("scope", record.scope)
    return fields


def from_fields(key: str, fields: Mapping[bytes, bytes]) -> Record:
    """The record in a hash. Raises `StoreError` where it is none of ours."""
    try:
        return _record(key, fields)
    except (KeyError, ValueError):
        raise _foreign(key) from None


def _record(key: str, fields: Mapping[bytes, bytes]) -> Record:
    status = _STATUSES[fields[b"status"]]
    lease_end = int(fields[b"in_progress_expiration"]) if status == INPROGRESS else 0
    expires = _whole(fields, b"expiration")
    if expires is None and status == INPROGRESS:
        expires = -(-lease_end // 1000)  # as the scripts see it
    if expires is None or (owner := _text(fields, b"owner")) is None:
        raise ValueError
    blob = fields.get(b"blob")
    return Record(
        key=key,
        status=status,
        owner=owner,
        attempt=_whole(fields, b"attempt") or 1,
        expiration=expires,
        lease_end=lease_end,
        fingerprint=_text(fields, b"validation"),
        data=_text(fields, b"data") if blob is None else blob,
        encoding=_text(fields, b"encoding"),
        scope=_text(fields, b"scope"),
    )


_STATUSES: Final[dict[bytes, Status]] = {
    b"INPROGRESS": INPROGRESS,
    b"COMPLETED": COMPLETED,
    b"PARKED": PARKED,
}


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode()


def _whole(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name, b"")
    return int(value) if value.isdigit() else None


def _foreign(key: str) -> StoreError:
    return StoreError(
        f"Redis holds something under {key} that is no idempotency record of this library; delete "
        "it, or give this function a server or namespace of its own."
    )


def _failure(verb: str, key: str, error: Exception) -> StoreError:
    """The error for whoever meets it: in our own words, a server's may quote what it was sent."""
    # The code of a command in a script may stand behind words, or there are words in its place.
    said = f"{getattr(error, 'status_code', '')} {error}"
    words = said.replace("-", " ")
    if any(refusal in said for refusal in _NO_RIGHT):
        words = "NOPERM"
    code = next((code for code in _HINTS if code in words.split()), "")
    if code == "WRONGTYPE":
        return _foreign(key)
    about = f" ({code})" if code else ""
    hint = f" {_HINTS[code]}" if code else ""
    return StoreError(f"Redis {verb} of {key} failed: {type(error).__name__}{about}.{hint}")


_NO_RIGHT: Final = ("The user executing the script can't", "ACL failure in script")
_HINTS: Final = {
    "WRONGTYPE": "",
    "NOPERM": (
        "The Redis user lacks a right: see access_string() in lambda_idempotency.contract.redis "
        "for what it needs."
    ),
    "OOM": "The server is full: raise its maxmemory. Records are never evicted to make room.",
    "READONLY": "The server is a replica; connect to the primary.",
    "MOVED": "The server is a node of a cluster, which needs a client for clusters.",
    "MISCONF": "The server cannot save to its disk and refuses writes.",
    "NOREPLICAS": "The server has fewer replicas than it demands for a write.",
    "BUSY": "The server is busy with a script of somebody else's.",
}
