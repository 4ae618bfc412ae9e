"""Runtimes that are newer than this release.

Fires when: A function runs on a Python that was not there when this release was made: it is likely
to work, and nobody has tried.
What to do: Upgrade cdk-idempotency, or try it and acknowledge it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import SUPPORTED, is_older
from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        runtime = deployment.properties(attached).get("runtime")
        if isinstance(runtime, str) and runtime not in SUPPORTED and not is_older(runtime):
            yield Violation(
                attached.function,
                f"The function runs on {runtime}, and this release of cdk-idempotency was tested "
                f"on {', '.join(SUPPORTED)}. Upgrade cdk-idempotency, or test the function there.",
            )
