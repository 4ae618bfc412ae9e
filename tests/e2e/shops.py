"""Services with functions of one name, in two stacks and two stages: on one table and one bucket,
and on one Redis server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import App, CfnOutput, RemovalPolicy, Size, Stack, Stage
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from constructs import Construct
from kit.redis.app import secret_of

SERVICES: Final = {"Away": "Away", "Large": "Large", "Dev": "Dev-Stack", "Prod": "Prod-Stack"}
"""Two stacks and two stages, with the names of their stacks."""
TABLE: Final = "shared-records"
BUCKET: Final = "shared-responses"


def namespaces(construct: str) -> list[str]:
    """Return the namespaces of the functions in the constructs of one id."""
    return [f"{stack}/{construct}/Handler" for stack in SERVICES.values()]


def add_shops(app: App, *stacks: Stack) -> None:
    """Add `Shop/Handler` and `RedisShop/Handler` to each stack, and to one of two stages. The first
    has the table and the bucket.
    """
    dynamodb.Table(
        stacks[0],
        "SharedRecords",
        table_name=TABLE,
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        time_to_live_attribute="expiration",
        removal_policy=RemovalPolicy.DESTROY,
    )
    s3.Bucket(
        stacks[0], "SharedResponses", bucket_name=BUCKET, removal_policy=RemovalPolicy.DESTROY
    )
    stages = [Stack(Stage(app, name), "Stack") for name in ("Dev", "Prod")]
    for service, stack in zip(SERVICES, (*stacks, *stages), strict=True):
        _add_shop(stack, service)
        _add_redis_shop(stack, service)


def _add_shop(stack: Stack, service: str) -> None:
    shop = Construct(stack, "Shop")
    table = dynamodb.Table.from_table_name(shop, "Records", TABLE)
    idempotency = Idempotency(
        shop,
        "Idempotency",
        store=IdempotencyStore.dynamodb(table=table),
        large_responses=s3.Bucket.from_bucket_name(shop, "Responses", BUCKET),
        large_response_size=Size.kibibytes(1),
        key="id",
    )
    idempotency.attach(_handler(shop, service))


def _add_redis_shop(stack: Stack, service: str) -> None:
    shop = Construct(stack, "RedisShop")
    handler = _handler(shop, service)
    user = secret_of(f"{stack.stack_name}/RedisShop/Handler")
    store = IdempotencyStore.redis(
        host=stack.node.get_context("redis_host"),
        port=int(stack.node.get_context("redis_port")),
        ca=Path(stack.node.get_context("redis_ca")).read_text(),
        credentials=RedisCredentials.secret(
            secretsmanager.Secret.from_secret_name_v2(shop, "User", user)
        ),
    )
    Idempotency(shop, "Idempotency", store=store, key="id").attach(handler)


def _handler(shop: Construct, service: str) -> lambda_.Function:
    handler = lambda_.Function(
        shop,
        "Handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        code=lambda_.Code.from_asset(str(Path(__file__).parent / "functions")),
        handler="shop.handler",
        environment={"SERVICE": service},
    )
    name = f"{service}{shop.node.id}Name"
    CfnOutput(Stack.of(shop), name, value=handler.function_name)
    return handler
