"""Leases of attached functions, as the runtime makes them."""

from __future__ import annotations

from typing import Final

from lambda_idempotency.contract.lease import effective_lease_ms, has_heartbeat

from .deployment import AttachedFunction, Deployment

POLLED: Final = 15 * 60
POLLED_ON_INSTANCES: Final = 90 * 60
"""The seconds for which an event source mapping waits for a durable execution, which Lambda ends
then (https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking-esm.html)."""


def is_multi_concurrent(deployment: Deployment, attached: AttachedFunction) -> bool:
    """Tell whether an environment of the function serves several invocations at once. Then an
    attempt is not stopped at its timeout
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html)."""
    return "capacityProviderConfig" in deployment.properties(attached)


def is_renewed(deployment: Deployment, attached: AttachedFunction) -> bool:
    """Tell whether a heartbeat renews the leases of a function."""
    enforced = not is_multi_concurrent(deployment, attached)
    heartbeat = attached.settings.heartbeat
    return has_heartbeat(_lease_ms(attached), heartbeat=heartbeat, enforced=enforced)


def lease_of(deployment: Deployment, attached: AttachedFunction, timeout: float) -> float:
    """Return the seconds for which an attempt of a function, if a dead one, may hold its key. The
    end of a durable execution is known at once; one of an event source mapping has a limit."""
    enforced = not is_multi_concurrent(deployment, attached)
    if (execution := attached.settings.execution_timeout) is not None:
        return min(execution, POLLED if enforced else POLLED_ON_INSTANCES)
    return (
        effective_lease_ms(
            _lease_ms(attached),
            round(timeout * 1000),
            enforced=enforced,
            renewed=is_renewed(deployment, attached),
        )
        / 1000
    )


def _lease_ms(attached: AttachedFunction) -> int | None:
    lease = attached.settings.lease
    return None if lease is None else round(lease * 1000)
