"""What the line of metrics costs, which each invocation writes in Lambda."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Final

from benchmarks.measures import Size, Table, interleaved
from benchmarks.servers import Servers
from benchmarks.workers import start

_KINDS: Final = {"first": "first call", "replay": "replay"}


def metrics_line(servers: Servers, size: Size) -> Table:
    """CPU of calls of 1 KB with the line, and without."""
    rows = []
    for store, title in (("dynamodb", "DynamoDB"), ("redis", "Redis")):
        ground = servers.dynamodb if store == "dynamodb" else servers.redis
        with ExitStack() as stack:
            workers = {
                with_line: start(
                    stack,
                    store,
                    ["ours"],
                    {**ground.plain, "IDEMPOTENCY_METRICS": with_line},
                    ground.compiled,
                )["ours"]
                for with_line in ("false", "true")
            }
            for kind, name in _KINDS.items():
                calls = size.calls_on(title)[1_000]
                tasks = {
                    with_line: partial(worker.do, kind, size=1_000, calls=calls)
                    for with_line, worker in workers.items()
                }
                found = interleaved(size.rounds, tasks)
                off, on = (median([one["cpu"] for one in found[line]]) for line in tasks)
                rows.append([f"{name}, {title}", f"{off:.0f}", f"{on:.0f}", f"{on - off:+.0f}"])
    return Table(
        title="The line of metrics: CPU of calls of 1 KB",
        head=["", "without, µs", "with, µs", "adds, µs"],
        rows=rows,
        note="Written to a file that forgets it. `metrics=False` switches it off.",
    )
