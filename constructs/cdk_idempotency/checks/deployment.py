"""What the checks look at: one `Idempotency`, and the app around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract import Settings

from ..inspection import resource_of
from ..stores import BoundStore
from .tree import R, Tree

TIMEOUT: Final = 3
"""Seconds, of a function that names none (https://docs.aws.amazon.com/lambda/latest/dg/
configuration-timeout.html)."""


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A function, and the settings that its props amount to; its code may override them."""

    function: lambda_.Function
    settings: Settings

    @cached_property
    def name(self) -> str:
        """For messages."""
        return self.function.node.path

    @cached_property
    def resource(self) -> lambda_.CfnFunction:
        """What CloudFormation will be told of the function."""
        return resource_of(self.function)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One `Idempotency` with all that is attached to it, when the app is synthesised."""

    construct: IConstruct
    store: BoundStore
    attached: tuple[Attached, ...]
    tree: Tree

    def mappings(self) -> Iterator[tuple[Attached, lambda_.CfnEventSourceMapping]]:
        """The event source mappings of attached functions, of their versions and aliases."""
        yield from self._mappings

    def permissions(self) -> Iterator[tuple[Attached, lambda_.CfnPermission, str]]:
        """Who may invoke attached functions, their versions and aliases: the principal, such as
        `sns.amazonaws.com`."""
        yield from self._permissions

    def naming(self, kind: type[R], named: Callable[[R], Any]) -> Iterator[tuple[Attached, R]]:
        """The resources of a type of which a property names attached functions."""
        for resource in self.tree.resources(kind):
            for name in sorted(self.tree.functions(resource, named(resource))):
                if (attached := self._by_name.get(name)) is not None:
                    yield attached, resource

    def timeout(self, attached: Attached) -> float | None:
        """The function's timeout in seconds; None where only the deployment knows it."""
        return self.tree.number(attached.resource, "timeout", TIMEOUT)

    def environment(self, attached: Attached) -> dict[str, Any]:
        """The function's environment variables; a value that only the deployment knows is no
        text."""
        environment = self.tree.properties(attached.resource).get("environment", {})
        variables: dict[str, Any] = environment.get("variables", {})
        return variables

    @cached_property
    def _by_name(self) -> dict[str, Attached]:
        return {attached.name: attached for attached in self.attached}

    @cached_property
    def _mappings(self) -> list[tuple[Attached, lambda_.CfnEventSourceMapping]]:
        return list(self.naming(lambda_.CfnEventSourceMapping, lambda each: each.function_name))

    @cached_property
    def _permissions(self) -> list[tuple[Attached, lambda_.CfnPermission, str]]:
        found = self.naming(lambda_.CfnPermission, lambda each: each.function_name)
        return [(attached, permission, permission.principal) for attached, permission in found]
