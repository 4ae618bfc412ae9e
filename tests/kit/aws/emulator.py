"""Starts the local AWS, with a few corrections towards the real one.

It knows `dynamodb:LeadingKeys`, so that IAM can fence rows, takes the loopback for TLS, which
bucket policies demand, and gives SSM parameters names as CloudFormation does, without slashes.

Run as `python -m kit.aws.emulator`; the settings are the emulator's own environment variables.
"""

from __future__ import annotations

import json
from secrets import token_hex
from typing import Any

from ministack.app import main
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services.cloudformation import provisioners

from kit.aws.environments import start_quickly


def leading_keys(body: bytes) -> list[str]:
    """Return the partition keys that a DynamoDB request touches; every table here is keyed by
    `id`.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    parts = [request]
    for item in request.get("TransactItems", []):
        parts.extend(item.values())
    keys = [part.get("Key") or part.get("Item") for part in parts]
    return [key["id"]["S"] for key in keys if key and "S" in key.get("id", {})]


def add_leading_keys() -> None:
    """Add `dynamodb:LeadingKeys` to the emulator's condition context."""
    without = iam_actions.dynamodb_service_context

    def context(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = without(body)
        if keys := leading_keys(body):
            found["dynamodb:LeadingKeys"] = keys
        return found

    iam_actions.dynamodb_service_context = context


def trust_loopback() -> None:
    """Treat plain connections over the loopback as TLS."""
    without = iam_evaluator._resolve_condition_key

    def resolved(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else without(key, context)

    iam_evaluator._resolve_condition_key = resolved


def name_parameters() -> None:
    """Give parameters of the emulator's CloudFormation names without slashes."""
    provisioner = provisioners._RESOURCE_HANDLERS["AWS::SSM::Parameter"]
    create = provisioner["create"]

    def named(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        name = props.get("Name") or f"CFN-{logical_id}-{token_hex(6)}"
        return create(logical_id, {**props, "Name": name}, stack_name)

    provisioner["create"] = named


if __name__ == "__main__":
    add_leading_keys()
    trust_loopback()
    name_parameters()
    start_quickly(lambda_runtime)
    main()
