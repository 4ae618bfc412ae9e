"""Records in a Redis or Valkey server that exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Aws, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from lambda_idempotency.redis_document import RedisSettings

from ..errors import refusal
from ..grants import combined, read_parameter
from ..monitoring.base import Danger, StoreMonitoring, metric_of
from ..rotation.function import Rotation, RotationTarget, add_rotation
from .credentials import IamToken, RedisCredentials, SecretPassword
from .factory import BoundStore, IdempotencyStore, Server
from .settings_parameter import SettingsParameter, created, imported

if TYPE_CHECKING:
    from aws_cdk import aws_ssm as ssm


@dataclass(frozen=True, kw_only=True)
class RedisServer(IdempotencyStore):
    """See `IdempotencyStore.redis`."""

    credentials: RedisCredentials
    host: str | None
    port: int | str
    tls: bool
    cluster: bool
    database: int
    ca: str | None
    parameter: ssm.IStringParameter | str | None

    def bind(self, scope: Construct) -> BoundStore:
        """See `IdempotencyStore.bind`."""
        credentials = self.credentials.fields(scope)
        if self.parameter is None:
            settings = self._settings(scope, credentials)
            parameter = created(scope, settings)
        else:
            self._check_alone(scope)
            settings = None
            parameter = imported(scope, self.parameter)
        return RedisConnection(
            scope=scope,
            parameter=parameter,
            credentials=self.credentials,
            server=Server(
                settings=settings,
                secret=self.credentials.kept_in,
                rotation=self._rotate(scope, parameter),
            ),
        )

    def _settings(self, scope: Construct, credentials: dict[str, Any]) -> RedisSettings:
        if self.host is None:
            raise refusal(
                scope, "host is missing; pass it, or parameter=... with all settings of the server"
            )
        self._check_tokens(scope)
        return RedisSettings(
            host=self.host,
            port=self.port,  # type: ignore[arg-type]  # a text is a CDK token, or refused
            tls=self.tls,
            cluster=self.cluster,
            database=self.database,
            ca=self.ca,
            **credentials,
        )

    def _check_alone(self, scope: Construct) -> None:
        """The parameter says it all."""
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
            raise refusal(
                scope,
                f"parameter has all settings of the server, and {', '.join(names)} would be "
                "another; pass the one or the other",
            )

    def _check_tokens(self, scope: Construct) -> None:
        """What ElastiCache demands of clients that authenticate by IAM."""
        if not isinstance(self.credentials, IamToken) or Token.is_unresolved(self.tls):
            return
        if not self.tls:
            raise refusal(
                scope, "tls is False; ElastiCache takes IAM tokens over TLS only: leave it True"
            )
        if self.credentials.serverless and not self.cluster:
            raise refusal(
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
            raise refusal(
                scope,
                "a rotation needs the user's name; pass username=... to RedisCredentials.secret(), "
                "as the secret has it",
            )
        if rotation.strategy == "elasticache" and rotation.user_id is None:
            raise refusal(
                scope,
                "user_id is missing; pass RedisRotation.elasticache(user_id=...), the id of the "
                "ElastiCache user whose password it renews",
            )
        target = RotationTarget(
            secret=credentials.existing(scope),
            user=credentials.username,
            user_id=rotation.user_id,
            parameter=parameter,
        )
        return add_rotation(scope, rotation, target)


@dataclass(frozen=True, kw_only=True)
class RedisConnection:
    """A server whose settings are in a parameter."""

    scope: Construct
    parameter: SettingsParameter
    credentials: RedisCredentials
    server: Server

    @property
    def table(self) -> None:
        """See `BoundStore.table`."""
        return None

    @property
    def services(self) -> tuple[str, ...]:
        """See `BoundStore.services`."""
        return ("ssm", *self.credentials.services)

    @property
    def libraries(self) -> tuple[str, ...]:
        """See `BoundStore.libraries`."""
        return ("redis",)

    def settings(self) -> dict[str, str]:
        """See `BoundStore.settings`."""
        return {
            "store": "redis",
            "parameter": self.parameter.name,
            "url_suffix": Aws.URL_SUFFIX,
        }

    def connect(self, function: lambda_.Function) -> None:
        """See `BoundStore.connect`. The function is there already, or is let in by its owner."""

    def monitoring(self) -> StoreMonitoring:
        """See `BoundStore.monitoring`. CloudWatch knows nothing of a server of one's own."""
        name = self.parameter.name
        return StoreMonitoring(
            name=name,
            dangers=(
                Danger(
                    name="EvictionPossible",
                    metric=metric_of(name, "EvictionPossible"),
                    meaning="The Redis server forgets records when it is full, so that their "
                    "requests run again.",
                    first="Set maxmemory-policy noeviction.",
                ),
            ),
        )

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:  # noqa: ARG002
        """See `BoundStore.grant`. IAM cannot fence a namespace off; the Redis user's rights do."""
        return combined(
            read_parameter(grantee, self.parameter.arn),
            self.credentials.grant(self.scope, grantee),
        )
