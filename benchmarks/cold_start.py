"""Cold starts: a fresh interpreter until the store is ready, and until its first call is made."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

from benchmarks import quota
from benchmarks.cold_code import BARE, CALL, DYNAMODB, REDIS_ATTACHED, REDIS_TOLD
from benchmarks.measures import Measure, Size, abreast, interleaved

BUDGET: Final = 0.25
REDIS_BUDGET: Final = 0.7

Times: TypeAlias = tuple[float, float]
"""Milliseconds of wall time and of CPU."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a store's cold starts take place: the packages, compiled and without byte code, and
    the environment that leads to the server, and to it over TLS where there is TLS."""

    compiled: Path
    bare: Path
    plain: dict[str, str]
    tls: dict[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to start: what, how far, from which packages, against which server."""

    title: str
    code: Mapping[str, str]
    packages: Path
    variables: dict[str, str]
    calls: bool = True
    rationed: bool = False

    def start(self, subject: str) -> Times:
        """A start of one subject."""
        code = self.code[subject] + (CALL if self.calls and subject != BARE else "")
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={
                **self.variables,
                "PYTHONPATH": str(self.packages),
                "PYTHONDONTWRITEBYTECODE": "1",
                # Shown of the main program only, which a handler is not.
                "PYTHONWARNINGS": "ignore::DeprecationWarning",
            },
            stdout=subprocess.DEVNULL,
        )
        with quota.rationed(process.pid, really=self.rationed):
            _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"the cold start of {subject} failed; see above")
        return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def on_dynamodb(ground: Ground, size: Size) -> list[Measure]:
    """Every setting; wall time, and where the server is off the path CPU time too."""
    plain = Setting(
        title="first call made", code=DYNAMODB, packages=ground.compiled, variables=ground.plain
    )
    ready = replace(plain, title="store ready, no call", calls=False)
    measured = partial(_measured, "DynamoDB", size)
    return [
        *measured(plain, budget=BUDGET, plotted=True),
        *measured(ready, budget=BUDGET)[:1],
        *_elsewhere(measured, plain, ground, budget=BUDGET),
    ]


def on_redis(ground: Ground, size: Size) -> list[Measure]:
    """As an attached function starts, which looks up a parameter and a secret; and told both."""
    attached = Setting(
        title="first call made, settings looked up",
        code=REDIS_ATTACHED,
        packages=ground.compiled,
        variables=ground.plain,
    )
    told = replace(attached, title="first call made, settings told", code=REDIS_TOLD)
    ready = replace(told, title="store ready, no call, settings told", calls=False)
    measured = partial(_measured, "Redis", size)
    return [
        *measured(attached, budget=REDIS_BUDGET, plotted=True),
        *measured(told, budget=REDIS_BUDGET, plotted=True),
        *measured(ready, budget=REDIS_BUDGET)[:1],
        *_elsewhere(measured, attached, ground, budget=REDIS_BUDGET),
    ]


def on_128_mb(dynamodb: Ground, redis: Ground, size: Size) -> list[Measure]:
    """The wall time of cold starts under the quota, which leaves room for all at once."""
    settings = {
        store: Setting(
            title=f"cold start until the first call, {store}",
            code=code,
            packages=ground.compiled,
            variables=ground.plain,
            rationed=True,
        )
        for store, code, ground in (
            ("DynamoDB", DYNAMODB, dynamodb),
            ("Redis", REDIS_ATTACHED, redis),
        )
    }
    tasks = {
        (store, subject): partial(setting.start, subject)
        for store, setting in settings.items()
        for subject in (BARE, "ours", "powertools")
    }
    found = abreast(size.few_rounds, tasks)
    measures = []
    for store, setting in settings.items():
        own = {subject: starts for (place, subject), starts in found.items() if place == store}
        measures.append(_measure(quota.GROUP, setting.title, _less_bare(own), 0, plotted=True))
    return measures


def _elsewhere(
    measured: Callable[..., list[Measure]], plain: Setting, ground: Ground, *, budget: float
) -> list[Measure]:
    """The wall time of the same without byte code, and over TLS."""
    uncompiled = replace(plain, title=f"{plain.title}, without .pyc", packages=ground.bare)
    measures = measured(uncompiled, budget=budget, plotted=True)[:1]
    if ground.tls is not None:
        tls = replace(plain, title=f"{plain.title}, over TLS", variables=ground.tls)
        measures += measured(tls, plotted=True)[:1]
    return measures


def _measured(
    store: str, size: Size, setting: Setting, *, budget: float | None = None, plotted: bool = False
) -> list[Measure]:
    """The wall time, and the CPU time."""
    tasks = {subject: partial(setting.start, subject) for subject in setting.code}
    starts = _less_bare(interleaved(size.cold_rounds, tasks))
    group = f"Cold start, {store}, less the bare interpreter"
    return [
        _measure(group, setting.title, starts, 0, budget=budget, plotted=plotted),
        _measure(group, f"{setting.title} (CPU)", starts, 1),
    ]


def _less_bare(found: Mapping[str, Sequence[Times]]) -> dict[str, list[Times]]:
    wall, cpu = (median(times) for times in zip(*found[BARE], strict=True))
    return {
        subject: [(start[0] - wall, start[1] - cpu) for start in starts]
        for subject, starts in found.items()
        if subject != BARE
    }


def _measure(
    group: str,
    name: str,
    starts: Mapping[str, Sequence[Times]],
    clock: int,
    *,
    budget: float | None = None,
    plotted: bool = False,
) -> Measure:
    return Measure(
        group=group,
        name=name,
        unit="ms",
        samples={subject: [times[clock] for times in ones] for subject, ones in starts.items()},
        budget=budget,
        plotted=plotted,
    )
