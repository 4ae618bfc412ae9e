"""The documented rights are exactly the necessary ones, in Redis and in IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest

from kit.aws.local import ACCOUNT, REGION, LocalAws
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.cluster import RedisCluster
from kit.redis.servers import RedisServer
from kit.rotation.secrets import FaithfulSecrets
from kit.rotation.world import RotationWorld
from lambda_idempotency.rotation.acl import ADMIN_CLUSTER_COMMANDS, ADMIN_COMMANDS
from lambda_idempotency.rotation.errors import RotationError

OWN: Final = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)


@pytest.fixture(scope="module", params=VERSIONS)
def versioned(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with RedisServer(binary=binary_of(request.param), aclfile=True) as server:
        yield server


@pytest.fixture(scope="module", params=VERSIONS)
def versioned_cluster(request: pytest.FixtureRequest) -> Iterator[RedisCluster]:
    with RedisCluster(binary=binary_of(request.param), aclfile=True) as cluster:
        yield cluster


def test_the_administrators_rights_are_enough(local_aws: LocalAws, versioned: RedisServer) -> None:
    world = RotationWorld(local_aws, [versioned], versioned.settings())
    with versioned.admin() as admin:
        rights = admin.acl_getuser(world.admin)
    assert rights["categories"] == ["-@all"]
    assert sorted(rights["commands"]) == sorted(f"+{command}" for command in ADMIN_COMMANDS)
    assert not rights["keys"]
    token = world.rotate()
    world.check_only(world.fields(token)["password"])


@pytest.mark.parametrize("command", ADMIN_COMMANDS)
def test_each_right_of_the_administrator_is_needed(
    local_aws: LocalAws, versioned: RedisServer, command: str
) -> None:
    world = RotationWorld(local_aws, [versioned], versioned.settings())
    world.allow_admin(set(ADMIN_COMMANDS) - {command})
    check_refused(world, command)


def test_the_administrators_rights_are_enough_for_a_cluster(
    local_aws: LocalAws, versioned_cluster: RedisCluster
) -> None:
    cluster = versioned_cluster
    world = RotationWorld(local_aws, cluster.nodes, cluster.settings())
    token = world.rotate()
    world.check_only(world.fields(token)["password"])


@pytest.mark.parametrize("command", ADMIN_CLUSTER_COMMANDS)
def test_each_right_of_the_administrator_is_needed_for_a_cluster(
    local_aws: LocalAws, versioned_cluster: RedisCluster, command: str
) -> None:
    cluster = versioned_cluster
    world = RotationWorld(local_aws, cluster.nodes, cluster.settings())
    world.allow_admin(set(ADMIN_CLUSTER_COMMANDS) - {command})
    check_refused(world, command)


def check_refused(world: RotationWorld, command: str) -> None:
    token = world.announce()
    world.step("createSecret", token)
    named = command.upper().replace("|", " ")
    with pytest.raises(RotationError, match=f"User {world.admin} lacks the right for {named} on"):
        world.step("setSecret", token)
    world.check_current()


@pytest.fixture(scope="module")
def strict_aws() -> Iterator[LocalAws]:
    """Yield a local AWS in which only its first caller may act without a right."""
    with LocalAws(enforce_iam=True) as aws:
        yield aws


@pytest.fixture
def strict(strict_aws: LocalAws, server: RedisServer) -> RotationWorld:
    return RotationWorld(strict_aws, [server], server.settings())


def rights(world: RotationWorld) -> list[tuple[str, str]]:
    """Return the function's rights, each action with its resource."""
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{world.settings.parameter}"
    return [
        *((action, world.secret) for action in OWN),
        ("secretsmanager:GetSecretValue", str(world.settings.admin)),
        ("ssm:GetParameter", parameter),
    ]


def restrict(world: RotationWorld, aws: LocalAws, allowed: list[tuple[str, str]]) -> None:
    """Restrict the world's function to these rights."""
    iam = aws.client("iam")
    iam.create_user(UserName=world.user)
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=world.user, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=world.user)["AccessKey"]

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=aws.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    world.other_clients = {
        "secretsmanager": FaithfulSecrets(client("secretsmanager")),
        "ssm": client("ssm"),
    }


def test_the_functions_rights_are_enough(strict_aws: LocalAws, strict: RotationWorld) -> None:
    restrict(strict, strict_aws, rights(strict))
    token = strict.rotate()
    strict.check_only(strict.fields(token)["password"])


@pytest.mark.parametrize("number", range(len(OWN) + 2))
def test_each_right_of_the_function_is_needed(
    strict_aws: LocalAws, strict: RotationWorld, number: int
) -> None:
    allowed = rights(strict)
    _, resource = allowed.pop(number)
    restrict(strict, strict_aws, allowed)
    thing = strict.settings.parameter if ":ssm:" in resource else resource
    with pytest.raises(RotationError, match=f"{thing} was refused: AccessDenied"):
        strict.rotate()
    strict.check_current()
