"""The Redis servers that the tests use: their promises, on each version."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import AskError, MovedError, NoPermissionError

from kit.network.processes import free_port
from kit.redis.binaries import CHOSEN, VERSIONS, binaries, binary_of, has_tls, server_binary
from kit.redis.cluster import PRIMARIES, REPLICA, RedisCluster
from kit.redis.servers import RedisServer, connect, until
from kit.redis.spares import SpareClusters

RULES = "on ~orders#* -@all +hset"
CLUSTER_RULES = f"{RULES} +command +cluster|slots"


@pytest.fixture(params=VERSIONS)
def binary(request: pytest.FixtureRequest) -> Path:
    return binary_of(request.param)


def test_the_bundled_server_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOSEN, raising=False)
    assert (6, 2) in [found.version[:2] for found in binaries()]
    assert server_binary() == binaries()[0].path


def test_a_server_that_is_chosen_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch, binary: Path
) -> None:
    monkeypatch.setenv(CHOSEN, str(binary))
    assert [found.path for found in binaries()] == [binary]


def test_nobody_uses_a_server_without_a_password(binary: Path) -> None:
    with RedisServer(binary=binary) as server, connect(server.port) as anybody:
        with pytest.raises(redis.AuthenticationError):
            anybody.ping()
        with server.admin() as admin:
            assert admin.ping()


def test_a_user_may_do_what_its_rules_say_and_no_more(binary: Path) -> None:
    with RedisServer(binary=binary) as server:
        server.add_user("orders", "secret", RULES)
        with connect(server.port, username="orders", password="secret") as user:
            assert user.hset("orders#1", "field", "value") == 1
            with pytest.raises(NoPermissionError):
                user.hset("others#1", "field", "value")
            with pytest.raises(NoPermissionError):
                user.get("orders#1")


@pytest.mark.parametrize("aclfile", [False, True])
def test_users_survive_a_restart_in_a_file_only(binary: Path, *, aclfile: bool) -> None:
    with RedisServer(binary=binary, aclfile=aclfile) as server:
        server.add_user("orders", "secret", RULES)
        port = server.port
        server.restart()
        assert server.port == port
        with server.admin() as admin:
            assert ("orders" in admin.acl_users()) == aclfile
            assert admin.acl_whoami() == "default"


def test_tls_is_spoken_with_a_certificate_of_its_own_ca(binary: Path) -> None:
    with RedisServer(binary=binary, tls=True) as server:
        options = {"password": server.admin_password, "ssl": True, "ssl_ca_data": server.ca}
        with connect(server.port, **options) as trusting:
            assert trusting.echo("x" * 200_000) == b"x" * 200_000
        settings = server.settings(username="orders")
        assert (settings.tls, settings.port, settings.ca) == (True, server.port, server.ca)
        assert settings.username == "orders"


def test_tls_is_not_spoken_to_who_knows_another_ca_or_none(binary: Path) -> None:
    with (
        RedisServer(binary=binary, tls=True) as server,
        connect(server.port, ssl=True) as wary,
        connect(server.port, password=server.admin_password) as plain,
    ):
        with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            wary.ping()
        with pytest.raises(redis.ConnectionError):
            plain.ping()


def test_a_server_with_tls_comes_back_after_a_restart(binary: Path) -> None:
    with (
        RedisServer(binary=binary, tls=True) as server,
        connect(
            server.port, password=server.admin_password, ssl=True, ssl_ca_data=server.ca
        ) as user,
    ):
        assert user.ping()
        server.kill()
        with pytest.raises(redis.ConnectionError):
            user.ping()
        server.start()
        assert user.ping()


def test_a_replica_has_the_data_of_its_primary(binary: Path) -> None:
    with (
        RedisServer(binary=binary, tls=True) as primary,
        RedisServer(binary=binary, replica_of=primary) as replica,
        primary.admin() as writer,
        replica.admin() as reader,
    ):
        writer.set("key", "value")
        until(lambda: reader.get("key") == b"value", "the replica has the key")
        with pytest.raises(redis.ReadOnlyError):
            reader.set("key", "other")


def test_a_paused_server_answers_nothing_until_it_goes_on(binary: Path) -> None:
    with RedisServer(binary=binary) as server, server.admin(socket_timeout=0.1) as admin:
        server.pause()
        with pytest.raises(redis.TimeoutError):
            admin.ping()
        server.resume()
        until(admin.ping, "it answers again")


def test_further_lines_of_the_configuration_take_effect(binary: Path) -> None:
    with RedisServer(binary=binary, config=["maxclients 77"]) as server, server.admin() as admin:
        assert admin.config_get("maxclients") == {"maxclients": "77"}


def test_a_server_that_does_not_start_says_why(binary: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="nonsense"),
        RedisServer(binary=binary, config=["nonsense 1"]),
    ):
        pass


def test_tls_is_known_from_the_program(binary: Path, tmp_path: Path) -> None:
    """One with TLS misses the certificate that is not there; another does not get so far."""
    ran = subprocess.run(
        [binary, "--port", "0", "--tls-port", str(free_port()), "--tls-cert-file", "none"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert ran.returncode != 0
    assert ("Failed to configure TLS" in ran.stdout) == has_tls(binary)


@pytest.fixture
def cluster(binary: Path, clusters: SpareClusters) -> Iterator[RedisCluster]:
    with clusters.take(binary) as cluster:
        yield cluster


def cluster_client(cluster: RedisCluster, **options: Any) -> redis.RedisCluster:
    """Return a client that follows the slots."""
    first = cluster.nodes[0]
    return redis.RedisCluster(
        host=first.host,
        port=first.port,
        protocol=2,
        driver_info=None,
        **options,
    )


def test_a_cluster_shares_the_keys_among_its_primaries(cluster: RedisCluster) -> None:
    cluster.add_user("orders", "secret", CLUSTER_RULES)
    with cluster_client(cluster, username="orders", password="secret") as user:
        for number in range(10):
            user.hset(f"orders#{number}", "field", "value")
    sizes = []
    for node in range(PRIMARIES):
        with cluster.admin(node) as admin:
            sizes.append(admin.dbsize())
    assert sum(sizes) == 10
    assert all(sizes)


def test_a_slot_moves_to_another_node_step_by_step(cluster: RedisCluster) -> None:
    source = cluster.owner("key")
    target = (source + 1) % PRIMARIES
    with cluster.admin(source) as old, cluster.admin(target) as new:
        old.set("key", "value")
        migration = cluster.migrate_slot("key", to=target)
        assert old.get("key") == b"value"
        migration.move("key")
        with pytest.raises(AskError):
            old.get("key")
        with pytest.raises(MovedError):
            new.get("key")
        migration.finish()
        assert new.get("key") == b"value"
        with pytest.raises(MovedError):
            old.get("key")
    assert cluster.owner("key") == target


def test_the_replica_takes_the_place_of_its_primary(cluster: RedisCluster) -> None:
    assert cluster.owner(0) == 0
    cluster.promote_replica()
    assert cluster.owner(0) == REPLICA


def test_the_replica_takes_the_place_of_a_dead_primary(cluster: RedisCluster) -> None:
    cluster.nodes[0].kill()
    cluster.promote_replica("TAKEOVER")
    assert cluster.owner(0) == REPLICA
