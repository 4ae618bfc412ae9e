"""The Redis server, as its settings describe it."""

from __future__ import annotations

from ipaddress import ip_address

from aws_cdk import CfnResource

from lambda_idempotency.contract.redis import RedisSettings

from .deployment import Deployment


def exposed_settings(deployment: Deployment) -> RedisSettings | None:
    """Return the settings of a server that others may reach too; None for one on the loopback
    address, and where they are in an existing parameter."""
    server = deployment.store.server
    settings = None if server is None else server.settings
    return None if settings is None or _is_loopback(settings.host) else settings


def server_resources(deployment: Deployment) -> list[CfnResource]:
    """Return the resources whose address the server's is; none where it is of another app."""
    server = deployment.store.server
    if server is None or server.settings is None:
        return []
    return deployment.tree.referenced(deployment.construct, server.settings.host)


def _is_loopback(host: str) -> bool:
    # A host that only the deployment knows is something that is provisioned, and so elsewhere.
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
