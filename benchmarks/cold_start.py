"""Cold starts: a fresh interpreter until the answer of its first call; its peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import functions
from benchmarks.bench import Bench
from benchmarks.measures import Row, Samples, interleaved
from benchmarks.packages import Packages
from benchmarks.workers import SHARE, small_share

Start = Callable[[Packages, str, Mapping[str, str]], float]
"""Starts code in an interpreter, and returns what is measured."""

BARE: Final = "bare"
GROUP: Final = "Cold start to the first answer"
TLS_TARGETS: Final = {"3.11": 0.14, "3.12": 0.17, "3.13": 0.17}
_ALL: Final = "CPU of a new process until its first answer, less that of the bare interpreter. "


def on_dynamodb(bench: Bench) -> list[Row]:
    """Measure DynamoDB in clear, and over TLS with each interpreter."""
    plain = _Kind(
        key="cold dynamodb",
        name="DynamoDB, without TLS",
        what=_ALL + "To a custom endpoint.",
        code=functions.DYNAMODB,
        environment="dynamodb",
    )
    rows = [plain.row(bench)]
    for version in bench.packages:
        kind = _Kind(
            key=f"cold dynamodb tls {version}",
            name=f"DynamoDB over TLS, Python {version}",
            what=_ALL + "AWS's host name leads to loopback, where a CA of the run signed; ours "
            "finds it as one of Amazon's five roots in the system's bundle, the peer loads all "
            "roots, the floor one.",
            code=functions.OVER_TLS,
            environment="dynamodb-tls",
            target=TLS_TARGETS.get(version),
            version=version,
        )
        rows.append(kind.row(bench))
    bundle = _Kind(
        key="cold dynamodb bundle",
        name="DynamoDB over TLS, `AWS_CA_BUNDLE` set",
        what=_ALL + "Ours, too, loads all roots.",
        code=functions.OVER_TLS_BUNDLE,
        environment="dynamodb-tls",
    )
    return [*rows, bundle.row(bench)]


def roots_of_ours(bench: Bench) -> int:
    """Return how many roots ours has loaded over TLS: the figures are of those of Amazon alone."""
    code = functions.OVER_TLS["ours"] + functions.CALL + functions.ROOTS
    variables = bench.servers.variables["dynamodb-tls"]
    process = bench.mine.run(["-c", code], variables, stdout=subprocess.PIPE)
    return int(process.communicate()[0].splitlines()[-1])


def on_redis(bench: Bench) -> list[Row]:
    """Measure Redis with its settings told and looked up, with the user's client, over TLS."""
    told = _Kind(
        key="cold redis told",
        name="Redis, settings told",
        what=_ALL + "Address and password are in the environment; ours has its own client.",
        code=functions.REDIS_TOLD,
        environment="redis",
        target=0.22,
    )
    mixed = {**functions.REDIS_TOLD, "ours": functions.REDIS_LOOKED_UP["ours"]}
    looked_up = _Kind(
        key="cold redis looked up",
        name="Redis, settings looked up, the peer's with boto3",
        what=_ALL + "Address in SSM, password in Secrets Manager: ours reads them itself.",
        code=functions.REDIS_LOOKED_UP,
        environment="redis",
        target=0.17,
    )
    brought = _Kind(
        key="cold redis brought",
        name="Redis, a client of the user's",
        what=_ALL + "Both have a `redis.Redis()`.",
        code=functions.REDIS_BROUGHT,
        environment="redis",
    )
    kept = {name: code for name, code in mixed.items() if name in ("ours", "powertools", "floor")}
    samples = told.samples(bench)
    return [
        told.to_peer(bench, samples, "powertools"),
        replace(
            told, key=f"{told.key} idemkit", name=f"{told.name}, to idemkit", target=0.40
        ).to_peer(bench, samples, "idemkit"),
        looked_up.row(bench),
        replace(
            looked_up,
            key="cold redis attached",
            name="Redis, ours looked up, the peer's told",
            what=_ALL + "Ours as attached, the peer as its users write it: all in the environment.",
            code=kept,
            target=None,
        ).row(bench),
        brought.row(bench),
        replace(
            told,
            target=None,
            key="cold redis tls",
            name="Redis over TLS, settings told",
            what=_ALL + "All load all roots of the system; the floor one.",
            environment="redis-tls",
        ).row(bench),
    ]


def on_128_mb(bench: Bench) -> list[Row]:
    """Measure the time of cold starts with the CPU of a small function."""
    with small_share() as place:
        how = "Wall time under the kernel's quota of CPU" if place else "CPU time over the share"
        what = (
            f"{how}: {SHARE:.3f} of a core, as Lambda gives; less the bare interpreter's. Else as "
            "above."
        )
        start = partial(_wall_time, place) if place else _rationed_time
        few = ("ours", "powertools", "floor")
        kinds: list[tuple[str, Mapping[str, str], str, float | None]] = [
            ("DynamoDB over TLS", functions.OVER_TLS, "dynamodb-tls", None),
            ("Redis, settings told", functions.REDIS_TOLD, "redis", 0.20),
            ("Redis, settings looked up", functions.REDIS_LOOKED_UP, "redis", None),
        ]
        return [
            _Kind(
                key=f"cold 128 {name}",
                group="Cold start at 128 MB",
                name=f"{name}, 128 MB",
                what=what,
                code={column: code[column] for column in few},
                environment=environment,
                target=target,
                start=start,
                rounds=bench.size.few_rounds,
            ).row(bench)
            for name, code, environment, target in kinds
        ]


def peak_memory(bench: Bench) -> list[Row]:
    """Measure the memory of the processes."""
    if not Path("/proc/self/status").exists():
        bench.failed.append("peak memory is read from Linux's /proc")
        return []
    return [
        _Kind(
            key=f"memory {name}",
            group="Peak memory above the interpreter's",
            name=name,
            unit="MiB",
            what="Resident memory of the process at its peak, after one call, less that of the "
            "bare interpreter.",
            code=code,
            environment=environment,
            target=target,
            start=_peak,
            rounds=bench.size.few_rounds,
        ).row(bench)
        for name, code, environment, target in (
            ("DynamoDB over TLS", functions.OVER_TLS, "dynamodb-tls", 0.30),
            ("Redis, settings told", functions.REDIS_TOLD, "redis", 0.32),
        )
    ]


def _cpu_time(packages: Packages, code: str, variables: Mapping[str, str]) -> float:
    return _run(packages, code, variables)[1]


def _wall_time(
    place: Callable[[int], None], packages: Packages, code: str, variables: Mapping[str, str]
) -> float:
    return _run(packages, code, variables, preexec_fn=lambda: place(os.getpid()))[0]


def _rationed_time(packages: Packages, code: str, variables: Mapping[str, str]) -> float:
    return _run(packages, code, variables)[1] / SHARE


def _peak(packages: Packages, code: str, variables: Mapping[str, str]) -> float:
    command = ["-c", f"{code or 'import os'}{functions.PEAK}"]
    process = packages.run(command, variables, stdout=subprocess.PIPE)
    kibibytes, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError("a cold start failed; see above")
    return int(kibibytes.splitlines()[-1]) / 1024


def _run(
    packages: Packages, code: str, variables: Mapping[str, str], **options: Any
) -> tuple[float, float]:
    """Return the milliseconds of wall time and of CPU. Raises RuntimeError if it fails."""
    started = time.perf_counter()
    command = ["-c", code]
    process = packages.run(command, variables, stdout=subprocess.DEVNULL, **options)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"a cold start failed, see above:\n{code}")
    return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """A kind of cold start: the code of each column, and what its row says."""

    key: str
    name: str
    what: str
    code: Mapping[str, str]
    environment: str
    target: float | None = None
    group: str = GROUP
    unit: str = "ms"
    start: Start = _cpu_time
    rounds: int | None = None
    version: str = ""

    def row(self, bench: Bench) -> Row:
        """Measure it against Powertools."""
        return self.to_peer(bench, self.samples(bench), "powertools")

    def to_peer(self, bench: Bench, samples: Mapping[str, Samples], peer: str) -> Row:
        """Return the row of its samples against a peer."""
        return bench.row(
            samples,
            peer=peer,
            key=self.key,
            group=self.group,
            name=self.name,
            unit=self.unit,
            what=self.what,
            target=self.target,
        )

    def samples(self, bench: Bench) -> dict[str, Samples]:
        """Measure each column; subtract the median of the bare interpreter."""
        variables = bench.servers.variables[self.environment]
        tasks = {}
        for column, (code, packages) in bench.cast(self.code, self.version).items():
            tasks[column] = partial(self.start, packages, code + functions.CALL, variables)
            tasks[BARE] = partial(self.start, packages, "", variables)
        found = interleaved(self.rounds or bench.size.cold_rounds, tasks)
        bare = median(found.pop(BARE))
        return {column: [value - bare for value in values] for column, values in found.items()}
