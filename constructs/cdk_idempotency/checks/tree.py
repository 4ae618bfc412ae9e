"""The app's resources, and what their properties refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from aws_cdk import CfnResource, IResolvable, Stack, Tokenization
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ..inspection import properties_of

R = TypeVar("R", bound=CfnResource)
V = TypeVar("V")


class Tree:
    """All of an app, looked through once."""

    def __init__(self, root: IConstruct) -> None:
        self._root = root
        self._properties: dict[str, dict[str, Any]] = {}
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
                found += self._named_in(Stack.of(owner), token)
        return found

    def functions(self, owner: IConstruct, value: Any) -> set[str]:
        """The paths of the functions that a property of `owner` names, itself or by a version or an
        alias."""
        found: set[str] = set()
        for resource in self.behind(owner, value):
            if isinstance(resource, lambda_.CfnFunction):
                found.add(resource.node.path.rpartition("/")[0])
            elif isinstance(resource, (lambda_.CfnVersion, lambda_.CfnAlias)):
                found |= self.functions(resource, resource.function_name)
        return found

    def _named_in(self, stack: Stack, token: IResolvable) -> Iterator[CfnResource]:
        for name in _references(stack.resolve(token)):
            if (resource := self._named.get((stack.node.path, name))) is not None:
                yield resource

    @cached_property
    def _resources(self) -> list[CfnResource]:
        return [each for each in self._root.node.find_all() if isinstance(each, CfnResource)]

    @cached_property
    def _named(self) -> dict[tuple[str, str], CfnResource]:
        """By stack and logical id."""
        return {
            ((stack := Stack.of(each)).node.path, stack.resolve(each.logical_id)): each
            for each in self._resources
        }


def _references(resolved: Any) -> Iterator[str]:
    """The logical ids in a resolved value."""
    if isinstance(resolved, dict):
        for name, value in resolved.items():
            if name == "Ref" and isinstance(value, str):
                yield value
            elif name == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.partition(".")[0]
            else:
                yield from _references(value)
    elif isinstance(resolved, list):
        for value in resolved:
            yield from _references(value)
