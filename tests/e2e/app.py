"""The app that the end-to-end tests deploy: one function for each behavior, and three examples."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import aws_cdk
from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency, IdempotencyOptions, IdempotencyStore
from e2e.large import add_large
from e2e.private import add_private
from e2e.shops import add_shops
from e2e.web import add_apis

FUNCTIONS: dict[str, IdempotencyOptions] = {
    "Default": {},
    "WholePayload": {"key": "@"},
    "ShortExpiry": {"expires_after": Duration.seconds(1)},
    "LongLease": {"lease": Duration.minutes(10)},
    "Wait": {"on_in_progress": "wait"},
    "ShortWait": {"on_in_progress": "wait", "wait_timeout": Duration.millis(100)},
    "Park": {"max_attempts": 1},
    "Bypass": {"on_missing_key": "bypass"},
    "FailOpen": {"fail_open": True},
    "OtherKey": {"key": "other.id", "fingerprint": "other.amount"},
}


def _function(scope: Stack, name: str, effects: dynamodb.Table, **options: Any) -> lambda_.Function:
    defaults: dict[str, Any] = {
        "handler": "probe.handler",
        "timeout": Duration.seconds(3),
        "code": lambda_.Code.from_asset(str(Path(__file__).parent / "functions")),
    }
    function = lambda_.Function(
        scope,
        name,
        runtime=lambda_.Runtime.PYTHON_3_13,
        environment={"EFFECTS_TABLE": effects.table_name},
        **{**defaults, **options},
    )
    effects.grant(function, "dynamodb:PutItem", "dynamodb:GetItem")
    CfnOutput(scope, f"{name}Name", value=function.function_name)
    return function


def _add_example(name: str) -> None:
    """Run an example's app.py as `cdk deploy` in its directory does, but into this app."""
    directory = Path(__file__).parents[2] / "examples" / name
    own_app, its_path = mock.Mock(return_value=app), [str(directory), *sys.path]
    with (
        mock.patch.object(aws_cdk, "App", own_app),
        mock.patch.object(App, "synth"),
        mock.patch.object(sys, "path", its_path),
        mock.patch.dict(sys.modules),
    ):
        runpy.run_path(str(directory / "app.py"))
    own_app.assert_called_once_with()


app = App()
stack = Stack(app, "E2E")
effects = dynamodb.Table(
    stack,
    "Effects",
    partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
    removal_policy=RemovalPolicy.DESTROY,
)
table = IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY)
idempotency = Idempotency(stack, "Idempotency", store=table, key="id", fingerprint="amount")
for name, options in FUNCTIONS.items():
    idempotency.attach(_function(stack, name, effects), **options)
idempotency.attach(
    _function(stack, "Trespasser", effects, handler="probe.trespass"), namespace="pinned"
)
order = _function(stack, "Order", effects, handler="order.handler")
effects.grant(order, "dynamodb:UpdateItem")
# The payload says where the process dies, which the retries do not.
idempotency.attach(order, fingerprint="id")
away = Stack(app, "Away")
idempotency.attach(_function(away, "Away", effects), namespace="away")
for name, fifo in (("Records", None), ("Ordered", True)):
    records = _function(stack, name, effects, handler="records.handler")
    queue = sqs.Queue(stack, f"{name}Queue", visibility_timeout=Duration.seconds(3), fifo=fifo)
    records.add_event_source(sources.SqsEventSource(queue, report_batch_item_failures=True))
    idempotency.attach(records, key="body.id", fingerprint="body.amount")
    CfnOutput(stack, f"{name}Url", value=queue.queue_url)
web = Stack(app, "Web")
add_apis(
    web,
    Idempotency(web, "Idempotency", store=table),
    lambda name, handler: _function(web, name, effects, handler=handler),
)
large = Stack(app, "Large")
add_large(large, table, lambda name, handler: _function(large, name, effects, handler=handler))
private = Stack(app, "Private")
add_private(
    private,
    table,
    lambda name, handler, code: _function(private, name, effects, handler=handler, code=code),
)
add_shops(app, away, large)
CfnOutput(stack, "EffectsName", value=effects.table_name)
for example in ("worker", "legacy", "durable"):
    _add_example(example)
app.synth()
