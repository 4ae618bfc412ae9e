"""The handler as Lambda calls it, with boto3's own clients, and its waiting."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final

import pytest

from kit.aws.local import LocalAws
from kit.rotation.calls import Calls
from kit.rotation.world import STEPS, RotationWorld, poller_of
from lambda_idempotency.contract.rotation import HANDLER, PREFIX
from lambda_idempotency.errors import ConfigurationError
from lambda_idempotency.rotation.errors import RotationError
from lambda_idempotency.rotation.function import handler

LIGHT: Final = ("boto3", "botocore", "redis")


class Context:
    """The context of an invocation with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def deployed(
    world: RotationWorld, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> RotationWorld:
    """Return a world whose settings are in the environment."""
    settings = world.settings.to_environment()
    aws = {n: v for n, v in local_aws.environment().items() if n.startswith("AWS_")}
    for name, value in {**settings, **aws}.items():
        monkeypatch.setenv(name, value)
    return world


def invoke(world: RotationWorld, step: str, token: str) -> Any:
    event = {"Step": step, "SecretId": world.secret, "ClientRequestToken": token}
    # The test's own `None` would hide another value: mypy knows that the handler returns none.
    call: Any = handler
    return call({**event, "RotationToken": "planted-rotation-token"}, Context())


def test_the_handler_rotates(deployed: RotationWorld) -> None:
    token = deployed.announce()
    for step in STEPS:
        assert invoke(deployed, step, token) is None
        deployed.check_current()
    deployed.check_only(deployed.fields(token)["password"])
    assert deployed.fields(token)["password"] != deployed.first_password


def test_the_handlers_name_is_the_contracts() -> None:
    assert f"{handler.__module__}.{handler.__name__}" == HANDLER


def test_a_repeated_create_secret_makes_no_second_password(deployed: RotationWorld) -> None:
    # The emulator would accept it; Secrets Manager refuses another value for a token.
    token = deployed.announce()
    invoke(deployed, "createSecret", token)
    before = deployed.fields(token)
    invoke(deployed, "createSecret", token)
    assert deployed.fields(token) == before


def test_a_version_that_is_current_and_pending_is_finished(deployed: RotationWorld) -> None:
    # The emulator leaves AWSPENDING where it was, which the contract allows too.
    token = deployed.announce()
    for step in [*STEPS, "finishSecret"]:
        invoke(deployed, step, token)
    assert deployed.labels(token) == {"AWSCURRENT", "AWSPENDING"}
    deployed.check_only(deployed.fields(token)["password"])


def test_a_missing_variable_is_named(
    deployed: RotationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"{PREFIX}ADMIN")
    with pytest.raises(ConfigurationError, match=f"{PREFIX}ADMIN is missing"):
        invoke(deployed, "createSecret", deployed.announce())


def test_a_missing_parameter_is_named(
    deployed: RotationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}PARAMETER", "/not/there")
    with pytest.raises(RotationError, match="SSM parameter /not/there was refused: ParameterNot"):
        invoke(deployed, "createSecret", deployed.announce())


def test_a_missing_secret_is_named(
    deployed: RotationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET", "not-there")
    with pytest.raises(RotationError, match="secret not-there was refused: ResourceNotFound"):
        invoke(deployed, "createSecret", deployed.announce())


def test_a_parameter_with_something_else_is_named(deployed: RotationWorld) -> None:
    deployed.publish(deployed.servers[0].settings(port=0))
    with pytest.raises(ConfigurationError, match=f"{deployed.settings.parameter} .* port"):
        invoke(deployed, "createSecret", deployed.announce())


def test_the_old_password_stays_while_readers_get_it(world: RotationWorld) -> None:
    token = world.announce()
    for step in STEPS[:3]:
        world.step(step, token)
    world.client.stale_reads = 5
    calls = Calls()
    world.step("finishSecret", token, calls=calls)
    moved = calls.names.index("update_secret_version_stage")
    removed = calls.names.index("ACL SETUSER")
    # Five stale answers, each of which starts the series again, and then three new ones in a row.
    assert calls.names[moved:removed].count("describe_secret") == 6 + 1
    world.check_only(world.fields(token)["password"])


def test_the_old_password_stays_when_the_time_ends_before(world: RotationWorld) -> None:
    token = world.announce()
    for step in STEPS[:3]:
        world.step(step, token)
    world.client.stale_reads = 1000
    with pytest.raises(RotationError, match=f"until version {token} .* is what its readers get"):
        world.step("finishSecret", token, poller=poller_of(30))
    assert world.accepts(world.servers[0], world.first_password)
    world.client._stale.clear()
    world.rotate(token)
    world.check_only(world.fields(token)["password"])


@pytest.mark.parametrize("module", ["contract.rotation", "rotation", "rotation.errors"])
def test_the_construct_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, lambda_idempotency.{module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(ran.stdout.split()).isdisjoint(LIGHT)
