"""The strategy for ElastiCache: two passwords by ModifyUser, and waiting until they are valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config

from kit.aws.local import REGION, LocalAws
from kit.network.fault_server import FaultServer
from kit.redis.cluster import RedisCluster
from kit.redis.servers import RedisServer, until
from kit.rotation.calls import Calls, Killed, kill
from kit.rotation.elasticache import ElastiCacheUser
from kit.rotation.world import STEPS, RotationWorld, poller_of, sha256
from lambda_idempotency.rotation.errors import RotationError

USER_ID: Final = "records-user"
CHANGES: Final = ("put_secret_value", "modify_user", "update_secret_version_stage")


class CacheWorld(RotationWorld):
    """A world whose user is ElastiCache's, and which has no administrator."""

    def __init__(self, aws: LocalAws, servers: list[RedisServer], settings: Any) -> None:
        super().__init__(aws, servers, settings)
        for server in servers:
            with server.admin() as admin:
                admin.acl_deluser(self.admin)
        self.cache_user = ElastiCacheUser(USER_ID, self.user, apply=self._apply)
        self.settings = self.settings._replace(strategy="elasticache", user_id=USER_ID, admin=None)

    def connect(self, endpoint: str) -> None:
        """Give the function an ElastiCache client for the endpoint."""
        self.other_clients["elasticache"] = boto3.client(
            "elasticache",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def _apply(self, passwords: list[str]) -> None:
        hashes = [f"#{sha256(password)}" for password in passwords]
        for server in self.servers:
            with server.admin() as admin:
                admin.execute_command("ACL", "SETUSER", self.user, "resetpass", *hashes)


@pytest.fixture
def cache(local_aws: LocalAws, server: RedisServer) -> Iterator[CacheWorld]:
    world = CacheWorld(local_aws, [server], server.settings())
    with FaultServer(otherwise=world.cache_user) as elasticache:
        world.connect(elasticache.endpoint)
        yield world


@pytest.fixture
def cache_cluster(local_aws: LocalAws, cluster: RedisCluster) -> Iterator[CacheWorld]:
    with cluster.admin(0) as admin:
        admin.set("b", "node 0 has this key, and lists a replica once that has data")
    until(lambda: len(cluster.ask(0, "SLOTS")[0]) == 4, "node 0 lists its replica")
    world = CacheWorld(local_aws, cluster.nodes, cluster.settings())
    with FaultServer(otherwise=world.cache_user) as elasticache:
        world.connect(elasticache.endpoint)
        yield world


def test_a_rotation_leaves_the_new_password_alone(cache: CacheWorld) -> None:
    token = cache.rotate(between=cache.check_current)
    cache.check_only(cache.fields(token)["password"])
    assert not cache.accepts(cache.servers[0], cache.first_password)


def test_set_secret_makes_both_passwords_valid(cache: CacheWorld) -> None:
    token = cache.announce()
    cache.step("createSecret", token)
    cache.step("setSecret", token)
    passwords = (cache.first_password, cache.fields(token)["password"])
    assert cache.hashes(cache.servers[0]) == {sha256(password) for password in passwords}
    assert cache.cache_user.modifications == 1


@pytest.mark.parametrize("repeated", STEPS)
def test_a_step_can_be_repeated(cache: CacheWorld, repeated: str) -> None:
    token = cache.announce()
    for name in STEPS:
        cache.step(name, token)
        if name == repeated:
            cache.step(name, token)
        cache.check_current()
    cache.check_only(cache.fields(token)["password"])


def test_set_secret_waits_for_another_change_to_end(cache: CacheWorld) -> None:
    token = cache.announce()
    cache.step("createSecret", token)
    cache.cache_user.start_change()
    cache.step("setSecret", token)
    assert cache.cache_user.modifications == 1


def test_killed_after_any_change_it_ends_well(cache: CacheWorld) -> None:
    whole = Calls()
    cache.rotate(calls=whole)
    numbers = [n for n, name in enumerate(whole.names, start=1) if name in CHANGES]
    assert len(numbers) == 4
    for number in numbers:
        old = cache.fields()["password"]
        calls = Calls()
        calls.after(number, kill)
        token = cache.announce()
        with pytest.raises(Killed):
            cache.rotate(token, calls=calls)
        cache.check_current()
        cache.rotate(token, between=cache.check_current)
        cache.check_only(cache.fields(token)["password"])
        assert not cache.accepts(cache.servers[0], old)


def test_test_secret_really_logs_in(cache: CacheWorld) -> None:
    token = cache.announce()
    cache.step("createSecret", token)
    with pytest.raises(RotationError, match=f"refuses the password of user {cache.user}"):
        cache.step("testSecret", token)


def test_every_node_of_a_cluster_is_tried(cache_cluster: CacheWorld) -> None:
    token = cache_cluster.announce()
    cache_cluster.step("createSecret", token)
    cache_cluster.step("setSecret", token)
    calls = Calls()
    cache_cluster.step("testSecret", token, calls=calls)
    ports = sorted(node.port for node in calls.nodes)
    assert ports == sorted(server.port for server in cache_cluster.servers)
    assert calls.names.count("TIME") == 4


@pytest.mark.parametrize("node", range(4))
def test_a_cluster_node_without_the_password_is_found(cache_cluster: CacheWorld, node: int) -> None:
    token = cache_cluster.announce()
    cache_cluster.step("createSecret", token)
    cache_cluster.step("setSecret", token)
    server = cache_cluster.servers[node]
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", cache_cluster.user, "resetpass")
    with pytest.raises(RotationError, match=f"{server.port} refuses the password"):
        cache_cluster.step("testSecret", token)


def test_a_cluster_is_rotated(cache_cluster: CacheWorld) -> None:
    token = cache_cluster.rotate(between=cache_cluster.check_current)
    cache_cluster.check_only(cache_cluster.fields(token)["password"])


def test_waiting_ends_with_the_invocation(cache: CacheWorld) -> None:
    cache.cache_user.busy_looks = 1000
    token = cache.announce()
    cache.step("createSecret", token)
    with pytest.raises(RotationError, match=f"until ElastiCache user {USER_ID} is active.*timeout"):
        cache.step("setSecret", token, poller=poller_of(30))
    cache.check_current()


def test_an_unknown_user_is_an_error(cache: CacheWorld) -> None:
    cache.settings = cache.settings._replace(user_id="another-user")
    token = cache.announce()
    cache.step("createSecret", token)
    with pytest.raises(RotationError, match="ElastiCache user another-user was refused: UserNotF"):
        cache.step("setSecret", token)


def test_a_user_id_of_another_user_is_refused(cache: CacheWorld) -> None:
    cache.cache_user.name = "somebody-else"
    token = cache.announce()
    cache.step("createSecret", token)
    with pytest.raises(RotationError, match=f"has the name somebody-else, not {cache.user}"):
        cache.step("setSecret", token)
    assert cache.cache_user.modifications == 0
    cache.check_only(cache.first_password)


def test_a_password_that_elasticache_refuses_is_not_quoted(cache: CacheWorld) -> None:
    short = "p@ssword"
    cache.put({**cache.fields(), "password": short}, stage="AWSCURRENT")
    token = cache.announce()
    cache.step("createSecret", token)
    with pytest.raises(RotationError, match=r"modify_user .* InvalidParameterValue") as raised:
        cache.step("setSecret", token)
    assert short not in str(raised.value)


def test_an_elasticache_out_of_reach_is_an_error(cache: CacheWorld) -> None:
    with FaultServer() as gone:
        endpoint = gone.endpoint
    cache.connect(endpoint)
    token = cache.announce()
    cache.step("createSecret", token)
    with pytest.raises(RotationError, match=f"user {USER_ID} had no answer .*VPC endpoint"):
        cache.step("setSecret", token)
