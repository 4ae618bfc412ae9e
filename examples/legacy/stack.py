"""A function that nobody dares to touch, which books each invoice once for many invocations."""

from pathlib import Path

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency, IdempotencyStore
from constructs import Construct


class LegacyStack(Stack):
    """The function, its books, the events that it could not book, and its idempotency."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        failed = sqs.Queue(self, "Failed", enforce_ssl=True, retention_period=Duration.days(14))
        books = dynamodb.TableV2(
            self,
            "Books",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            removal_policy=RemovalPolicy.DESTROY,
        )
        billing = lambda_.Function(
            self,
            "Billing",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="billing.book",
            code=lambda_.Code.from_asset(str(Path(__file__).parent / "function")),
            environment={"BOOKS_TABLE": books.table_name},
            timeout=Duration.seconds(10),
            # Lambda queues an asynchronous event. It delivers it more than once now and then, and
            # again if the function fails: for two hours, and then it goes to `failed`.
            retry_attempts=2,
            max_event_age=Duration.hours(2),
            on_failure=destinations.SqsDestination(failed),
        )
        books.grant_write_data(billing)

        idempotency = Idempotency(
            self,
            "Idempotency",
            store=IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY),
            key="invoice.number",
            fingerprint="invoice",
            # Above the event's age: a late delivery still finds the record of the first one.
            expires_after=Duration.days(1),
        )
        idempotency.attach(billing, wrap_handler=True)

        Validations.of(billing).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
                "service-role/AWSLambdaBasicExecutionRole]",
                reason="It lets the function write its logs, and do nothing else.",
            )
        )
        Validations.of(failed).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-SQS3",
                reason="It is where failed events end: the function's dead-letter queue.",
            )
        )
        CfnOutput(self, "BillingName", value=billing.function_name)
        CfnOutput(self, "BooksName", value=books.table_name)
        CfnOutput(self, "FailedUrl", value=failed.queue_url)
