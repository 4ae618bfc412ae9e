"""The Redis environment of an app with `-c store=redis`: a server with TLS, its users, their
secrets.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from kit.aws.local import LocalAws
from kit.aws.templates import StandIns
from kit.redis.servers import RedisServer
from kit.rotation.secrets import announce, enable_rotation
from lambda_idempotency.contract.redis import access_string
from lambda_idempotency.rotation.acl import ADMIN_COMMANDS

PAYMENTS: Final = ("payments/Payments/Payments", "payments/Payments/Refunds")
"""The namespaces of examples/payments."""

STAND_INS: Final[StandIns] = {"AWS::SecretsManager::RotationSchedule": {}}
"""The resources of such an app that the local AWS lacks."""

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
USER: Final = "idempotency"


def secret_of(namespace: str) -> str:
    """Return the name of the secret of the user who may keep the records of a namespace."""
    return f"redis-user-{namespace}"


class RedisForApp:
    """A server whose user `idempotency` may keep the records of some namespaces.

    Use as a context manager; `directory` is where the CA's certificate is written.
    """

    def __init__(self, aws: LocalAws, *namespaces: str, directory: Path) -> None:
        self._aws = aws
        self._namespaces = namespaces
        self._ca = directory / "redis-ca.pem"
        self.secret = secret_of(namespaces[0])
        self.admin_secret = f"redis-admin-{namespaces[0]}"
        self._stack = ExitStack()
        self.server = RedisServer(tls=True, aclfile=True)
        self.secrets: Any = None
        """boto3's client of Secrets Manager."""

    def __enter__(self) -> RedisForApp:
        with ExitStack() as stack:
            stack.enter_context(self.server)
            self.secrets = stack.enter_context(closing(self._aws.client("secretsmanager")))
            assert self.server.ca is not None
            self._ca.write_text(self.server.ca)
            self._add_user(stack, USER, self.secret, access_string(self._namespaces, cluster=False))
            rules = ["on", "-@all", *(f"+{command}" for command in ADMIN_COMMANDS)]
            self._add_user(stack, "admin", self.admin_secret, " ".join(rules))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def context(self) -> dict[str, str]:
        """The app's context."""
        return {
            "store": "redis",
            "redis_host": self.server.host,
            "redis_port": str(self.server.port),
            "redis_ca": str(self._ca),
            "redis_user": USER,
            "redis_secret": self._arn(self.secret),
            "redis_admin_secret": self._arn(self.admin_secret),
        }

    def password(self, secret: str | None = None) -> str:
        """Return the AWSCURRENT password, by default the user's."""
        text = self.secrets.get_secret_value(SecretId=secret or self.secret)["SecretString"]
        password: str = json.loads(text)["password"]
        return password

    def add(self, name: str, namespace: str) -> None:
        """Add a user who may keep the records of one namespace alone."""
        rules = access_string([namespace], cluster=False)
        self._add_user(self._stack, name, secret_of(namespace), rules)

    def _arn(self, secret: str) -> str:
        arn: str = self.secrets.describe_secret(SecretId=secret)["ARN"]
        return arn

    def pending(self) -> bool:
        """Tell whether the version AWSPENDING has a value."""
        try:
            found = self.secrets.get_secret_value(SecretId=self.secret, VersionStage="AWSPENDING")
        except self.secrets.exceptions.ResourceNotFoundException:
            return False
        return "SecretString" in found

    def _add_user(self, stack: ExitStack, name: str, secret: str, rules: str) -> None:
        password = secrets.token_urlsafe(24)
        self.server.add_user(name, password, rules)
        text = json.dumps({"username": name, "password": password})
        self.secrets.create_secret(Name=secret, SecretString=text)
        stack.callback(self.secrets.delete_secret, SecretId=secret, ForceDeleteWithoutRecovery=True)


class DeployedRotation:
    """A driver of the deployed rotation function, which acts as Secrets Manager does."""

    def __init__(self, aws: LocalAws, redis: RedisForApp) -> None:
        self._aws = aws
        self._lambda = aws.client("lambda")
        self._redis = redis
        self._function = self._found()
        enable_rotation(redis.secrets, redis.secret)

    def close(self) -> None:
        """Close its client."""
        self._lambda.close()

    def announce(self) -> str:
        """Begin a rotation, and return its token."""
        return announce(self._redis.secrets, self._redis.secret)

    def step(self, name: str, token: str) -> None:
        """One invocation of the function. Raises RuntimeError with its message."""
        arn = self._redis.secrets.describe_secret(SecretId=self._redis.secret)["ARN"]
        event = {"Step": name, "SecretId": arn, "ClientRequestToken": token}
        response = self._lambda.invoke(
            FunctionName=self._function, Payload=json.dumps(event).encode()
        )
        payload = response["Payload"].read()
        if "FunctionError" in response:
            raise RuntimeError(json.loads(payload)["errorMessage"])

    def rotate(self, token: str | None = None) -> None:
        """Run a whole rotation."""
        token = self.announce() if token is None else token
        for name in STEPS:
            self.step(name, token)

    def kill(self) -> bool:
        """Kill the function's processes, and return whether there were any."""
        processes = self._aws.function_processes(self._function)
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return bool(processes)

    def _found(self) -> str:
        functions = self._lambda.list_functions()["Functions"]
        [name] = [
            function["FunctionName"]
            for function in functions
            if "IDEMPOTENCY_ROTATION_STRATEGY"
            in function.get("Environment", {}).get("Variables", {})
        ]
        return str(name)
