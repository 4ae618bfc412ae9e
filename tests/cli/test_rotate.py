"""`rotate`: a new password, seen to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from cdk_idempotency_cli.aws import Aws
from cli.conftest import Shop
from kit.aws.local import LocalAws
from kit.redis.access import PASSWORD
from kit.rotation.secrets import enable_rotation
from lambda_idempotency.contract.redis import RedisSettings, SecretsManagerCredentials

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def secrets(local_aws: LocalAws) -> Iterator[Any]:
    with closing(local_aws.client("secretsmanager")) as client:
        yield client


@pytest.fixture
def shop(shops: Callable[[str], Shop]) -> Shop:
    """Return a shop on Redis."""
    return shops("redis")


@pytest.fixture
def secret(shop: Shop, local_aws: LocalAws) -> str:
    """Return the secret of the shop's functions."""
    with closing(local_aws.client("ssm")) as ssm:
        text = ssm.get_parameter(Name=shop.place[1])["Parameter"]["Value"]
    credentials = RedisSettings.parse(text, "").credentials
    assert isinstance(credentials, SecretsManagerCredentials)
    return credentials.id


def test_a_secret_without_rotation_is_refused(shops: Callable[[str], Shop]) -> None:
    ran = shops("cluster").run("rotate", "--yes")
    assert ran.code == 4
    assert "has no rotation" in ran.err


def test_it_ends_when_the_new_version_is_current(shop: Shop, secrets: Any, secret: str) -> None:
    enable_rotation(secrets, secret)
    before = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    ran = shop.run("rotate", "--yes")
    assert ran.code == 0, ran.err
    after = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    [new] = set(after) - set(before)
    assert after[new] == ["AWSCURRENT"]
    assert PASSWORD not in ran.out


def test_nothing_is_rotated_without_a_yes(shop: Shop, secrets: Any, secret: str) -> None:
    enable_rotation(secrets, secret)
    before = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert shop.run("rotate", types="n\n").code == 4
    assert secrets.describe_secret(SecretId=secret)["VersionIdsToStages"] == before


def test_a_rotation_that_does_not_end_names_the_function_to_look_at(
    shop: Shop, secrets: Any, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable_rotation(secrets, secret)

    class Begun:
        """Secrets Manager, which begins a rotation, and whose function does nothing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(secrets, name)

        def rotate_secret(self, **_: Any) -> None:
            pass

        def close(self) -> None:
            pass

    own = Aws.client
    monkeypatch.setattr(
        Aws,
        "client",
        lambda self, service: Begun() if service == "secretsmanager" else own(self, service),
    )
    ran = shop.run("rotate", "--yes", "--timeout", "0")
    assert ran.code == 1
    assert "the rotation function rotation" in ran.err


def test_a_table_has_no_password(shops: Callable[[str], Shop]) -> None:
    assert shops("dynamodb").run("rotate", "--yes").code == 4
