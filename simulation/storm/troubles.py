"""The troubles of stores in a storm, and on the way to them: those that lose no record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from kit.aws.local import LocalAws
from kit.network.proxy import LossyProxy
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer

Troubles: TypeAlias = Mapping[str, Callable[[], None]]
"""Troubles by their names. Each is over when it returns."""

DURABLE = ("appendonly yes", "appendfsync always")
"""The settings with which a Redis server acknowledges nothing that it may forget."""

_LASTS = 0.4
"""The time that a store is away, in seconds: less than a lease."""


_MESSAGES = 4
"""The number of messages that are lost at once."""


def of_redis(server: RedisServer, proxy: RedisProxy, user: str) -> Troubles:
    """Return the troubles of a server with `DURABLE` settings and a users file, behind a proxy."""

    def flush() -> None:
        with server.admin() as admin:
            admin.script_flush()

    def revoke() -> None:
        with server.admin() as admin:
            admin.execute_command("ACL", "SETUSER", user, "-evalsha", "-eval")
            time.sleep(_LASTS)
            admin.execute_command("ACL", "SETUSER", user, "+evalsha", "+eval")

    return {
        "restarted": server.restart,
        "paused": lambda: _pause(server),
        "scripts flushed": flush,
        "rights revoked": revoke,
        "connections cut": proxy.cut,
        "requests lost": lambda: proxy.lose_request(*_next(proxy.commands)),
        "replies lost": lambda: proxy.lose_reply(*_next(proxy.commands)),
        "silent": lambda: _swallow(proxy),
    }


def of_aws(aws: LocalAws, proxy: LossyProxy) -> Troubles:
    """Return the troubles of the local AWS, which loses everything in a restart, behind a proxy."""
    return {
        "paused": lambda: _pause(aws),
        "requests lost": lambda: proxy.lose_request(*_next(proxy.operations)),
        "replies lost": lambda: proxy.lose_reply(*_next(proxy.operations)),
        "silent": lambda: proxy.silence(*_next(proxy.operations)),
    }


def _pause(store: RedisServer | LocalAws) -> None:
    store.pause()
    time.sleep(_LASTS)
    store.resume()


def _swallow(proxy: RedisProxy) -> None:
    """Accept what comes, and answer none of it."""
    proxy.blackhole()
    time.sleep(_LASTS)
    proxy.restore()


def _next(arrived: list[str]) -> range:
    """Return the numbers of the messages that come next."""
    return range(len(arrived) + 1, len(arrived) + 1 + _MESSAGES)
