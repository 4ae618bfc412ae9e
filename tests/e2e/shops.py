"""Services with functions of one name, in two stacks and two stages, on one table."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack, Stage
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency, IdempotencyStore
from constructs import Construct

TABLE = "shared-records"


def add_shops(app: App, *stacks: Stack) -> None:
    """Add `Shop/Handler` to each stack, and to one of two stages. The first has the table."""
    dynamodb.Table(
        stacks[0],
        "SharedRecords",
        table_name=TABLE,
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        time_to_live_attribute="expiration",
        removal_policy=RemovalPolicy.DESTROY,
    )
    for stack in stacks:
        _add_shop(stack, stack.stack_name)
    for name in ("Dev", "Prod"):
        _add_shop(Stack(Stage(app, name), "Stack"), name)


def _add_shop(stack: Stack, service: str) -> None:
    shop = Construct(stack, "Shop")
    handler = lambda_.Function(
        shop,
        "Handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        code=lambda_.Code.from_asset(str(Path(__file__).parent / "functions")),
        handler="shop.handler",
        environment={"SERVICE": service},
    )
    table = dynamodb.Table.from_table_name(shop, "Records", TABLE)
    idempotency = Idempotency(
        shop, "Idempotency", store=IdempotencyStore.dynamodb(table=table), key="id"
    )
    idempotency.attach(handler)
    CfnOutput(stack, f"{service}ShopName", value=handler.function_name)
