"""Leases of attached functions, as the runtime makes them."""

from __future__ import annotations

from lambda_idempotency.contract.lease import effective_lease_ms, has_heartbeat

from .deployment import AttachedFunction, Deployment


def is_multi_concurrent(deployment: Deployment, attached: AttachedFunction) -> bool:
    """Tell whether an environment of the function serves several invocations at once. Then an
    attempt is not stopped at its timeout
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html)."""
    return "capacityProviderConfig" in deployment.tree.properties(attached.resource)


def lease_of(deployment: Deployment, attached: AttachedFunction, timeout: float) -> float:
    """Return the seconds for which a dead attempt of a function may hold its key."""
    settings, enforced = attached.settings, not is_multi_concurrent(deployment, attached)
    lease = None if settings.lease is None else round(settings.lease * 1000)
    renewed = has_heartbeat(lease, heartbeat=settings.heartbeat, enforced=enforced)
    left = round(timeout * 1000)
    return effective_lease_ms(lease, left, enforced=enforced, renewed=renewed) / 1000
