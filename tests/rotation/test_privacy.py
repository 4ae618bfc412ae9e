"""No log line, error, traceback or repr holds a password or its hash."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ParamValidationError

from kit.aws.local import LocalAws
from kit.rotation.calls import Calls
from kit.rotation.world import STEPS, RotationWorld, sha256
from lambda_idempotency.rotation.calls import call
from lambda_idempotency.rotation.connect import Login
from lambda_idempotency.rotation.errors import RotationError
from lambda_idempotency.rotation.function import handler
from lambda_idempotency.rotation.secret import Secret

TOKEN: Final = "what proves to Secrets Manager who asks"


class Context:
    """The context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Watched(logging.Handler):
    """A function, and all of its output."""

    def __init__(self, world: RotationWorld) -> None:
        super().__init__(logging.DEBUG)
        self.world = world
        self.lines: list[str] = []
        self.said: list[str] = []
        self.planted = {world.first_password, world.admin_password}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log record."""
        self.said += [record.getMessage(), repr(record.__dict__)]
        if record.name == "lambda_idempotency.rotation":
            self.lines.append(record.getMessage())

    def invoke(self, step: str, token: str, *, level: int = logging.DEBUG) -> None:
        """Run a step, as Lambda does, which prints the traceback of an error."""
        root = logging.getLogger()
        before = root.level
        root.addHandler(self)
        root.setLevel(level)
        try:
            self._invoke(step, token)
        finally:
            root.setLevel(before)
            root.removeHandler(self)

    def _invoke(self, step: str, token: str) -> None:
        event = {"Step": step, "SecretId": self.world.secret, "ClientRequestToken": token}
        try:
            handler({**event, "RotationToken": TOKEN}, Context())
        except Exception as error:
            self.said += traceback.format_exception(error)
            behind: BaseException | None = error
            while behind is not None:
                self.said += [str(behind), repr(behind)]
                behind = behind.__context__
            raise

    def check(self) -> None:
        """Check that no planted secret is in the output."""
        said = "\n".join(self.said)
        assert said
        assert TOKEN not in said
        for password in self.planted:
            assert password not in said
            assert sha256(password) not in said


@pytest.fixture
def watched(
    world: RotationWorld, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    aws = {n: v for n, v in local_aws.environment().items() if n.startswith("AWS_")}
    for name, value in {**world.settings.to_environment(), **aws}.items():
        monkeypatch.setenv(name, value)
    watched = Watched(world)
    yield watched
    watched.check()


def test_a_rotation_says_nothing_secret(watched: Watched) -> None:
    token = watched.world.announce()
    for step in STEPS:
        watched.invoke(step, token)
    watched.planted.add(watched.world.fields(token)["password"])


def test_a_rotation_says_what_it_has_done_at_lambdas_level(watched: Watched) -> None:
    token = watched.world.announce()
    for step in STEPS:
        watched.invoke(step, token, level=logging.WARNING)
        about = f"{step}: version {token} of secret {watched.world.secret}"
        assert watched.lines[-1].startswith(f"{about}, user {watched.world.user}, ")


def break_login(world: RotationWorld) -> str:
    with world.servers[0].admin() as admin:
        admin.execute_command("ACL", "SETUSER", world.admin, "resetpass", ">another-password")
    return "refuses the password"


def break_rights(world: RotationWorld) -> str:
    world.allow_admin(["acl|getuser", "info"])
    return "lacks the right for ACL SETUSER"


def break_user(world: RotationWorld) -> str:
    with world.servers[0].admin() as admin:
        admin.acl_deluser(world.user)
    return "does not exist on Redis node"


def break_route(world: RotationWorld) -> str:
    world.publish(world.servers[0].settings(port=1))
    return "cannot be reached: Connection refused"


def break_kind(world: RotationWorld) -> str:
    world.publish(world.servers[0].settings(cluster=True))
    return "lacks the right for CLUSTER NODES"


@pytest.mark.parametrize(
    "break_it", [break_login, break_rights, break_user, break_route, break_kind]
)
def test_a_failure_says_nothing_secret(
    watched: Watched, break_it: Callable[[RotationWorld], str]
) -> None:
    token = watched.world.announce()
    watched.world.step("createSecret", token)
    watched.planted.add(watched.world.fields(token)["password"])
    words = break_it(watched.world)
    with pytest.raises(RotationError, match=words):
        watched.invoke("setSecret", token)


@pytest.mark.parametrize("text", ['{"password": "planted-pass', "planted-pass"])
def test_a_secret_that_is_no_json_is_not_quoted(watched: Watched, text: str) -> None:
    watched.planted.add("planted-pass")
    token = watched.world.announce()
    watched.world.client.update_secret(SecretId=watched.world.secret, SecretString=text)
    with pytest.raises(RotationError, match="is no JSON object"):
        watched.invoke("createSecret", token)


def test_a_username_in_the_secret_is_not_quoted(watched: Watched) -> None:
    watched.planted.add("planted-name")
    fields = {**watched.world.fields(), "username": "planted-name"}
    watched.world.put(fields, stage="AWSCURRENT")
    with pytest.raises(RotationError, match=f"is not {watched.world.user}"):
        watched.invoke("createSecret", watched.world.announce())


def test_a_hash_that_redis_refuses_is_not_quoted(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong:
        def hexdigest(self) -> str:
            return "planted-hash"

    watched.planted.add("planted-hash")
    token = watched.world.announce()
    watched.world.step("createSecret", token)
    fake: Any = type("hashlib", (), {"sha256": lambda *_: Wrong()})
    monkeypatch.setattr("lambda_idempotency.rotation.acl.hashlib", fake)
    with pytest.raises(RotationError, match="ACL SETUSER with an error"):
        watched.invoke("setSecret", token)


def test_a_request_that_boto3_refuses_is_not_quoted(local_aws: LocalAws) -> None:
    request = {"SecretId": "some", "SecretString": ["planted"]}
    client = local_aws.client("secretsmanager")
    with pytest.raises(ParamValidationError, match="planted"):
        client.put_secret_value(**request)
    with pytest.raises(RotationError, match="put_secret_value for secret some failed") as raised:
        call(client, "put_secret_value", about="secret some", **request)
    assert raised.value.__context__ is None
    assert "planted" not in str(raised.value)


def test_nodes_are_sent_hashes(world: RotationWorld) -> None:
    calls = Calls()
    token = world.rotate(calls=calls)
    changes = [command for command in calls.commands if "SETUSER" in command]
    old, new = (f"#{sha256(p)}" for p in (world.first_password, world.fields(token)["password"]))
    about = ("ACL", "SETUSER", world.user, "resetpass")
    assert changes == [(*about, old, new), (*about, new)]


def test_reprs_hide_the_password(world: RotationWorld) -> None:
    assert world.first_password not in repr(Login(world.user, world.first_password))
    version = Secret(world.client, world.secret).current()
    assert version.password == world.first_password
    assert world.first_password not in repr(version)
    assert world.secret in repr(version)
