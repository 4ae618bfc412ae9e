"""Functions whose large responses lie among another function's.

Fires when: Two functions of the app keep large responses in one bucket, and the namespace of one
is, or begins, that of the other, as `a` does in `a/b`.
What to do: Give one of them a `namespace` that lies beside the other.

Objects are named by the namespace. Of two lifecycle rules for one object S3 obeys the shorter
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html), and a right to
`a/` is a right to `a/b/` too.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.places import bucket_places
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    if deployment.large_responses is None:
        return
    own = set(bucket_places(deployment))
    for attached in deployment.attached:
        for home, other in deployment.before(attached):
            if _nested(attached.namespace, other.namespace) and own & set(bucket_places(home)):
                yield Violation(
                    attached.function,
                    f"its namespace {attached.namespace!r} and {other.namespace!r} of {other.name} "
                    "would share objects in the bucket of large_responses. Pass another "
                    "namespace=... to attach().",
                )
                break


def _nested(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
