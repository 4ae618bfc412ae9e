"""The workers of a storm, their random fates, and the trouble of their store.

Workers are ended, stalled past their lease, forked, or have their clocks set, by their process ids.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kit.aws.local import ROOT
from simulation.storm.places import Place
from simulation.storm.worker import FORK, SET_CLOCK, Plan

WORKERS = 8
TROUBLES = 0.2
"""The part of the strokes that hits the store."""


@dataclass
class Fates:
    """The fates of workers so far."""

    killed: int = 0
    stalled: int = 0
    forked: int = 0
    set: int = 0
    """Clocks that were set."""
    troubled: Counter[str] = field(default_factory=Counter)
    """The number of each trouble of the store."""
    stalls: dict[int, float] = field(default_factory=dict)
    """The time at which each stalled worker goes on, by its number."""


class Conductor:
    """The workers of one storm. Use as a context manager: no worker outlives it."""

    def __init__(self, plan: Plan, place: Place, *, seed: int, pause: float) -> None:
        self._plan = plan
        self._pause = pause
        self._troubles = place.troubles
        paths = os.pathsep.join(str(ROOT / part) for part in ("runtime", "tests"))
        self._variables = {**place.variables, "PYTHONPATH": paths}
        self._dice = random.Random(seed)
        self._workers: list[subprocess.Popen[bytes]] = []
        self.fates = Fates()

    def __enter__(self) -> Conductor:
        for _ in range(WORKERS):
            self._workers.append(self._started())
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.wait()

    def storm(self, goes_on: Callable[[Fates], bool]) -> None:
        """Strike until told to stop; then let stalled workers go on. Raise RuntimeError if a worker
        has failed by itself."""
        while goes_on(self.fates):
            time.sleep(self._dice.uniform(0, 2 * self._pause))
            self._wake(time.monotonic())
            if self._dice.random() < TROUBLES:
                what = self._dice.choice(sorted(self._troubles))
                self._troubles[what]()
                self.fates.troubled[what] += 1
            else:
                self._strike(self._dice.randrange(WORKERS))
        self._wake(float("inf"))

    def _strike(self, number: int) -> None:
        worker, fates = self._workers[number], self.fates
        if worker.poll() is not None:
            raise RuntimeError(f"a worker ended with {worker.returncode}; see above")
        if number in fates.stalls:
            return
        fate = self._dice.random()
        if fate < 0.4:
            worker.kill()
            worker.wait()
            fates.killed += 1
            self._workers[number] = self._started()
        elif fate < 0.5:
            worker.send_signal(FORK)
            fates.forked += 1
        elif fate < 0.6:
            worker.send_signal(SET_CLOCK)
            fates.set += 1
        else:
            worker.send_signal(signal.SIGSTOP)
            fates.stalled += 1
            lasts = self._plan.lease * self._dice.uniform(0.5, 2.5)
            fates.stalls[number] = time.monotonic() + lasts

    def _wake(self, now: float) -> None:
        for number in [n for n, until in self.fates.stalls.items() if until <= now]:
            self._workers[number].send_signal(signal.SIGCONT)
            del self.fates.stalls[number]

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "simulation.storm.worker", self._plan.to_text()]
        # What is ignored stays so in the new process, until it listens.
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (FORK, SET_CLOCK)}
        try:
            return subprocess.Popen(command, env=self._variables, stdin=subprocess.DEVNULL)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
