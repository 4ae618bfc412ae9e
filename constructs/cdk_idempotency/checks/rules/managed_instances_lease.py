"""Functions on Lambda Managed Instances whose leases nobody renews.

Fires when: A function on a capacity provider (Lambda Managed Instances) has a `lease`, or
`heartbeat=False`. Lambda does not stop an attempt at its timeout there, so the lease can end while
the attempt goes on, and another one runs beside it.
What to do: Leave both out, so that a heartbeat renews the lease until the attempt ends; with a
`lease` of your own, add `heartbeat=True`.

Several invocations share an environment, and Lambda reports a timeout without ending the code
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.durations import in_words
from ..model.leases import is_multi_concurrent, is_renewed, lease_of
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        timeout = deployment.timeout(attached)
        if timeout is None or attached.settings.execution_timeout is not None:
            continue  # the lease of a durable execution lasts until Lambda has ended it
        if is_multi_concurrent(deployment, attached) and not is_renewed(deployment, attached):
            lease = in_words(lease_of(deployment, attached, timeout))
            yield Violation(
                attached.function,
                "It has a capacity provider, so Lambda does not stop an attempt at its timeout, "
                f"and nothing renews its lease of {lease}: an attempt that takes longer goes on "
                "while another one runs. Leave lease and heartbeat out, or pass heartbeat=True.",
            )
