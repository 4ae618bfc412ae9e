"""A DynamoDB table: its key, TTL, recovery and protection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from lambda_idempotency.contract.names import PARTITION_KEY, TTL_ATTRIBUTE

from ..aws import Aws
from ..deployment import Deployment
from .clock import clock
from .finding import Finding, error, ok, warning

_KINDS = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")


def key_and_clock(aws: Aws, table: str) -> Iterator[Finding]:
    """Look at the table itself, and at the clock of this machine."""
    about = f"table {table}"
    sent = time.time()
    answer = aws.client("dynamodb").describe_table(TableName=table)
    received = time.time()
    found = answer["Table"]
    key = [(each["AttributeName"], each["KeyType"]) for each in found["KeySchema"]]
    if found["TableStatus"] != "ACTIVE":
        yield error(about, f"it is {found['TableStatus']}")
    elif key != [(PARTITION_KEY, "HASH")]:
        yield error(about, f"its key is not {PARTITION_KEY} alone")
    else:
        yield ok(about, "active")
    served = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    yield clock(sent, served.timestamp(), received)


def ttl(aws: Aws, table: str) -> Iterator[Finding]:
    """Look whether expired records are deleted."""
    about = f"table {table} TTL"
    found = aws.client("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    status, attribute = found["TimeToLiveStatus"], found.get("AttributeName")
    if status not in ("ENABLED", "ENABLING"):
        yield error(
            about, f"it is off, so the table grows forever; enable TTL on {TTL_ATTRIBUTE!r}"
        )
    elif attribute != TTL_ATTRIBUTE:
        yield error(about, f"it is on {attribute!r}; expected {TTL_ATTRIBUTE!r}")
    else:
        yield ok(about, "on")


def recovery(aws: Aws, deployment: Deployment, table: str) -> Iterator[Finding]:
    """Hold the point-in-time recovery against the template's."""
    about = f"table {table} recovery"
    found = aws.client("dynamodb").describe_continuous_backups(TableName=table)
    status = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    if status["PointInTimeRecoveryStatus"] == "ENABLED":
        yield ok(about, "on")
    elif _recovers(deployment, table):
        yield error(about, "it is off, and was synthesized; deploy again")
    else:
        yield warning(about, "it is off: records that are lost cannot be restored")


def _recovers(deployment: Deployment, table: str) -> bool:
    """Tell whether the stack has this table, with its recovery on."""
    for kind in _KINDS:
        for resource in deployment.of_kind(kind):
            if resource.physical_id == table:
                parts = (resource.properties, *resource.properties.get("Replicas", ()))
                return any(
                    part.get("PointInTimeRecoverySpecification", {}).get(
                        "PointInTimeRecoveryEnabled"
                    )
                    for part in parts
                )
    return False
