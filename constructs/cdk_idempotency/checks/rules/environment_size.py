"""Environment variables beyond Lambda's limit, which CDK does not check.

Fires when: The function's environment is above Lambda's 4 KB.
What to do: Shorten the largest variable, which the error names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..rule import Violation, error

LIMIT: Final = 4096
"""Bytes, names and values together (https://docs.aws.amazon.com/lambda/latest/dg/
gettingstarted-limits.html); Lambda measures them as one JSON object."""


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    # Values that only the deployment knows count as nothing, so that an error is never wrong.
    for attached in deployment.attached:
        known = {
            name: value if isinstance(value, str) else ""
            for name, value in deployment.environment(attached).items()
        }
        size = len(json.dumps(known, separators=(",", ":")).encode())
        if size > LIMIT:
            largest = max(known, key=lambda name: len(known[name]))
            yield Violation(
                attached.function,
                f"the environment has {size} bytes and Lambda allows {LIMIT}; its largest "
                f"variable is {largest} ({len(known[largest])} bytes). Shorten it, or read it "
                "from elsewhere.",
            )
