"""Functions whose layer has no byte code for their Python.

Fires when: No Python of the function's version was found at synth, so the layer has no byte code:
it works, with longer cold starts. A synthesis that finds one makes another layer.
What to do: Put that Python (`python3.13`) on the PATH wherever the app is synthesized, or
synthesize with it.

/opt is read-only on Lambda, which compiles modules without matching byte code at each cold start.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import SUPPORTED
from ..model.deployment import Deployment
from ..rule import Violation, info


@info
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        runtime = deployment.properties(attached).get("runtime")
        if runtime in SUPPORTED and runtime != attached.byte_code:
            yield Violation(
                attached.function,
                f"Its layer has no byte code for {runtime}, so cold starts take longer: no such "
                f"Python was found here. Put {runtime} on the PATH wherever the app is "
                "synthesized, or synthesize with it.",
            )
