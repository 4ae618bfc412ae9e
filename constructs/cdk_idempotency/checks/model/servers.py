"""The Redis server, as functions are told of it."""

from __future__ import annotations

from ipaddress import ip_address

from aws_cdk import CfnResource

from lambda_idempotency.redis_document import RedisSettings

from .deployment import Deployment


def exposed(deployment: Deployment) -> RedisSettings | None:
    """The settings of a server that others may reach too; None for one on the loopback address,
    and where somebody else's parameter has them."""
    server = deployment.store.server
    settings = None if server is None else server.settings
    return None if settings is None or _is_loopback(settings.host) else settings


def resources(deployment: Deployment) -> list[CfnResource]:
    """What the server is, where it is of this app."""
    server = deployment.store.server
    if server is None or server.settings is None:
        return []
    return deployment.tree.behind(deployment.construct, server.settings.host)


def _is_loopback(host: str) -> bool:
    """One that is known at deployment only is something that is provisioned, and so elsewhere."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
