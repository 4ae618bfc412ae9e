"""`make bench`: this library, Powertools and the raw clients, side by side in one run.

Writes `results.md` and `results.svg` beside this file. `--quick` is a smoke test: it measures
everything, but too little to be believed, and writes to a directory of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import answers, batches, calls, cold_start, growth, quota, records
from benchmarks.measures import FULL, QUICK, Measure, Size, Table
from benchmarks.metrics_line import metrics_line
from benchmarks.plot import svg
from benchmarks.relay import Relay
from benchmarks.report import markdown, verdicts
from benchmarks.servers import Servers, running
from benchmarks.workers import start

COLUMNS = {
    "dynamodb": ("ours", "powertools", "boto3", "floor"),
    "redis": ("ours", "powertools", "redis-py", "floor"),
    "memory": ("ours", "powertools"),
}


def measured(size: Size, directory: Path) -> tuple[list[Measure], list[Table], str]:
    """The whole run, and the version of Redis that served it."""
    with ExitStack() as stack:
        servers = running(stack, directory)
        packages = servers.dynamodb.compiled
        dynamodb, redis = (
            start(stack, store, COLUMNS[store], ground.plain, packages)
            for store, ground in (("dynamodb", servers.dynamodb), ("redis", servers.redis))
        )
        in_memory = start(stack, "memory", COLUMNS["memory"], servers.dynamodb.plain, packages)
        steps: list[Callable[[], list[Measure]]] = [
            lambda: cold_start.on_dynamodb(servers.dynamodb, size),
            lambda: cold_start.on_redis(servers.redis, size),
            lambda: calls.per_call("DynamoDB", dynamodb, size),
            lambda: calls.per_call("Redis", redis, size),
            lambda: batches.per_batch("DynamoDB", dynamodb, size),
            lambda: batches.per_batch("Redis", redis, size),
            lambda: answers.large_answers("DynamoDB", dynamodb, size),
            lambda: calls.without_io(in_memory, size),
            lambda: [
                *cold_start.on_128_mb(servers.dynamodb, servers.redis, size),
                *quota.warm_calls({"DynamoDB": dynamodb, "Redis": redis}, size),
            ],
            lambda: calls.at_the_socket("DynamoDB", dynamodb, servers.stub),
            lambda: batches.batches_at_the_socket("DynamoDB", dynamodb, servers.stub),
            lambda: _at_redis_socket(servers),
        ]
        measures = []
        for step in steps:
            found = step()
            print(verdicts(found), flush=True)
            measures += found
        tables = [
            growth.concurrency("DynamoDB", dynamodb, size),
            growth.concurrency("Redis", redis, size),
            metrics_line(servers, size),
            answers.stored(),
            records.on_dynamodb(servers, size),
            records.on_redis(servers, size),
            growth.synthesis(directory, size),
            growth.memory(servers.dynamodb.plain, servers.redis.plain, packages, size),
        ]
    return measures, tables, servers.place.version


def _at_redis_socket(servers: Servers) -> list[Measure]:
    """By subjects of its own, whose commands pass a relay that counts."""
    with ExitStack() as stack:
        relay = stack.enter_context(Relay(servers.place.server.plain_port))
        leads_there = servers.place.variables(servers.stub, port=relay.port)
        variables = {**servers.redis.plain, **leads_there}
        workers = start(stack, "redis", COLUMNS["redis"], variables, servers.redis.compiled)
        return [
            *calls.at_the_socket("Redis", workers, relay),
            *batches.batches_at_the_socket("Redis", workers, relay),
        ]


def main() -> None:
    """Measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        measures, tables, redis = measured(QUICK if quick else FULL, Path(directory))
    output = Path(tempfile.mkdtemp(prefix="bench-quick-")) if quick else Path(__file__).parent
    (output / "results.md").write_text(markdown(measures, tables, redis=redis, quick=quick))
    (output / "results.svg").write_text(svg([one for one in measures if one.plotted]))
    print(f"\n{output / 'results.md'}, in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
