"""Attached functions run on a Python that the layer supports, also where it is changed later."""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import RUNTIMES
from ..model.deployment import Deployment
from ..model.finding import Finding, error


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    supported = [runtime.name for runtime in RUNTIMES]
    for attached in deployment.attached:
        runtime = deployment.tree.properties(attached.resource).get("runtime")
        if isinstance(runtime, str) and runtime not in supported:
            yield error(
                "runtime",
                attached.function,
                f"the function runs on {runtime}, and the layer supports {', '.join(supported)}. "
                "Use one of them.",
            )
