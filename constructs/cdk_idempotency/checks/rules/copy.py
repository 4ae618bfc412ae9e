"""Functions that bring their own copy of the layer's package.

Fires when: The function's code brings its own copy of `lambda_idempotency`, which Lambda finds
before the layer's.
What to do: Leave it out, or keep both at one version.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.code import PACKAGE
from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        if attached.has_package_copy:
            yield Violation(
                attached.function,
                f"The function's code brings its own copy of {PACKAGE}, which Lambda finds before "
                "the layer's. Leave it out of what is deployed, or keep both at one version.",
            )
