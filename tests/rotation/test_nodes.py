"""Every node gets the passwords, replicas too, without help from another node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.aws.local import LocalAws
from kit.redis.binaries import VERSIONS, binary_of, has_tls
from kit.redis.cluster import REPLICA, RedisCluster
from kit.redis.servers import RedisServer, until
from kit.redis.spares import SpareClusters
from kit.rotation.calls import Calls
from kit.rotation.world import RotationWorld, sha256
from lambda_idempotency.rotation.errors import RotationError


def commands(calls: Calls, name: str) -> int:
    return calls.names.count(name)


def test_a_replica_gets_the_password(pair: RotationWorld) -> None:
    calls = Calls()
    token = pair.rotate(calls=calls)
    pair.check_only(pair.fields(token)["password"])
    assert commands(calls, "ACL SETUSER") == 4  # two nodes, two steps: one command each


def test_a_replica_in_the_settings_leads_to_its_primary(
    pair: RotationWorld, replica: RedisServer
) -> None:
    pair.publish(replica.settings())
    token = pair.rotate()
    pair.check_only(pair.fields(token)["password"])


def test_a_replica_of_a_replica_gets_the_password(
    local_aws: LocalAws, primary: RedisServer, replica: RedisServer
) -> None:
    with RedisServer(replica_of=replica, admin_password=primary.admin_password) as last:
        with last.admin() as admin:
            admin.config_set("masterauth", replica.admin_password)
        servers = [primary, replica, last]
        until(last.in_sync, "the last replica has the data")
        world = RotationWorld(local_aws, servers, primary.settings())
        token = world.rotate()
        world.check_only(world.fields(token)["password"])


def test_every_node_of_a_cluster_gets_the_password(cluster_world: RotationWorld) -> None:
    calls = Calls()
    token = cluster_world.rotate(calls=calls)
    cluster_world.check_only(cluster_world.fields(token)["password"])
    assert commands(calls, "ACL SETUSER") == 2 * 4


@pytest.mark.parametrize("node", range(4))
def test_any_node_of_a_cluster_knows_the_others(
    cluster_world: RotationWorld, cluster: RedisCluster, node: int
) -> None:
    cluster_world.publish(cluster.nodes[node].settings())
    token = cluster_world.rotate()
    cluster_world.check_only(cluster_world.fields(token)["password"])


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_are_rotated(local_aws: LocalAws, version: str) -> None:
    binary = binary_of(version)
    with (
        RedisServer(binary=binary) as primary,
        RedisServer(binary=binary, replica_of=primary) as replica,
    ):
        world = RotationWorld(local_aws, [primary, replica], primary.settings())
        token = world.rotate(between=world.check_current)
        world.check_only(world.fields(token)["password"])


def test_a_cluster_of_6_2_is_rotated(local_aws: LocalAws, clusters: SpareClusters) -> None:
    with clusters.take(binary_of("6.2")) as cluster:
        world = RotationWorld(local_aws, cluster.nodes, cluster.settings())
        token = world.rotate(between=world.check_current)
        world.check_only(world.fields(token)["password"])


def test_an_acl_file_keeps_the_new_password_over_a_restart(local_aws: LocalAws) -> None:
    with RedisServer(aclfile=True) as server:
        world = RotationWorld(local_aws, [server], server.settings())
        token = world.rotate()
        server.restart()
        world.check_only(world.fields(token)["password"])


def test_an_acl_file_keeps_both_passwords_in_the_middle(local_aws: LocalAws) -> None:
    with RedisServer(aclfile=True) as server:
        world = RotationWorld(local_aws, [server], server.settings())
        token = world.announce()
        world.step("createSecret", token)
        world.step("setSecret", token)
        server.restart()
        passwords = (world.first_password, world.fields(token)["password"])
        assert world.hashes(server) == {sha256(password) for password in passwords}


def test_a_node_without_an_acl_file_is_mentioned(
    world: RotationWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lambda_idempotency.rotation")
    world.rotate()
    assert f"{world.servers[0].port} has no ACL file" in caplog.text


def test_a_node_with_an_acl_file_is_not_mentioned(
    pair: RotationWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lambda_idempotency.rotation")
    pair.rotate()
    with_file = pair.servers[1]
    assert f"{with_file.port} has no ACL file" not in caplog.text


def test_an_acl_file_that_cannot_be_written_is_an_error(local_aws: LocalAws) -> None:
    with RedisServer(aclfile=True) as server:
        world = RotationWorld(local_aws, [server], server.settings())
        with server.admin() as admin:
            [file] = admin.config_get("aclfile").values()
        Path(file).unlink()
        (Path(file) / "in the way").mkdir(parents=True)  # a directory, whose place no file can take
        token = world.announce()
        world.step("createSecret", token)
        with pytest.raises(RotationError, match="answered ACL SAVE with an error"):
            world.step("setSecret", token)
        world.check_current()


def test_a_user_missing_on_one_node_stops_it_before_anything_changes(
    pair: RotationWorld, replica: RedisServer
) -> None:
    with replica.admin() as admin:
        admin.acl_deluser(pair.user)
    token = pair.announce()
    pair.step("createSecret", token)
    where = f"User {pair.user} does not exist on Redis node 127.0.0.1:{replica.port}"
    with pytest.raises(RotationError, match=f"{where}.*never replicated.*Create it there"):
        pair.step("setSecret", token)
    assert pair.hashes(pair.servers[0]) == {sha256(pair.first_password)}
    with replica.admin() as admin:
        assert pair.user not in admin.acl_users()


@pytest.fixture
def stopped_replica(local_aws: LocalAws) -> Iterator[RotationWorld]:
    """Yield a pair whose replica keeps its connections and answers nothing."""
    with RedisServer() as primary, RedisServer(replica_of=primary) as replica:
        world = RotationWorld(local_aws, [primary, replica], primary.settings())
        replica.pause()
        yield world


def test_a_node_that_does_not_answer_stops_it_before_anything_changes(
    stopped_replica: RotationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_idempotency.rotation.connect.TIMEOUT", 0.2)
    primary, replica = stopped_replica.servers
    token = stopped_replica.announce()
    stopped_replica.step("createSecret", token)
    with pytest.raises(RotationError, match=f"node 127.0.0.1:{replica.port} cannot be reached"):
        stopped_replica.step("setSecret", token)
    assert stopped_replica.hashes(primary) == {sha256(stopped_replica.first_password)}


def test_a_node_that_comes_after_test_secret_keeps_the_old_password_current(
    local_aws: LocalAws,
) -> None:
    with RedisServer() as primary:
        world = RotationWorld(local_aws, [primary], primary.settings())
        token = world.announce()
        for name in ("createSecret", "setSecret", "testSecret"):
            world.step(name, token)
        with RedisServer(replica_of=primary) as late:
            world.servers.append(late)
            world.allow_admin(("acl", "info"))
            late.add_user(world.user, world.first_password, "on +time")
            with pytest.raises(RotationError, match=f"node 127.0.0.1:{late.port} refuses the"):
                world.step("finishSecret", token)
            world.check_current()
            world.rotate(token)
            world.check_only(world.fields(token)["password"])


def test_a_failed_node_of_a_cluster_is_left_out(
    local_aws: LocalAws, clusters: SpareClusters
) -> None:
    with clusters.take() as cluster:
        world = RotationWorld(local_aws, cluster.nodes, cluster.settings())
        lost = cluster.nodes[REPLICA]
        lost.stop()
        with cluster.impatient():
            until(lambda: "fail" in _flags(cluster, REPLICA), "the replica has failed")
        world.servers.remove(lost)
        token = world.rotate(between=world.check_current)
        world.check_only(world.fields(token)["password"])


def _flags(cluster: RedisCluster, node: int) -> list[str]:
    lines: list[str] = cluster.ask(0, "NODES").splitlines()
    [flags] = [line.split()[2] for line in lines if line.startswith(cluster.name(node))]
    return flags.split(",")


def test_a_cluster_that_is_called_a_single_server_is_an_error(
    world: RotationWorld,
) -> None:
    world.publish(world.servers[0].settings(cluster=True))
    with world.servers[0].admin() as admin:
        admin.execute_command("ACL", "SETUSER", world.admin, "+cluster|nodes")
    token = world.announce()
    world.step("createSecret", token)
    with pytest.raises(RotationError, match=r"CLUSTER NODES with an error.*cluster support"):
        world.step("setSecret", token)


@pytest.fixture(params=VERSIONS)
def tls_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with RedisServer(binary=binary_of(request.param), tls=True) as server:
        yield server


def test_tls_is_spoken(local_aws: LocalAws, tls_server: RedisServer) -> None:
    world = RotationWorld(local_aws, [tls_server], tls_server.settings())
    token = world.rotate()
    world.check_only(world.fields(token)["password"])


def test_a_certificate_that_is_not_trusted_is_refused(
    local_aws: LocalAws, tls_server: RedisServer
) -> None:
    world = RotationWorld(local_aws, [tls_server], tls_server.settings(ca=None))
    token = world.announce()
    world.step("createSecret", token)
    with pytest.raises(RotationError, match="its certificate is not trusted"):
        world.step("setSecret", token)
    world.check_only(world.first_password)


def test_a_cluster_speaks_tls_under_the_names_it_announces(local_aws: LocalAws) -> None:
    binary = binary_of("7")
    if not has_tls(binary):
        pytest.skip("this machine's Redis has no TLS")
    with RedisCluster(
        binary=binary, tls=True, config=["cluster-announce-hostname localhost"]
    ) as cluster:
        world = RotationWorld(local_aws, cluster.nodes, cluster.settings())
        calls = Calls()
        token = world.rotate(calls=calls)
        world.check_only(world.fields(token)["password"])
        assert {node.host for node in calls.nodes} == {"127.0.0.1", "localhost"}


def test_a_cluster_node_that_does_not_know_its_address_is_found(local_aws: LocalAws) -> None:
    with RedisServer(cluster=True, config=['cluster-announce-ip ""']) as server:
        with server.admin() as admin:
            assert admin.execute_command("CLUSTER NODES")[f":{server.port}"]["connected"]
        world = RotationWorld(local_aws, [server], server.settings())
        token = world.rotate()
        world.check_only(world.fields(token)["password"])
