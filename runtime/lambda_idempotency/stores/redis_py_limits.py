"""The longest time that a request of a redis-py client can take, by the client's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ADDRESSES: Final = 2
"""The most addresses of a server: of IPv6, and of IPv4. Each has its time to connect."""

OPENING: Final = 8
"""The most answers that a new connection waits for: two of a TLS handshake, and those to HELLO or
AUTH, AUTH in its old form, CLIENT SETNAME, two of CLIENT SETINFO, and SELECT."""

ASKING: Final = 3
"""The most times to wait in a request: to send it, and for the answers to two commands."""


def longest_s(client: Any) -> float | None:
    """Return the most seconds that a request can take while the server's name need not be resolved,
    and each answer comes at once: redis-py's timeouts hold for each part of one.

    None: nothing limits it, or code of the user's takes part.
    """
    pool: Any = getattr(client, "connection_pool", None)
    if not (_is(client, "Redis") and client.connection is None and _is(pool, "ConnectionPool")):
        return None  # one that has a single connection may have to wait for it
    settings: Mapping[str, Any] = pool.connection_kwargs
    retries, answer = _retries(settings), settings.get("socket_timeout")
    if answer is None or retries is None or any(map(settings.get, _MORE)):
        return None
    connect = settings.get("socket_connect_timeout") or answer
    opening = (retries + 1) * (ADDRESSES * connect + OPENING * answer)
    return float((retries + 1) * (opening + ASKING * answer))


def _retries(settings: Mapping[str, Any]) -> int | None:
    """Return how often a try is repeated, without pauses; None where there are some."""
    retry = settings.get("retry")
    if retry is None:
        return int(any(map(settings.get, ("retry_on_timeout", "retry_on_error"))))
    told: Mapping[str, Any] = vars(retry)  # it has no public names for these
    at_once = _is(retry, "Retry") and _is(told.get("_backoff"), "NoBackoff")
    retries: int = told.get("_retries", -1) if at_once else -1
    return retries if retries >= 0 else None


def _is(value: object, name: str) -> bool:
    """Tell whether a value is of redis-py's class of that name, and not of one derived from it."""
    kind = type(value)
    return kind.__name__ == name and kind.__module__.partition(".")[0] == "redis"


_MORE: Final = (
    "credential_provider",
    "redis_connect_func",
    "health_check_interval",
    "maint_notifications_config",
)
"""Settings that add to a request: code of the user's, a PING, and with RESP3 times that the server
makes longer."""
