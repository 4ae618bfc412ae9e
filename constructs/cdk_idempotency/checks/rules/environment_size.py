"""A function's environment variables fit Lambda's limit, which CDK does not check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..model.finding import Finding, error

LIMIT: Final = 4096
"""Bytes, names and values together (https://docs.aws.amazon.com/lambda/latest/dg/
gettingstarted-limits.html); Lambda measures them as one JSON object."""


def check(deployment: Deployment) -> Iterator[Finding]:
    """Values known only at deployment count as nothing, so that an error is never wrong."""
    for attached in deployment.attached:
        known = {
            name: value if isinstance(value, str) else ""
            for name, value in deployment.environment(attached).items()
        }
        size = len(json.dumps(known, separators=(",", ":")).encode())
        if size > LIMIT:
            largest = max(known, key=lambda name: len(known[name]))
            yield error(
                "environment-size",
                attached.function,
                f"the environment has {size} bytes and Lambda allows {LIMIT}; its largest "
                f"variable is {largest} ({len(known[largest])} bytes). Shorten it, or read it "
                "from elsewhere.",
            )
