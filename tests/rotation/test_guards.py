"""Refusals of the function: each names the problem and quotes no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from kit.rotation.secrets import remove_pending
from kit.rotation.world import STEPS, RotationWorld, poller_of
from lambda_idempotency.rotation.errors import RotationError
from lambda_idempotency.rotation.secret import Secret
from lambda_idempotency.rotation.steps import Rotation


class Untouched:
    """A server that nobody may contact."""

    def set_passwords(self, *_: Any) -> None:
        raise AssertionError

    def log_in(self, *_: Any) -> None:
        raise AssertionError


def run(world: RotationWorld, **event: Any) -> None:
    rotation = Rotation(
        Secret(world.client, world.secret),
        user=world.user,
        strategy=Untouched(),
        poller=poller_of(60),
    )
    rotation.run({"Step": "createSecret", "SecretId": world.secret, **event})


def arn(secret: str) -> str:
    return secret


def partial_arn(secret: str) -> str:
    return secret.rpartition("-")[0]


def name(secret: str) -> str:
    return secret.partition(":secret:")[2].rpartition("-")[0]


@pytest.mark.parametrize("form", [arn, partial_arn, name])
def test_every_form_of_the_own_secret_is_known(
    world: RotationWorld, form: Callable[[str], str]
) -> None:
    token = world.announce()
    # The emulator's suffix is hexadecimal, and six characters long like the real one.
    run(world, SecretId=form(world.secret), ClientRequestToken=token)
    assert world.fields(token)["username"] == world.user


@pytest.mark.parametrize("form", [arn, partial_arn, name])
def test_another_secret_is_refused(world: RotationWorld, form: Callable[[str], str]) -> None:
    token = world.announce()
    assert world.settings.admin is not None
    with pytest.raises(RotationError, match=f"rotates secret {world.secret} only"):
        run(world, SecretId=form(world.settings.admin), ClientRequestToken=token)


def test_a_secret_without_rotation_is_refused(world: RotationWorld) -> None:
    assert world.settings.admin is not None
    own = Secret(world.client, world.settings.admin)
    token = own.current_version()
    rotation = Rotation(own, user=world.admin, strategy=Untouched(), poller=poller_of(60))
    with pytest.raises(RotationError, match=f"secret {own.arn} is not enabled"):
        rotation.run({"Step": "setSecret", "SecretId": own.arn, "ClientRequestToken": token})


@pytest.mark.parametrize("step", STEPS)
def test_a_token_that_is_no_version_is_refused(world: RotationWorld, step: str) -> None:
    world.announce()
    with pytest.raises(RotationError, match="neither AWSPENDING nor AWSCURRENT"):
        run(world, Step=step, ClientRequestToken=str(uuid4()))


@pytest.mark.parametrize("step", STEPS)
def test_a_token_that_lost_its_label_is_refused(world: RotationWorld, step: str) -> None:
    token = world.announce()
    remove_pending(world.client, world.secret)
    with pytest.raises(RotationError, match="neither AWSPENDING nor AWSCURRENT"):
        run(world, Step=step, ClientRequestToken=token)


@pytest.mark.parametrize("step", STEPS)
def test_a_token_of_the_rotation_before_is_refused(world: RotationWorld, step: str) -> None:
    before = world.rotate()
    token = world.rotate()
    assert world.labels(before) == {"AWSPREVIOUS"}
    with pytest.raises(RotationError, match="neither AWSPENDING nor AWSCURRENT"):
        world.step(step, before)
    world.check_only(world.fields(token)["password"])


@pytest.mark.parametrize("step", STEPS[:3])
def test_a_token_that_is_current_is_no_work(world: RotationWorld, step: str) -> None:
    token = world.rotate()
    run(world, Step=step, ClientRequestToken=token)


def test_an_unknown_step_is_refused(world: RotationWorld) -> None:
    with pytest.raises(RotationError, match="expected one of createSecret, setSecret"):
        run(world, Step="removeSecret", ClientRequestToken=world.announce())


@pytest.mark.parametrize("missing", ["Step", "SecretId", "ClientRequestToken"])
def test_an_event_that_is_no_rotation_is_refused(world: RotationWorld, missing: str) -> None:
    event = {"Step": "createSecret", "ClientRequestToken": world.announce(), missing: None}
    with pytest.raises(RotationError, match=f"no {missing}"):
        run(world, **event)


@pytest.mark.parametrize("step", STEPS[1:])
def test_steps_before_create_secret_are_refused(world: RotationWorld, step: str) -> None:
    token = world.announce()
    with pytest.raises(RotationError, match=f"Version {token} of secret .* has no value"):
        world.step(step, token)
    world.check_only(world.first_password)


@pytest.mark.parametrize("step", ["testSecret", "finishSecret"])
def test_a_password_that_was_never_set_does_not_become_current(
    world: RotationWorld, step: str
) -> None:
    token = world.announce()
    world.step("createSecret", token)
    with pytest.raises(RotationError, match=f"refuses the password of user {world.user}"):
        world.step(step, token)
    world.check_only(world.first_password)
    assert world.labels(token) == {"AWSPENDING"}


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"username": "someone"}, "password"),
        ({"password": "planted-password"}, "username"),
        ({"username": "someone", "password": ""}, "password"),
        ({"username": "someone", "password": 17}, "password"),
    ],
)
def test_a_field_that_is_missing_is_named(
    world: RotationWorld, fields: dict[str, Any], missing: str
) -> None:
    world.put(fields, stage="AWSCURRENT")
    with pytest.raises(RotationError, match=f"secret {world.secret} lacks the field {missing}"):
        run(world, ClientRequestToken=world.announce())


@pytest.mark.parametrize(
    "text", ["planted-password", '["planted-password"]', '{"a": planted', "[" * 60_000]
)
def test_a_secret_that_is_no_object_is_refused(world: RotationWorld, text: str) -> None:
    world.client.put_secret_value(
        SecretId=world.secret, SecretString=text, ClientRequestToken=str(uuid4())
    )
    with pytest.raises(RotationError, match="is no JSON object") as raised:
        run(world, ClientRequestToken=world.announce())
    assert "planted" not in str(raised.value)


def test_a_binary_secret_is_refused(world: RotationWorld) -> None:
    client = world.client._client
    client.put_secret_value(SecretId=world.secret, SecretBinary=b"planted")
    rotation = Rotation(
        Secret(client, world.secret),
        user=world.user,
        strategy=Untouched(),
        poller=poller_of(60),
    )
    event = {"Step": "createSecret", "SecretId": world.secret}
    with pytest.raises(RotationError, match="is no JSON object"):
        rotation.run({**event, "ClientRequestToken": world.announce()})


def test_a_current_version_of_another_user_is_refused(world: RotationWorld) -> None:
    world.put({**world.fields(), "username": "somebody-else"}, stage="AWSCURRENT")
    with pytest.raises(RotationError, match=f"is not {world.user}"):
        run(world, ClientRequestToken=world.announce())


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_pending_version_of_another_user_is_refused(world: RotationWorld, step: str) -> None:
    token = world.announce()
    world.put({**world.fields(), "username": "other"}, token=token, stage="AWSPENDING")
    with pytest.raises(RotationError, match=f"is not {world.user}"):
        world.step(step, token)
    world.check_only(world.first_password)


@pytest.mark.parametrize("step", STEPS[1:])
@pytest.mark.parametrize(("field", "value"), [("host", "redis.evil"), ("port", 6380)])
def test_a_pending_version_of_another_server_is_refused(
    world: RotationWorld, step: str, field: str, value: object
) -> None:
    world.put({**world.fields(), "host": "redis", "port": 6379}, stage="AWSCURRENT")
    token = world.announce()
    world.put({**world.fields(), field: value}, token=token, stage="AWSPENDING")
    with pytest.raises(RotationError, match=f"The {field} in version {token}"):
        world.step(step, token)
    world.check_only(world.first_password)


def test_a_secret_that_names_its_server_is_rotated(world: RotationWorld) -> None:
    world.put({**world.fields(), "host": "redis", "port": 6379}, stage="AWSCURRENT")
    token = world.rotate()
    assert world.fields()["host"] == "redis"
    world.check_only(world.fields(token)["password"])


def test_the_administrator_does_not_rotate_itself(world: RotationWorld) -> None:
    world.settings = world.settings._replace(admin=world.secret)
    token = world.announce()
    with world.servers[0].admin() as admin:
        admin.execute_command("ACL", "SETUSER", world.user, "+acl", "+info")
    world.step("createSecret", token)
    with pytest.raises(RotationError, match="cannot rotate its own password"):
        world.step("setSecret", token)
    world.check_only(world.first_password)
