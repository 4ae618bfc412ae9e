"""The process of one subject: it makes payloads, and does tasks that come as lines of JSON.

Started as `python -m benchmarks.worker SUBJECT`; `workers.Worker` is the other end.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.subjects import SUBJECTS, Handler

logging.getLogger()  # Lambda's own bootstrap has imported it before any handler

CONTEXT: Final[Any] = type(
    "Context",
    (),
    {
        "function_name": "bench",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
        "get_remaining_time_in_millis": lambda _: 30_000,
    },
)()

_LINE: Final = {
    "sku": "A-1001",
    "title": "Crème brûlée dishes, set of 6",
    "quantity": 2,
    "tags": ["kitchen", "gift"],
    "note": None,
    "wrapped": False,
    "parcel": {"weight_kg": 1.75, "fragile": True},
}
_RUN: Final = os.urandom(8).hex()
_NUMBERS: Final = count()

RECORDS: Final = 10
"""The records of one batch."""


class Tasks:
    """The wrapped handler, and its measurements. Each returns a JSON object."""

    def __init__(self, name: str) -> None:
        self._subject = SUBJECTS[name]()
        self._inside: Callable[[], None] | None = None
        self._ran = 0
        self._handler: Handler = self._subject.wrap(lambda event, _: self._body(event))
        self._batches: Handler = self._subject.wrap_records(lambda *_: self._count())
        self._answer: dict[str, Any] = {}

    def _body(self, event: Any) -> Any:
        self._ran += 1
        if self._inside is not None:
            self._inside()
        answer = {"statusCode": 200, "order_id": event["order_id"], "charged": 39.98}
        return {**answer, **self._answer}

    def _count(self) -> None:
        self._ran += 1

    def check(self) -> dict[str, Any]:
        """Assert that the subject does what it is measured for."""
        one, other = events(100, 2)
        assert self._handler(one, CONTEXT) == self._handler(dict(one), CONTEXT)
        assert self._ran == 1, "a duplicate ran"
        assert self._handler(other, CONTEXT)["order_id"] == other["order_id"]
        assert self._ran == 2, "a distinct request did not run"
        self.in_progress(size=100, calls=2)
        assert self._ran == 3, "a duplicate ran beside its first"
        (batch,) = batches(100, 1)
        for _ in range(2):
            assert self._batches(batch, CONTEXT) == {"batchItemFailures": []}
        assert self._ran == 3 + RECORDS, "not each record ran once"
        return {}

    def first(
        self, *, size: int, calls: int, whole_floats: bool = False, answer: int = 0
    ) -> dict[str, Any]:
        """Time first calls of distinct events; `answer`: bytes of JSON to add to each response."""
        self._answer = {"orders": orders(answer)} if answer else {}
        return self._timed(events(size, calls, whole_floats=whole_floats))

    def replay(self, *, size: int, calls: int, answer: int = 0) -> dict[str, Any]:
        """Time replays of events that have just had their first calls."""
        self._answer = {"orders": orders(answer)} if answer else {}
        given = events(size, calls)
        self._call(given)
        return self._timed(given)

    def batch(self, *, size: int, calls: int) -> dict[str, Any]:
        """Time batches of distinct records, each of `size` bytes."""
        return _timed(lambda batch: self._batches(batch, CONTEXT), batches(size, calls))

    def redelivered(self, *, size: int, calls: int) -> dict[str, Any]:
        """Time batches whose records have all been handled before."""
        given = batches(size, calls)
        for batch in given:
            self._batches(batch, CONTEXT)
        return _timed(lambda batch: self._batches(batch, CONTEXT), given)

    def in_progress(self, *, size: int, calls: int) -> dict[str, Any]:
        """Time duplicates of a running attempt, which sends them itself."""
        (event,) = events(size, 1)
        found: dict[str, Any] = {}

        def refused(_: Any) -> None:
            try:
                self._handler(event, CONTEXT)
            except self._subject.busy:
                return
            raise AssertionError("a duplicate was not refused")

        def inside() -> None:
            self._inside = None
            found.update(_timed(refused, [event] * calls))

        self._inside = inside
        self._handler(event, CONTEXT)
        return found

    def concurrent(self, *, size: int, calls: int, callers: int) -> dict[str, Any]:
        """Time first calls by several threads on one store."""
        given = events(size, calls)
        gate = threading.Barrier(callers + 1)

        def caller(mine: list[Any]) -> None:
            gate.wait()
            self._call(mine)
            gate.wait()

        for n in range(callers):
            threading.Thread(target=caller, args=(given[n::callers],), daemon=True).start()
        before = self._ran
        found = _timed(lambda _: (gate.wait(60), gate.wait(60)), [None], per=calls)
        assert self._ran - before == calls, "a call did not run"
        return found

    def soak(self, *, calls: int, size: int) -> dict[str, Any]:
        """Measure the memory of the process over many calls, half of them replays.

        On a store in memory the same keys come again and again, each time after they expired.
        """
        keys = events(size, 100)
        before = 0.0
        for done in range(0, calls, 2 * len(keys)):
            if before == 0 and done >= calls // 5:
                before = _resident()
            self._call(keys)
            self._call(keys)
            if self._subject.later is not None:
                self._subject.later(2 * 24 * 3600)
            else:
                keys = events(size, len(keys))
        gc.collect()
        return {"before": before, "after": _resident(), "ran": self._ran}

    def _timed(self, given: list[Any]) -> dict[str, Any]:
        return _timed(lambda event: self._handler(event, CONTEXT), given)

    def _call(self, given: list[Any]) -> None:
        for event in given:
            self._handler(event, CONTEXT)


def events(size: int, number: int, *, whole_floats: bool = False) -> list[dict[str, Any]]:
    """Return distinct events of about `size` bytes of JSON, which share their equal parts."""
    lines = _lines(size, 20.0 if whole_floats else 19.99)
    return [
        {"order_id": f"{_RUN}-{next(_NUMBERS):08}", "customer": "c-42", "lines": lines}
        for _ in range(number)
    ]


@cache
def orders(size: int) -> list[dict[str, Any]]:
    """Return about `size` bytes of JSON, whose rows differ as those of a database do."""
    dice = random.Random(1)
    found: list[dict[str, Any]] = []
    for left in range(size, 0, -100):
        amount, customer = dice.randrange(10_000), f"customer-{dice.randrange(10**6)}"
        status = dice.choice(("paid", "open", "shipped"))
        order = f"{dice.getrandbits(64):016x}-{left}"
        found.append({"order": order, "status": status, "amount": amount, "customer": customer})
    return found


def batches(size: int, number: int) -> list[dict[str, Any]]:
    """Return events of SQS, of ten distinct messages of about `size` bytes each."""
    return [
        {"Records": [_message(event) for event in events(size, RECORDS)]} for _ in range(number)
    ]


def _message(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": event["order_id"],
        "receiptHandle": "handle",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
        "awsRegion": "us-east-1",
    }


@cache
def _lines(size: int, price: float) -> Any:
    line = {**_LINE, "price": price}
    each = len(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()) + 1
    # A round trip, for a parser's shared names and separate values.
    return json.loads(json.dumps([{**line, "line": n} for n in range(max(1, size // each))]))


def _timed(call: Callable[[Any], Any], given: list[Any], *, per: int = 0) -> dict[str, Any]:
    """Return the microseconds of one call: CPU of all threads, and wall time."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for event in given:
        call(event)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    number = per or len(given)
    return {"cpu": cpu / number * 1e6, "wall": wall / number * 1e6}


def _resident() -> float:
    """Return the resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Do tasks until the pipe is closed."""
    answers = sys.stdout
    with Path(os.devnull).open("w") as log:
        sys.stdout = log  # ours writes its line of metrics for each call, as in Lambda
        tasks = Tasks(sys.argv[1])
        for line in sys.stdin:
            options = json.loads(line)
            answer = getattr(tasks, options.pop("do"))(**options)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
