"""The names of stores: the same for the same records, and another for others."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
import redis

from kit.aws.credentials import STATIC
from kit.harnesses import light_client
from kit.network.fault_server import FaultServer
from kit.redis.cluster import RedisCluster
from lambda_idempotency import DynamoDBStore, MemoryStore, RedisStore
from lambda_idempotency.clients.aws import services
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.stores.cached import CachedStore


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the environment of a function in Ireland."""
    for name, value in {"AWS_REGION": "eu-west-1", **STATIC}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")  # boto3 reads this one
    return monkeypatch


# DynamoDB -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"},
        {"AWS_ENDPOINT_URL_DYNAMODB": "https://DynamoDB.example.com:443/records"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    ],
    ids=lambda variables: next(iter(variables), "plain"),
)
def test_a_table_has_one_name_with_each_client(
    environment: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    clients = [None, services.DynamoDB(), boto3.client("dynamodb")]
    [name] = {DynamoDBStore("records", client=client).name for client in clients}
    assert name.endswith("/records")


def test_a_table_is_named_after_its_endpoint(environment: pytest.MonkeyPatch) -> None:
    assert DynamoDBStore("records").name == "https://dynamodb.eu-west-1.amazonaws.com/records"


def test_a_table_and_its_arn_have_one_name(environment: pytest.MonkeyPatch) -> None:
    by_arn = DynamoDBStore("arn:aws:dynamodb:eu-west-1:123456789012:table/records")
    by_name = DynamoDBStore("records")
    assert (by_arn.name, by_arn.label) == (by_name.name, by_name.label)


def test_another_table_and_another_region_have_another_name(
    environment: pytest.MonkeyPatch,
) -> None:
    names = [DynamoDBStore("records").name, DynamoDBStore("others").name]
    names.append(DynamoDBStore("records", client=boto3.client("dynamodb", "us-east-1")).name)
    names.append(DynamoDBStore("records", url_suffix="amazonaws.com.cn").name)
    assert len(set(names)) == 4


def test_a_table_keeps_its_name_after_the_first_request(environment: pytest.MonkeyPatch) -> None:
    with FaultServer() as server:
        environment.setenv("AWS_ENDPOINT_URL", server.endpoint)
        store = DynamoDBStore("records")
        before = store.name
        store.read("shop#1")
        environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        assert store.name == before
        store._own_client().close()


def test_a_name_makes_no_client(environment: pytest.MonkeyPatch) -> None:
    store = DynamoDBStore("records")
    assert store.name
    assert store._client is None


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "nonsense"},
        {"AWS_REGION": "cn-north-1", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    ],
)
def test_while_nothing_tells_the_endpoint_the_name_is_the_tables_alone(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    store = DynamoDBStore("records", url_suffix="example.com")
    assert store.name == "records"


class Silent:
    """A client that says nothing about itself."""


class Talkative:
    """A client that says unexpected things about itself."""

    class meta:  # noqa: N801
        endpoint_url = 4566


class Broken:
    """A client that fails whatever it is asked."""

    @property
    def meta(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("client", [Silent(), Talkative(), Broken()])
def test_a_client_that_does_not_say_is_taken_for_one_of_this_environment(
    environment: pytest.MonkeyPatch, client: Any
) -> None:
    assert DynamoDBStore("records", client=client).name == DynamoDBStore("records").name


def test_the_metrics_of_a_table_have_its_name_alone(environment: pytest.MonkeyPatch) -> None:
    client = light_client("http://127.0.0.1:4566")
    assert DynamoDBStore("records", client=client).label == "records"


# Redis --------------------------------------------------------------------------------------------


def _sentinel() -> Any:
    sentinel: Any = redis.Sentinel  # untyped
    return sentinel([("watcher", 26379)])


@pytest.mark.parametrize(
    ("client", "name", "label"),
    [
        (redis.Redis(host="Cache.test"), "redis://cache.test:6379/0", "Cache.test"),
        (redis.Redis("one", 6380, 2), "redis://one:6380/2", "one"),
        (redis.from_url("redis://one"), "redis://one:6379/0", "one"),
        (redis.from_url("rediss://user:secret@one:6380/2"), "redis://one:6380/2", "one"),
        (redis.Redis(unix_socket_path="/run/redis"), "unix:///run/redis?db=0", "redis"),
        (
            _sentinel().master_for("orders", db=1),
            "redis-sentinel://orders/1",
            "redis",
        ),
        (ParameterClient("/shop/redis"), "ssm:/shop/redis", "/shop/redis"),
    ],
    ids=["host", "port and database", "url", "secret", "socket", "sentinel", "parameter"],
)
def test_a_server_is_named_by_what_its_client_says(client: Any, name: str, label: str) -> None:
    store = RedisStore(client)
    assert (store.name, store.label) == (name, label)


class Wrapped:
    """A client around a client, which says nothing about itself."""

    def execute_command(self, *command: Any, **_: Any) -> Any: ...


def test_a_client_that_does_not_say_has_a_name_of_its_own() -> None:
    one, other = Wrapped(), Wrapped()
    names = [RedisStore(client).name for client in (one, one, other)]
    assert names[0] == names[1] != names[2]
    assert RedisStore(one).label == "redis"


def test_a_cluster_has_one_name_through_each_of_its_nodes() -> None:
    names = set()
    with RedisCluster() as cluster:
        for node in cluster.nodes:
            with redis.RedisCluster(
                host=node.host,
                port=node.port,
                password=node.admin_password,
                protocol=2,
                driver_info=None,
            ) as client:
                store = RedisStore(client)
                names.add((store.name, store.label))
    [(name, label)] = names
    assert name.startswith("redis-cluster://")
    assert label == "redis"


# In the process -----------------------------------------------------------------------------------


def test_each_memory_store_has_a_name_of_its_own() -> None:
    one, other = MemoryStore(), MemoryStore()
    assert one.name != other.name
    assert one.name.startswith("memory-")


def test_the_metrics_of_memory_stores_are_those_of_one() -> None:
    assert MemoryStore().label == MemoryStore().label == "memory"


def test_a_cache_has_the_name_of_its_store() -> None:
    store = MemoryStore()
    cached = CachedStore(store, 1)
    assert (cached.name, cached.label) == (store.name, store.label)
