"""What large answers cost: time, bytes that are stored, and DynamoDB's write units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.measures import Measure, Size, Table, interleaved
from benchmarks.payloads import orders
from benchmarks.workers import Worker
from lambda_idempotency.protocol.steps import Returned
from lambda_idempotency.response.compression import pack

SIZES: Final = {10_000: "10 KB", 100_000: "100 KB"}
_OTHER: Final = 400
"""Bytes, about, of a record's other attributes."""


def large_answers(store: str, workers: Mapping[str, Worker], size: Size) -> list[Measure]:
    """CPU of calls of 1 KB that answer with more; ours compresses, the others do not."""
    measures = []
    for answer, about in SIZES.items():
        for kind, title in (("first", "first call"), ("replay", "replay")):
            calls = size.calls_on(store)[100_000]
            tasks = {
                name: partial(worker.do, kind, size=1_000, calls=calls, answer=answer)
                for name, worker in workers.items()
            }
            found = interleaved(size.rounds, tasks)
            measures.append(
                Measure(
                    group=f"CPU per call with a large answer, {store}",
                    name=f"{title}, {about} of JSON",
                    unit="µs",
                    samples={name: [one["cpu"] for one in ones] for name, ones in found.items()},
                )
            )
    return measures


def stored() -> Table:
    """Bytes and units of the records, compressed and as they are."""
    rows = []
    for answer, about in {1_000: "1 KB", **SIZES}.items():
        text = json.dumps({"statusCode": 200, "orders": orders(answer)}, separators=(",", ":"))
        packed = pack(Returned(None, data=text), max_data=None).data
        assert packed is not None
        sizes = len(text.encode()), len(packed)
        units = [-(-(one + _OTHER) // 1024) for one in sizes]
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
