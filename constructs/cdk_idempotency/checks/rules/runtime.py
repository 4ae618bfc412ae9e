"""Runtimes that the layer does not support.

Fires when: A function's runtime was changed, on its resource, to one without support.
What to do: Use Python 3.11 or newer.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...functions.attachable import SUPPORTED, is_older
from ..model.deployment import Deployment
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        runtime = deployment.properties(attached).get("runtime")
        if isinstance(runtime, str) and is_older(runtime):
            yield Violation(
                attached.function,
                f"the function runs on {runtime}, and the layer supports {', '.join(SUPPORTED)}. "
                "Use one of them.",
            )
