"""The places of records and large responses, by which two stores in the app are known to be one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from aws_cdk import Stack, Token

from constructs import IConstruct

from .deployment import AttachedFunction, Deployment
from .tables import Table
from .tree import ConstructTree


class Place(NamedTuple):
    """A table, a server, a parameter with a server's settings, or a bucket. Its name is that of
    what is looked for from `account` and `region`; None: the same from everywhere, or unknown."""

    name: str
    account: str | None = None
    region: str | None = None

    def is_same(self, other: Place) -> bool:
        """Tell whether both may be the same: what is not known does not tell them apart."""
        return self.name == other.name and all(
            None in pair or pair[0] == pair[1]
            for pair in ((self.account, other.account), (self.region, other.region))
        )


def share_store(one: Deployment, function: AttachedFunction, *other: Any) -> bool:
    """Tell whether two functions, each with its deployment, keep their records in one store."""
    others = list(store_places(*other))
    return any(place.is_same(each) for place in store_places(one, function) for each in others)


def store_places(deployment: Deployment, attached: AttachedFunction) -> Iterator[Place]:
    """Yield the names of the store of a function's records; a store has several."""
    tree, store = deployment.tree, deployment.store
    if (table := store.table) is not None:
        # A function finds the table by its name, in its own account and region.
        for name in _names(tree, table, table.table_name):
            yield _seen_from(attached.function, f"table {name}")
        created = Table.of(tree, table)
        physical = None if created is None else created.properties.get("tableName")
        if isinstance(physical, str):
            yield _seen_from(attached.function, f"table {physical}")
    if (parameter := store.settings().get("parameter")) is not None:
        for name in _names(tree, deployment.construct, parameter):
            yield _seen_from(attached.function, f"parameter {name}")
    server = store.server
    if server is not None and (settings := server.settings) is not None:
        for name in _names(tree, deployment.construct, _host(settings.host)):
            port = "" if Token.is_unresolved(settings.port) else settings.port
            yield Place(f"server {name}:{port}/{settings.database}")


def bucket_places(deployment: Deployment) -> Iterator[Place]:
    """Yield the names of the bucket of large responses. They are unique in all accounts."""
    if deployment.large_responses is not None:
        bucket = deployment.large_responses.bucket_name
        for name in _names(deployment.tree, deployment.construct, bucket):
            yield Place(f"bucket {name}")


def _names(tree: ConstructTree, owner: IConstruct, value: str) -> list[str]:
    """Return the paths of the resources that a name refers to, or the name. An export of another
    app, or a parameter, is known by its own name."""
    if not Token.is_unresolved(value):
        return [value]
    resources = tree.referenced(owner, value)
    if not resources:
        return [json.dumps(Stack.of(owner).resolve(value), sort_keys=True)]
    return [resource.node.path for resource in resources]


def _host(host: str) -> str:
    """Return the one form of a host's name, which has no case and may end with a dot."""
    return host if Token.is_unresolved(host) else host.lower().removesuffix(".")


def _seen_from(construct: IConstruct, name: str) -> Place:
    stack = Stack.of(construct)
    known = (None if Token.is_unresolved(each) else each for each in (stack.account, stack.region))
    return Place(name, *known)
