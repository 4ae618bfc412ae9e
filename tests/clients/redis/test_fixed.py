"""A server that a URL names, or settings in the code: the runtime's own client, without AWS."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
import redis

from kit.frames import shown
from kit.network.processes import free_port
from kit.redis.access import NAMESPACE, USER, VERBS, WRITES, Access, Clocks, key_at
from kit.redis.cluster import PRIMARIES
from kit.redis.servers import RedisServer
from kit.redis.spares import SpareClusters
from lambda_idempotency import ConfigurationError, RedisStore, StoreError
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.redis.fixed import client_of_url
from lambda_idempotency.contract.redis import RedisSettings, access_string
from lambda_idempotency.protocol.record import Applied
from lambda_idempotency.testing.store_harness import new_key

PASSWORD: Final = "hunter2:/?#[]@!% ä"


def _use(store: RedisStore) -> None:
    """Use all verbs, and close the store."""
    with closing(store):
        for verb in VERBS:
            assert isinstance(VERBS[verb](store, new_key()), Applied) == (verb in WRITES)


# URLs ---------------------------------------------------------------------------------------------


@pytest.fixture
def user(shared_server: RedisServer) -> str:
    """Return what a URL of the shared server begins with, for a user with the documented rights."""
    shared_server.add_user(USER, PASSWORD, access_string([NAMESPACE], cluster=False, database=1))
    return f"redis://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{shared_server.port}"


@pytest.mark.parametrize("end", ["", "/", "/0", "/1"])
def test_a_url_is_enough(user: str, end: str) -> None:
    _use(RedisStore(f"{user}{end}"))


def test_a_url_leads_to_its_database(user: str, shared_server: RedisServer) -> None:
    key = new_key()
    with closing(RedisStore(f"{user}/1")) as store:
        VERBS["claim"](store, key)
    with shared_server.admin(db=1) as chosen, shared_server.admin() as first:
        assert chosen.exists(key)
        assert not first.exists(key)


def test_without_a_name_it_is_the_default_user(shared_server: RedisServer) -> None:
    _use(RedisStore(f"redis://:{shared_server.admin_password}@127.0.0.1:{shared_server.port}"))


def test_rediss_is_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with RedisServer(tls=True) as server:
        assert server.ca is not None
        (tmp_path / "ca.pem").write_text(server.ca)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        _use(RedisStore(f"rediss://:{server.admin_password}@localhost:{server.port}"))


@pytest.mark.parametrize(
    "url",
    [
        "redis://Cache.test",
        "redis://cache.test:6380/2",
        "rediss://user:secret@cache.test:6380",
        "redis://:secret@[::1]:6380",
    ],
)
def test_a_url_names_the_server_as_redis_py_does(url: str) -> None:
    with redis.from_url(url) as client:
        own, brought = RedisStore(url), RedisStore(client)
        assert (own.name, own.label.lower()) == (brought.name, brought.label.lower())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("hunter2", "does not begin with redis://"),
        ("https://user:hunter2@cache", "does not begin with redis://"),
        ("redis://", "a host, port or database that is none"),
        ("redis://:hunter2@cache:x", "a host, port or database that is none"),
        ("redis://:hunter2@cache:0", "a host, port or database that is none"),
        ("redis://:hunter2@cache/x", "a host, port or database that is none"),
        ("redis://:hunter2@cache/-1", "a host, port or database that is none"),
        ("redis://hunter2@cache", "a user without a password"),
        ("redis://hunter2:@cache", "an empty password"),
    ],
)
def test_a_url_that_is_none_is_refused_and_not_shown(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        RedisStore(url)
    assert "expected redis://USER:PASSWORD@HOST:PORT/DATABASE" in str(raised.value)
    assert "client=Secret(...)" in shown(raised.value)
    assert "hunter2" not in shown(raised.value)


def test_a_url_whose_password_is_refused_is_named(
    user: str, shared_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clocks(monkeypatch)
    store = RedisStore(user.replace("hunter2", "hunter3"))
    with pytest.raises(StoreError) as raised:
        store.read(new_key())
    assert str(raised.value) == (
        f"Redis at 127.0.0.1:{shared_server.port} (its URL) refuses the credentials from its URL. "
        "Are the user and this password set on every node?"
    )


def test_a_url_that_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    client = client_of_url(Secret(f"redis://127.0.0.1:{free_port()}"), sleep=clocks.sleep)
    with pytest.raises(StoreError, match=r"\(its URL\) cannot be used: the connection was refused"):
        RedisStore(client).read(new_key())


# Settings -----------------------------------------------------------------------------------------


def test_settings_lead_to_a_cluster_and_to_the_secret_that_they_name(
    access: Access, clusters: SpareClusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in access.environment.items():
        monkeypatch.setenv(name, value)
    with clusters.take() as cluster:
        credentials = access.add_user(cluster, PASSWORD, cluster=True)
        with closing(RedisStore(cluster.settings(credentials=credentials))) as store:
            for node in range(PRIMARIES):
                assert isinstance(VERBS["claim"](store, key_at(cluster, node)), Applied)
            assert store.name == f"redis-cluster://127.0.0.1:{cluster.nodes[0].port}"


def test_settings_without_credentials_ask_for_none(server: RedisServer) -> None:
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "default", "nopass")
    _use(RedisStore(RedisSettings(host="127.0.0.1", port=server.port, tls=False)))


# Imports ------------------------------------------------------------------------------------------


def test_a_url_needs_neither_redis_py_nor_aws(user: str) -> None:
    program = (
        "import sys\n"
        "from lambda_idempotency import RedisStore, idempotent\n"
        f"store = RedisStore({user!r})\n"
        "handler = idempotent(store=store, namespace='shop')(lambda event, context: event)\n"
        "assert handler({'order': 1}, None) == {'order': 1}\n"
        "print(*sys.modules)\n"
    )
    command = [sys.executable, "-c", program]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    heavy = {"asyncio", "http.client", "redis", "ssl", "lambda_idempotency.clients.aws.client"}
    assert loaded & heavy == set()
    assert "lambda_idempotency.clients.redis.fixed" in loaded
