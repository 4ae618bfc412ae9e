"""The layer's byte code is that of the function's Python.

/opt is read-only, so that Lambda compiles what does not fit at each cold start.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import RUNTIMES
from ...functions.layer import compiled_for
from ..model.deployment import Deployment
from ..model.finding import Finding, info


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    others = {runtime.name for runtime in RUNTIMES} - {compiled_for()}
    for attached in deployment.attached:
        runtime = deployment.tree.properties(attached.resource).get("runtime")
        if isinstance(runtime, str) and runtime in others:
            yield info(
                "byte-code",
                attached.function,
                f"The layer was compiled for {compiled_for()} and this function runs on {runtime}, "
                "so cold starts take longer. Synthesise with the function's Python.",
            )
