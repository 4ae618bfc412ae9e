"""A payments API that charges and refunds once per request, however often it is sent."""

from pathlib import Path

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration

from cdk_idempotency import HttpProfile, Idempotency, IdempotencyStore
from constructs import Construct
from examples.payments.redis import redis_store

# The route's template, not the path: the token of a status route is nobody else's business.
ACCESS_LOG = "$context.requestTime $context.requestId $context.routeKey $context.status"


class PaymentsStack(Stack):
    """The API, its two functions, their ledger, and their idempotency."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        self._ledger = dynamodb.TableV2(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._api = self._http_api()
        payments = self._function("Payments")
        refunds = self._function("Refunds")

        idempotency = Idempotency(
            self, "Idempotency", store=self._store(), namespace_prefix="payments"
        )
        # Its code has the decorator; duplicates of a running request get 409.
        idempotency.attach(payments)
        # Its code knows nothing; duplicates get 202 and poll for the end.
        idempotency.attach(refunds, wrap_handler=True, http=HttpProfile.accepted())
        idempotency.add_status_route(self._api, function=refunds)

        CfnOutput(self, "ApiId", value=self._api.api_id)
        CfnOutput(self, "ApiUrl", value=self._api.api_endpoint)
        CfnOutput(self, "LedgerName", value=self._ledger.table_name)

    def _http_api(self) -> apigatewayv2.HttpApi:
        """Return an API whose requests are logged."""
        api = apigatewayv2.HttpApi(self, "Api")
        log = logs.LogGroup(
            self,
            "AccessLog",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        assert api.default_stage is not None
        stage = api.default_stage.node.default_child
        assert isinstance(stage, apigatewayv2.CfnStage)
        stage.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=ACCESS_LOG
        )
        Validations.of(api).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-APIG4",
                reason="It is open to all, so that you can try it; one of yours has an authorizer.",
            )
        )
        return api

    def _store(self) -> IdempotencyStore:
        if self.node.try_get_context("store") == "redis":
            return redis_store(self)
        return IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY)

    def _function(self, name: str) -> lambda_.Function:
        """Return a function that writes to the ledger, behind a route of its name."""
        function = lambda_.Function(
            self,
            name,
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler=f"{name.lower()}.handler",
            code=lambda_.Code.from_asset(str(Path(__file__).parent / "function")),
            environment={"LEDGER_TABLE": self._ledger.table_name},
            timeout=Duration.seconds(10),
        )
        self._ledger.grant_write_data(function)
        Validations.of(function).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
                "service-role/AWSLambdaBasicExecutionRole]",
                reason="It lets the function write its logs, and do nothing else.",
            )
        )
        self._api.add_routes(
            path=f"/{name.lower()}",
            methods=[apigatewayv2.HttpMethod.POST],
            integration=HttpLambdaIntegration(name, function),
        )
        return function
