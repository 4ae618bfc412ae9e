"""The traffic of a Redis store: each verb one command, each connection one AUTH, and nothing
else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.redis.access import ME, NAMESPACE, USER, VERBS, Access, claim
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency import idempotent
from lambda_idempotency.contract.redis import access_string
from lambda_idempotency.errors import InProgressError, StoreError
from lambda_idempotency.identity.keys import KeyRule
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

PRIMERS = ("claim", "complete", "release", "read")


class Wire:
    """A store whose commands pass a proxy. Its user has the documented rights, and INFO if told."""

    def __init__(self, aws: LocalAws, server: RedisServer, stack: ExitStack) -> None:
        self._aws = aws
        self._server = server
        self._stack = stack
        self.proxy = stack.enter_context(RedisProxy(server.plain_port))

    def store(self, *, may_ask: bool = False) -> RedisStore:
        """Return a new store, as in a fresh Lambda environment."""
        rules = access_string([NAMESPACE], cluster=False) + (" +info" if may_ask else "")
        self._server.add_user(USER, "password", rules)
        access = self._stack.enter_context(Access(self._aws))
        credentials = access.keep({"username": USER, "password": "password"})
        access.publish(self._server.settings(port=self.proxy.port, credentials=credentials))
        return RedisStore(access.client())

    def warm_store(self) -> RedisStore:
        """Return a store that has used each verb."""
        store = self.store()
        for verb in PRIMERS:
            VERBS[verb](store, new_key())
        self.proxy.forget()
        return store


@pytest.fixture(params=VERSIONS)
def wire(request: pytest.FixtureRequest, local_aws: LocalAws) -> Iterator[Wire]:
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(binary=binary_of(request.param)))
        yield Wire(local_aws, server, stack)


def _handler(store: RedisStore, *, run: Callable[[], Any] = lambda: "answer") -> Any:
    return idempotent(store=store, namespace=NAMESPACE, name="handler")(
        lambda event, context: run()
    )


def test_the_first_command_authenticates_and_asks_for_the_policy(wire: Wire) -> None:
    wire.store(may_ask=True).read(new_key())
    assert wire.proxy.commands == ["AUTH", "EVALSHA", "EVAL", "INFO"]


def test_who_may_not_ask_for_the_policy_asks_once(wire: Wire) -> None:
    store = wire.store()
    for _ in range(3):
        store.read(new_key())
    assert wire.proxy.commands == ["AUTH", "EVALSHA", "EVAL", "INFO", "EVALSHA", "EVALSHA"]


def test_a_failed_verb_does_not_ask_for_the_policy(wire: Wire) -> None:
    with pytest.raises(StoreError):
        wire.store().read("others#1")
    assert wire.proxy.commands == ["AUTH", "EVALSHA"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", ["absent", "own", "foreign"])
def test_a_verb_is_one_round_trip(wire: Wire, state: str, verb: str) -> None:
    store = wire.warm_store()
    key = new_key()
    if state != "absent":
        store.claim(claim(key, owner=ME if state == "own" else "b" * 32))
        wire.proxy.forget()
    VERBS[verb](store, key)
    assert wire.proxy.commands == ["EVALSHA"]
    assert wire.proxy.round_trips == 1


def test_a_first_call_is_two_round_trips_and_a_replay_one(wire: Wire) -> None:
    handler = _handler(wire.warm_store())
    assert handler({"order": 1}, None) == "answer"
    assert wire.proxy.commands == ["EVALSHA"] * 2
    wire.proxy.forget()
    assert handler({"order": 1}, None) == "answer"
    assert wire.proxy.commands == ["EVALSHA"]


def test_a_duplicate_of_a_call_in_progress_is_one_round_trip(wire: Wire) -> None:
    store = wire.warm_store()

    def duplicate() -> None:
        wire.proxy.forget()
        with pytest.raises(InProgressError):
            _handler(store)({"order": 1}, None)
        assert wire.proxy.commands == ["EVALSHA"]

    _handler(store, run=duplicate)({"order": 1}, None)


def test_a_call_that_fails_is_two_round_trips(wire: Wire) -> None:
    def fail() -> None:
        raise ValueError

    handler = _handler(wire.warm_store(), run=fail)
    with pytest.raises(ValueError):  # noqa: PT011 - it is the handler's own
        handler({"order": 1}, None)
    assert wire.proxy.commands == ["EVALSHA"] * 2


def test_a_take_over_is_three_round_trips(wire: Wire) -> None:
    store = wire.warm_store()
    handler = _handler(store)
    key = KeyRule(NAMESPACE, "handler").identify({"order": 1}).key
    dead = claim(key, owner="b" * 32)._replace(lease_ms=0, fingerprint=None, scope=None)
    store.claim(dead)
    wire.proxy.forget()
    assert handler({"order": 1}, None) == "answer"
    assert wire.proxy.commands == ["EVALSHA"] * 3


def test_calls_one_after_another_share_a_connection(wire: Wire) -> None:
    handler = _handler(wire.warm_store())
    for number in range(20):
        handler({"order": number}, None)
    assert wire.proxy.connections == 0  # except the first one
    assert wire.proxy.commands == ["EVALSHA"] * 40


def test_scripts_are_sent_once_however_many_the_records(wire: Wire) -> None:
    store = wire.warm_store()
    for _ in range(3):
        for verb in VERBS:
            VERBS[verb](store, new_key())
    assert wire.proxy.bytes_sent < 12 * 600
