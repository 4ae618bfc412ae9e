"""Orders that are charged, approved by a human, and shipped, each once, over days if need be."""

from pathlib import Path

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency, IdempotencyStore
from constructs import Construct


class DurableStack(Stack):
    """The durable function, what it has sent to others, and its idempotency."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        ledger = dynamodb.TableV2(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            removal_policy=RemovalPolicy.DESTROY,
        )
        orders = lambda_.Function(
            self,
            "Orders",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="orders.handler",
            # Lambda's Python has the SDK; bundle a version of your own for production.
            code=lambda_.Code.from_asset(str(Path(__file__).parent / "function")),
            environment={"LEDGER_TABLE": ledger.table_name},
            timeout=Duration.seconds(10),
            durable_config=lambda_.DurableConfig(
                # An approval takes days. For so long an order holds its key.
                execution_timeout=Duration.days(7),
                # Not below `expires_after`: what became of an order is asked for until then.
                retention_period=Duration.days(30),
            ),
        )
        ledger.grant(orders, "dynamodb:UpdateItem")

        idempotency = Idempotency(
            self,
            "Idempotency",
            store=IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY),
            key="order_id",
            fingerprint="amount",
            expires_after=Duration.days(30),
        )
        idempotency.attach(orders)

        Validations.of(orders).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
                "service-role/AWSLambdaBasicDurableExecutionRolePolicy]",
                reason="It lets the function write its logs and record its executions' steps.",
            )
        )
        CfnOutput(self, "OrdersName", value=orders.function_name)
        CfnOutput(self, "LedgerName", value=ledger.table_name)
