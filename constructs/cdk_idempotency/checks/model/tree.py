"""The app's construct tree: its resources, and what their properties refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from aws_cdk import CfnOutput, CfnResource, Stack, Stage, Tokenization
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ...inspection import Inspector, identity, owner_path

R = TypeVar("R", bound=CfnResource)
V = TypeVar("V")


class ConstructTree:
    """All constructs of an app, looked through once."""

    def __init__(self, root: IConstruct) -> None:
        self._root = root
        self._inspector = Inspector()
        self._raw: dict[str, dict[str, Any]] = {}
        self._properties: dict[str, dict[str, Any]] = {}
        self._paths: dict[str, str] = {}
        self._environments: dict[str, tuple[str, str]] = {}
        self._by_function: dict[type[CfnResource], dict[str, list[CfnResource]]] = {}
        self._views: dict[Callable[[ConstructTree], Any], Any] = {}

    def resources(self, kind: type[R]) -> list[R]:
        """Return the app's resources of a type."""
        return [resource for resource in self._resources if isinstance(resource, kind)]

    def view(self, make: Callable[[ConstructTree], V]) -> V:
        """Return a view of the app, made once for all checks."""
        if make not in self._views:
            self._views[make] = make(self)
        view: V = self._views[make]
        return view

    def properties(self, resource: CfnResource, stack: Stack | None = None) -> dict[str, Any]:
        """Return the resource's properties by their CDK names; a value that only the deployment
        knows is a dictionary, such as `{"Ref": ...}`. `stack` is that of the resource, if it is
        known."""
        key = identity(resource)
        if (found := self._properties.get(key)) is None:
            home = resource.stack if stack is None else stack
            found = home.resolve(self.raw(resource)) or {}
            self._properties[key] = found
        return found

    def raw(self, resource: CfnResource) -> dict[str, Any]:
        """Return the resource's properties by their CDK names, with unresolved tokens in them."""
        key = identity(resource)
        if (found := self._raw.get(key)) is None:
            found = self._raw[key] = self._inspector.properties_of(resource)
        return found

    def environment(self, stack: Stack) -> tuple[str, str]:
        """Return the stack's account and region, each of which may be a token."""
        key = identity(stack)
        if (found := self._environments.get(key)) is None:
            found = self._environments[key] = (stack.account, stack.region)
        return found

    @cached_property
    def output(self) -> Path:
        """The directory of the cloud assembly, which has the templates of the last synthesis."""
        stage = self._root if isinstance(self._root, Stage) else Stage.of(self._root)
        assert stage is not None
        return Path(stage.outdir)

    def path(self, construct: IConstruct) -> str:
        """Return the construct's path."""
        key = identity(construct)
        if (found := self._paths.get(key)) is None:
            found = self._paths[key] = construct.node.path
        return found

    def number(self, resource: CfnResource, name: str, default: float) -> float | None:
        """Return a property, or AWS's default; None where only the deployment knows it."""
        value = self.properties(resource).get(name, default)
        return value if isinstance(value, int | float) else None

    def referenced(self, owner: IConstruct, value: Any) -> list[CfnResource]:
        """Return the app's resources that a property of `owner` refers to, such as the queue whose
        ARN it is; none for a literal. A value that is no text is a resolved one."""
        if not isinstance(value, str):
            return list(self._resources_in(Stack.of(owner), value))
        found: list[CfnResource] = []
        for token in Tokenization.reverse_string(value).tokens:
            target = getattr(token, "target", None)  # a reference has one, even across stacks
            if isinstance(target, CfnResource):
                found.append(target)
            else:
                stack = Stack.of(owner)
                found += self._resources_in(stack, stack.resolve(token))
        return found

    def functions(self, owner: IConstruct, value: Any) -> set[str]:
        """Return the paths of the functions that a property of `owner` refers to, directly or by a
        version or an alias."""
        found: set[str] = set()
        for resource in self.referenced(owner, value):
            if isinstance(resource, lambda_.CfnFunction):
                found.add(owner_path(self.path(resource)))
            elif isinstance(resource, (lambda_.CfnVersion, lambda_.CfnAlias)):
                found |= self.functions(resource, resource.function_name)
        return found

    def by_function(self, kind: type[R], reference: Callable[[R], Any]) -> dict[str, list[R]]:
        """Return the resources of a type that refer to functions, by the functions' paths.
        `reference` is the property that refers to them, always the same for a type."""
        if kind not in self._by_function:
            found: dict[str, list[CfnResource]] = {}
            for resource in self.resources(kind):
                for path in self.functions(resource, reference(resource)):
                    found.setdefault(path, []).append(resource)
            self._by_function[kind] = found
        return cast("dict[str, list[R]]", self._by_function[kind])

    def role(self, function: lambda_.CfnFunction) -> str:
        """Return an identifier of a role: the token of its ARN, which is one wherever it is used,
        or its ARN where it is of another app."""
        arn = self.raw(function).get("role")
        return arn if isinstance(arn, str) else f"{identity(function)}: {arn}"

    @cached_property
    def functions_by_role(self) -> dict[str, list[lambda_.CfnFunction]]:
        """All functions, by their roles."""
        found: dict[str, list[lambda_.CfnFunction]] = {}
        for function in self.resources(lambda_.CfnFunction):
            found.setdefault(self.role(function), []).append(function)
        return found

    def _resources_in(self, stack: Stack, resolved: Any) -> Iterator[CfnResource]:
        for function, name in _references(resolved):
            if function != "Fn::ImportValue":
                if (resource := self._by_logical_id.get((stack.node.path, name))) is not None:
                    yield resource
            elif (output := self._exports.get(name)) is not None:
                home = Stack.of(output)
                yield from self._resources_in(home, home.resolve(output.value))

    @cached_property
    def _constructs(self) -> list[IConstruct]:
        return self._root.node.find_all()

    @cached_property
    def _resources(self) -> list[CfnResource]:
        return [each for each in self._constructs if isinstance(each, CfnResource)]

    @cached_property
    def _by_logical_id(self) -> dict[tuple[str, str], CfnResource]:
        """The resources by stack and logical id."""
        return {
            ((stack := Stack.of(each)).node.path, stack.resolve(each.logical_id)): each
            for each in self._resources
        }

    @cached_property
    def _exports(self) -> dict[str, CfnOutput]:
        """The exports of all stacks, by their names."""
        outputs = [each for each in self._constructs if isinstance(each, CfnOutput)]
        return {name: each for each in outputs if (name := each.export_name) is not None}


def _references(resolved: Any) -> Iterator[tuple[str, str]]:
    """Yield the intrinsic functions in a resolved value that refer to something, each with its
    target: a logical id, or the name of an export."""
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
