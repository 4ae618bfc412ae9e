"""What the checks look at: one `Idempotency`, and the app around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract import Settings

from ...functions.attachable import TIMEOUT
from ...inspection import resource_of
from ...stores.factory import BoundStore
from .tables import Table
from .tree import R, Tree


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
class Caller:
    """A function, and the AWS services that it asks, by the last part of their endpoints' names."""

    function: lambda_.Function
    services: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One `Idempotency` with all that is attached to it, when the app is synthesised."""

    construct: IConstruct
    store: BoundStore
    services: tuple[str, ...]
    """Those that attached functions ask, by the last part of their endpoints' names."""
    attached: tuple[Attached, ...]
    tree: Tree

    @cached_property
    def table(self) -> Table | None:
        """The table with the records, where it is a resource of the app."""
        return None if self.store.table is None else Table.behind(self.tree, self.store.table)

    def callers(self) -> Iterator[Caller]:
        """The functions that ask AWS services: the attached ones, and the one that rotates."""
        for attached in self.attached:
            yield Caller(function=attached.function, services=self.services)
        rotation = None if self.store.server is None else self.store.server.rotation
        if rotation is not None:
            yield Caller(function=rotation.function, services=rotation.props.services)

    def mappings(self) -> Iterator[tuple[Attached, lambda_.CfnEventSourceMapping]]:
        """The event source mappings of attached functions, of their versions and aliases."""
        return self.naming(lambda_.CfnEventSourceMapping, lambda each: each.function_name)

    def permissions(self) -> Iterator[tuple[Attached, str]]:
        """Who may invoke attached functions, their versions and aliases: principals, such as
        `sns.amazonaws.com`."""
        kind = lambda_.CfnPermission
        for attached, permission in self.naming(kind, lambda each: each.function_name):
            yield attached, permission.principal

    def naming(self, kind: type[R], named: Callable[[R], Any]) -> Iterator[tuple[Attached, R]]:
        """The resources of a type that name attached functions; see `Tree.naming`."""
        found = self.tree.naming(kind, named)
        for attached in self.attached:
            for resource in found.get(attached.name, ()):
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
