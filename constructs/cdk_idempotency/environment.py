"""Lambda's limit on environment variables, which CDK does not check."""

from __future__ import annotations

import json
from typing import Any, Final

import jsii
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from constructs import IValidation

from .inspection import properties_of

LIMIT: Final = 4096
"""Bytes, names and values together (https://docs.aws.amazon.com/lambda/latest/dg/
gettingstarted-limits.html); Lambda measures them as one JSON object."""


@jsii.implements(IValidation)
class EnvironmentSize:
    """Runs at synth, when every variable has been added."""

    def __init__(self, function: lambda_.Function) -> None:
        self._function = function

    def validate(self) -> list[str]:
        """One error where the environment cannot fit. Values known only at deployment count as
        nothing, so that an error is never wrong."""
        environment = _environment(self._function)
        known = {
            name: value if isinstance(value, str) else ""
            for name, value in environment.get("variables", {}).items()
        }
        size = len(json.dumps(known, separators=(",", ":")).encode())
        if size <= LIMIT:
            return []
        largest = max(known, key=lambda name: len(known[name]))
        return [
            (
                f"the environment has {size} bytes and Lambda allows {LIMIT}; its largest "
                f"variable is {largest} ({len(known[largest])} bytes). Shorten it, or read it "
                "from elsewhere."
            )
        ]


def _environment(function: lambda_.Function) -> dict[str, Any]:
    environment = properties_of(function).get("environment")
    return Stack.of(function).resolve(environment) or {}
