"""A deployed stack, read from CloudFormation and Lambda: its resources, and its attached functions.

What `attach` deploys is enough: the settings are in the environment of each function, and the CDK
writes construct paths into the template.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from lambda_idempotency.contract.settings import PREFIX, WRAPPER, Settings
from lambda_idempotency.errors import ConfigurationError

from .aws import Aws
from .errors import FailedError, NotThereError

NAMESPACE = f"{PREFIX}NAMESPACE"


class Resource(NamedTuple):
    """A resource of a stack, or of a stack nested in it."""

    kind: str
    logical_id: str
    physical_id: str
    stack: str
    template: Mapping[str, Any]
    """The resource as it was synthesized."""

    @property
    def path(self) -> str:
        """The construct path; the logical id where the template has none."""
        path: str = self.template.get("Metadata", {}).get("aws:cdk:path", self.logical_id)
        return path.removesuffix("/Resource")

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties as they were synthesized."""
        found: Mapping[str, Any] = self.template.get("Properties", {})
        return found


class AttachedFunction(NamedTuple):
    """A function that an `Idempotency` has attached, as it is deployed."""

    resource: Resource
    configuration: Mapping[str, Any]

    @property
    def settings(self) -> Settings:
        """The settings in the environment. Raises `FailedError` if they are not as expected."""
        try:
            return Settings.from_environment(self.variables)
        except ConfigurationError as error:
            raise FailedError(f"Function {self.resource.path}: {error}") from None

    @property
    def name(self) -> str:
        """Lambda's name of the function."""
        return self.resource.physical_id

    @property
    def namespace(self) -> str:
        """The first part of its records' ids."""
        return self.variables.get(NAMESPACE, "")

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment."""
        found: Mapping[str, str] = self.configuration.get("Environment", {}).get("Variables", {})
        return found

    @property
    def handler(self) -> str:
        """The function's own handler, such as `payments.handler`."""
        configured = str(self.configuration.get("Handler", ""))
        wrapped = configured == WRAPPER and self.settings.handler
        return wrapped or configured

    def answers_to(self, name: str) -> bool:
        """Tell whether a person may mean this function by a name."""
        path = self.resource.path
        known = (path, path.partition("/")[2], self.name, self.resource.logical_id, self.namespace)
        return name in known


class Deployment:
    """A stack and those nested in it."""

    def __init__(self, aws: Aws, stack: str) -> None:
        self._aws = aws
        self._stack = stack

    def __str__(self) -> str:
        return f"stack {self._stack}"

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """All resources. Raises `NotThereError` if there is no such stack."""
        return tuple(self._resources(self._stack))

    @cached_property
    def functions(self) -> tuple[AttachedFunction, ...]:
        """The attached functions. Raises `NotThereError` if there are none."""
        found = tuple(self._functions())
        if not found:
            raise NotThereError(f"{self} has no function that Idempotency has attached")
        return found

    def function(self, name: str) -> AttachedFunction:
        """Return the attached function of a construct path, logical id, name or namespace."""
        for function in self.functions:
            if function.answers_to(name):
                return function
        raise NotThereError(
            f"{self} has no attached function {name}; it has "
            + ", ".join(sorted(each.resource.path for each in self.functions))
        )

    def of_kind(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a type."""
        return (each for each in self.resources if each.kind == kind)

    def _resources(self, stack: str) -> Iterator[Resource]:
        cloudformation = self._aws.client("cloudformation")
        try:
            pages = list(
                cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            )
            body = cloudformation.get_template(StackName=stack)["TemplateBody"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                raise NotThereError(
                    f"There is no stack {stack} in this account and region"
                ) from None
            raise
        template = (json.loads(body) if isinstance(body, str) else body).get("Resources", {})
        for page in pages:
            for summary in page["StackResourceSummaries"]:
                name, kind = summary["LogicalResourceId"], summary["ResourceType"]
                physical = summary.get("PhysicalResourceId", "")
                yield Resource(kind, name, physical, stack, template.get(name, {}))
                if kind == "AWS::CloudFormation::Stack" and physical:
                    yield from self._resources(physical)

    def _functions(self) -> Iterator[AttachedFunction]:
        lambda_ = self._aws.client("lambda")
        for resource in self.of_kind("AWS::Lambda::Function"):
            synthesized = resource.properties.get("Environment", {}).get("Variables", {})
            found = lambda_.get_function_configuration(FunctionName=resource.physical_id)
            function = AttachedFunction(resource, found)
            if NAMESPACE in function.variables or NAMESPACE in synthesized:
                yield function
