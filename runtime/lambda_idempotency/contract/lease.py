"""The effective lease: how long an attempt holds its key, whatever the settings say.

Lambda kills an attempt at its timeout, so a lease that outlasts that is enough. Nothing does so in
an environment that serves several invocations at once (`AWS_LAMBDA_MAX_CONCURRENCY`), nor outside
of Lambda: there a heartbeat renews a short lease until the call ends, or the lease has to be longer
than any call.
"""

from __future__ import annotations

from typing import Final

MARGIN_MS: Final = 2000
"""Milliseconds by which a lease outlasts its invocation. Clocks may differ by half of them."""

LONGEST_MS: Final = 15 * 60 * 1000
"""The lease where nothing tells how long a call may run: Lambda's longest timeout."""

RENEWED_MS: Final = 60 * 1000
"""The lease where a heartbeat renews it: a dead attempt's key is free that much later."""


def has_heartbeat(lease_ms: int | None, *, heartbeat: bool | None, enforced: bool) -> bool:
    """Tell whether a heartbeat renews the lease. `enforced`: the timeout ends the attempt.

    A lease that is given stands, unless a heartbeat is asked for as well.
    """
    if enforced:
        return False
    return lease_ms is None if heartbeat is None else heartbeat


def effective_lease_ms(
    lease_ms: int | None, left_ms: int | None, *, enforced: bool, renewed: bool
) -> int:
    """Return the lease. `left_ms` is the rest of the invocation, or its whole timeout; None: it is
    not known."""
    least = lease_ms
    if least is None:
        least = RENEWED_MS if renewed else LONGEST_MS
        if enforced and left_ms is not None:
            least = 0
    return least if left_ms is None else max(least, left_ms + MARGIN_MS)
