"""What passes the socket: the requests and bytes of calls, batches and steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.bench import Bench
from benchmarks.calls import BATCHES, DYNAMODB, STEPS
from benchmarks.measures import CALLS, Row
from benchmarks.servers import Counter, Relay
from benchmarks.workers import Worker

KINDS: Final = {**CALLS, "in_progress": "refusal of a duplicate in progress"}
REPEATED: Final = 10

Counts = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Requests and bytes, by column and kind of call."""


def at_the_socket(bench: Bench) -> list[Row]:
    """Count with workers of their own: those of Redis connect to a relay."""
    rows = []
    stub = bench.servers.stub
    with Relay(bench.servers.redis.server.plain_port) as relay:
        through = bench.servers.through(relay)
        for store, columns, counter in (("DynamoDB", DYNAMODB, stub), ("Redis", BATCHES, relay)):
            variables = through if store == "Redis" else {}
            with bench.workers(store.lower(), columns, variables=variables) as workers:
                found = {
                    name: {kind: _counted(worker, counter, kind) for kind in KINDS}
                    for name, worker in workers.items()
                }
                rows += _rows(bench, store, "1 KB", found)
            with bench.workers(store.lower(), columns, "batch", variables) as workers:
                found = {
                    name: {"first": _counted(worker, counter, "first")}
                    for name, worker in workers.items()
                }
                rows += _rows(bench, store, "10 messages", found)
    return [*rows, *of_steps(bench)]


def _rows(bench: Bench, store: str, title: str, found: Counts) -> list[Row]:
    kinds = next(iter(found.values()))
    return [
        bench.row(
            {name: [of[kind][what]] for name, of in found.items()},
            key=f"{what} {store} {title} {kind}",
            group=f"At the socket, {store}",
            name=f"{what}, {KINDS[kind]}, {title}",
            unit="",
            what="Counted, sent and received; a batch's requests that travel together on Redis are "
            "one.",
        )
        for what in ("requests", "bytes")
        for kind in kinds
    ]


def of_steps(bench: Bench) -> list[Row]:
    """Count the requests of a step, without those of the call around it."""
    around = {"ours": 2, "floor": 2}
    columns = {name: subject for name, subject in STEPS.items() if name != "durable"}
    with bench.workers("dynamodb", columns, "steps") as workers:
        samples = {
            name: [
                (_counted(worker, bench.servers.stub, "first")["requests"] - around.get(name, 0))
                / 3
            ]
            for name, worker in workers.items()
        }
    return [
        bench.row(
            samples,
            key="requests of a step",
            group="A handler of three steps on DynamoDB",
            name="requests of one step",
            unit="",
            what="Counted, less the claim and the completion of the handler around the steps, "
            "which the peer does not have: exactly one, and two.",
            target=0.5,
        )
    ]


def _counted(worker: Worker, counter: Counter, kind: str) -> dict[str, float]:
    """Count calls, less the first calls that are a part of the task."""
    firsts = {"first": 0, "replay": REPEATED, "in_progress": 1}[kind]
    before = counter.counts()
    worker.do(kind, size=1_000, calls=REPEATED)
    between = counter.counts()
    if firsts:
        worker.do("first", size=1_000, calls=firsts)
    after = counter.counts()
    each = {
        what: (2 * between[what] - before[what] - after[what])
        if firsts
        else between[what] - before[what]
        for what in before
    }
    return {
        "requests": each["requests"] / REPEATED,
        "bytes": (each["received"] + each["sent"]) / REPEATED,
    }
