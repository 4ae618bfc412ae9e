"""The rights of a function's role on its own records, as IAM evaluates them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..aws import Aws
from ..deployment import AttachedFunction
from ..records.redis import RedisRecords
from .finding import Finding, error, ok
from .server import secret_arn

_ON_RECORDS = ("dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DeleteItem")


def on_table(aws: Aws, function: AttachedFunction, table: str) -> Iterator[Finding]:
    """Ask IAM whether the function may write, read and delete its records."""
    key: dict[str, object] = {
        "ContextKeyName": "dynamodb:LeadingKeys",
        "ContextKeyValues": [f"{function.namespace}#doctor"],
        "ContextKeyType": "stringList",
    }
    arn = aws.client("dynamodb").describe_table(TableName=table)["Table"]["TableArn"]
    yield from _simulated(aws, function, _ON_RECORDS, arn, [key])


def on_settings(aws: Aws, function: AttachedFunction, parameter: str) -> Iterator[Finding]:
    """Ask IAM whether the function may read the settings of the Redis server."""
    partition, _, region, account = function.configuration["FunctionArn"].split(":")[1:5]
    name = parameter.removeprefix("/")
    arn = f"arn:{partition}:ssm:{region}:{account}:parameter/{name}"
    yield from _simulated(aws, function, ("ssm:GetParameter",), arn, [])


def on_secret(aws: Aws, function: AttachedFunction, records: RedisRecords) -> Iterator[Finding]:
    """Ask IAM whether the function may read the password of its Redis user."""
    if (arn := secret_arn(aws, records)) is not None:
        yield from _simulated(aws, function, ("secretsmanager:GetSecretValue",), arn, [])


def _simulated(
    aws: Aws,
    function: AttachedFunction,
    actions: Sequence[str],
    resource: str,
    context: list[dict[str, object]],
) -> Iterator[Finding]:
    about = f"{function.resource.path} rights"
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=function.configuration["Role"],
        ActionNames=list(actions),
        ResourceArns=[resource],
        ContextEntries=context,
    )
    denied = [
        each["EvalActionName"]
        for each in answer["EvaluationResults"]
        if each["EvalDecision"] != "allowed"
    ]
    if denied:
        yield error(about, f"its role lacks {', '.join(denied)}; deploy again")
    else:
        yield ok(about, f"{', '.join(actions)}")
