"""Runtimes that the layer does not support.

Fires when: A function's runtime was changed, on its resource, to one without support.
What to do: Use Python 3.11 to 3.14.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import RUNTIMES
from ..model.deployment import Deployment
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    supported = [runtime.name for runtime in RUNTIMES]
    for attached in deployment.attached:
        runtime = deployment.tree.properties(attached.resource).get("runtime")
        if isinstance(runtime, str) and runtime not in supported:
            yield Violation(
                attached.function,
                f"the function runs on {runtime}, and the layer supports {', '.join(supported)}. "
                "Use one of them.",
            )
