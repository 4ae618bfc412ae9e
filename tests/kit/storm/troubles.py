"""What happens to the stores themselves in a storm: all that they get over without a loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from kit.local_aws import LocalAws
from kit.redis_servers import RedisServer

Troubles: TypeAlias = Mapping[str, Callable[[], None]]
"""By what happened. Each is over when it returns."""

DURABLE = ("appendonly yes", "appendfsync always")
"""With this a Redis server acknowledges nothing that it may forget."""

_LASTS = 0.4
"""Seconds for which a store is away: less than a lease."""


def of_redis(server: RedisServer, user: str) -> Troubles:
    """Of a server with `DURABLE` settings, whose users are in a file."""

    def pause() -> None:
        server.pause()
        time.sleep(_LASTS)
        server.resume()

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
        "paused": pause,
        "scripts flushed": flush,
        "rights revoked": revoke,
    }


def of_aws(aws: LocalAws) -> Troubles:
    """Of the local AWS, which loses everything in a restart."""

    def pause() -> None:
        aws.pause()
        time.sleep(_LASTS)
        aws.resume()

    return {"paused": pause}
