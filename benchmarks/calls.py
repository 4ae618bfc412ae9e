"""Warm calls: CPU and wall time, with large responses and batches too; what passes the socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any, Final

from benchmarks.measures import Measure, Size, Table, interleaved
from benchmarks.servers import Counter, Servers
from benchmarks.worker import orders
from benchmarks.workers import Worker, rationed, start
from lambda_idempotency.protocol.steps import Returned
from lambda_idempotency.response.compression import pack

FIRST_AND_REPLAY: Final = {"first": "first call", "replay": "replay"}
KINDS: Final = {**FIRST_AND_REPLAY, "in_progress": "in-progress verdict"}
"""The tasks of a worker, and their titles."""
PAYLOADS: Final = {1_000: "1 KB", 100_000: "100 KB", 1_000_000: "1 MB"}
RESPONSES: Final = {10_000: "10 KB", 100_000: "100 KB"}
BATCHES: Final = {"batch": "batch of 10", "redelivered": "the same again"}
CLOCKS: Final = {"cpu": "CPU", "wall": "wall"}
SMALL_FUNCTION: Final = "A 128 MB function: wall time on a fourteenth of a core"

_BUDGETS: Final = {
    "DynamoDB": {"first": 0.25, "replay": 0.22},
    "Redis": {"first": 0.7, "replay": 0.4},
}
_WITHOUT_IO: Final = {1_000: 1.0, 100_000: 0.4}
_BATCH_ROUND_TRIPS: Final = {"DynamoDB": 20, "Redis": 11}
"""The budget of round trips for a first delivery by ours, which becomes a ratio to the peer's."""
_OTHER_ATTRIBUTES: Final = 400
"""Approximate bytes of a record besides its data."""


def per_call(store: str, workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """Measure CPU and wall time at every payload size."""
    measures: dict[str, list[Measure]] = {clock: [] for clock in CLOCKS}
    for payload, about in PAYLOADS.items():
        for kind, title in KINDS.items():
            calls = size.calls_on(store)[payload]
            found = sampled(workers, size.rounds, kind, size=payload, calls=calls)
            for clock, own in measures.items():
                own.append(
                    Measure(
                        group=f"{'CPU' if clock == 'cpu' else 'Wall'} per call, {store}",
                        name=f"{title}, {about}",
                        unit="µs",
                        samples=by_clock(found, clock),
                        budget=_BUDGETS[store].get(kind) if clock == "cpu" else None,
                        plotted=clock == "cpu",
                    )
                )
    return measures["cpu"] + measures["wall"]


def without_io(workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """Measure the CPU of first calls on stores in memory."""
    kinds: list[tuple[int, bool]] = [(1_000, False), (100_000, False), (100_000, True)]
    measures = []
    for payload, whole_floats in kinds:
        options: dict[str, Any] = {"size": payload, "whole_floats": whole_floats}
        found = sampled(workers, size.rounds, "first", calls=size.calls[payload], **options)
        measures.append(
            Measure(
                group="CPU per call without I/O",
                name=f"first call, {PAYLOADS[payload]}"
                + (", its prices whole floats" if whole_floats else ""),
                unit="µs",
                samples=by_clock(found, "cpu"),
                budget=None if whole_floats else _WITHOUT_IO[payload],
                plotted=not whole_floats,
            )
        )
    return measures


def large_responses(store: str, workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """Measure the CPU of calls of 1 KB with large responses, which ours alone compresses."""
    measures = []
    for response, about in RESPONSES.items():
        for kind, title in FIRST_AND_REPLAY.items():
            calls = size.calls_on(store)[100_000]
            found = sampled(workers, size.rounds, kind, size=1_000, calls=calls, answer=response)
            measures.append(
                Measure(
                    group=f"CPU per call with a large answer, {store}",
                    name=f"{title}, {about} of JSON",
                    unit="µs",
                    samples=by_clock(found, "cpu"),
                )
            )
    return measures


def per_batch(store: str, workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """Measure the CPU and wall time of a batch of ten records."""
    measures = []
    for kind, title in BATCHES.items():
        calls = max(size.calls_on(store)[1_000] // 10, 2)
        found = sampled(workers, size.rounds, kind, size=1_000, calls=calls)
        measures += [
            Measure(
                group=f"A batch of 10 messages of 1 KB, {store}",
                name=f"{name}, {title}",
                unit="µs",
                samples=by_clock(found, clock),
                plotted=clock == "cpu" and kind == "batch",
            )
            for clock, name in CLOCKS.items()
        ]
    return measures


def on_128_mb(stores: Mapping[str, Mapping[str, Worker]], size: Size) -> list[Measure]:
    """Measure the wall time of calls of 1 KB with the CPU of a small function."""

    def rationed_call(worker: Worker, kind: str, calls: int) -> float:
        with rationed(worker.pid):
            return worker.do(kind, size=1_000, calls=calls)["wall"] / 1000

    measures = []
    for store, workers in stores.items():
        calls = size.calls_on(store)[1_000] // 3
        for kind, title in FIRST_AND_REPLAY.items():
            tasks = {
                name: partial(rationed_call, workers[name], kind, calls)
                for name in ("ours", "powertools")
            }
            measures.append(
                Measure(
                    group=SMALL_FUNCTION,
                    name=f"{title}, 1 KB, {store}",
                    unit="ms",
                    samples=interleaved(size.few_rounds, tasks, warm_up=False),
                    plotted=True,
                )
            )
    return measures


def at_the_socket(store: str, workers: Mapping[str, Worker], counter: Counter) -> list[Measure]:
    """Count the round trips of one call, and its bytes of HTTP or RESP."""
    counted = {
        name: {kind: _counted_call(worker, counter, kind) for kind in KINDS}
        for name, worker in workers.items()
    }
    return [
        Measure(
            group=f"At the socket, per call, {store}",
            name=f"{what}, {title}",
            unit=unit,
            samples={name: [kinds[kind][what]] for name, kinds in counted.items()},
            budget=1.0 if what == "round trips" else None,
        )
        for what, unit in (("round trips", ""), ("bytes", "B"))
        for kind, title in KINDS.items()
    ]


def batches_at_the_socket(
    store: str, workers: Mapping[str, Worker], counter: Counter
) -> list[Measure]:
    """Count the round trips and bytes of the first delivery of a batch."""
    counted = {name: _counted_batch(worker, counter) for name, worker in workers.items()}
    peer = counted["powertools"]["round trips"]
    return [
        Measure(
            group=f"At the socket, a batch of 10 messages of 1 KB, {store}",
            name=what,
            unit=unit,
            samples={name: [found[what]] for name, found in counted.items()},
            budget=_BATCH_ROUND_TRIPS[store] / peer if what == "round trips" else None,
        )
        for what, unit in (("round trips", ""), ("bytes", "B"))
    ]


def metrics_line(servers: Servers, size: Size) -> Table:
    """Compare the CPU of calls with the line of metrics, and without."""
    rows = []
    for store, title in (("dynamodb", "DynamoDB"), ("redis", "Redis")):
        ground = servers.dynamodb if store == "dynamodb" else servers.redis
        with ExitStack() as stack:
            workers = {}
            for line in ("false", "true"):
                variables = {**ground.plain, "IDEMPOTENCY_METRICS": line}
                workers[line] = start(stack, store, ["ours"], variables, ground.compiled)["ours"]
            for kind, name in FIRST_AND_REPLAY.items():
                calls = size.calls_on(title)[1_000]
                found = sampled(workers, size.rounds, kind, size=1_000, calls=calls)
                off, on = map(median, by_clock(found, "cpu").values())
                rows.append([f"{name}, {title}", f"{off:.0f}", f"{on:.0f}", f"{on - off:+.0f}"])
    return Table(
        title="The line of metrics: CPU of calls of 1 KB",
        head=["", "without, µs", "with, µs", "adds, µs"],
        rows=rows,
        note="Written to a file that forgets it. `metrics=False` switches it off.",
    )


def write_units() -> Table:
    """Compute the write units of records, with their data compressed and plain."""
    rows = []
    for response, about in {1_000: "1 KB", **RESPONSES}.items():
        text = json.dumps({"statusCode": 200, "orders": orders(response)}, separators=(",", ":"))
        packed = pack(Returned(None, data=text), max_data=None).data
        assert packed is not None
        sizes = len(text.encode()), len(packed)
        units = [-(-(one + _OTHER_ATTRIBUTES) // 1024) for one in sizes]
        rows.append(
            [about, *(f"{one:,}" for one in sizes), *map(str, units), f"{units[1] / units[0]:.2f}"]
        )
    return Table(
        title="Stored answers: DynamoDB's write units",
        head=["answer", "bytes", "compressed", "units", "compressed", "ratio"],
        rows=rows,
        note="A first call costs a unit more, for its claim; a replay costs the same units again. "
        "Powertools stores the text as it is.",
    )


def sampled(
    workers: Mapping[str, Worker], rounds: int, task: str, *, warm_up: bool = True, **options: Any
) -> dict[str, list[dict[str, float]]]:
    """Run a task on all workers in interleaved rounds; return the results of each worker."""
    tasks = {name: partial(worker.do, task, **options) for name, worker in workers.items()}
    return interleaved(rounds, tasks, warm_up=warm_up)


def by_clock(found: Mapping[str, list[dict[str, float]]], clock: str) -> dict[str, list[float]]:
    """Return the `cpu` or `wall` samples of each worker."""
    return {name: [one[clock] for one in results] for name, results in found.items()}


def _counted_call(worker: Worker, counter: Counter, kind: str) -> dict[str, float]:
    """Count a run of calls, less the first calls that are a part of it."""
    calls = 20
    firsts = {"first": 0, "replay": calls, "in_progress": 1}[kind]
    before = counter.counts()
    worker.do(kind, size=1_000, calls=calls)
    between = counter.counts()
    if firsts:
        worker.do("first", size=1_000, calls=firsts)
    after = counter.counts()
    return _per(calls, {what: 2 * between[what] - before[what] - after[what] for what in before})


def _counted_batch(worker: Worker, counter: Counter) -> dict[str, float]:
    batches = 5
    worker.do("batch", size=1_000, calls=1)  # opens connections, loads scripts
    before = counter.counts()
    worker.do("batch", size=1_000, calls=batches)
    after = counter.counts()
    return _per(batches, {what: after[what] - before[what] for what in before})


def _per(number: int, counts: Mapping[str, int]) -> dict[str, float]:
    return {
        "round trips": counts["requests"] / number,
        "bytes": (counts["received"] + counts["sent"]) / number,
    }
