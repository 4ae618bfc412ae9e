"""Functions that would forget their records.

Fires when: In the last synthesis (the templates in `cdk.out`) a function had its records elsewhere:
the id of the `Idempotency` was changed, or its store, or the function's namespace. Answers and open
requests would be forgotten, and requests that come again run again.
What to do: Keep the id, the store and the namespace (`namespace=` pins it), or pass
`accept_new_store=True`. [Upgrades](upgrades.md) has the way to move records.

Nothing is known where the last templates are not there, as in a fresh checkout: `cdk diff` shows
what was deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..model.last_synthesis import last_environments
from ..rule import Violation, error

PLACE: Final = {
    "IDEMPOTENCY_STORE": "the kind of store",
    "IDEMPOTENCY_TABLE": "the table",
    "IDEMPOTENCY_PARAMETER": "the server",
    "IDEMPOTENCY_NAMESPACE": "the namespace",
}
"""The variables that say where records are."""


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    if deployment.accepts_new_store:
        return
    for attached, last in last_environments(deployment):
        now = deployment.environment(attached)
        changed = [what for name, what in PLACE.items() if last.get(name) != now.get(name)]
        if "IDEMPOTENCY_NAMESPACE" in last and changed:
            yield Violation(
                attached.function,
                f"{' and '.join(changed)} of its records would change with this deployment, so it "
                "would forget which requests have run, and they run again when they come again. "
                "Keep the id and the store of the Idempotency, and pin the namespace=..., or pass "
                "accept_new_store=True to Idempotency. If the templates in cdk.out were never "
                "deployed, delete them.",
            )
