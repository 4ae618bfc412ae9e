"""What the checks look at: one `Idempotency`, and the app around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract import Settings

from ..inspection import resource_of
from ..stores import BoundStore
from .tables import Table
from .tree import Tree


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
        for mapping in self.tree.resources(lambda_.CfnEventSourceMapping):
            invoked = self.tree.functions(mapping, mapping.function_name)
            for attached in self.attached:
                if attached.name in invoked:
                    yield attached, mapping
