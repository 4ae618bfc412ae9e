"""A worker that ships each order once, however often its message is delivered."""

from pathlib import Path

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from constructs import Construct

TIMEOUT = 5  # seconds
KEPT, KEPT_FAILED = 4, 14  # days


class WorkerStack(Stack):
    """The queue, its worker, what it ships, and its idempotency."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        failed = sqs.Queue(
            self, "Failed", enforce_ssl=True, retention_period=Duration.days(KEPT_FAILED)
        )
        orders = sqs.Queue(
            self,
            "Orders",
            enforce_ssl=True,
            retention_period=Duration.days(KEPT),
            # Above the lease, which is the timeout: a message comes back when its attempt is over.
            # Six times the timeout is what Lambda advises.
            visibility_timeout=Duration.seconds(6 * TIMEOUT),
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=3),
        )
        shipments = dynamodb.TableV2(
            self,
            "Shipments",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            removal_policy=RemovalPolicy.DESTROY,
        )
        worker = lambda_.Function(
            self,
            "Worker",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="worker.handler",
            code=lambda_.Code.from_asset(str(Path(__file__).parent / "function")),
            environment={"SHIPMENTS_TABLE": shipments.table_name},
            timeout=Duration.seconds(TIMEOUT),
        )
        shipments.grant_write_data(worker)
        worker.add_event_source(sources.SqsEventSource(orders, report_batch_item_failures=True))

        idempotency = Idempotency(
            self,
            "Idempotency",
            store=self._redis(),
            namespace_prefix="orders",
            key="body.order_id",
            fingerprint="body",
            # A message may wait in one queue, then in the other, and be sent back.
            expires_after=Duration.days(KEPT + KEPT_FAILED),
        )
        idempotency.attach(worker)

        Validations.of(worker).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
                "service-role/AWSLambdaBasicExecutionRole]",
                reason="It lets the function write its logs, and do nothing else.",
            )
        )
        CfnOutput(self, "OrdersUrl", value=orders.queue_url)
        CfnOutput(self, "FailedUrl", value=failed.queue_url)
        CfnOutput(self, "ShipmentsName", value=shipments.table_name)

    def _redis(self) -> IdempotencyStore:
        """Return the store on an existing server. The construct writes its settings into an SSM
        parameter; user and password are in the secret that the context names."""
        secret = secretsmanager.Secret.from_secret_complete_arn(
            self, "RedisUser", self.node.get_context("redis_secret")
        )
        ca = self.node.try_get_context("redis_ca")
        return IdempotencyStore.redis(
            host=self.node.get_context("redis_host"),
            port=int(self.node.try_get_context("redis_port") or 6379),
            ca=None if ca is None else Path(ca).read_text(),
            credentials=RedisCredentials.secret(secret),
        )
