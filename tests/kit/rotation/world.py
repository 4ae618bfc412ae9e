"""One user of real Redis servers, its secret in the local AWS, and the function that rotates it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final
from uuid import uuid4

from redis.connection import Connection
from redis.exceptions import AuthenticationError

from kit.aws.local import LocalAws
from kit.redis.servers import RedisServer
from kit.rotation.calls import Calls
from kit.rotation.secrets import FaithfulSecrets, announce, enable_rotation
from lambda_idempotency.contract.redis import RedisSettings, access_string
from lambda_idempotency.contract.rotation import RotationSettings
from lambda_idempotency.rotation.acl import ADMIN_CLUSTER_COMMANDS, ADMIN_COMMANDS
from lambda_idempotency.rotation.function import rotation_of
from lambda_idempotency.rotation.waiting import Poller

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
_NUMBERS = count(1)


class RotationWorld:
    """A user that exists on all servers, with one password, which is AWSCURRENT."""

    def __init__(
        self, aws: LocalAws, servers: Sequence[RedisServer], settings: RedisSettings
    ) -> None:
        number = next(_NUMBERS)
        self.servers = list(servers)
        self.user = f"user{number}"
        self.admin = f"admin{number}"
        self.admin_password = secrets.token_urlsafe(24)
        self.client = FaithfulSecrets(aws.client("secretsmanager"))
        self._ssm = aws.client("ssm")
        self.other_clients: dict[str, Any] = {}
        """More clients, by the names of their services."""
        commands = ADMIN_CLUSTER_COMMANDS if settings.cluster else ADMIN_COMMANDS
        self.allow_admin(commands)
        self.first_password = secrets.token_urlsafe(24)
        for server in self.servers:
            rules = access_string(["shop"], cluster=settings.cluster)
            server.add_user(self.user, self.first_password, rules)
        self.secret = self._create(username=self.user, password=self.first_password, note="kept")
        enable_rotation(self.client, self.secret)
        self.settings = RotationSettings(
            strategy="acl",
            secret=self.secret,
            user=self.user,
            parameter=f"/rotation/{number}",
            admin=self._create(username=self.admin, password=self.admin_password),
        )
        self.publish(settings)

    def publish(self, settings: RedisSettings) -> None:
        """Write the parameter."""
        document = json.dumps(settings.to_document())
        self._ssm.put_parameter(
            Name=self.settings.parameter, Value=document, Type="String", Overwrite=True
        )

    def allow_admin(self, commands: Iterable[str]) -> None:
        """Allow the administrator these commands and nothing else."""
        rules = " ".join(["on", "-@all", *(f"+{command}" for command in commands)])
        for server in self.servers:
            server.add_user(self.admin, self.admin_password, rules)

    def announce(self) -> str:
        """Begin a rotation, and return its token."""
        return announce(self.client, self.secret)

    def step(
        self,
        name: str,
        token: str,
        *,
        calls: Calls | None = None,
        poller: Poller | None = None,
    ) -> None:
        """Run one step, as one invocation of the function."""
        calls = Calls() if calls is None else calls
        clients = {"secretsmanager": self.client, "ssm": self._ssm, **self.other_clients}
        rotation = rotation_of(
            self.settings,
            client=lambda service: calls.client(clients[service]),
            poller=poller or poller_of(60),
            connect=calls.connect,
        )
        rotation.run({"Step": name, "SecretId": self.secret, "ClientRequestToken": token})

    def rotate(
        self,
        token: str | None = None,
        *,
        calls: Calls | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> str:
        """Run all steps, with `between` after each, and return the token."""
        token = self.announce() if token is None else token
        for name in STEPS:
            self.step(name, token, calls=calls)
            between()
        return token

    def labels(self, version: str) -> set[str]:
        """Return the labels of a version."""
        found = self.client.describe_secret(SecretId=self.secret)
        return set(found["VersionIdsToStages"].get(version, []))

    def fields(self, version: str | None = None) -> dict[str, Any]:
        """Return the fields of a version, by default of AWSCURRENT."""
        which = {} if version is None else {"VersionId": version}
        found = self.client.get_secret_value(SecretId=self.secret, **which)
        fields: dict[str, Any] = json.loads(found["SecretString"])
        return fields

    def put(self, fields: dict[str, Any], *, token: str | None = None, stage: str) -> None:
        """Write a version by hand."""
        self.client.put_secret_value(
            SecretId=self.secret,
            ClientRequestToken=token or str(uuid4()),
            SecretString=json.dumps(fields),
            VersionStages=[stage],
        )

    def check_current(self) -> None:
        """Check that what AWSCURRENT says is valid on every node."""
        password = self.fields()["password"]
        assert all(self.accepts(server, password) for server in self.servers)

    def check_only(self, password: str) -> None:
        """Check that AWSCURRENT has this password, and each node no other."""
        assert self.fields()["password"] == password
        for server in self.servers:
            assert self.hashes(server) == {sha256(password)}
            assert self.accepts(server, password)

    def accepts(self, server: RedisServer, password: str) -> bool:
        """Tell whether the user can log in, and run the command that tests run."""
        connection: Any = Connection(
            host=server.host, port=server.plain_port, protocol=2, driver_info=None
        )  # type: ignore[no-untyped-call]
        try:
            connection.send_command("AUTH", self.user, password)
            connection.read_response()
            connection.send_command("TIME")
            return bool(connection.read_response())
        except AuthenticationError:
            return False
        finally:
            connection.disconnect()

    def hashes(self, server: RedisServer) -> set[str]:
        """Return the hashes of the user's passwords on one node."""
        with server.admin() as admin:
            return set(admin.acl_getuser(self.user)["passwords"])

    def _create(self, **fields: str) -> str:
        name = f"rotation/{uuid4().hex}"
        created = self.client.create_secret(Name=name, SecretString=json.dumps(fields))
        return str(created["ARN"])


def poller_of(seconds: float) -> Poller:
    """Return the poller of an invocation whose time passes only by sleeping, which takes none."""
    slept: list[float] = []
    return Poller(lambda: seconds - sum(slept), sleep=slept.append)


def sha256(password: str) -> str:
    """Return the hash of a password as Redis keeps it."""
    return hashlib.sha256(password.encode()).hexdigest()
