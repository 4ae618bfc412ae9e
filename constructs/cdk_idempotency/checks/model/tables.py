"""A table with records, as its template will have it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws_cdk import CustomResource
from aws_cdk import aws_dynamodb as dynamodb

from ...inspection import is_known, owner_path
from .tree import ConstructTree


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the app; properties that only the deployment knows are None."""

    resource: dynamodb.CfnTable | dynamodb.CfnGlobalTable
    properties: dict[str, Any]

    @staticmethod
    def of(tree: ConstructTree, table: dynamodb.ITable) -> Table | None:
        """Return the table of the app that `table` is, also where it is imported from there."""
        for resource in tree.referenced(table, table.table_name):
            if isinstance(resource, dynamodb.CfnTable | dynamodb.CfnGlobalTable):
                return Table(resource=resource, properties=tree.properties(resource))
        return None

    @property
    def name(self) -> str:
        """Its path, for messages."""
        return owner_path(self.resource.node.path)

    @property
    def is_strong(self) -> bool | None:
        """True if all regions see one state of it (MRSC)."""
        found = self.properties.get("multiRegionConsistency")
        return found == "STRONG" if is_known(found) else None

    @cached_property
    def ttl(self) -> str | None:
        """The attribute by which DynamoDB deletes; empty if there is none."""
        found = self.properties.get("timeToLiveSpecification", {})
        if not is_known(found):
            return None
        attribute: str = found.get("attributeName", "") if found.get("enabled") else ""
        return attribute

    @cached_property
    def replicas(self) -> list[dict[str, Any]] | None:
        """The properties of each region's table, also of the only one."""
        if isinstance(self.resource, dynamodb.CfnTable):
            return [self.properties]
        found = self.properties.get("replicas", [])
        return found if isinstance(found, list) else None

    @cached_property
    def other_regions(self) -> list[str] | None:
        """The regions that it is replicated to."""
        if isinstance(self.resource, dynamodb.CfnTable):
            return self._custom_replicas()
        if self.replicas is None or len(self.replicas) < 2:
            return None if self.replicas is None else []
        own = self.resource.stack.resolve(self.resource.stack.region)
        regions = [replica.get("region") for replica in self.replicas]
        return [region if isinstance(region, str) else "?" for region in regions if region != own]

    def _custom_replicas(self) -> list[str]:
        """Return the `replication_regions` of a `Table`, which CDK's own resource adds."""
        scope = self.resource.node.scope
        children = [] if scope is None else scope.node.children
        return [
            child.node.id.removeprefix("Replica")
            for child in children
            if isinstance(child, CustomResource) and child.node.id.startswith("Replica")
        ]
