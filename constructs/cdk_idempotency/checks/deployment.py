"""What the checks look at: one `Idempotency`, and the app around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract import Settings

from ..stores import BoundStore
from .tree import Tree


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A function, and the settings that its props amount to; its code may override them."""

    function: lambda_.Function
    settings: Settings

    @property
    def name(self) -> str:
        """For messages."""
        return self.function.node.path


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One `Idempotency` with all that is attached to it, when the app is synthesised."""

    construct: IConstruct
    store: BoundStore
    attached: tuple[Attached, ...]
    tree: Tree

    def mappings(self) -> Iterator[tuple[Attached, lambda_.CfnEventSourceMapping]]:
        """The event source mappings of attached functions, of their versions and aliases."""
        for mapping in self.tree.resources(lambda_.CfnEventSourceMapping):
            invoked = self.tree.functions(mapping, mapping.function_name)
            for attached in self.attached:
                if attached.name in invoked:
                    yield attached, mapping
