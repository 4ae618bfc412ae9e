"""Functions that cannot be attached are refused by name, with what to do."""

from __future__ import annotations

import re

import pytest
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


def test_every_supported_runtime_is_accepted() -> None:
    scope = stack()
    runtimes = ("PYTHON_3_11", "PYTHON_3_12", "PYTHON_3_13", "PYTHON_3_14")
    for name in runtimes:
        payments = function(scope, name, runtime=getattr(lambda_.Runtime, name))
        Idempotency(scope, f"Of{name}").attach(payments)
    layered = template(scope).find_resources("AWS::Lambda::Function").values()
    assert [len(each["Properties"]["Layers"]) for each in layered] == [1, 1, 1, 1]
