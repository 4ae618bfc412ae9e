"""Small CDK apps for construct tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from aws_cdk import App, CfnElement, Duration, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match, Template
from jsii._kernel.providers import process

VALIDATION: Final = {"@aws-cdk/core:validateAgainstDefaultRules": True}


@cache
def _output() -> tempfile.TemporaryDirectory[str]:
    # One for the whole process, so that the layer is built once.
    return tempfile.TemporaryDirectory(prefix="cdk-out-")


def app(
    context: Mapping[str, Any] | None = None,
    *,
    outdir: Path | None = None,
    validated: bool = False,
) -> App:
    """Return an app; `context` is its context.

    `outdir`: Default: one for the whole process, so that the layer is built once.
    `validated`: by the CDK's own rules for templates, as errors, which `cdk init` turns on. They
    take seconds to load, so most tests go without: test_outside_rules.py checks the templates of
    all stores with them.
    """
    for place in (".", "assembly-*"):  # of another app
        for last in Path(_output().name).glob(f"{place}/*.template.json"):
            last.unlink()
    return App(
        outdir=_output().name if outdir is None else str(outdir),
        context={**(VALIDATION if validated else {}), **(context or {})},
        analytics_reporting=False,
        builtin_cloud_formation_validation=validated,
    )


def stack(scope: App | None = None, name: str = "Stack", **options: Any) -> Stack:
    """Return a stack in an app of its own, or in `scope`."""
    return Stack(app() if scope is None else scope, name, **options)


def function(scope: Stack, name: str = "Payments", **options: Any) -> lambda_.Function:
    """Return a Python function with inline code."""
    defaults: dict[str, Any] = {
        "runtime": lambda_.Runtime.PYTHON_3_13,
        "handler": "index.handler",
        "code": lambda_.Code.from_inline("def handler(event, context): return event"),
    }
    return lambda_.Function(scope, name, **{**defaults, **options})


def vpc(scope: Stack, name: str = "Vpc", *, nat: bool = True) -> ec2.Vpc:
    """Return a VPC with private subnets: with a NAT gateway, or isolated."""
    kind = ec2.SubnetType.PRIVATE_WITH_EGRESS if nat else ec2.SubnetType.PRIVATE_ISOLATED
    subnets = [ec2.SubnetConfiguration(name="Private", subnet_type=kind)]
    if nat:
        public = ec2.SubnetType.PUBLIC
        subnets.append(ec2.SubnetConfiguration(name="Public", subnet_type=public))
    return ec2.Vpc(scope, name, nat_gateways=1 if nat else 0, subnet_configuration=subnets)


def template(of: Stack) -> Template:
    """Return the synthesized template. Raises what synthesis raises."""
    return Template.from_stack(of)


@contextmanager
def jsii_calls() -> Iterator[list[int]]:
    """Count the requests to jsii, each of them a round trip to another process."""
    count = [0]
    send = process._NodeProcess.send

    def counting(*args: Any) -> Any:
        count[0] += 1
        return send(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process._NodeProcess, "send", counting)
        yield count


def only(found: Template, kind: str) -> dict[str, Any]:
    """Return the properties of the template's only resource of a type."""
    resources = list(found.find_resources(kind).values())
    assert len(resources) == 1, f"{len(resources)} of {kind}"
    properties: dict[str, Any] = resources[0].get("Properties", {})
    return properties


def statements(found: Template, of: str = "Payments") -> list[dict[str, Any]]:
    """Return the statements in the policy of one function, or of another construct with a role."""
    [policy] = [
        resource["Properties"]["PolicyDocument"]
        for name, resource in found.find_resources("AWS::IAM::Policy").items()
        if name.startswith(of)
    ]
    found_statements: list[dict[str, Any]] = policy["Statement"]
    return found_statements


def reference(of: Any, attribute: str | None = None) -> dict[str, Any]:
    """Return a template's reference to a construct's resource, or to an attribute of it."""
    resource = of if isinstance(of, CfnElement) else of.node.default_child
    logical_id = Stack.of(of).resolve(resource.logical_id)
    return {"Ref": logical_id} if attribute is None else {"Fn::GetAtt": [logical_id, attribute]}


def arn(service: str, resource: str, name: Any = "") -> dict[str, Any]:
    """Return the ARN of a resource in its own account and region, as a template has it."""
    head = ["arn:", {"Ref": "AWS::Partition"}, f":{service}:", {"Ref": "AWS::Region"}]
    account = [":", {"Ref": "AWS::AccountId"}]
    tail = [f":{resource}{name}"] if isinstance(name, str) else [f":{resource}", name]
    return {"Fn::Join": ["", [*head, *account, *tail]]}


def warnings(scope: Stack, path: str) -> list[str]:
    """Return this project's warnings about one construct."""
    found = Annotations.from_stack(scope).find_warning(path, Match.any_value())
    return [str(entry.entry.data) for entry in found if "cdk-idempotency:" in str(entry.entry.data)]


def variables(found: Template) -> dict[str, Any]:
    """Return the environment of the template's only function."""
    environment: dict[str, Any] = only(found, "AWS::Lambda::Function")["Environment"]["Variables"]
    return environment


def environments(found: Template) -> dict[str, dict[str, Any]]:
    """Return the environments of all functions directly in a stack, by their construct ids."""
    return {
        name[:-8]: resource["Properties"]["Environment"]["Variables"]
        for name, resource in found.find_resources("AWS::Lambda::Function").items()
    }


US = Environment(account="111111111111", region="us-east-1")


def share_environments(function: lambda_.Function) -> None:
    """Let each environment of a function serve several invocations at once."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    kinds = lambda_.CfnFunction
    resource.capacity_provider_config = kinds.CapacityProviderConfigProperty(
        lambda_managed_instances_capacity_provider_config=(
            kinds.LambdaManagedInstancesCapacityProviderConfigProperty(
                capacity_provider_arn="arn:aws:lambda:eu-west-1:111122223333:capacity-provider:x"
            )
        )
    )


def durable(seconds: float = 3600, retention: int | None = None) -> lambda_.DurableConfig:
    """Return the configuration of a durable function; `retention` is in days."""
    return lambda_.DurableConfig(
        execution_timeout=Duration.seconds(seconds),
        retention_period=None if retention is None else Duration.days(retention),
    )
