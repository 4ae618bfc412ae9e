"""Records in a new ElastiCache Serverless cache for Valkey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Names, Size, Token
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct
from lambda_idempotency.contract.redis import RedisSettings

from ..accepted import KEY, check_attribute, check_type
from ..acknowledgments import acknowledge
from ..errors import ConstructError
from ..monitoring.base import StoreMonitoring
from ..monitoring.elasticache import cache_monitoring
from ..network.cache_network import CacheNetwork
from ..network.vpc_endpoints import INTERNET
from ..rotation.function import Rotation, RotationTarget, add_rotation
from .base import BoundStore, Server
from .credentials import RedisCredentials, SecretPassword, check_credentials
from .elasticache_user import Login, create_user_group, login_for
from .redis import RedisConnection
from .settings_parameter import SettingsParameter, create_parameter

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

VERSION: Final = "9"
"""The version of Valkey: the first with public endpoints (https://docs.aws.amazon.com/
AmazonElastiCache/latest/dg/serverless-public-endpoints-chapter.html)."""

NAME_LENGTH: Final = 40
"""The longest name of a cache or user, in characters."""

LARGEST: Final = 5000
"""The largest cache, in GB."""


@dataclass(frozen=True, kw_only=True)
class ServerlessCache:
    """The options of a new cache."""

    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    vpc_endpoints: bool
    credentials: RedisCredentials
    encryption_key: kms.IKey | None
    data_storage_maximum: Size | None

    def bind(self, scope: Construct) -> BoundStore:
        """Return the new cache, with its user, its settings and its network."""
        self._check(scope)
        name = Names.unique_resource_name(scope, max_length=NAME_LENGTH, separator="-").lower()
        login = login_for(scope, self.credentials, name)
        namespaces: set[str] = set()
        group = create_user_group(scope, name, login, namespaces)
        network = self._network(scope)
        cache = self._cache(scope, name, group, network)
        settings = _settings(scope, cache, login)
        parameter = create_parameter(scope, settings)
        rotation = None if network is None else self._rotate(scope, name, login, parameter, network)
        connection = RedisConnection.to(
            scope,
            parameter,
            login.credentials,
            Server(
                settings=settings,
                secret=login.credentials.stored_in,
                rotation=rotation,
                cache=cache,
                vpc=self.vpc,
                security_group=None if network is None else network.security_group,
            ),
        )
        maximum = self.data_storage_maximum
        return _BoundCache(
            connection=connection,
            network=network,
            namespaces=namespaces,
            gigabytes=None if maximum is None else maximum.to_gibibytes(),
        )

    def _check(self, scope: Construct) -> None:
        credentials = self.credentials
        check_credentials(scope, credentials)
        check_attribute(scope, "vpc", self.vpc, "vpc_id", "a Vpc, or an imported one")
        subnets = "an ec2.SubnetSelection"
        check_attribute(scope, "vpc_subnets", self.vpc_subnets, "subnet_type", subnets)
        check_type(scope, "vpc_endpoints", self.vpc_endpoints, bool, "True or False")
        check_attribute(scope, "encryption_key", self.encryption_key, "key_arn", KEY)
        maximum = self.data_storage_maximum
        check_type(
            scope, "data_storage_maximum", maximum, Size, "a Size, such as Size.gibibytes(5)"
        )
        if self.vpc is None and (self.vpc_subnets is not None or self.vpc_endpoints):
            raise ConstructError(
                scope, "vpc is missing; vpc_subnets and vpc_endpoints are for a vpc"
            )
        if not isinstance(credentials, SecretPassword):
            return
        if self.vpc is None:
            raise ConstructError(
                scope,
                "a public endpoint takes users of IAM only; pass vpc=..., or credentials="
                "RedisCredentials.iam()",
            )
        rotation = credentials.rotation
        if rotation is None:
            return
        if rotation.strategy != "elasticache":
            raise ConstructError(
                scope,
                "ElastiCache has no ACL SETUSER; pass rotation=RedisRotation.elasticache() instead",
            )
        if rotation.vpc is not None or rotation.user_id is not None:
            raise ConstructError(
                scope,
                "vpc and user_id of the rotation are those of elasticache_serverless itself; leave "
                "them out of RedisRotation.elasticache()",
            )

    def _network(self, scope: Construct) -> CacheNetwork | None:
        if self.vpc is None:
            return None
        called = dict.fromkeys(("ssm", *self.credentials.services))
        if isinstance(self.credentials, SecretPassword) and self.credentials.rotation is not None:
            called.update(dict.fromkeys(self.credentials.rotation.services))
        services = tuple(called) if self.vpc_endpoints else ()
        return CacheNetwork.create(scope, self.vpc, self.vpc_subnets, endpoints_for=services)

    def _cache(
        self,
        scope: Construct,
        name: str,
        group: elasticache.CfnUserGroup,
        network: CacheNetwork | None,
    ) -> elasticache.CfnServerlessCache:
        options: dict[str, Any] = {}
        if network is not None:
            options["subnet_ids"] = network.subnet_ids
            options["security_group_ids"] = [network.security_group.security_group_id]
        if self.encryption_key is not None:
            options["kms_key_id"] = self.encryption_key.key_arn
        cache = elasticache.CfnServerlessCache(
            scope,
            "Cache",
            engine="valkey",
            major_engine_version=VERSION,
            serverless_cache_name=name,
            description="cdk-idempotency: records",
            user_group_id=group.ref,
            cache_usage_limits=self._limits(scope),
            **options,
        )
        if network is None:
            _make_public(cache)
        return cache

    def _limits(
        self, scope: Construct
    ) -> elasticache.CfnServerlessCache.CacheUsageLimitsProperty | None:
        size = self.data_storage_maximum
        if size is None:
            return None
        if size.is_unresolved():
            raise ConstructError(
                scope, "data_storage_maximum is a CDK token; pass a size known at synth"
            )
        gigabytes = size.to_gibibytes()
        if not 1 <= gigabytes <= LARGEST:
            raise ConstructError(
                scope, f"data_storage_maximum is {gigabytes} GB; expected 1 to {LARGEST} GB"
            )
        return elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
            data_storage=elasticache.CfnServerlessCache.DataStorageProperty(
                unit="GB", maximum=gigabytes
            )
        )

    def _rotate(
        self,
        scope: Construct,
        name: str,
        login: Login,
        parameter: SettingsParameter,
        network: CacheNetwork,
    ) -> Rotation | None:
        credentials = login.credentials
        if not isinstance(credentials, SecretPassword) or credentials.rotation is None:
            return None
        rotation = replace(credentials.rotation, vpc=network.vpc)
        target = RotationTarget(
            secret=credentials.required_secret(scope),
            user=login.user,
            user_id=name,
            parameter_name=parameter.name,
            parameter_arn=parameter.arn,
        )
        needed: list[IConstruct] = [network.security_group, *network.endpoints]
        added = add_rotation(scope, rotation, target, *needed)
        network.connect(added.function)
        return added


@dataclass(frozen=True, kw_only=True)
class _BoundCache:
    """The cache; `namespaces` become its user's rights."""

    connection: RedisConnection
    network: CacheNetwork | None
    namespaces: set[str]
    gigabytes: float | None
    """The size at which it evicts, in GB; None: never."""

    @property
    def table(self) -> None:
        return None

    @property
    def server(self) -> Server:
        return self.connection.server

    @property
    def services(self) -> tuple[str, ...]:
        return (INTERNET,) if self.network is None else self.connection.services

    def settings(self) -> dict[str, str]:
        return self.connection.settings()

    def connect(self, function: lambda_.Function) -> None:
        if self.network is not None:
            self.network.connect(function)

    def monitoring(self) -> StoreMonitoring:
        assert self.server.cache is not None
        name = self.connection.parameter.name
        return cache_monitoring(name, self.server.cache, self.gigabytes)

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> list[iam.Grant]:
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
    # aws-cdk-lib 2.271 does not know the property, nor do the rules of 2.275 that check templates.
    cache.add_property_override("ConnectionType", "public")
    acknowledge(cache, "CloudFormation-Validate::F3002", "The rules do not know ConnectionType yet")
