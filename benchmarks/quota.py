"""What a 128 MB function feels: a fourteenth of a core, by stopping and resuming the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from benchmarks.measures import Measure, Size, interleaved
from benchmarks.workers import Worker

GROUP: Final = "A 128 MB function: wall time on a fourteenth of a core"

SHARE: Final = 128 / 1769
"""Of a core: Lambda gives one whole core at 1769 MB, and in proportion below."""

PERIOD: Final = 0.028
"""Seconds, of which the process runs two thousandths."""


@contextmanager
def rationed(pid: int, *, really: bool = True) -> Iterator[None]:
    """Lets the process run for `SHARE` of each period."""
    if not really:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_ration, args=(pid, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _ration(pid: int, over: threading.Event) -> None:
    with suppress(ProcessLookupError):  # it has ended
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            over.wait(PERIOD * (1 - SHARE))
            os.kill(pid, signal.SIGCONT)
            over.wait(PERIOD * SHARE)


def warm_calls(stores: Mapping[str, Mapping[str, Worker]], size: Size) -> list[Measure]:
    """Wall time of warm calls of 1 KB under the quota."""
    measures = []
    for store, workers in stores.items():
        calls = size.calls_on(store)[1_000] // 3
        for kind, title in (("first", "first call"), ("replay", "replay")):
            tasks = {
                name: partial(_rationed_call, workers[name], kind, calls)
                for name in ("ours", "powertools")
            }
            measures.append(
                Measure(
                    group=GROUP,
                    name=f"{title}, 1 KB, {store}",
                    unit="ms",
                    samples=interleaved(size.few_rounds, tasks, warm_up=False),
                    plotted=True,
                )
            )
    return measures


def _rationed_call(worker: Worker, kind: str, calls: int) -> float:
    with rationed(worker.pid):
        return worker.do(kind, size=1_000, calls=calls)["wall"] / 1000
