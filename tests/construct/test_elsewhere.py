"""Users of the store that this app does not deploy, or that bring the package themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.checks import attached, problems
from kit.synth import arn, only, reference, stack, template, variables
from lambda_idempotency.contract.settings import Settings

RUNTIME = lambda_.Runtime.PYTHON_3_13


def _image(scope: Stack, **props: Any) -> lambda_.DockerImageFunction:
    repository = ecr.Repository.from_repository_name(scope, "Repository", "payments")
    code = lambda_.DockerImageCode.from_ecr(repository)
    return lambda_.DockerImageFunction(scope, "Payments", code=code, **props)


def test_a_container_image_gets_settings_and_rights_and_no_layer() -> None:
    scope = stack()
    image = _image(scope, timeout=Duration.seconds(9))
    idempotency = attached(image)
    assert problems(idempotency) == {}
    found = template(scope)
    assert "Layers" not in only(found, "AWS::Lambda::Function")
    found.resource_count_is("AWS::Lambda::LayerVersion", 0)
    assert variables(found)["IDEMPOTENCY_NAMESPACE"] == "app/Stack/Payments"
    assert variables(found)["IDEMPOTENCY_TIMEOUT"] == "9"
    assert "app/Stack/Payments#*" in str(found.find_resources("AWS::IAM::Policy"))


def test_the_handler_of_an_image_is_its_own_affair() -> None:
    scope = stack()
    with pytest.raises(ValueError, match="a container image has its handler in its CMD"):
        Idempotency(scope, "Idempotency").attach(_image(scope), wrap_handler=True)


def test_something_that_is_no_function_gets_its_environment() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", max_attempts=2)
    found = idempotency.environment_for("worker", expires_after=Duration.days(2))
    assert scope.resolve(found) == {
        "IDEMPOTENCY_TABLE": reference(idempotency.table),
        "IDEMPOTENCY_NAMESPACE": "worker",
        "IDEMPOTENCY_MAX_ATTEMPTS": "2",
        "IDEMPOTENCY_EXPIRES_AFTER": "172800",
        "IDEMPOTENCY_URL_SUFFIX": {"Ref": "AWS::URLSuffix"},
    }


def test_the_environment_is_what_the_runtime_reads() -> None:
    scope = stack()
    store = IdempotencyStore.redis(parameter="/redis", credentials=RedisCredentials.none())
    found = Idempotency(scope, "Idempotency", store=store).environment_for("worker")
    known = {name: value for name, value in found.items() if name != "IDEMPOTENCY_URL_SUFFIX"}
    settings = Settings.from_environment(known)
    assert (settings.store, settings.parameter) == ("redis", "/redis")


def test_an_environment_needs_a_namespace_that_can_be_fenced() -> None:
    with pytest.raises(ValueError, match="namespace is 'a b'"):
        Idempotency(stack(), "Idempotency").environment_for("a b")


# Other tools --------------------------------------------------------------------------------------


def _exported(scope: Stack, **options: Any) -> dict[str, Any]:
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.export("/team/shop", namespace="shop/pay", runtime=RUNTIME, **options)
    found = template(scope)
    parameters = [
        each["Properties"] for each in found.find_resources("AWS::SSM::Parameter").values()
    ]
    return {each["Name"]: each["Value"] for each in parameters}


def test_other_tools_read_layer_policy_and_environment_from_parameters() -> None:
    scope = stack()
    found = _exported(scope)
    names = ("layer", "policy", "TABLE", "NAMESPACE", "URL_SUFFIX")
    assert set(found) == {
        f"/team/shop/{name if name.islower() else f'IDEMPOTENCY_{name}'}" for name in names
    }
    assert found["/team/shop/IDEMPOTENCY_NAMESPACE"] == "shop/pay"


def test_the_policy_is_for_the_records_of_the_namespace_alone() -> None:
    scope = stack()
    _exported(scope)
    policy = only(template(scope), "AWS::IAM::ManagedPolicy")["PolicyDocument"]
    [statement] = policy["Statement"]
    assert statement["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["shop/pay#*"]}
    }
    [table] = template(scope).find_resources("AWS::DynamoDB::Table")
    assert statement["Resource"] == arn("dynamodb", "table/", {"Ref": table})


@pytest.mark.parametrize("path", ["team/shop", "/team/shop/", ""])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    idempotency = Idempotency(stack(), "Idempotency")
    with pytest.raises(ValueError, match="expected the form /team/idempotency"):
        idempotency.export(path, namespace="shop", runtime=RUNTIME)


def test_a_container_task_is_granted_its_namespace() -> None:
    scope = stack()
    role = iam.Role(scope, "Task", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    Idempotency(scope, "Idempotency").grant_use(role, namespace="worker")
    assert "worker#*" in str(template(scope).find_resources("AWS::IAM::Policy"))


def test_the_snippets_name_what_is_exported() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "apps.md").read_text()
    for name in _exported(stack()):
        assert name.removeprefix("/team/shop/") in page, name
