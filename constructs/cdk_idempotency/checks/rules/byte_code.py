"""Byte code for another Python than the function's.

Fires when: The layer's byte code was compiled for another Python than the function's: it works,
with longer cold starts.
What to do: Synthesize with the function's Python.

/opt is read-only on Lambda, which compiles what does not fit at each cold start.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import RUNTIMES
from ...functions.layer import bytecode_runtime
from ..model.deployment import Deployment
from ..rule import Violation, info


@info
def check(deployment: Deployment) -> Iterator[Violation]:
    others = {runtime.name for runtime in RUNTIMES} - {bytecode_runtime()}
    for attached in deployment.attached:
        runtime = deployment.tree.properties(attached.resource).get("runtime")
        if isinstance(runtime, str) and runtime in others:
            yield Violation(
                attached.function,
                f"The layer was compiled for {bytecode_runtime()} and this function runs on "
                f"{runtime}, so cold starts take longer. Synthesize with the function's Python.",
            )
