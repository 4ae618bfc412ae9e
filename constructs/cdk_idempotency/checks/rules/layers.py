"""More layers than Lambda allows.

Fires when: A function has more than five layers.
What to do: Join two of them.

CDK counts layers that are added to the function, and not those of its resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..rule import Violation, error

LIMIT: Final = 5
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        layers = deployment.properties(attached).get("layers")
        if isinstance(layers, list) and len(layers) > LIMIT:
            yield Violation(
                attached.function,
                f"the function has {len(layers)} layers, that of this project among them, and "
                f"Lambda allows {LIMIT}. Join two of them, or put their content into its code.",
            )
