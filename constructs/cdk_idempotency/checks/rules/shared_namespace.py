"""Functions that share records with another function of the app.

Fires when: Two functions of the app have one namespace in one table or Redis server, whichever
`Idempotency` they are attached to: their requests would be taken for one another.
What to do: Leave `namespace` out, or give each another one; for stages with fixed stack names, a
`namespace_prefix`.

The namespace is all that tells two functions' records apart, to the runtime and to IAM
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.places import share_store
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    namespaces = Counter(each.namespace for home in deployment.app for each in home.attached)
    for attached in deployment.attached:
        if namespaces[attached.namespace] == 1:
            continue
        for home, other in deployment.before(attached):
            if other.namespace == attached.namespace and share_store(
                deployment, attached, home, other
            ):
                yield Violation(
                    attached.function,
                    f"its namespace {attached.namespace!r} is that of {other.name} too, in the "
                    "same store, so each would get answers to the other's requests. Pass another "
                    "namespace=... to attach(), or another namespace_prefix=... to each "
                    "Idempotency.",
                )
                break
