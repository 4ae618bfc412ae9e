"""Names of a client's server, as far as the client tells them without a request."""

from __future__ import annotations

from typing import Any


def label_of(client: Any) -> str:
    """Return the label of the runtime's own client, or the client's host."""
    pool = getattr(client, "connection_pool", None)
    host = getattr(pool, "connection_kwargs", {}).get("host", "redis")
    return str(getattr(client, "label", host))


def name_of(client: Any) -> str:
    """Return a name that tells a server from others: that of the runtime's own client, a node of
    the cluster, or host, port and database. A client that does not tell has a name of its own."""
    try:
        return _name_of(client)
    except Exception:  # noqa: BLE001 - a client may be any object: what it hides is not known
        return f"redis-client-{id(client):x}"


def _name_of(client: Any) -> str:
    if (name := getattr(client, "name", None)) is not None:
        return str(name)
    if hasattr(client, "nodes_manager"):
        first = min(f"{node.host}:{node.port}" for node in client.get_nodes())
        return f"redis-cluster://{first}"
    pool = client.connection_pool
    settings = pool.connection_kwargs
    database = settings.get("db") or 0
    if "path" in settings:
        return f"unix://{settings['path']}?db={database}"
    if "host" in settings:
        return f"redis://{settings['host'].lower()}:{settings.get('port') or 6379}/{database}"
    return f"redis-sentinel://{pool.service_name}/{database}"
