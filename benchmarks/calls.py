"""CPU and wall time of warm calls, on servers and without I/O; what passes the socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

from benchmarks.measures import Measure, Size, interleaved
from benchmarks.workers import Worker

KINDS: Final = {
    "first": "first call",
    "replay": "replay",
    "in_progress": "in-progress verdict",
}
PAYLOADS: Final = {1_000: "1 KB", 100_000: "100 KB", 1_000_000: "1 MB"}

_BUDGETS: Final = {
    "DynamoDB": {"first": 0.25, "replay": 0.22},
    "Redis": {"first": 0.7, "replay": 0.4},
}
_WITHOUT_IO: Final = {1_000: 1.0, 100_000: 0.4}


class Counter(Protocol):
    """What stands at the socket."""

    def counts(self) -> dict[str, int]:
        """Requests, and bytes received and sent, so far."""
        ...


def per_call(store: str, workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """CPU and wall time on a server, at every payload size."""
    measures = {}
    for payload, about in PAYLOADS.items():
        for kind, title in KINDS.items():
            found = _sampled(workers, size, kind, payload, size.calls_on(store)[payload])
            for clock in ("cpu", "wall"):
                measures[clock, kind, payload] = Measure(
                    group=f"{clock.upper() if clock == 'cpu' else 'Wall'} per call, {store}",
                    name=f"{title}, {about}",
                    unit="µs",
                    samples={name: [one[clock] for one in ones] for name, ones in found.items()},
                    budget=_BUDGETS[store].get(kind) if clock == "cpu" else None,
                    plotted=clock == "cpu",
                )
    return [measure for key, measure in measures.items() if key[0] == "cpu"] + [
        measure for key, measure in measures.items() if key[0] == "wall"
    ]


def without_io(workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """CPU of first calls on stores in memory."""
    kinds: list[tuple[int, bool]] = [(1_000, False), (100_000, False), (100_000, True)]
    measures = []
    for payload, whole_floats in kinds:
        found = _sampled(
            workers, size, "first", payload, size.calls[payload], whole_floats=whole_floats
        )
        measures.append(
            Measure(
                group="CPU per call without I/O",
                name=f"first call, {PAYLOADS[payload]}"
                + (", its prices whole floats" if whole_floats else ""),
                unit="µs",
                samples={name: [one["cpu"] for one in ones] for name, ones in found.items()},
                budget=None if whole_floats else _WITHOUT_IO[payload],
                plotted=not whole_floats,
            )
        )
    return measures


def at_the_socket(store: str, workers: Mapping[str, Worker], counter: Counter) -> list[Measure]:
    """Round trips, and bytes of HTTP or RESP, of one call."""
    counted = {
        name: {kind: _counted(worker, counter, kind) for kind in KINDS}
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


def _sampled(
    workers: Mapping[str, Worker], size: Size, kind: str, payload: int, number: int, **options: bool
) -> dict[str, list[dict[str, float]]]:
    tasks: dict[str, Callable[[], dict[str, float]]] = {
        name: partial(worker.do, kind, size=payload, calls=number, **options)
        for name, worker in workers.items()
    }
    return interleaved(size.rounds, tasks)


def _counted(worker: Worker, counter: Counter, kind: str) -> dict[str, float]:
    """Counts a batch, less the first calls that are a part of it."""
    calls = 20
    firsts = {"first": 0, "replay": calls, "in_progress": 1}[kind]
    before = counter.counts()
    worker.do(kind, size=1_000, calls=calls)
    between = counter.counts()
    if firsts:
        worker.do("first", size=1_000, calls=firsts)
    after = counter.counts()
    own = {what: 2 * between[what] - before[what] - after[what] for what in before}
    return {
        "round trips": own["requests"] / calls,
        "bytes": (own["received"] + own["sent"]) / calls,
    }
