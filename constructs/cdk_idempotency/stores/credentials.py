"""The credentials of functions at a Redis server: values that say where the secret is, if any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Token

from constructs import IConstruct
from lambda_idempotency.contract.redis import (
    REFRESH_AFTER_S,
    IamCredentials,
    NoCredentials,
    SecretsManagerCredentials,
    SecureStringCredentials,
)

from ..accepted import check_attribute
from ..errors import ConstructError
from ..grants import Permission, elasticache_arn, to_read_parameter, to_read_secret

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm

    from ..rotation.redis_rotation import RedisRotation


class RedisCredentials(ABC):
    """Credentials at a Redis server. Immutable; made by its static methods. Passwords reach no
    template and no environment."""

    @staticmethod
    def secret(
        secret: secretsmanager.ISecret | None = None,
        *,
        username: str | None = None,
        encryption_key: kms.IKey | None = None,
        rotation: RedisRotation | None = None,
        refresh_after: Duration | None = None,
    ) -> RedisCredentials:
        """Use a secret of Secrets Manager with the JSON text `{"username": ..., "password": ...}`.

        `secret`: the secret. Default: `elasticache_serverless` makes one; `redis` needs it.
        `username`: the name in the secret, or for the secret that is made. A rotation needs it, and
        so does `elasticache_serverless` with a secret of your own. Default: the secret alone has
        it; in one that is made it is the name of the cache.
        `encryption_key`: encrypts the secret that is made. Default: AWS's own key.
        `rotation`: renews the password on a schedule. Default: none.
        `refresh_after`: the time for which a function opens connections with a password that it
        has read; one that the server refuses is read anew at once. Default: 15 minutes.
        """
        return SecretPassword(
            source=secret,
            username=username,
            encryption_key=encryption_key,
            rotation=rotation,
            refresh_after=refresh_after,
        )

    @staticmethod
    def secure_string(
        parameter: ssm.IStringParameter,
        *,
        encryption_key: kms.IKey | None = None,
        username: str | None = None,
        refresh_after: Duration | None = None,
    ) -> RedisCredentials:
        """Use an SSM parameter of type SecureString, with the same JSON or the password alone.

        `encryption_key`: the customer key that encrypts it. Default: AWS's own, `aws/ssm`.
        `username`: the user, where the parameter holds the password alone. Default: Redis's user
        `default`.
        `refresh_after`: as for `secret`.
        """
        return ParameterPassword(
            parameter=parameter,
            encryption_key=encryption_key,
            username=username,
            refresh_after=refresh_after,
        )

    @staticmethod
    def iam(
        *, cache: str | None = None, user: str | None = None, serverless: bool = True
    ) -> RedisCredentials:
        """Authenticate a user of ElastiCache by IAM: there is no password. The function signs its
        tokens itself, so it needs no route to STS.

        `cache`, `user`: the name of the cache or replication group, and the id of the user, which
        is its name too. `elasticache_serverless` knows both; `redis` needs them.
        `serverless`: whether `cache` is a serverless cache. Default: True.
        """
        return IamToken(cache=cache, user=user, serverless=serverless)

    @staticmethod
    def none() -> RedisCredentials:
        """Use a server without authentication."""
        return NoPassword()

    @property
    def services(self) -> tuple[str, ...]:
        """The AWS services, beside SSM, that a function calls for them."""
        return ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The props given that only the settings document carries."""
        return ()

    @property
    def stored_in(self) -> secretsmanager.ISecret | None:
        """The secret of Secrets Manager that has them, if there is one."""
        return None

    @abstractmethod
    def fields(self, scope: IConstruct) -> dict[str, Any]:
        """Return their part of the settings document. Raise ConstructError saying what to do."""

    @abstractmethod
    def permissions(self, scope: IConstruct) -> list[Permission]:
        """Return what it takes to authenticate."""

    @property
    def decrypted_with(self) -> kms.IKey | None:
        """The customer key that encrypts them; None: AWS's own, or nothing is encrypted."""
        return None


@dataclass(frozen=True, kw_only=True)
class SecretPassword(RedisCredentials):
    """A password in a secret of Secrets Manager."""

    source: secretsmanager.ISecret | None
    username: str | None
    encryption_key: kms.IKey | None
    rotation: RedisRotation | None
    refresh_after: Duration | None

    @property
    def services(self) -> tuple[str, ...]:
        return ("secretsmanager",)

    @property
    def settings(self) -> tuple[str, ...]:
        return () if self.refresh_after is None else ("refresh_after",)

    @property
    def stored_in(self) -> secretsmanager.ISecret | None:
        return self.source

    def required_secret(self, scope: IConstruct) -> secretsmanager.ISecret:
        """Return the secret. Raise ConstructError where there is none."""
        if self.source is None:
            raise ConstructError(
                scope, "RedisCredentials.secret() needs the secret of an existing server"
            )
        return self.source

    def fields(self, scope: IConstruct) -> dict[str, Any]:
        secret = self.required_secret(scope)
        check_attribute(scope, "secret", secret, "secret_full_arn", "a Secret, or an imported one")
        accepted = "RedisRotation.acl(...) or .elasticache(...)"
        check_attribute(scope, "rotation", self.rotation, "strategy", accepted)
        if self.encryption_key is not None:
            raise ConstructError(
                scope,
                "encryption_key is for a secret that elasticache_serverless makes; your own has "
                "its key already",
            )
        full = secret.secret_full_arn
        seconds = _seconds(scope, self.refresh_after)
        return {
            "username": self.username,
            "credentials": SecretsManagerCredentials(
                secret.secret_name if full is None else full, refresh_after=seconds
            ),
        }

    def permissions(self, scope: IConstruct) -> list[Permission]:
        return [to_read_secret(self.required_secret(scope))]

    @property
    def decrypted_with(self) -> kms.IKey | None:
        return None if self.source is None else self.source.encryption_key


@dataclass(frozen=True, kw_only=True)
class ParameterPassword(RedisCredentials):
    """A password in a SecureString of SSM."""

    parameter: ssm.IStringParameter
    encryption_key: kms.IKey | None
    username: str | None
    refresh_after: Duration | None

    @property
    def settings(self) -> tuple[str, ...]:
        given = {"username": self.username, "refresh_after": self.refresh_after}
        return tuple(name for name, value in given.items() if value is not None)

    def fields(self, scope: IConstruct) -> dict[str, Any]:
        seconds = _seconds(scope, self.refresh_after)
        accepted = "a StringParameter, also an imported one"
        check_attribute(scope, "parameter", self.parameter, "parameter_name", accepted)
        return {
            "username": self.username,
            "credentials": SecureStringCredentials(
                self.parameter.parameter_name, refresh_after=seconds
            ),
        }

    def permissions(self, scope: IConstruct) -> list[Permission]:  # noqa: ARG002
        return [to_read_parameter(self.parameter.parameter_arn)]

    @property
    def decrypted_with(self) -> kms.IKey | None:
        return self.encryption_key


@dataclass(frozen=True, kw_only=True)
class IamToken(RedisCredentials):
    """Tokens that functions sign themselves."""

    cache: str | None
    user: str | None
    serverless: bool

    def fields(self, scope: IConstruct) -> dict[str, Any]:
        cache, user = self._names(scope)
        return {"credentials": IamCredentials(cache, user, serverless=self.serverless)}

    def permissions(self, scope: IConstruct) -> list[Permission]:
        cache, user = self._names(scope)
        kind = "serverlesscache" if self.serverless else "replicationgroup"
        arns = (elasticache_arn(scope, kind, cache), elasticache_arn(scope, "user", user))
        return [Permission(("elasticache:Connect",), arns)]

    def _names(self, scope: IConstruct) -> tuple[str, str]:
        if self.cache is None or self.user is None:
            raise ConstructError(
                scope,
                "RedisCredentials.iam() needs cache=... and user=... for an existing server",
            )
        for name, value in (("cache", self.cache), ("user", self.user)):
            # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUser.html
            if not Token.is_unresolved(value) and value != value.lower():
                raise ConstructError(
                    scope, f"{name} is {value!r}; ElastiCache keeps its names in lower case"
                )
        return self.cache, self.user


@dataclass(frozen=True, kw_only=True)
class NoPassword(RedisCredentials):
    """No authentication."""

    def fields(self, scope: IConstruct) -> dict[str, Any]:  # noqa: ARG002
        return {"credentials": NoCredentials()}

    def permissions(self, scope: IConstruct) -> list[Permission]:  # noqa: ARG002
        return []


def check_credentials(scope: IConstruct, credentials: object) -> None:
    """Raise ConstructError for anything else, without its value, which may be a password."""
    if not isinstance(credentials, RedisCredentials):
        raise ConstructError(
            scope,
            f"credentials is a {type(credentials).__name__}; expected RedisCredentials.secret(...),"
            " .secure_string(...), .iam(...) or .none()",
        )


def _seconds(scope: IConstruct, refresh_after: Duration | None) -> float:
    if refresh_after is None:
        return REFRESH_AFTER_S
    if not isinstance(refresh_after, Duration):
        raise ConstructError(scope, f"refresh_after is {refresh_after!r}; expected a Duration")
    if refresh_after.is_unresolved():
        raise ConstructError(
            scope, "refresh_after is a CDK token; pass a Duration whose length is known at synth"
        )
    return refresh_after.to_seconds(integral=False)
