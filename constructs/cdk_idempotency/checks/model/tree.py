"""The app's resources, and what their properties refer to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, cast

from aws_cdk import CfnOutput, CfnResource, Stack, Tokenization
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ...inspection import owned, properties_of

R = TypeVar("R", bound=CfnResource)
V = TypeVar("V")


class Tree:
    """All of an app, looked through once."""

    def __init__(self, root: IConstruct) -> None:
        self._root = root
        self._properties: dict[str, dict[str, Any]] = {}
        self._naming: dict[type[CfnResource], dict[str, list[CfnResource]]] = {}
        self._views: dict[Callable[[Tree], Any], Any] = {}

    def resources(self, kind: type[R]) -> list[R]:
        """The app's resources of a type."""
        return [resource for resource in self._resources if isinstance(resource, kind)]

    def seen_as(self, view: Callable[[Tree], V]) -> V:
        """The app as a check looks at it, made once for all constructs."""
        if view not in self._views:
            self._views[view] = view(self)
        seen: V = self._views[view]
        return seen

    def properties(self, resource: CfnResource) -> dict[str, Any]:
        """The resource's properties by their CDK names; a value that is known at deployment only
        is a dictionary, such as `{"Ref": ...}`."""
        path = resource.node.path  # jsii makes a new object of a resource each time
        if (found := self._properties.get(path)) is None:
            found = Stack.of(resource).resolve(properties_of(resource)) or {}
            self._properties[path] = found
        return found

    def number(self, resource: CfnResource, name: str, default: float) -> float | None:
        """A property, or what AWS takes in its place; None where only the deployment knows it."""
        value = self.properties(resource).get(name, default)
        return value if isinstance(value, int | float) else None

    def behind(self, owner: IConstruct, value: Any) -> list[CfnResource]:
        """The app's resources that a property of `owner` refers to, such as the queue whose ARN it
        is; none where it is a literal."""
        if not isinstance(value, str):
            return []
        found: list[CfnResource] = []
        for token in Tokenization.reverse_string(value).tokens:
            target = getattr(token, "target", None)  # a reference has one, also across stacks
            if isinstance(target, CfnResource):
                found.append(target)
            else:
                stack = Stack.of(owner)
                found += self._named_in(stack, stack.resolve(token))
        return found

    def functions(self, owner: IConstruct, value: Any) -> set[str]:
        """The paths of the functions that a property of `owner` names, itself or by a version or an
        alias."""
        found: set[str] = set()
        for resource in self.behind(owner, value):
            if isinstance(resource, lambda_.CfnFunction):
                found.add(owned(resource.node.path))
            elif isinstance(resource, (lambda_.CfnVersion, lambda_.CfnAlias)):
                found |= self.functions(resource, resource.function_name)
        return found

    def naming(self, kind: type[R], named: Callable[[R], Any]) -> dict[str, list[R]]:
        """The resources of a type that name functions, by the paths of these. `named` is the
        property that does, always the same for a type."""
        if kind not in self._naming:
            found: dict[str, list[CfnResource]] = {}
            for resource in self.resources(kind):
                for path in self.functions(resource, named(resource)):
                    found.setdefault(path, []).append(resource)
            self._naming[kind] = found
        return cast("dict[str, list[R]]", self._naming[kind])

    def role(self, function: lambda_.CfnFunction) -> str:
        """What tells a role apart: its path, or the ARN of one that is not of this app."""
        for resource in self.behind(function, function.role):
            if isinstance(resource, iam.CfnRole):
                return resource.node.path
        arn = self.properties(function).get("role", function.node.path)
        if isinstance(arn, str):
            return arn
        return f"{Stack.of(function).node.path}: {json.dumps(arn)}"

    @cached_property
    def functions_of_roles(self) -> dict[str, list[str]]:
        """The paths of all functions, by their roles."""
        found: dict[str, list[str]] = {}
        for function in self.resources(lambda_.CfnFunction):
            found.setdefault(self.role(function), []).append(owned(function.node.path))
        return found

    def _named_in(self, stack: Stack, resolved: Any) -> Iterator[CfnResource]:
        for function, name in _references(resolved):
            if function != "Fn::ImportValue":
                if (resource := self._named.get((stack.node.path, name))) is not None:
                    yield resource
            elif (output := self._exports.get(name)) is not None:
                home = Stack.of(output)
                yield from self._named_in(home, home.resolve(output.value))

    @cached_property
    def _constructs(self) -> list[IConstruct]:
        return self._root.node.find_all()

    @cached_property
    def _resources(self) -> list[CfnResource]:
        return [each for each in self._constructs if isinstance(each, CfnResource)]

    @cached_property
    def _named(self) -> dict[tuple[str, str], CfnResource]:
        """By stack and logical id."""
        return {
            ((stack := Stack.of(each)).node.path, stack.resolve(each.logical_id)): each
            for each in self._resources
        }

    @cached_property
    def _exports(self) -> dict[str, CfnOutput]:
        """What stacks give one another, by the name of the export."""
        outputs = [each for each in self._constructs if isinstance(each, CfnOutput)]
        return {name: each for each in outputs if (name := each.export_name) is not None}


def _references(resolved: Any) -> Iterator[tuple[str, str]]:
    """The intrinsic functions in a resolved value that refer to something, and to what: a logical
    id, or the name of an export."""
    if isinstance(resolved, dict):
        for name, value in resolved.items():
            if name in ("Ref", "Fn::ImportValue") and isinstance(value, str):
                yield name, value
            elif name == "Fn::GetAtt":
                yield name, value[0] if isinstance(value, list) else value.partition(".")[0]
            else:
                yield from _references(value)
    elif isinstance(resolved, list):
        for value in resolved:
            yield from _references(value)
