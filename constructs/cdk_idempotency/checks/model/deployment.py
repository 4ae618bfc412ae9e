"""One `Idempotency`, and the app around it, at synth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract.settings import Settings

from ...functions.defaults import TIMEOUT
from ...inspection import resource_of
from .tables import Table
from .tree import ConstructTree, R

if TYPE_CHECKING:
    from ...stores.base import BoundStore
    from ...stores.large_responses import LargeResponses
    from ...stores.response_key import ResponseKey


@dataclass(frozen=True, kw_only=True)
class AttachedFunction:
    """A function, and the settings that follow from its options; its code may override them."""

    function: lambda_.Function
    resource: lambda_.CfnFunction
    """Its resource in the template."""
    name: str
    """Its path, for messages."""
    stack: Stack
    settings: Settings
    has_package_copy: bool = False
    """True if its code brings its own copy of the layer's package."""
    byte_code: str | None = None
    """The runtime for which its layer has byte code."""

    @property
    def namespace(self) -> str:
        """The namespace of its records."""
        assert self.settings.namespace is not None, "attach() sets it"
        return self.settings.namespace


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A function, and the AWS services that it calls, by the last part of their endpoints'
    names."""

    function: lambda_.Function
    resource: lambda_.CfnFunction
    services: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One `Idempotency` with all that is attached to it."""

    construct: IConstruct
    store: BoundStore
    large_responses: LargeResponses | None
    attached: tuple[AttachedFunction, ...]
    tree: ConstructTree
    response_key: ResponseKey | None = None
    namespace_prefix: str | None = None
    granted: frozenset[str | None] = frozenset()
    """The namespaces that `grant_use` was asked for; None: all."""
    asked: frozenset[str] = frozenset()
    """The namespaces that a metric was asked for."""
    accepts_new_store: bool = False
    """True if records that were kept elsewhere may be forgotten."""
    app: tuple[Deployment, ...] = field(default=(), repr=False)
    """All of the app, those of its stages too, in the order in which they were made."""

    @cached_property
    def table(self) -> Table | None:
        """The table with the records, where it is a resource of the app."""
        return None if self.store.table is None else Table.of(self.tree, self.store.table)

    def before(self, attached: AttachedFunction) -> Iterator[tuple[Deployment, AttachedFunction]]:
        """Yield the functions of the app that were attached before this one, in whatever
        `Idempotency`."""
        for deployment in self.app:
            for other in deployment.attached:
                if other.function is attached.function:
                    return
                yield deployment, other

    def callers(self) -> Iterator[Caller]:
        """Yield the functions that call AWS services: the attached ones, and the one that
        rotates."""
        more = () if self.large_responses is None else ("s3",)
        if self.response_key is not None:
            more = (*more, "kms")
        for attached in self.attached:
            yield Caller(
                function=attached.function,
                resource=attached.resource,
                services=(*self.store.services, *more),
            )
        rotation = None if self.store.server is None else self.store.server.rotation
        if rotation is not None:
            yield Caller(
                function=rotation.function,
                resource=resource_of(rotation.function),
                services=rotation.props.services,
            )

    def mappings(self) -> Iterator[tuple[AttachedFunction, lambda_.CfnEventSourceMapping]]:
        """Yield the event source mappings of attached functions, of their versions and aliases."""
        return self.referring(lambda_.CfnEventSourceMapping, lambda each: each.function_name)

    def permissions(self) -> Iterator[tuple[AttachedFunction, str]]:
        """Yield the principals, such as `sns.amazonaws.com`, that may invoke attached functions,
        their versions and aliases."""
        kind = lambda_.CfnPermission
        for attached, permission in self.referring(kind, lambda each: each.function_name):
            yield attached, permission.principal

    def referring(
        self, kind: type[R], reference: Callable[[R], Any]
    ) -> Iterator[tuple[AttachedFunction, R]]:
        """Yield the resources of a type that refer to attached functions, as
        `ConstructTree.by_function` finds them."""
        found = self.tree.by_function(kind, reference)
        for attached in self.attached:
            for resource in found.get(attached.name, ()):
                yield attached, resource

    def properties(self, attached: AttachedFunction) -> dict[str, Any]:
        """Return the properties of the function's resource, as `ConstructTree.properties` does."""
        return self.tree.properties(attached.resource, attached.stack)

    def timeout(self, attached: AttachedFunction) -> float | None:
        """Return the function's timeout in seconds; None where only the deployment knows it."""
        value = self.properties(attached).get("timeout", TIMEOUT)
        return value if isinstance(value, int | float) else None

    def duration(self, attached: AttachedFunction) -> float | None:
        """Return the seconds that a request of the function may take: of a durable one, all of its
        execution. None where only the deployment knows it."""
        execution = attached.settings.execution_timeout
        return self.timeout(attached) if execution is None else execution

    def environment(self, attached: AttachedFunction) -> dict[str, Any]:
        """Return the function's environment variables; a value that only the deployment knows is
        not a string."""
        environment = self.properties(attached).get("environment", {})
        variables: dict[str, Any] = environment.get("variables", {})
        return variables
