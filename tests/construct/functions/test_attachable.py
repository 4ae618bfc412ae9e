"""Functions that cannot be attached: each error names the function and says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match

from cdk_idempotency import Idempotency
from kit.aws.local import ROOT
from kit.synth import US, function, only, stack, template, variables


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def test_an_imported_function_is_refused() -> None:
    scope = stack()
    imported = lambda_.Function.from_function_name(scope, "Imported", "other-team")
    with _refused("[Stack/Imported] an imported function cannot be changed from this app"):
        Idempotency(scope, "Idempotency").attach(imported)


def test_an_alias_is_refused() -> None:
    scope = stack()
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=function(scope).current_version)
    with _refused("[Stack/Live] an alias or version cannot be changed; attach the function"):
        Idempotency(scope, "Idempotency").attach(alias)


def test_a_version_is_refused() -> None:
    scope = stack()
    version = lambda_.Version(scope, "One", lambda_=function(scope))
    with _refused("[Stack/One] an alias or version cannot be changed"):
        Idempotency(scope, "Idempotency").attach(version)


def test_a_container_image_by_its_runtime_gets_no_layer() -> None:
    scope = stack()
    repository = ecr.Repository.from_repository_name(scope, "Repository", "payments")
    image = function(
        scope,
        "Image",
        runtime=lambda_.Runtime.FROM_IMAGE,
        handler=lambda_.Handler.FROM_IMAGE,
        code=lambda_.Code.from_ecr_image(repository),
    )
    Idempotency(scope, "Idempotency").attach(image)
    template(scope).resource_count_is("AWS::Lambda::LayerVersion", 0)


@pytest.mark.parametrize(
    "runtime", [lambda_.Runtime.NODEJS_22_X, lambda_.Runtime.PYTHON_3_10, lambda_.Runtime.JAVA_21]
)
def test_a_runtime_without_support_is_refused(runtime: lambda_.Runtime) -> None:
    scope = stack()
    code = lambda_.Code.from_asset(str(ROOT / "examples/payments/function"))
    other = function(scope, "Other", runtime=runtime, code=code)
    with _refused(f"[Stack/Other] its runtime is {runtime.name}; the layer supports python3.11"):
        Idempotency(scope, "Idempotency").attach(other)


def test_every_supported_runtime_is_accepted() -> None:
    scope = stack()
    runtimes = ("PYTHON_3_11", "PYTHON_3_12", "PYTHON_3_13", "PYTHON_3_14")
    for name in runtimes:
        payments = function(scope, name, runtime=getattr(lambda_.Runtime, name))
        Idempotency(scope, f"Of{name}").attach(payments)
    layered = template(scope).find_resources("AWS::Lambda::Function").values()
    assert [len(each["Properties"]["Layers"]) for each in layered] == [1, 1, 1, 1]


# Functions of other classes -----------------------------------------------------------------------


def _singleton(scope: Stack, name: str = "Once") -> lambda_.SingletonFunction:
    return lambda_.SingletonFunction(
        scope,
        name,
        uuid="one-of-its-kind",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): return event"),
    )


def test_a_singleton_is_attached_as_the_function_it_stands_for() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(_singleton(scope))
    found = template(scope)
    assert len(only(found, "AWS::Lambda::Function")["Layers"]) == 1
    assert variables(found)["IDEMPOTENCY_NAMESPACE"] == "Stack/SingletonLambdaoneofitskind"


def test_a_singleton_is_attached_once() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(_singleton(scope))
    with _refused("it is attached to Stack/Idempotency already"):
        idempotency.attach(_singleton(scope, "Again"))


def test_a_bare_resource_is_refused() -> None:
    scope = stack()
    resource: Any = function(scope).node.default_child
    with _refused("[Stack/Payments/Resource] a CfnFunction is a bare resource"):
        Idempotency(scope, "Idempotency").attach(resource)


# At CloudFront's edge -----------------------------------------------------------------------------


def _distribution(scope: Stack, version: lambda_.IVersion) -> None:
    at_the_edge = cloudfront.EdgeLambda(
        function_version=version, event_type=cloudfront.LambdaEdgeEventType.ORIGIN_REQUEST
    )
    origin = origins.HttpOrigin("example.com")
    behavior = cloudfront.BehaviorOptions(origin=origin, edge_lambdas=[at_the_edge])
    cloudfront.Distribution(scope, "Distribution", default_behavior=behavior)


def test_an_edge_function_is_refused() -> None:
    scope = stack(env=US)
    edge: Any = cloudfront.experimental.EdgeFunction(
        scope,
        "Edge",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): return event"),
    )
    with _refused("[Stack/Edge] Lambda@Edge takes neither layers nor environment variables"):
        Idempotency(scope, "Idempotency").attach(edge)


def test_a_function_that_a_distribution_has_is_refused() -> None:
    scope = stack(env=US)
    payments = function(scope)
    _distribution(scope, payments.current_version)
    with _refused("[Stack/Payments] Lambda@Edge takes neither"):
        Idempotency(scope, "Idempotency").attach(payments)


def test_a_function_that_a_distribution_gets_later_is_refused_before_the_cdks_advice() -> None:
    scope = stack(env=US)
    payments = function(scope)
    Idempotency(scope, "Idempotency").attach(payments)
    _distribution(scope, payments.current_version)
    with pytest.raises(Exception, match=r"Lambda@Edge takes neither layers") as raised:
        template(scope)
    assert "Environment variables can be marked" not in str(raised.value)


def test_a_function_beside_a_distribution_is_attached() -> None:
    scope = stack(env=US)
    payments, edge = function(scope), function(scope, "Edge")
    Idempotency(scope, "Idempotency").attach(payments)
    _distribution(scope, edge.current_version)
    template(scope).has_resource_properties("AWS::Lambda::Function", {"Layers": Match.any_value()})
