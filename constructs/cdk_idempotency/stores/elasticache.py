"""Records in a new ElastiCache Serverless cache for Valkey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Names, Size, Token
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct
from lambda_idempotency.redis_document import RedisSettings

from ..acknowledgements import acknowledge
from ..errors import refusal
from ..monitoring.base import StoreMonitoring
from ..monitoring.elasticache import cache_monitoring
from ..network.cache_network import Place, place_in
from ..network.vpc_endpoints import INTERNET
from ..rotation.function import Rotation, RotationTarget, add_rotation
from .credentials import RedisCredentials, SecretPassword
from .elasticache_user import Login, login_of, user_group
from .factory import BoundStore, IdempotencyStore, Server
from .redis import RedisConnection
from .settings_parameter import SettingsParameter, created

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

VERSION: Final = "9"
"""Of Valkey: the first with public endpoints (https://docs.aws.amazon.com/AmazonElastiCache/latest/
dg/serverless-public-endpoints-chapter.html)."""

NAME_LENGTH: Final = 40
"""Characters of the names of caches and users."""

LARGEST: Final = 5000
"""GB of a cache."""


@dataclass(frozen=True, kw_only=True)
class ServerlessCache(IdempotencyStore):
    """See `IdempotencyStore.elasticache_serverless`."""

    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    vpc_endpoints: bool
    credentials: RedisCredentials
    encryption_key: kms.IKey | None
    data_storage_maximum: Size | None

    def bind(self, scope: Construct) -> BoundStore:
        """See `IdempotencyStore.bind`."""
        self._check(scope)
        name = Names.unique_resource_name(scope, max_length=NAME_LENGTH, separator="-").lower()
        login = login_of(scope, self.credentials, name)
        namespaces: set[str] = set()
        group = user_group(scope, name, login, namespaces)
        place = self._place(scope)
        cache = self._cache(scope, name, group, place)
        settings = _settings(scope, cache, login)
        parameter = created(scope, settings)
        rotation = None if place is None else self._rotate(scope, name, login, parameter, place)
        connection = RedisConnection(
            scope=scope,
            parameter=parameter,
            credentials=login.credentials,
            server=Server(
                settings=settings,
                secret=login.credentials.kept_in,
                rotation=rotation,
                cache=cache,
                vpc=self.vpc,
            ),
        )
        maximum = self.data_storage_maximum
        return _Bound(
            connection=connection,
            place=place,
            namespaces=namespaces,
            gigabytes=None if maximum is None else maximum.to_gibibytes(),
        )

    def _check(self, scope: Construct) -> None:
        credentials = self.credentials
        if self.vpc is None and (self.vpc_subnets is not None or self.vpc_endpoints):
            raise refusal(scope, "vpc is missing; vpc_subnets and vpc_endpoints are for a vpc")
        if not isinstance(credentials, SecretPassword):
            return
        if self.vpc is None:
            raise refusal(
                scope,
                "a public endpoint takes users of IAM only; pass vpc=..., or credentials="
                "RedisCredentials.iam()",
            )
        rotation = credentials.rotation
        if rotation is None:
            return
        if rotation.strategy != "elasticache":
            raise refusal(
                scope,
                "ElastiCache has no ACL SETUSER; pass rotation=RedisRotation.elasticache() instead",
            )
        if rotation.vpc is not None or rotation.user_id is not None:
            raise refusal(
                scope,
                "vpc and user_id of the rotation are those of elasticache_serverless itself; leave "
                "them out of RedisRotation.elasticache()",
            )

    def _place(self, scope: Construct) -> Place | None:
        if self.vpc is None:
            return None
        asked = dict.fromkeys(("ssm", *self.credentials.services))
        if isinstance(self.credentials, SecretPassword) and self.credentials.rotation is not None:
            asked.update(dict.fromkeys(self.credentials.rotation.services))
        services = tuple(asked) if self.vpc_endpoints else ()
        return place_in(scope, self.vpc, self.vpc_subnets, endpoints_for=services)

    def _cache(
        self, scope: Construct, name: str, group: elasticache.CfnUserGroup, place: Place | None
    ) -> elasticache.CfnServerlessCache:
        where: dict[str, Any] = {}
        if place is not None:
            where["subnet_ids"] = place.subnet_ids
            where["security_group_ids"] = [place.security_group.security_group_id]
        if self.encryption_key is not None:
            where["kms_key_id"] = self.encryption_key.key_arn
        cache = elasticache.CfnServerlessCache(
            scope,
            "Cache",
            engine="valkey",
            major_engine_version=VERSION,
            serverless_cache_name=name,
            description="cdk-idempotency: records",
            user_group_id=group.ref,
            cache_usage_limits=self._limits(scope),
            **where,
        )
        if place is None:
            _make_public(cache)
        return cache

    def _limits(
        self, scope: Construct
    ) -> elasticache.CfnServerlessCache.CacheUsageLimitsProperty | None:
        size = self.data_storage_maximum
        if size is None:
            return None
        if size.is_unresolved():
            raise refusal(scope, "data_storage_maximum is a CDK token; pass a size known at synth")
        gigabytes = size.to_gibibytes()
        if not 1 <= gigabytes <= LARGEST:
            raise refusal(
                scope, f"data_storage_maximum is {gigabytes} GB; expected 1 to {LARGEST} GB"
            )
        return elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
            data_storage=elasticache.CfnServerlessCache.DataStorageProperty(
                unit="GB", maximum=gigabytes
            )
        )

    def _rotate(
        self, scope: Construct, name: str, login: Login, parameter: SettingsParameter, place: Place
    ) -> Rotation | None:
        credentials = login.credentials
        if not isinstance(credentials, SecretPassword) or credentials.rotation is None:
            return None
        rotation = replace(credentials.rotation, vpc=place.vpc)
        target = RotationTarget(
            secret=credentials.existing(scope), user=login.user, user_id=name, parameter=parameter
        )
        needed: list[IConstruct] = [place.security_group, *place.endpoints]
        added = add_rotation(scope, rotation, target, *needed)
        place.connect(added.function)
        return added


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """The cache; `namespaces` become its user's rights."""

    connection: RedisConnection
    place: Place | None
    namespaces: set[str]
    gigabytes: float | None
    """At which it evicts; None: never."""

    @property
    def table(self) -> None:
        return None

    @property
    def server(self) -> Server:
        return self.connection.server

    @property
    def services(self) -> tuple[str, ...]:
        return (INTERNET,) if self.place is None else self.connection.services

    @property
    def libraries(self) -> tuple[str, ...]:
        return self.connection.libraries

    def settings(self) -> dict[str, str]:
        return self.connection.settings()

    def connect(self, function: lambda_.Function) -> None:
        if self.place is not None:
            self.place.connect(function)

    def monitoring(self) -> StoreMonitoring:
        assert self.server.cache is not None
        name = self.connection.parameter.name
        return cache_monitoring(name, self.server.cache, self.gigabytes)

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        if namespace is not None:
            self.namespaces.add(namespace)
        return self.connection.grant(grantee, namespace)


def _settings(
    scope: Construct, cache: elasticache.CfnServerlessCache, login: Login
) -> RedisSettings:
    return RedisSettings(
        host=cache.attr_endpoint_address,
        port=Token.as_number(cache.attr_endpoint_port),  # type: ignore[arg-type]
        cluster=True,  # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/WhatIs.corecomponents.html
        **login.credentials.fields(scope),
    )


def _make_public(cache: elasticache.CfnServerlessCache) -> None:
    # aws-cdk-lib 2.240 does not know the property, nor do the rules of 2.275 that check templates.
    cache.add_property_override("ConnectionType", "public")
    acknowledge(cache, "CloudFormation-Validate::F3002", "The rules do not know ConnectionType yet")
