"""A batch of ten records: time on servers, and what passes the socket."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.calls import Counter
from benchmarks.measures import Measure, Size, interleaved
from benchmarks.workers import Worker

KINDS: Final = {"batch": "batch of 10", "redelivered": "the same again"}
_SIZE: Final = 1_000
_ROUND_TRIPS: Final = {"DynamoDB": 20, "Redis": 11}
"""Of a first delivery by ours; the peer's is the budget where it is one."""


def per_batch(store: str, workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """CPU and wall time."""
    measures = []
    for kind, title in KINDS.items():
        calls = max(size.calls_on(store)[_SIZE] // 10, 2)
        tasks = {
            name: partial(worker.do, kind, size=_SIZE, calls=calls)
            for name, worker in workers.items()
        }
        found = interleaved(size.rounds, tasks)
        measures += [
            Measure(
                group=f"A batch of 10 messages of 1 KB, {store}",
                name=f"{clock}, {title}",
                unit="µs",
                samples={name: [one[key] for one in ones] for name, ones in found.items()},
                plotted=key == "cpu" and kind == "batch",
            )
            for key, clock in (("cpu", "CPU"), ("wall", "wall"))
        ]
    return measures


def batches_at_the_socket(
    store: str, workers: Mapping[str, Worker], counter: Counter
) -> list[Measure]:
    """Round trips, and bytes of HTTP or RESP, of one batch that is delivered first."""
    counted = {name: _counted(worker, counter) for name, worker in workers.items()}
    peer = counted["powertools"]["round trips"]
    return [
        Measure(
            group=f"At the socket, a batch of 10 messages of 1 KB, {store}",
            name=what,
            unit=unit,
            samples={name: [found[what]] for name, found in counted.items()},
            budget=_ROUND_TRIPS[store] / peer if what == "round trips" else None,
        )
        for what, unit in (("round trips", ""), ("bytes", "B"))
    ]


def _counted(worker: Worker, counter: Counter) -> dict[str, float]:
    calls = 5
    worker.do("batch", size=_SIZE, calls=1)  # connections are open, scripts are known
    before = counter.counts()
    worker.do("batch", size=_SIZE, calls=calls)
    after = counter.counts()
    own = {what: after[what] - before[what] for what in before}
    return {
        "round trips": own["requests"] / calls,
        "bytes": (own["received"] + own["sent"]) / calls,
    }
