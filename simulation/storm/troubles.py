"""What happens to the stores in a storm, and on the way to them: all that loses no record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from kit.aws.local import LocalAws
from kit.network.proxy import LossyProxy
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer

Troubles: TypeAlias = Mapping[str, Callable[[], None]]
"""By what happened. Each is over when it returns."""

DURABLE = ("appendonly yes", "appendfsync always")
"""With this a Redis server acknowledges nothing that it may forget."""

_LASTS = 0.4
"""Seconds for which a store is away: less than a lease."""


_MESSAGES = 4
"""Those that are lost at once."""


def of_redis(server: RedisServer, proxy: RedisProxy, user: str) -> Troubles:
    """Of a server with `DURABLE` settings, whose users are in a file, behind a proxy."""

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
    }


def of_aws(aws: LocalAws, proxy: LossyProxy) -> Troubles:
    """Of the local AWS, which loses everything in a restart, behind a proxy."""
    return {
        "paused": lambda: _pause(aws),
        "requests lost": lambda: proxy.lose_request(*_next(proxy.operations)),
        "replies lost": lambda: proxy.lose_reply(*_next(proxy.operations)),
    }


def _pause(store: RedisServer | LocalAws) -> None:
    store.pause()
    time.sleep(_LASTS)
    store.resume()


def _next(arrived: list[str]) -> range:
    """The numbers of the messages that come next."""
    return range(len(arrived) + 1, len(arrived) + 1 + _MESSAGES)
