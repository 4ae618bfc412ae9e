"""A payments function that charges once per payment, however often it is invoked."""

from pathlib import Path

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency, IdempotencyStore
from constructs import Construct


class PaymentsStack(Stack):
    """The function, its ledger, and its idempotency."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        ledger = dynamodb.TableV2(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            removal_policy=RemovalPolicy.DESTROY,
        )
        payments = lambda_.Function(
            self,
            "Payments",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="payments.handler",
            code=lambda_.Code.from_asset(str(Path(__file__).parent / "function")),
            environment={"LEDGER_TABLE": ledger.table_name},
            timeout=Duration.seconds(10),
        )
        ledger.grant_write_data(payments)

        idempotency = Idempotency(
            self,
            "Idempotency",
            store=IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY),
            key="payment_id",
            fingerprint="amount",
        )
        idempotency.attach(payments)

        CfnOutput(self, "FunctionName", value=payments.function_name)
        CfnOutput(self, "LedgerName", value=ledger.table_name)
