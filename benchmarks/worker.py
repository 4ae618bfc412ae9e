"""One subject in a process of its own, which does what it is told, line by line of JSON.

Started as `python -m benchmarks.worker SUBJECT`; `workers.Worker` is the other end.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.payloads import RECORDS, batches, events, orders
from benchmarks.subjects import SUBJECTS, Handler

logging.getLogger()  # Lambda's own bootstrap has imported it before any handler

CONTEXT: Any = type(
    "Context",
    (),
    {
        "function_name": "bench",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
        "get_remaining_time_in_millis": lambda _: 30_000,
    },
)()


class Worker:
    """The wrapped handler, and the measures of it. Each returns a JSON object."""

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
        """Raises AssertionError unless the subject does what it is measured for."""
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
        """First calls of distinct events; `answer` is how many bytes of JSON they return more."""
        self._answer = {"orders": orders(answer)} if answer else {}
        return self._timed(events(size, calls, whole_floats=whole_floats))

    def replay(self, *, size: int, calls: int, answer: int = 0) -> dict[str, Any]:
        """Replays of events that have just had their first calls."""
        self._answer = {"orders": orders(answer)} if answer else {}
        given = events(size, calls)
        self._call(given)
        return self._timed(given)

    def batch(self, *, size: int, calls: int) -> dict[str, Any]:
        """Batches of distinct records, each of `size` bytes."""
        return _timed(lambda batch: self._batches(batch, CONTEXT), batches(size, calls))

    def redelivered(self, *, size: int, calls: int) -> dict[str, Any]:
        """The same batches, when all their records have been handled."""
        given = batches(size, calls)
        for batch in given:
            self._batches(batch, CONTEXT)
        return _timed(lambda batch: self._batches(batch, CONTEXT), given)

    def in_progress(self, *, size: int, calls: int) -> dict[str, Any]:
        """Duplicates that meet a running attempt: made by the attempt itself, as it runs."""
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
        """First calls by several threads on one store."""
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
        """Growth of memory over many calls, half of them replays.

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


def _timed(call: Callable[[Any], Any], given: list[Any], *, per: int = 0) -> dict[str, Any]:
    """Microseconds of CPU, all threads of the process, and of wall time for one call."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for event in given:
        call(event)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    number = per or len(given)
    return {"cpu": cpu / number * 1e6, "wall": wall / number * 1e6}


def _resident() -> float:
    """MiB of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Serves orders until the pipe is closed."""
    answers = sys.stdout
    with Path(os.devnull).open("w") as log:
        sys.stdout = log  # ours writes its line of metrics for each call, as in Lambda
        worker = Worker(sys.argv[1])
        for line in sys.stdin:
            order = json.loads(line)
            answer = getattr(worker, order.pop("do"))(**order)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
