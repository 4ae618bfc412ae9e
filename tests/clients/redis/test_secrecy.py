"""A planted password appears in no output, and on the wire only in AUTH."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Iterator
from typing import Any, Final

import pytest

from kit.frames import shown
from kit.network.loopback import LoopbackServer
from kit.network.processes import free_port
from kit.redis.access import (
    NAMESPACE,
    PASSWORD,
    USER,
    VERBS,
    Access,
    Clocks,
    Publish,
    ask,
    invocation,
    set_passwords,
)
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from kit.redis.spares import SpareClusters
from lambda_idempotency import idempotent
from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.redis.fixed import client_of_url
from lambda_idempotency.contract.redis import IamCredentials, RedisSettings
from lambda_idempotency.errors import IdempotencyError, StoreError
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

SIGNATURE: Final = "X-Amz-Signature"
SESSION: Final = "the-session-token"
ROLE_SECRET: Final = "the-secret-key"
SECRETS: Final = (PASSWORD, SIGNATURE, SESSION, ROLE_SECRET)


class Output:
    """Everything that a process shows of itself."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._caplog = caplog
        self._capfd = capfd
        self._seen: list[str] = []

    def failure(self, store: RedisStore, *, key: str = "shop#1") -> None:
        """Note the error of a call that must fail."""
        with invocation(3), pytest.raises(IdempotencyError) as raised:
            store.read(key)
        self.note(raised.value)

    def note(self, *found: object) -> None:
        """Note the texts of these objects; for errors, those of their causes and contexts too."""
        for each in found:
            self._seen += [repr(each), str(each)]
            if isinstance(each, BaseException):
                self._seen += traceback.format_exception(each)
                self._seen.append(repr(vars(each)))
                self._seen.append(shown(each))
                behind = [each.__cause__, each.__context__]
                self.note(*(error for error in behind if error is not None))

    def check(self) -> None:
        """Search all output for the secrets."""
        out, err = self._capfd.readouterr()
        shown = [*self._seen, self._caplog.text, out, err]
        shown += [repr(vars(record)) for record in self._caplog.records]
        assert shown
        for secret in SECRETS:
            assert [text for text in shown if secret in text] == []


@pytest.fixture
def output(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], clocks: Clocks
) -> Iterator[Output]:
    """Yield everything that is shown while a test runs, with every logger at its lowest level."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="lambda_idempotency")
    output = Output(caplog, capfd)
    yield output
    output.check()


def test_the_search_finds_what_it_looks_for(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("redis").debug("AUTH %s", PASSWORD)
    with pytest.raises(AssertionError):
        Output(caplog, capfd).check()


def test_the_search_looks_into_frames(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    output = Output(caplog, capfd)
    with pytest.raises(IdempotencyError) as raised:
        RedisSettings.parse("{", PASSWORD)
    raised.value.args = ()
    output.note(raised.value)
    with pytest.raises(AssertionError, match=r"redis\.py:"):
        output.check()


def test_calls_that_go_well_show_nothing(access: Access, publish: Publish, output: Output) -> None:
    publish()
    client = access.client()
    store = RedisStore(client)
    for verb in VERBS:
        VERBS[verb](store, new_key())
    known: Any = client._access
    output.note(client, store, vars(client), known, known.settings, known.credentials)
    output.note(known.server, vars(known.server), *known.server._pool._idle)


def test_a_handlers_calls_show_nothing(access: Access, publish: Publish, output: Output) -> None:
    publish()
    handler = idempotent(store=RedisStore(access.client()), namespace=NAMESPACE)(
        lambda event, context: event
    )
    for _ in range(2):
        output.note(handler({"order": 1}, None))


class _Interrupt(BaseException):
    """An exception that a signal handler may raise at any moment."""


def test_an_interruption_while_the_password_is_sent_does_not_show_it(
    shared_server: RedisServer, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(connection: Connection, data: object) -> None:
        raise _Interrupt

    monkeypatch.setattr(Connection, "send", interrupted)
    client = client_of_url(Secret(f"redis://:{PASSWORD}@127.0.0.1:{shared_server.port}"))
    with pytest.raises(_Interrupt) as raised:
        client.execute_command("HGETALL", "shop#none")
    output.note(raised.value)


def test_a_failure_leads_to_no_error_of_the_server(access: Access, publish: Publish) -> None:
    publish(port=free_port())
    with invocation(0.2), pytest.raises(StoreError) as raised:
        ask(access.client())
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_a_renewal_shows_nothing(
    access: Access,
    publish: Publish,
    output: Output,
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)
    set_passwords(shared_server, f"new {PASSWORD}")
    redis_proxy.cut()
    output.failure(RedisStore(client))
    access.keep({"username": USER, "password": f"new {PASSWORD}"})
    ask(client)


@pytest.mark.parametrize(
    "secret",
    [
        PASSWORD,
        json.dumps([PASSWORD]),
        json.dumps({"password": [PASSWORD]}),
        json.dumps({"pass": PASSWORD}),
        json.dumps({"password": PASSWORD, "username": {"is": PASSWORD}}),
        json.dumps({"password": f"{PASSWORD}\ud800"}),
        json.dumps({"password": PASSWORD, "username": f"{PASSWORD}\ud800"}),
        f'{{"password": "{PASSWORD}"',
    ],
)
def test_a_senseless_secret_shows_nothing(
    access: Access, publish: Publish, output: Output, secret: str
) -> None:
    publish()
    access.keep(secret)
    output.failure(RedisStore(access.client()))


@pytest.mark.parametrize(
    "document",
    [
        {"host": f"rediss://default:{PASSWORD}@upstash.io", "credentials": {"type": "none"}},
        {"host": "127.0.0.1", "port": PASSWORD, "credentials": {"type": "none"}},
        {"host": "127.0.0.1", "password": PASSWORD, "credentials": {"type": "none"}},
        {"host": "127.0.0.1", "credentials": {"type": PASSWORD}},
        f"rediss://default:{PASSWORD}@upstash.io",
    ],
)
def test_a_password_in_the_wrong_place_is_not_shown(
    access: Access, output: Output, document: dict[str, Any] | str
) -> None:
    access.publish(document)
    output.failure(RedisStore(access.client()))


def test_failures_of_the_server_show_nothing(
    access: Access, output: Output, server: RedisServer
) -> None:
    credentials = access.add_user(server, PASSWORD)
    access.publish(server.settings(credentials=credentials))
    store = RedisStore(access.client())
    store.read(new_key())
    output.failure(store, key="others#1")
    with server.admin() as admin:
        admin.set("shop#1", PASSWORD)
    output.failure(store)
    server.kill()
    output.failure(store)
    server.start()
    output.failure(store)


class _Quoting(LoopbackServer):
    """A server that quotes commands that it does not know, as Redis does."""

    def serve(self, connection: socket.socket) -> None:
        while received := connection.recv(65_536):
            words = b" ".join(received.split(b"\r\n"))
            connection.sendall(
                b"-ERR unknown command, with args beginning with: " + words + b"\r\n"
            )


@pytest.mark.parametrize("cluster", [False, True])
def test_a_server_that_quotes_what_it_was_sent_is_not_quoted(
    access: Access, publish: Publish, output: Output, *, cluster: bool
) -> None:
    with _Quoting() as quoting:
        publish(port=quoting.port, cluster=cluster)
        output.failure(RedisStore(access.client()))


@pytest.mark.parametrize("quotes", [False, True])
def test_a_refused_token_shows_nothing(
    access: Access, publish: Publish, output: Output, *, quotes: bool
) -> None:
    access.environment["AWS_SECRET_ACCESS_KEY"] = ROLE_SECRET
    access.environment["AWS_SESSION_TOKEN"] = SESSION
    credentials = IamCredentials(cache="my-cache", user="stranger")
    with _Quoting() as quoting:
        publish(credentials=credentials, **({"port": quoting.port} if quotes else {}))
        client = access.client()
        output.failure(RedisStore(client))
    known: Any = client._access
    output.note(client, known, known.credentials)


def test_a_clusters_failures_show_nothing(
    access: Access, output: Output, clusters: SpareClusters
) -> None:
    with clusters.take() as cluster:
        credentials = access.add_user(cluster, PASSWORD, cluster=True)
        access.publish(cluster.settings(credentials=credentials))
        client = access.client()
        store = RedisStore(client)
        for verb in VERBS:
            VERBS[verb](store, new_key())
        known: Any = client._access
        output.note(known.server, vars(known.server))
        for node in known.server._nodes.values():
            output.note(node, vars(node), *node._pool._idle)
        output.failure(store, key="others#1")
        with cluster.admin(0) as admin:
            admin.acl_deluser(USER)
        key = next(key for n in range(100) if cluster.owner(key := f"shop#{n}") == 0)
        output.failure(store, key=key)
    output.failure(store)
