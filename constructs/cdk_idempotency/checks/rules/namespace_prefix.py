"""Stores of another app, which may have the same namespaces.

Fires when: The table or Redis server is not of this app, and there is no `namespace_prefix`:
another app may have a stack and a function of the same names, or the same `namespace`.
What to do: Pass a `namespace_prefix` that no other app has, or acknowledge it where no other app
uses the store.

A stack's name is unique in an account and region alone, and a table or server may be used from
several.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.servers import exposed_settings, server_resources
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    if deployment.namespace_prefix is not None or not deployment.attached:
        return
    if (what := _imported(deployment)) is not None:
        yield Violation(
            deployment.construct,
            f"{what} is not of this app, so another app that uses it may have the same namespaces, "
            "and each would get answers to the other's requests. Pass a namespace_prefix=... that "
            "no other app has.",
        )


def _imported(deployment: Deployment) -> str | None:
    """Return the store in words, if it is of another app."""
    store = deployment.store
    if store.table is not None:
        return "The table" if deployment.table is None else None
    if store.server is None:
        return None
    if store.server.settings is not None:
        known = exposed_settings(deployment) is None or server_resources(deployment)
        return None if known else "The Redis server"
    parameter = store.settings()["parameter"]
    known = deployment.tree.referenced(deployment.construct, parameter)
    return None if known else "The Redis server"
