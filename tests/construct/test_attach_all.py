"""Many functions at once: `attach_all`, the mixin, and what both leave out."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment

from cdk_idempotency import Idempotency
from constructs import Construct
from kit.redis.apps import acl_rotation, rotated_server
from kit.synth import environments, function, stack, template


def _paths(idempotency: Idempotency) -> list[str]:
    return sorted(idempotency.namespaces)


def _node(scope: Stack) -> lambda_.Function:
    code = lambda_.Code.from_inline("exports.handler = async () => 1")
    return function(scope, "Node", runtime=lambda_.Runtime.NODEJS_24_X, code=code)


def test_every_python_function_below_a_scope_is_attached() -> None:
    scope = stack()
    inner = Construct(scope, "Inner")
    function(scope, "Outside")
    for name in ("One", "Two"):
        code = lambda_.Code.from_inline("def handler(event, context): ...")
        runtime = lambda_.Runtime.PYTHON_3_13
        lambda_.Function(inner, name, runtime=runtime, handler="index.handler", code=code)
    idempotency = Idempotency(scope, "Idempotency")
    attached = idempotency.attach_all(inner, max_attempts=2)
    assert [each.node.id for each in attached] == ["One", "Two"]
    assert _paths(idempotency) == ["Stack/Inner/One", "Stack/Inner/Two"]
    found = template(scope).find_resources("AWS::Lambda::Function")
    assert str(found).count("'IDEMPOTENCY_MAX_ATTEMPTS': '2'") == 2


def test_what_is_attached_and_what_is_no_python_is_left_out() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope, "Before"))
    _node(scope)
    assert [each.node.id for each in idempotency.attach_all(scope)] == []
    function(scope, "Later")
    assert [each.node.id for each in idempotency.attach_all(scope)] == ["Later"]


def test_functions_of_the_cdk_and_of_the_construct_are_left_out(tmp_path: Path) -> None:
    scope = stack()
    (tmp_path / "page.html").touch()
    bucket = s3.Bucket(scope, "Site")
    source = deployment.Source.asset(str(tmp_path))
    deployment.BucketDeployment(scope, "Files", sources=[source], destination_bucket=bucket)
    idempotency = rotated_server(scope, acl_rotation(scope))
    function(scope)
    assert [each.node.id for each in idempotency.attach_all(scope)] == ["Payments"]


def test_a_function_takes_the_mixin() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    function(scope).with_(idempotency.mixin(max_attempts=3))
    assert _paths(idempotency) == ["Stack/Payments"]
    assert environments(template(scope))["Payments"]["IDEMPOTENCY_MAX_ATTEMPTS"] == "3"


def test_a_scope_gives_the_mixin_to_the_functions_that_it_is_for() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    function(scope, "One")
    _node(scope)
    scope.with_(idempotency.mixin())
    assert _paths(idempotency) == ["Stack/One"]


def test_the_mixin_refuses_what_attach_refuses() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    payments = function(scope)
    idempotency.attach(payments)
    with pytest.raises(Exception, match="is attached to Stack/Idempotency already"):
        payments.with_(idempotency.mixin())
