"""How cost grows with the records that a store holds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Final

import redis

from benchmarks.growth import PAIR
from benchmarks.measures import Size, Table, interleaved
from benchmarks.redis_place import RedisPlace
from benchmarks.servers import Servers
from benchmarks.subjects import environment
from benchmarks.workers import Stub, Worker, start
from kit.redis.servers import RedisServer

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
_AT_ONCE: Final = 10_000


def on_dynamodb(servers: Servers, size: Size) -> Table:
    """CPU of first calls and replays on a table with more and more completed records."""
    rows = []
    with ExitStack() as stack:
        stub = stack.enter_context(Stub())
        variables = environment(stub.endpoint)
        workers = start(stack, "dynamodb", PAIR, variables, servers.dynamodb.compiled)
        for number in size.records:
            stub.fill(number)
            rows.append([f"{number:,}", *_row(workers, size, "DynamoDB", "cpu")])
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


def on_redis(servers: Servers, size: Size) -> Table:
    """First calls and replays on a server with more and more completed records."""
    rows = []
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer())
        place = RedisPlace(server)
        variables = {**servers.redis.plain, **place.variables(servers.stub)}
        workers = start(stack, "redis", PAIR, variables, servers.redis.compiled)
        admin = stack.enter_context(server.admin())
        held = 0
        for number in size.records:
            for begin in range(held, number, _AT_ONCE):
                admin.eval(_FILL, 0, begin, min(begin + _AT_ONCE, number))
            held = number
            row = _row(workers, size, "Redis", "wall")
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


def _row(workers: Mapping[str, Worker], size: Size, store: str, clock: str) -> list[str]:
    cells = []
    for kind in ("first", "replay"):
        tasks = {
            name: partial(worker.do, kind, size=1_000, calls=size.calls_on(store)[1_000])
            for name, worker in workers.items()
        }
        found = interleaved(size.few_rounds, tasks)
        ours, peer = (median([one[clock] for one in found[name]]) for name in PAIR)
        cells += [f"{ours:.0f}", f"{peer:.0f}", f"{ours / peer:.2f}"]
    return cells


def _mebibytes(admin: redis.Redis) -> str:
    return f"{admin.info('memory')['used_memory'] / 2**20:.0f}"
