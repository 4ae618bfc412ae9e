"""`make bench`: this library, Powertools and the raw clients, side by side in one run.

It writes `results.md` and `results.svg` beside this file. With `--rounds` it is a smoke test, which
runs every part, but too little for credible numbers, and writes to `dist/benchmark`. With
`--against` it compares two runtimes in interleaved rounds, and prints a table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import calls, cold_start, growth, report
from benchmarks.measures import FULL, Measure, Samples, Size, Table, interleaved, smoke
from benchmarks.servers import Relay, Servers, Stub, running
from benchmarks.workers import copy_packages, lambda_environment, start
from kit.aws.local import ROOT

COLUMNS: Final = {
    "dynamodb": ("ours", "powertools", "boto3", "floor"),
    "redis": ("ours", "powertools", "redis-py", "floor"),
    "memory": ("ours", "powertools"),
}


def measure(size: Size, directory: Path) -> tuple[list[Measure], list[Table], str]:
    """Run everything; return the results, and the version of the Redis server."""
    with ExitStack() as stack:
        servers = running(stack, directory)
        packages = servers.dynamodb.compiled
        dynamodb, redis = (
            start(stack, store, COLUMNS[store], environment.plain, packages)
            for store, environment in (("dynamodb", servers.dynamodb), ("redis", servers.redis))
        )
        in_memory = start(stack, "memory", COLUMNS["memory"], servers.dynamodb.plain, packages)
        steps: list[Callable[[], list[Measure]]] = [
            lambda: cold_start.on_dynamodb(servers.dynamodb, size),
            lambda: cold_start.on_redis(servers.redis, size),
            lambda: calls.per_call("DynamoDB", dynamodb, size),
            lambda: calls.per_call("Redis", redis, size),
            lambda: calls.per_batch("DynamoDB", dynamodb, size),
            lambda: calls.per_batch("Redis", redis, size),
            lambda: calls.large_responses("DynamoDB", dynamodb, size),
            lambda: calls.without_io(in_memory, size),
            lambda: [
                *cold_start.on_128_mb(servers.dynamodb, servers.redis, size),
                *calls.on_128_mb({"DynamoDB": dynamodb, "Redis": redis}, size),
            ],
            lambda: calls.at_the_socket("DynamoDB", dynamodb, servers.stub),
            lambda: calls.batches_at_the_socket("DynamoDB", dynamodb, servers.stub),
            lambda: _at_the_socket_of_redis(servers),
        ]
        measures = []
        for step in steps:
            found = step()
            print(report.verdicts(found), flush=True)
            measures += found
        tables = [
            growth.with_callers("DynamoDB", dynamodb, size),
            growth.with_callers("Redis", redis, size),
            calls.metrics_line(servers, size),
            calls.write_units(),
            growth.with_records_on_dynamodb(servers, size),
            growth.with_records_on_redis(servers, size),
            growth.of_synthesis(directory, size),
            growth.of_memory(servers, size),
        ]
    return measures, tables, servers.redis_server.version


def compare(checkout: Path, size: Size, directory: Path) -> list[Measure]:
    """Measure this runtime and that of another checkout, on DynamoDB with calls of 1 KB.

    The handlers are those of this checkout, so the public names they use must be in both.
    """
    other = checkout / "runtime" / "lambda_idempotency"
    with ExitStack() as stack:
        variables = lambda_environment(stack.enter_context(Stub()).endpoint)
        packages = {
            "ours": copy_packages(directory / "ours"),
            "other": copy_packages(directory / "other", runtime=other),
        }
        starts = {name: cold_start.first_call(each, variables) for name, each in packages.items()}
        tasks = {name: partial(each.run, "ours") for name, each in starts.items()}
        tasks[cold_start.BARE] = partial(starts["ours"].run, cold_start.BARE)
        found = cold_start.less_bare(interleaved(size.cold_rounds, tasks))
        measures = [
            _compared(
                f"cold start to the first call, {title}",
                "ms",
                {name: [times[clock] for times in ones] for name, ones in found.items()},
            )
            for clock, title in enumerate(("wall", "CPU"))
        ]
        workers = {
            name: start(stack, "dynamodb", ["ours"], variables, each)["ours"]
            for name, each in packages.items()
        }
        for task, title in calls.FIRST_AND_REPLAY.items():
            results = calls.sampled(workers, size.rounds, task, size=1_000, calls=size.calls[1_000])
            measures += [
                _compared(f"{title}, {name}", "µs", calls.by_clock(results, clock))
                for clock, name in calls.CLOCKS.items()
            ]
    return measures


def _compared(name: str, unit: str, samples: Mapping[str, Samples]) -> Measure:
    return Measure(group="", name=f"{name}, {unit}", unit="", samples=samples, peer="other")


def _at_the_socket_of_redis(servers: Servers) -> list[Measure]:
    """Count with workers of its own, which connect to the relay."""
    with ExitStack() as stack:
        relay = stack.enter_context(Relay(servers.redis_server.server.plain_port))
        through = servers.redis_server.variables(servers.stub, port=relay.port)
        variables = {**servers.redis.plain, **through}
        workers = start(stack, "redis", COLUMNS["redis"], variables, servers.redis.compiled)
        return [
            *calls.at_the_socket("Redis", workers, relay),
            *calls.batches_at_the_socket("Redis", workers, relay),
        ]


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="of a smoke test, or of a comparison")
    parser.add_argument("--against", type=Path, help="the root of another checkout")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        if options.against:
            rounds = options.rounds or FULL.rounds
            size = replace(FULL, rounds=rounds, cold_rounds=rounds)
            print(report.table(compare(options.against, size, Path(directory))))
            return
        size = smoke(options.rounds) if options.rounds else FULL
        measures, tables, redis = measure(size, Path(directory))
    output = ROOT / "dist" / "benchmark" if options.rounds else Path(__file__).parent
    output.mkdir(parents=True, exist_ok=True)
    page = report.markdown(measures, tables, redis=redis, smoke=bool(options.rounds))
    (output / "results.md").write_text(page)
    (output / "results.svg").write_text(report.svg([one for one in measures if one.plotted]))
    print(f"\n{output / 'results.md'}, in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
