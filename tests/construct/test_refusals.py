"""What `Idempotency` and `attach` refuse, each with the construct's name and what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Token
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from kit.aws.local import ROOT
from kit.synth import function, stack, template


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


def test_a_container_image_is_refused() -> None:
    scope = stack()
    repository = ecr.Repository.from_repository_name(scope, "Repository", "payments")
    image = lambda_.DockerImageFunction(
        scope, "Image", code=lambda_.DockerImageCode.from_ecr(repository)
    )
    with _refused("[Stack/Image] a container image cannot have layers; install cdk-idempotency"):
        Idempotency(scope, "Idempotency").attach(image)


def test_a_container_image_by_its_runtime_is_refused() -> None:
    scope = stack()
    repository = ecr.Repository.from_repository_name(scope, "Repository", "payments")
    image = function(
        scope,
        "Image",
        runtime=lambda_.Runtime.FROM_IMAGE,
        handler=lambda_.Handler.FROM_IMAGE,
        code=lambda_.Code.from_ecr_image(repository),
    )
    with _refused("[Stack/Image] a container image cannot have layers"):
        Idempotency(scope, "Idempotency").attach(image)


@pytest.mark.parametrize(
    "runtime", [lambda_.Runtime.NODEJS_22_X, lambda_.Runtime.PYTHON_3_10, lambda_.Runtime.JAVA_21]
)
def test_a_runtime_without_support_is_refused(runtime: lambda_.Runtime) -> None:
    scope = stack()
    code = lambda_.Code.from_asset(str(ROOT / "examples/payments/function"))
    other = function(scope, "Other", runtime=runtime, code=code)
    with _refused(f"[Stack/Other] its runtime is {runtime.name}; the layer supports python3.11"):
        Idempotency(scope, "Idempotency").attach(other)


@pytest.mark.parametrize(
    "runtime",
    [
        lambda_.Runtime.PYTHON_3_11,
        lambda_.Runtime.PYTHON_3_12,
        lambda_.Runtime.PYTHON_3_13,
        lambda_.Runtime.PYTHON_3_14,
    ],
)
def test_every_supported_runtime_is_accepted(runtime: lambda_.Runtime) -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope, runtime=runtime))
    template(scope).resource_count_is("AWS::Lambda::LayerVersion", 1)


def test_a_second_attach_is_refused() -> None:
    scope = stack()
    payments = function(scope)
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(payments)
    with _refused("[Stack/Payments] it is attached to Stack/Idempotency already"):
        idempotency.attach(payments, namespace="again")


def test_an_attach_to_a_second_construct_is_refused() -> None:
    scope = stack()
    payments = function(scope)
    Idempotency(scope, "One").attach(payments)
    with _refused("[Stack/Payments] it is attached to Stack/One already; attach it once"):
        Idempotency(scope, "Two").attach(payments)


def test_a_duplicate_namespace_is_refused() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope, "One"), namespace="shared")
    with _refused("[Stack/Two] namespace 'shared' belongs to Stack/One"):
        idempotency.attach(function(scope, "Two"), namespace="shared")


def test_one_namespace_in_two_constructs_is_accepted() -> None:
    scope = stack()
    Idempotency(scope, "A").attach(function(scope, "One"), namespace="shared")
    Idempotency(scope, "B").attach(function(scope, "Two"), namespace="shared")
    template(scope).resource_count_is("AWS::DynamoDB::Table", 2)


@pytest.mark.parametrize("namespace", ["", "a b", "pay*", "a#b", "x" * 129, "zahlung-ü"])
def test_a_namespace_that_cannot_be_fenced_is_refused(namespace: str) -> None:
    scope = stack()
    with _refused(f"[Stack/Payments] namespace is {namespace!r}; expected 1 to 128 of"):
        Idempotency(scope, "Idempotency").attach(function(scope), namespace=namespace)


def test_a_namespace_token_is_refused() -> None:
    scope = stack()
    parameter = CfnParameter(scope, "Parameter")
    with _refused("[Stack/Payments] namespace is a CDK token"):
        Idempotency(scope, "Idempotency").attach(
            function(scope), namespace=parameter.value_as_string
        )


BAD_PROPS: list[tuple[dict[str, Any], str]] = [
    ({"key": "body.["}, "key is 'body.[', which is not JMESPath"),
    ({"fingerprint": "a b c"}, "fingerprint is 'a b c', which is not JMESPath"),
    ({"key": ""}, "key is '', which is not JMESPath"),
    ({"key": len}, "expected JMESPath (callables go in the code)"),
    ({"expires_after": Duration.seconds(0)}, "expires_after is 0 seconds; expected at least 1"),
    ({"expires_after": 3600}, "expires_after is 3600; expected a Duration"),
    ({"lease": Duration.seconds(0)}, "lease is 0 seconds; expected at least"),
    ({"wait_timeout": Duration.seconds(0)}, "wait_timeout is 0 seconds; expected at least"),
    ({"on_in_progress": "ignore"}, "on_in_progress is 'ignore'; expected 'raise' or 'wait'"),
    ({"on_missing_key": "warn"}, "on_missing_key is 'warn'; expected 'reject' or 'bypass'"),
    ({"max_attempts": 0}, "max_attempts is 0; expected a whole number from 1"),
    ({"max_attempts": True}, "max_attempts is True; expected a whole number from 1"),
    ({"cache_size": -1}, "cache_size is -1; expected a whole number from 0"),
    ({"fail_open": "yes"}, "fail_open is 'yes'; expected true or false"),
    ({"ttl": 3}, "ttl is not a prop; the props are cache_size, expires_after, fail_open"),
]


@pytest.mark.parametrize(("props", "message"), BAD_PROPS, ids=lambda value: str(value)[:40])
def test_a_bad_prop_of_the_construct_is_refused(props: dict[str, Any], message: str) -> None:
    with _refused("[Stack/Idempotency] ") as caught:
        Idempotency(stack(), "Idempotency", **props)
    assert message in str(caught.value)


@pytest.mark.parametrize(("props", "message"), BAD_PROPS, ids=lambda value: str(value)[:40])
def test_a_bad_prop_of_attach_is_refused(props: dict[str, Any], message: str) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    with _refused("[Stack/Payments] ") as caught:
        idempotency.attach(function(scope), **props)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "props",
    [
        {"max_attempts": Token.as_number({"Ref": "Attempts"})},
        {"expires_after": Duration.seconds(Token.as_number({"Ref": "Seconds"}))},
        {"on_in_progress": Token.as_string({"Ref": "Choice"})},
    ],
    ids=["max_attempts", "expires_after", "on_in_progress"],
)
def test_a_token_where_a_value_is_needed_is_refused(props: dict[str, Any]) -> None:
    [name] = props
    with _refused(f"[Stack/Idempotency] {name} is a CDK token"):
        Idempotency(stack(), "Idempotency", **props)


def test_a_timeout_that_is_a_token_needs_a_lease() -> None:
    scope = stack()
    timeout = Duration.seconds(CfnParameter(scope, "Timeout", type="Number").value_as_number)
    with _refused("[Stack/Payments] its timeout is a CDK token"):
        Idempotency(scope, "Idempotency").attach(function(scope, timeout=timeout))


def test_a_timeout_that_is_a_token_with_a_lease_is_accepted() -> None:
    scope = stack()
    timeout = Duration.seconds(CfnParameter(scope, "Timeout", type="Number").value_as_number)
    payments = function(scope, timeout=timeout)
    Idempotency(scope, "Idempotency").attach(payments, lease=Duration.minutes(15))
    template(scope).resource_count_is("AWS::Lambda::LayerVersion", 1)
