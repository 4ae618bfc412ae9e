"""Servers that cannot be used as the settings say: each error names the server and its parameter,
in time.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kit.network.processes import free_port
from kit.network.tls import TlsFront, certificates
from kit.redis.access import PASSWORD, USER, Access, Publish, Refusal, ask
from kit.redis.cluster import RedisCluster
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from kit.redis.spares import SpareClusters
from lambda_idempotency.errors import ConfigurationError, StoreError

# The way to the server ----------------------------------------------------------------------------


def test_a_closed_port_is_named(access: Access, publish: Publish, refusal: Refusal) -> None:
    port = free_port()
    publish(port=port)
    message = refusal(StoreError)
    assert message == (
        f"Redis at 127.0.0.1:{port} (SSM parameter {access.parameter}) cannot be used: the "
        "connection was refused; does it listen there?"
    )


def test_an_unknown_host_is_named(access: Access, publish: Publish, refusal: Refusal) -> None:
    publish(host="no-such-host.invalid")
    message = refusal(StoreError)
    assert "Redis at no-such-host.invalid:" in message
    assert "its name is not known" in message


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time for a try, since no reply will come."""
    monkeypatch.setattr("lambda_idempotency.clients.redis.node.ATTEMPT_S", 0.1)


@pytest.mark.usefixtures("impatient")
def test_a_silent_server_is_named(
    access: Access, publish: Publish, redis_proxy: RedisProxy, refusal: Refusal
) -> None:
    redis_proxy.blackhole()
    publish(port=redis_proxy.port)
    assert "no answer in time; is there a route, and a security group?" in refusal(StoreError)


@pytest.mark.usefixtures("impatient")
def test_a_server_of_another_kind_is_named(
    access: Access, publish: Publish, refusal: Refusal
) -> None:
    publish(port=access.aws.port)
    message = refusal(StoreError)
    assert f"Redis at 127.0.0.1:{access.aws.port} (SSM parameter {access.parameter})" in message


def test_a_server_with_too_many_clients_is_named(access: Access, refusal: Refusal) -> None:
    with RedisServer(config=["maxclients 4"]) as server, ExitStack() as others:
        credentials = access.add_user(server, PASSWORD)
        access.publish(server.settings(credentials=credentials))
        for _ in range(4):
            others.enter_context(socket.create_connection((server.host, server.port)))
        assert "it has as many clients as it takes; raise its maxclients" in refusal(StoreError)


def test_a_database_that_there_is_not_is_named(
    access: Access, publish: Publish, refusal: Refusal
) -> None:
    publish(database=99)
    assert "does not let this user into `database`" in refusal(StoreError)


# TLS ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tls_server() -> Iterator[RedisServer]:
    """Yield a server with a certificate for localhost and 127.0.0.1."""
    with RedisServer(tls=True) as server:
        yield server


@pytest.fixture
def publish_tls(access: Access, tls_server: RedisServer) -> Publish:
    """Return a function that publishes the server's settings with TLS."""

    def publish(**overrides: Any) -> None:
        credentials = access.add_user(tls_server, PASSWORD)
        access.publish(tls_server.settings(**{"credentials": credentials, **overrides}))

    return publish


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_to_a_server_whose_ca_is_in_the_settings_leads_there(
    access: Access, publish_tls: Publish, host: str
) -> None:
    publish_tls(host=host)
    ask(access.client())


@pytest.mark.usefixtures("impatient")
def test_tls_to_a_plain_port_is_named(
    access: Access, publish_tls: Publish, tls_server: RedisServer, refusal: Refusal
) -> None:
    publish_tls(port=tls_server.plain_port)
    assert "TLS handshake failed; does it speak TLS on this port?" in refusal(StoreError)


def test_plain_text_to_a_port_of_tls_is_named(
    access: Access, publish_tls: Publish, refusal: Refusal
) -> None:
    publish_tls(tls=False, ca=None)
    assert "does it speak TLS?" in refusal(StoreError)


def test_a_certificate_of_an_unknown_ca_is_named(
    access: Access, publish_tls: Publish, refusal: Refusal
) -> None:
    publish_tls(ca=None)
    assert "its certificate is not trusted; see `ca` and `host`" in refusal(StoreError)


def test_a_certificate_of_another_ca_is_named(
    access: Access, publish_tls: Publish, tmp_path: Path, refusal: Refusal
) -> None:
    publish_tls(ca=certificates(tmp_path, "localhost").ca.read_text())
    assert "its certificate is not trusted" in refusal(StoreError)


@pytest.fixture
def known_to_the_system(
    tls_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put the server's CA among those that OpenSSL trusts by default."""
    assert tls_server.ca is not None
    (tmp_path / "system.pem").write_text(tls_server.ca)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))


@pytest.mark.usefixtures("known_to_the_system")
def test_the_cas_of_the_system_are_trusted_where_the_settings_have_none(
    access: Access, publish_tls: Publish
) -> None:
    publish_tls(ca=None)
    ask(access.client())


@pytest.mark.usefixtures("known_to_the_system")
def test_the_cas_of_the_system_are_not_trusted_beside_those_of_the_settings(
    publish_tls: Publish, refusal: Refusal, tmp_path: Path
) -> None:
    publish_tls(ca=certificates(tmp_path, "localhost").ca.read_text())
    assert "its certificate is not trusted" in refusal(StoreError)


def test_a_certificate_for_another_name_is_named(
    access: Access, publish_tls: Publish, tls_server: RedisServer, tmp_path: Path, refusal: Refusal
) -> None:
    files = certificates(tmp_path, "redis.example")
    with TlsFront(tls_server.plain_port, files) as front:
        publish_tls(port=front.port, ca=files.ca.read_text())
        assert "its certificate is not trusted; see `ca` and `host`" in refusal(StoreError)


@pytest.mark.parametrize("body", ["", "no base64", "AAAA"])
def test_a_ca_that_is_no_certificate_is_named(
    access: Access, publish_tls: Publish, body: str, refusal: Refusal
) -> None:
    publish_tls(ca=f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    message = refusal(ConfigurationError)
    assert f"SSM parameter {access.parameter}" in message
    assert "ca is not as expected: the PEM text of certificates" in message


# Clusters -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(clusters: SpareClusters) -> Iterator[RedisCluster]:
    with clusters.take() as cluster:
        yield cluster


def test_a_cluster_that_the_settings_do_not_call_one_is_named(
    access: Access, cluster: RedisCluster, refusal: Refusal
) -> None:
    credentials = access.add_user(cluster, PASSWORD)
    access.publish(cluster.settings(credentials=credentials, cluster=False))
    elsewhere = next(key for n in range(100) if cluster.owner(key := f"shop#{n}") != 0)
    message = refusal(StoreError, key=elsewhere)
    assert "it is a node of a cluster, and `cluster` is false" in message
    assert access.parameter in message


def test_a_single_server_that_the_settings_call_a_cluster_is_named(
    access: Access, publish: Publish, refusal: Refusal
) -> None:
    publish(cluster=True)
    message = refusal(StoreError)
    assert access.parameter in message
    assert "the user lacks +cluster|slots" in message


def test_a_single_server_that_says_so_itself_is_named(
    access: Access, shared_server: RedisServer, refusal: Refusal
) -> None:
    credentials = access.keep({"password": shared_server.admin_password})
    access.publish(shared_server.settings(credentials=credentials, cluster=True))
    assert "it did not answer as a node of a cluster, and `cluster` is true" in refusal(StoreError)


def test_a_password_that_one_node_does_not_know_is_named(
    access: Access, cluster: RedisCluster, refusal: Refusal
) -> None:
    credentials = access.add_user(cluster, PASSWORD, cluster=True)
    access.publish(cluster.settings(credentials=credentials))
    with cluster.admin(1) as admin:
        admin.acl_deluser(USER)
    key = next(key for n in range(100) if cluster.owner(key := f"shop#{n}") == 1)
    assert "Are the user and this password set on every node" in refusal(StoreError, key=key)
