"""The Lambda function that Secrets Manager calls. The construct sets its environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

from ..contract.redis import RedisSettings
from ..contract.rotation import RotationSettings
from .acl import AclStrategy
from .calls import call
from .connect import Connect, Login, connect
from .elasticache import ElastiCacheStrategy
from .secret import Secret
from .steps import Rotation, Strategy
from .waiting import Poller


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Run one step of a rotation. Raises `RotationError` or `ConfigurationError`."""
    logging.getLogger("lambda_idempotency.rotation").setLevel(logging.INFO)
    # At DEBUG, botocore logs whole requests, passwords included.
    logging.getLogger("botocore").setLevel(logging.INFO)
    rotation = rotation_of(
        RotationSettings.from_environment(os.environ),
        client=_client,
        poller=Poller(lambda: context.get_remaining_time_in_millis() / 1000),
    )
    rotation.run(event)


def rotation_of(
    settings: RotationSettings,
    *,
    client: Callable[[str], Any],
    poller: Poller,
    connect: Connect = connect,
) -> Rotation:
    """Return the rotation of the settings. `client` makes boto3's client for a service."""
    secrets = client("secretsmanager")
    parameter = settings.parameter
    found = call(client("ssm"), "get_parameter", about=f"SSM parameter {parameter}", Name=parameter)
    server = RedisSettings.parse(found["Parameter"]["Value"], parameter)
    strategy: Strategy
    if settings.strategy == "acl":
        assert settings.admin is not None  # `RotationSettings` requires it
        admin = Secret(secrets, settings.admin).current()
        strategy = AclStrategy(server, Login(admin.username, admin.password), connect=connect)
    else:
        assert settings.user_id is not None
        strategy = ElastiCacheStrategy(
            client("elasticache"), settings.user_id, server, poller=poller, connect=connect
        )
    return Rotation(
        Secret(secrets, settings.secret), user=settings.user, strategy=strategy, poller=poller
    )


def _client(service: str) -> Any:
    """Return a client that gives up early enough for the step to report why."""
    config = Config(
        connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return boto3.client(service, config=config)
