"""A process that stops as soon as it holds its lease, until it gets SIGCONT.

Then it prints how its call has ended: what its handler returned, or the error. Started as `python
-m kit.stands_still PORT LEASE sync|async`, with Redis's password in PASSWORD.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from kit.redis.servers import connect
from lambda_idempotency import RedisStore, StoreError, idempotent
from lambda_idempotency.clients.net.waiting import Waits
from lambda_idempotency.protocol.record import Applied, Claim, Record, Reply

EVENT = {"id": 1}
RAN = "ran"


class _StandsStill(RedisStore):
    async def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Reply:
        reply = await super().claiming(claim, seen, waits)
        if isinstance(reply, Applied):
            os.kill(os.getpid(), signal.SIGSTOP)
        return reply


def _call(store: RedisStore, lease: float, kind: str) -> Any:
    async def handler(event: Any, context: Any) -> str:
        return RAN

    protected = idempotent(store=store, namespace="shop", name="handler", lease=lease)
    return protected(handler if kind == "async" else lambda event, _: RAN)(EVENT, None)


def main(port: str, lease: str, kind: str) -> None:
    """Make one call."""
    with connect(int(port), password=os.environ["PASSWORD"]) as client:
        try:
            print(_call(_StandsStill(client), float(lease), kind))
        except StoreError as error:
            print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
