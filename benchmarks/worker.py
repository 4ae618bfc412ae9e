"""The process of one subject, which does tasks that come as lines of JSON.

Started as `python -m benchmarks.worker STORE/COLUMN WORKLOAD`; `workers.Worker` is the other end.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.floor import Handler
from benchmarks.payloads import PAYLOADS, orders
from benchmarks.subjects import SUBJECTS

logging.getLogger()  # Lambda's own bootstrap has imported it before any handler

CONTEXT: Final[Any] = type(
    "Context",
    (),
    {
        "aws_request_id": "00000000-0000-4000-8000-000000000000",
        "function_name": "bench",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
        "get_remaining_time_in_millis": lambda _: 30_000,
    },
)()


BUSY: Final = ("InProgressError", "IdempotencyAlreadyInProgressError", "BusyError")
"""The errors of a duplicate of a running attempt."""


class Tasks:
    """The wrapped function, and its measurements. Each returns a JSON object."""

    def __init__(self, subject: str, workload: str) -> None:
        self._workload = workload
        self._inside: Callable[[], None] | None = None
        self._ran = 0
        self._answer: dict[str, Any] = {}

        def function(event: Any, context: Any) -> Any:  # noqa: ARG001 - as handlers are called
            return self._effect()

        self._handler: Handler = SUBJECTS[subject](workload, function)

    def _effect(self) -> dict[str, Any]:
        self._ran += 1
        if self._inside is not None:
            self._inside()
        if self._workload == "http":
            headers = {"content-type": "application/json"}
            return {"statusCode": 201, "headers": headers, "body": '{"charged":39.98}'}
        return {"statusCode": 200, "charged": 39.98, **self._answer}

    def check(self, *, replays: bool) -> dict[str, Any]:
        """Assert that each payload has its effect once, or each time if nothing `replays`."""
        one, other = self._payloads(1_000, 2, **self._batch_of(2))
        effects = {"batch": 2, "steps": 3}.get(self._workload, 1)
        first = self._handler(one, CONTEXT)
        assert self._ran == effects, "it did not run"
        if replays:
            again = self._handler(json.loads(json.dumps(one)), CONTEXT)
            assert _without_mark(again) == _without_mark(first), "not the first answer"
            assert self._ran == effects, "a duplicate ran"
        self._handler(other, CONTEXT)
        assert self._ran == 2 * effects, "a distinct payload did not run"
        return {}

    def first(self, *, size: int, calls: int, records: int = 10, answer: int = 0) -> dict[str, Any]:
        """Time first calls; `answer`: bytes of JSON to add to each answer."""
        self._answer = {"orders": orders(answer)} if answer else {}
        return self._timed(self._payloads(size, calls, **self._batch_of(records)))

    def replay(
        self, *, size: int, calls: int, records: int = 10, answer: int = 0
    ) -> dict[str, Any]:
        """Time replays of payloads that have just had their first calls."""
        self._answer = {"orders": orders(answer)} if answer else {}
        given = self._payloads(size, calls, **self._batch_of(records))
        for payload in given:
            self._handler(payload, CONTEXT)
        before = self._ran
        found = self._timed(given)
        assert self._ran == before, "a duplicate ran"
        return found

    def in_progress(self, *, size: int, calls: int) -> dict[str, Any]:
        """Time duplicates of a running attempt, which sends them itself."""
        (payload,) = self._payloads(size, 1)
        found: dict[str, Any] = {}

        def refused(given: Any) -> None:
            try:
                self._handler(given, CONTEXT)
            except Exception as error:
                if type(error).__name__ not in BUSY:
                    raise
                return
            raise AssertionError("a duplicate was not refused")

        def inside() -> None:
            self._inside = None
            found.update(_timed(refused, [payload] * calls))

        self._inside = inside
        self._handler(payload, CONTEXT)
        return found

    def soak(self, *, calls: int, size: int) -> dict[str, Any]:
        """Measure the growth of memory over distinct calls, after a fifth of them."""
        before = 0.0
        for done in range(0, calls, 100):
            if before == 0 and done >= calls // 5:
                before = _resident()
            for payload in self._payloads(size, 100):
                self._handler(payload, CONTEXT)
        gc.collect()
        return {"growth": _resident() - before}

    def _payloads(self, size: int, number: int, **options: int) -> list[Any]:
        return [PAYLOADS[self._workload](size, **options) for _ in range(number)]

    def _batch_of(self, records: int) -> dict[str, int]:
        return {"records": records} if self._workload == "batch" else {}

    def _timed(self, given: list[Any]) -> dict[str, Any]:
        return _timed(lambda payload: self._handler(payload, CONTEXT), given)


def _without_mark(answer: Any) -> Any:
    """Return an answer without the header that marks a replay."""
    if not isinstance(answer, dict) or "headers" not in answer:
        return answer
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    headers.pop("idempotency-replayed", None)
    return {**answer, "headers": headers}


def _timed(call: Callable[[Any], Any], given: list[Any]) -> dict[str, Any]:
    """Return the microseconds of one call: CPU of all threads, and wall time."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for payload in given:
        call(payload)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / len(given) * 1e6, "wall": wall / len(given) * 1e6}


def _resident() -> float:
    """Return the resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Do tasks until the pipe is closed."""
    answers = sys.stdout
    with Path(os.devnull).open("w") as log:
        sys.stdout = log  # ours writes its line of metrics for each call, as in Lambda
        tasks = Tasks(*sys.argv[1:])
        for line in sys.stdin:
            options = json.loads(line)
            answer = getattr(tasks, options.pop("do"))(**options)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
