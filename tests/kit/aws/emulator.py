"""Starts the local AWS, with a few corrections towards the real one.

It knows `dynamodb:LeadingKeys` and `kms:EncryptionContext:...`, so that IAM can fence rows and data
keys, takes the loopback for TLS, which bucket policies demand, and gives SSM parameters names as
CloudFormation does, without slashes. Its durable executions go on as Lambda's do (`durable`).

Run as `python -m kit.aws.emulator`; the settings are the emulator's own environment variables.
"""

from __future__ import annotations

import json
from secrets import token_hex
from typing import Any, Final

from ministack.app import main
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services.cloudformation import provisioners

from kit.aws import durable
from kit.aws.environments import start_quickly

LEADING_KEYS: Final = "dynamodb:LeadingKeys"


def leading_keys(body: bytes) -> dict[str, list[str]]:
    """Return the partition keys that a DynamoDB request touches, by the table's name; every table
    here is keyed by `id`.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    parts = [request]
    for item in request.get("TransactItems", []):
        parts.extend(item.values())
    found: dict[str, list[str]] = {}
    for part in parts:
        key = part.get("Key") or part.get("Item")
        if key and "S" in key.get("id", {}):
            table = part["TableName"].rpartition("/")[2]
            found.setdefault(table, []).append(key["id"]["S"])
    return found


def add_leading_keys() -> None:
    """Add `dynamodb:LeadingKeys` to the emulator's condition context: each item of a transaction is
    authorized on its own table
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
    """
    without, check = iam_actions.dynamodb_service_context, iam_evaluator.enforce

    def context(body: bytes) -> dict[str, Any]:
        return {**without(body), LEADING_KEYS: leading_keys(body)}

    def enforce(*arguments: Any, **options: Any) -> Any:
        given = dict(options.get("service_context") or {})
        if LEADING_KEYS in given:
            table = str(options.get("resource_arn")).rpartition("/")[2]
            if keys := given.pop(LEADING_KEYS).get(table):
                given[LEADING_KEYS] = keys
            options["service_context"] = given
        return check(*arguments, **options)

    iam_actions.dynamodb_service_context = context
    iam_evaluator.enforce = enforce


def add_encryption_context() -> None:
    """Add KMS's `kms:EncryptionContext:...` to the emulator's condition context."""
    without = iam_actions.request_tag_context

    def context(service: str, action: str, body: bytes, *others: Any) -> dict[str, Any]:
        found: dict[str, Any] = without(service, action, body, *others)
        if service == "kms":
            try:
                given = json.loads(body or b"{}").get("EncryptionContext") or {}
            except ValueError:
                given = {}
            found |= {f"kms:encryptioncontext:{name.lower()}": text for name, text in given.items()}
        return found

    iam_actions.request_tag_context = context


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
    add_encryption_context()
    trust_loopback()
    name_parameters()
    durable.keep_configurations()
    durable.start_executions()
    durable.repeat_failed_invocations()
    durable.keep_callbacks()
    durable.fence_executions()
    start_quickly(lambda_runtime)
    main()
