"""Records in a Redis or Valkey server that exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Aws, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from lambda_idempotency.contract.redis import RedisSettings

from ..errors import ConstructError
from ..grants import Permission, give, to_read_parameter
from ..monitoring.base import AlarmSpec, StoreMonitoring, store_metric
from ..rotation.function import Rotation, RotationTarget, add_rotation
from .base import BoundStore, Server
from .credentials import IamToken, RedisCredentials, SecretPassword, check_credentials
from .settings_parameter import SettingsParameter, create_parameter, import_parameter

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_ssm as ssm


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """A server that exists, and where its settings are or go."""

    credentials: RedisCredentials
    host: str | None
    port: int | str
    tls: bool
    cluster: bool
    database: int
    ca: str | None
    parameter: ssm.IStringParameter | str | None

    def bind(self, scope: Construct) -> BoundStore:
        """Return the server, with a new parameter for its settings where none is given."""
        check_credentials(scope, self.credentials)
        credentials = self.credentials.fields(scope)
        if self.parameter is None:
            settings = self._settings(scope, credentials)
            parameter = create_parameter(scope, settings)
        else:
            self._check_no_other_settings(scope)
            settings = None
            parameter = import_parameter(scope, self.parameter)
        return RedisConnection.to(
            scope,
            parameter,
            self.credentials,
            Server(
                settings=settings,
                secret=self.credentials.stored_in,
                rotation=self._rotate(scope, parameter),
            ),
        )

    def _settings(self, scope: Construct, credentials: dict[str, Any]) -> RedisSettings:
        if self.host is None:
            raise ConstructError(
                scope, "host is missing; pass it, or parameter=... with all settings of the server"
            )
        self._check_iam(scope)
        return RedisSettings(
            host=self.host,
            port=self.port,  # type: ignore[arg-type]  # a string is a CDK token, or refused
            tls=self.tls,
            cluster=self.cluster,
            database=self.database,
            ca=self.ca,
            **credentials,
        )

    def _check_no_other_settings(self, scope: Construct) -> None:
        """Raise ConstructError for settings beside the parameter, which has them all."""
        given = {
            "host": self.host is not None,
            "port": self.port != 6379,
            "tls": not self.tls,
            "cluster": self.cluster,
            "database": self.database != 0,
            "ca": self.ca is not None,
        }
        names = (
            *(name for name, is_given in given.items() if is_given),
            *self.credentials.settings,
        )
        if names:
            raise ConstructError(
                scope,
                f"parameter has all settings of the server already; leave out {', '.join(names)}, "
                "or pass no parameter",
            )

    def _check_iam(self, scope: Construct) -> None:
        """Raise ConstructError where ElastiCache would refuse an IAM token."""
        if not isinstance(self.credentials, IamToken) or Token.is_unresolved(self.tls):
            return
        if not self.tls:
            raise ConstructError(
                scope, "tls is False; ElastiCache takes IAM tokens over TLS only: leave it True"
            )
        if self.credentials.serverless and not self.cluster:
            raise ConstructError(
                scope,
                "cluster is False; a serverless cache speaks the cluster protocol: pass "
                "cluster=True, or RedisCredentials.iam(serverless=False) for another cache",
            )

    def _rotate(self, scope: Construct, parameter: SettingsParameter) -> Rotation | None:
        credentials = self.credentials
        if not isinstance(credentials, SecretPassword) or credentials.rotation is None:
            return None
        rotation = credentials.rotation
        if credentials.username is None:
            raise ConstructError(
                scope,
                "a rotation needs the user's name; pass username=... to RedisCredentials.secret(), "
                "as the secret has it",
            )
        if rotation.strategy == "elasticache" and rotation.user_id is None:
            raise ConstructError(
                scope,
                "user_id is missing; pass RedisRotation.elasticache(user_id=...), the id of the "
                "ElastiCache user whose password it renews",
            )
        target = RotationTarget(
            secret=credentials.required_secret(scope),
            user=credentials.username,
            user_id=rotation.user_id,
            parameter_name=parameter.name,
            parameter_arn=parameter.arn,
        )
        return add_rotation(scope, rotation, target)


@dataclass(frozen=True, kw_only=True)
class RedisConnection:
    """A server whose settings are in a parameter."""

    parameter: SettingsParameter
    services: tuple[str, ...]
    server: Server
    permissions: tuple[Permission, ...]
    """What it takes to read the settings and to authenticate."""
    key: kms.IKey | None
    """The customer key that encrypts the credentials."""
    url_suffix: str

    @staticmethod
    def to(
        scope: Construct,
        parameter: SettingsParameter,
        credentials: RedisCredentials,
        server: Server,
    ) -> RedisConnection:
        """Return the connection to a server with these credentials."""
        return RedisConnection(
            parameter=parameter,
            services=("ssm", *credentials.services),
            server=server,
            permissions=(to_read_parameter(parameter.arn), *credentials.permissions(scope)),
            key=credentials.decrypted_with,
            url_suffix=Aws.URL_SUFFIX,
        )

    @property
    def table(self) -> None:
        return None

    def settings(self) -> dict[str, str]:
        return {
            "store": "redis",
            "parameter": self.parameter.name,
            "url_suffix": self.url_suffix,
        }

    def connect(self, function: lambda_.Function) -> None:
        """Do nothing: a route to an existing server is its owner's task."""

    def monitoring(self) -> StoreMonitoring:
        # CloudWatch has no metrics of a server outside ElastiCache.
        name = self.parameter.name
        return StoreMonitoring(
            name=name,
            alarm_specs=(
                AlarmSpec(
                    name="EvictionPossible",
                    metric=store_metric(name, "EvictionPossible"),
                    meaning="The Redis server forgets records when it is full, so that their "
                    "requests run again.",
                    first_step="Set maxmemory-policy noeviction.",
                    urgency="ticket",
                ),
            ),
        )

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> list[iam.Grant]:  # noqa: ARG002
        # IAM cannot fence a namespace off; the Redis user's rights do.
        return give(grantee, self.permissions, self.key)
