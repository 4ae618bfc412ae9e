"""The Redis store beyond the common contract: its hashes, its scripts, its clients, its errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import redis
from redis.asyncio import Redis as AsyncRedis

from kit.harnesses import RedisHarness
from kit.network.processes import free_port
from kit.redis.access import DATA, DAY, ME, VERBS, WRITES, claim, completion
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.servers import RedisServer, connect
from lambda_idempotency.errors import ConfigurationError, StoreError
from lambda_idempotency.protocol.record import Absent, Applied, Claim, Completion, Conflict
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

_EACH_VERB = pytest.mark.parametrize("verb", VERBS)


@pytest.fixture(params=VERSIONS)
def harness(
    request: pytest.FixtureRequest, redis_harnesses: Callable[[str], RedisHarness]
) -> RedisHarness:
    """Return a store on a server of each version in turn."""
    return redis_harnesses(f"redis {request.param}")


@pytest.fixture(params=VERSIONS)
def own_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Yield a server of each version in turn, which the test may spoil."""
    with RedisServer(binary=binary_of(request.param)) as server:
        yield server


@pytest.fixture
def own_world(own_server: RedisServer) -> Iterator[RedisHarness]:
    """Yield a store on the test's own server."""
    with own_server.admin() as admin:
        yield RedisHarness(admin, admin)


# Replies ------------------------------------------------------------------------------------------


class _MixedUp:
    """A client that gets the replies to another's requests."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def execute_command(
        self, name: str, script: str, count: int, _: str, *rest: Any, **o: Any
    ) -> Any:
        return self._client.execute_command(name, script, count, self._key, *rest, **o)


@_EACH_VERB
@pytest.mark.parametrize("there", [False, True])
def test_a_reply_about_another_key_is_refused(
    harness: RedisHarness, verb: str, *, there: bool
) -> None:
    other = new_key()
    if there:
        harness.store.claim(claim(other)._replace(owner="b" * 32))
    harness.store.read(new_key())
    with pytest.raises(StoreError, match="another record than the one") as raised:
        VERBS[verb](RedisStore(_MixedUp(harness.admin, other)), harness.key)
    for key in (harness.key, other):
        assert key not in str(raised.value)


# Hashes -------------------------------------------------------------------------------------------


def test_a_claim_is_a_hash_with_the_documented_fields(harness: RedisHarness) -> None:
    now = harness.store.claim(claim(harness.key)).now
    assert harness.fields() == {
        b"status": b"INPROGRESS",
        b"owner": ME.encode(),
        b"attempt": b"1",
        b"expiration": str(-(-(now + 30_000 + DAY) // 1000)).encode(),
        b"in_progress_expiration": str(now + 30_000).encode(),
        b"revision": b"1",
        b"validation": b"digest",
        b"scope": b"alice",
    }


def test_steps_are_a_field_while_the_attempt_runs(harness: RedisHarness) -> None:
    leased = claim(harness.key)._replace(steps='{"charge":["1"]}')
    harness.store.claim(leased)
    assert harness.fields()[b"steps"] == b'{"charge":["1"]}'
    harness.store.renew(leased._replace(steps=b"\x00\xff"))
    assert harness.fields()[b"steps_blob"] == b"\x00\xff"
    assert b"steps" not in harness.fields()
    harness.store.complete(completion(harness.key))
    assert not {b"steps", b"steps_blob", b"revision"} & set(harness.fields())


def test_an_answer_is_a_hash_with_the_documented_fields(harness: RedisHarness) -> None:
    now = harness.store.complete(completion(harness.key)).now
    assert harness.fields() == {
        b"status": b"COMPLETED",
        b"owner": ME.encode(),
        b"attempt": b"2",
        b"expiration": str(-(-(now + DAY) // 1000)).encode(),
        b"validation": b"digest",
        b"data": DATA.encode(),
        b"encoding": b"plain",
        b"scope": b"alice",
    }


def test_bytes_have_a_field_of_their_own(harness: RedisHarness) -> None:
    harness.store.complete(completion(harness.key, data=b"\x00\xff"))
    assert harness.fields()[b"blob"] == b"\x00\xff"
    assert b"data" not in harness.fields()


def test_what_is_not_known_is_not_a_field(harness: RedisHarness) -> None:
    harness.store.complete(Completion(key=harness.key, owner=ME, attempt=1, expires_after_ms=DAY))
    assert set(harness.fields()) == {b"status", b"owner", b"attempt", b"expiration"}


@pytest.mark.parametrize("verb", WRITES)
def test_redis_deletes_a_record_when_it_expires(harness: RedisHarness, verb: str) -> None:
    VERBS[verb](harness.store, harness.key)
    with harness.admin.pipeline(transaction=False) as pipeline:
        (s0, us0), left, (s1, us1) = pipeline.time().pttl(harness.key).time().execute()
    expires = int(harness.fields()[b"expiration"]) * 1000
    assert s0 * 1000 + us0 // 1000 + left <= expires <= s1 * 1000 + us1 // 1000 + left


def test_a_completion_leaves_no_lease_behind(harness: RedisHarness) -> None:
    harness.store.claim(claim(harness.key))
    harness.store.complete(completion(harness.key))
    assert b"in_progress_expiration" not in harness.fields()


@pytest.mark.parametrize("verb", WRITES)
def test_nothing_is_left_of_the_record_before(harness: RedisHarness, verb: str) -> None:
    older = completion(harness.key, data=b"older").record(harness.now())._replace(expiration=1)
    harness.plant(older)
    harness.admin.hset(
        harness.key, mapping={f"field {number}": "x" * 100 for number in range(9_000)}
    )
    if verb == "claim":
        harness.store.claim(Claim(key=harness.key, owner=ME, lease_ms=30_000, expires_after_ms=DAY))
        lease = {b"in_progress_expiration", b"revision"}
    else:
        harness.store.complete(
            Completion(key=harness.key, owner=ME, attempt=1, expires_after_ms=DAY)
        )
        lease = set()
    assert set(harness.fields()) == {b"status", b"owner", b"attempt", b"expiration", *lease}
    assert harness.admin.pttl(harness.key) > 0


def test_a_record_keeps_its_key_while_it_changes(harness: RedisHarness) -> None:
    """A key that is deleted on the way could not be created again while its slot moves."""
    harness.store.claim(claim(harness.key))
    with harness.admin.pubsub() as events:
        harness.admin.config_set("notify-keyspace-events", "KA")
        events.subscribe(f"__keyspace@0__:{harness.key}")
        harness.store.complete(completion(harness.key))
        heard = []
        while b"hdel" not in heard:
            message = events.get_message(ignore_subscribe_messages=True, timeout=30)
            if message is not None:
                heard.append(message["data"])
        harness.admin.config_set("notify-keyspace-events", "")
    assert heard == [b"expire", b"hset", b"hdel"]


# Scripts ------------------------------------------------------------------------------------------


@_EACH_VERB
def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(
    own_world: RedisHarness, verb: str
) -> None:
    VERBS[verb](own_world.store, own_world.key)
    own_world.admin.script_flush()
    reply = VERBS[verb](own_world.store, new_key())
    assert isinstance(reply, Applied if verb in WRITES else Absent)


CLIENTS: Final[list[dict[str, Any]]] = [
    {"decode_responses": True},
    {"encoding": "latin-1"},
    {"protocol": 3},
    {"protocol": 3, "decode_responses": True},
]


def _client(server: RedisServer, **options: Any) -> redis.Redis:
    """Return a client with ordinary options."""
    return redis.Redis(port=server.port, **{"password": server.admin_password, **options})


@pytest.mark.parametrize("options", CLIENTS, ids=str)
@pytest.mark.parametrize("data", ['{"text":"Grüße \U0001f600"}', b"\x00\xff"])
def test_any_client_of_redis_py_serves(
    own_server: RedisServer, options: dict[str, Any], data: str | bytes
) -> None:
    written = completion(new_key(), data=data)
    with _client(own_server, **options) as client:
        store = RedisStore(client)
        assert isinstance(store.claim(claim(written.key)), Applied)
        done = store.complete(written)
        found = store.read(written.key)
    assert isinstance(found, Conflict)
    assert found.record == written.record(done.now)


@pytest.mark.parametrize("options", CLIENTS, ids=str)
def test_any_client_hears_of_a_server_that_may_evict_records(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    with _client(own_server, **options) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        RedisStore(client).read(new_key())
    assert caplog.text.count("EvictionPossible") == 1


@pytest.mark.parametrize("client", [None, object(), (), AsyncRedis()])
def test_what_is_no_client_is_refused(client: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected (a URL, such as|RedisSettings)"):
        RedisStore(client)


# Errors -------------------------------------------------------------------------------------------


@_EACH_VERB
def test_an_unreachable_server_is_named_by_the_clients_error(verb: str) -> None:
    port = free_port()
    with connect(port) as client, pytest.raises(StoreError) as raised:
        VERBS[verb](RedisStore(client), "shop#1")
    server = f"redis://127.0.0.1:{port}/0"
    assert str(raised.value) == f"Redis {verb} of shop#1 failed at {server}: ConnectionError."
    assert (raised.value.code, raised.value.host) == ("ConnectionError", server)
    assert isinstance(raised.value.__cause__, redis.ConnectionError)


@pytest.mark.parametrize("verb", WRITES)
def test_a_replica_is_named(own_server: RedisServer, verb: str) -> None:
    with (
        RedisServer(binary=own_server.binary, replica_of=own_server) as replica,
        replica.admin() as client,
        pytest.raises(StoreError, match=r"\(READONLY\).*connect to the primary"),
    ):
        VERBS[verb](RedisStore(client), new_key())


@pytest.mark.parametrize("verb", WRITES)
def test_a_server_that_lacks_replicas_is_named(own_world: RedisHarness, verb: str) -> None:
    own_world.admin.config_set("min-replicas-to-write", "1")
    with pytest.raises(StoreError, match=r"\(NOREPLICAS\).*fewer replicas"):
        VERBS[verb](own_world.store, own_world.key)


@pytest.mark.parametrize("missing", ["evalsha", "hgetall", "time", "hset", "pexpireat"])
def test_a_missing_right_is_named(own_world: RedisHarness, missing: str) -> None:
    own_world.admin.script_flush()
    own_world.admin.execute_command("ACL", "SETUSER", "default", f"-{missing}")
    with pytest.raises(StoreError, match=r"\(NOPERM\).*see access_string\(\)") as raised:
        own_world.store.claim(claim(own_world.key))
    assert own_world.key in str(raised.value)


def test_the_words_of_a_name_are_no_code(own_server: RedisServer) -> None:
    """A server's words may hold the name of a user, and that may be anything."""
    with own_server.admin() as admin:
        admin.execute_command(
            "ACL", "SETUSER", "OOM-READONLY", "on", ">secret", "~*", "-@all", "+evalsha"
        )
    login = {"username": "OOM-READONLY", "password": "secret"}
    with (
        _client(own_server, protocol=2, driver_info=None, **login) as client,
        pytest.raises(StoreError, match="NOPERM"),
    ):
        RedisStore(client).read(new_key())


def test_the_clock_is_the_servers(harness: RedisHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    real = harness.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert abs(harness.store.claim(claim(harness.key)).now - real) < 60_000
