"""Growth of cost: with callers at once, stored records, attached functions, and over many calls.

`python -m benchmarks.growth FUNCTIONS STACKS attached|alone` prints the seconds of one synthesis.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import redis

from benchmarks.calls import FIRST_AND_REPLAY, by_clock, sampled
from benchmarks.measures import Size, Table, interleaved
from benchmarks.servers import Redis, Servers, Stub
from benchmarks.workers import Worker, lambda_environment, run_python, start
from kit.aws.local import ROOT
from kit.redis.servers import RedisServer

PAIR: Final = ("ours", "powertools")

_FILL: Final = """
local time = redis.call('TIME')
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
  local name = redis.sha1hex(i)
  local key = 'filler#' .. name .. string.sub(name, 1, 24)
  local ends = time[1] + 24 * 3600 + i % 3600
  redis.call('HSET', key, 'expiration', ends, 'status', 'COMPLETED', 'owner',
    string.sub(name, 1, 32), 'attempt', 1, 'data', '{"statusCode":200,"charged":39.98}')
  redis.call('PEXPIREAT', key, ends * 1000)
end
"""
_FILLED_AT_ONCE: Final = 10_000


def with_callers(store: str, workers: Mapping[str, Worker], size: Size) -> Table:
    """Measure first calls by several threads on one store."""
    chosen = {name: workers[name] for name in PAIR}
    calls = {"DynamoDB": 256, "Redis": 1_024}[store]
    rows = []
    for callers in size.callers:
        options = {"size": 1_000, "calls": calls, "callers": callers}
        found = sampled(chosen, size.few_rounds, "concurrent", warm_up=False, **options)
        cpu, wall = ([*map(median, by_clock(found, clock).values())] for clock in ("cpu", "wall"))
        times = (f"{time:.0f}" for time in (*cpu, *wall))
        rows.append([str(callers), *times, f"{wall[0] / wall[1]:.2f}"])
    return Table(
        title=f"Callers at once: first calls of 1 KB on one store, {store}",
        head=["threads", "CPU, µs: ours", "Powertools", "wall, µs: ours", "Powertools", "ratio"],
        rows=rows,
        note="Wall time is that of all calls over their number. Python runs one thread at a time.",
    )


def with_records_on_dynamodb(servers: Servers, size: Size) -> Table:
    """Measure the CPU of calls on a table with more and more completed records."""
    rows = []
    with ExitStack() as stack:
        stub = stack.enter_context(Stub())
        variables = lambda_environment(stub.endpoint)
        workers = start(stack, "dynamodb", PAIR, variables, servers.dynamodb.compiled)
        for number in size.records:
            stub.fill(number)
            rows.append([f"{number:,}", *_first_and_replay(workers, size, "DynamoDB", "cpu")])
    return Table(
        title="Records in the store: calls of 1 KB, DynamoDB",
        head=[
            *("records", "first, µs: ours", "Powertools", "ratio"),
            *("replay, µs: ours", "Powertools", "ratio"),
        ],
        rows=rows,
        note="CPU of the clients: the stub's time is not DynamoDB's. Every request of both "
        "libraries names one item by its key.",
    )


def with_records_on_redis(servers: Servers, size: Size) -> Table:
    """Measure the wall time of calls on a server with more and more completed records."""
    rows = []
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer())
        variables = {**servers.redis.plain, **Redis(server).variables(servers.stub)}
        workers = start(stack, "redis", PAIR, variables, servers.redis.compiled)
        admin = stack.enter_context(server.admin())
        held = 0
        for number in size.records:
            for begin in range(held, number, _FILLED_AT_ONCE):
                admin.eval(_FILL, 0, begin, min(begin + _FILLED_AT_ONCE, number))
            held = number
            row = _first_and_replay(workers, size, "Redis", "wall")
            rows.append([f"{number:,}", *row, _mebibytes(admin)])
    return Table(
        title="Records in the store: calls of 1 KB, Redis",
        head=[
            *("records", "first, µs: ours", "Powertools", "ratio"),
            *("replay, µs: ours", "Powertools", "ratio", "server, MiB"),
        ],
        rows=rows,
        note="Wall time.",
    )


def of_synthesis(directory: Path, size: Size) -> Table:
    """Measure `app.synth()` with attached functions, and with the same functions alone."""
    rows = []
    for functions, stacks in size.synths:
        tasks = {
            kind: partial(_synthesis, directory / f"{functions}-{kind}", functions, stacks, kind)
            for kind in ("alone", "attached")
        }
        rounds = min(size.few_rounds, 2) if functions <= 10 else 1
        found = interleaved(rounds, tasks, warm_up=False)
        alone, attached = (median(times) for times in found.values())
        each = (attached - alone) / functions * 1000
        times = (f"{attached:.2f}", f"{alone:.2f}", f"{each:.0f}")
        rows.append([f"{functions} in {stacks}", *times])
    return Table(
        title="Attached functions at synthesis",
        head=["functions in stacks", "attached, s", "alone, s", "each adds, ms"],
        rows=rows,
        note="Building the tree and `app.synth()`, each time in a fresh process; wall time.",
    )


def of_memory(servers: Servers, size: Size) -> Table:
    """Measure the resident memory over many calls, half of them replays.

    The first fifth of the calls is the warm-up.
    """
    many, some, few = (size.soak_calls // part for part in (1, 10, 40))
    kinds = [
        ("memory", "ours", "ours, MemoryStore, expiring keys", many),
        ("dynamodb", "ours", "ours, DynamoDB, distinct keys", some),
        ("dynamodb", "powertools", "Powertools, DynamoDB, distinct keys", few),
        ("redis", "ours", "ours, Redis, distinct keys", some),
        ("redis", "powertools", "Powertools, Redis, distinct keys", few),
    ]
    rows = []
    for store, column, title, calls in kinds:
        ground = servers.redis if store == "redis" else servers.dynamodb
        with ExitStack() as stack:
            worker = start(stack, store, [column], ground.plain, ground.compiled)[column]
            found = worker.do("soak", calls=calls, size=1_000)
        before, after = found["before"], found["after"]
        memory = (f"{before:.1f}", f"{after:.1f}", f"{after - before:+.1f}")
        rows.append([title, f"{calls:,}", *memory])
    return Table(
        title="Memory over many calls",
        head=["store", "calls", "MiB after a fifth", "MiB at the end", "growth, MiB"],
        rows=rows,
    )


def _first_and_replay(
    workers: Mapping[str, Worker], size: Size, store: str, clock: str
) -> list[str]:
    cells = []
    for kind in FIRST_AND_REPLAY:
        calls = size.calls_on(store)[1_000]
        found = sampled(workers, size.few_rounds, kind, size=1_000, calls=calls)
        ours, peer = map(median, by_clock(found, clock).values())
        cells += [f"{ours:.0f}", f"{peer:.0f}", f"{ours / peer:.2f}"]
    return cells


def _mebibytes(admin: redis.Redis) -> str:
    return f"{admin.info('memory')['used_memory'] / 2**20:.0f}"


def _synthesis(output: Path, functions: int, stacks: int, kind: str) -> float:
    """Synthesize in a fresh process; return the seconds."""
    done = run_python(
        ["-m", "benchmarks.growth", str(functions), str(stacks), kind],
        {**lambda_environment(""), "CDK_OUTDIR": str(output)},
        *(ROOT / "constructs", ROOT / "runtime"),
    )
    if done.returncode != 0:
        raise RuntimeError(f"synthesis failed:\n{done.stderr}")
    return float(done.stdout)


def synthesize(functions: int, stacks: int, *, attached: bool) -> None:
    """Build and synthesize an app of many functions; print the seconds."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_lambda as lambda_

    from cdk_idempotency import Idempotency

    app = App(analytics_reporting=False)
    started = time.perf_counter()
    for number in range(stacks):
        stack = Stack(app, f"Stack{number}")
        idempotency = Idempotency(stack, "Idempotency", key="id") if attached else None
        for n in range(functions // stacks):
            function = lambda_.Function(
                stack,
                f"Function{n}",
                runtime=lambda_.Runtime.PYTHON_3_13,
                handler="index.handler",
                code=lambda_.Code.from_inline("def handler(event, context): return event"),
            )
            if idempotency is not None:
                idempotency.attach(function)
    app.synth()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    synthesize(int(sys.argv[1]), int(sys.argv[2]), attached=sys.argv[3] == "attached")
