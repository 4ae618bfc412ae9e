"""What all parts of a run share: servers, packages, the size, and workers in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.measures import Row, Samples, Size, interleaved
from benchmarks.packages import Packages
from benchmarks.servers import Servers
from benchmarks.workers import Worker

Columns: TypeAlias = Mapping[str, str]
"""Columns of a table, and the subject in each."""
Workers: TypeAlias = Mapping[str, Worker]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The servers, and the packages by the version of their interpreter; this one comes first.

    With `others`, packages with the runtime of another checkout, the columns are ours and that.
    """

    servers: Servers
    packages: Mapping[str, Packages]
    size: Size
    directory: Path
    others: Mapping[str, Packages] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @property
    def mine(self) -> Packages:
        """The packages of this interpreter."""
        return next(iter(self.packages.values()))

    def cast(self, columns: Columns, version: str = "") -> dict[str, tuple[str, Packages]]:
        """Return the subject of each column, and its packages: of this interpreter, or another."""
        version = version or next(iter(self.packages))
        packages = self.packages[version]
        if self.others:
            mine = columns["ours"]
            return {"ours": (mine, packages), "other": (mine, self.others[version])}
        return {column: (subject, packages) for column, subject in columns.items()}

    @contextmanager
    def workers(
        self,
        environment: str,
        columns: Columns,
        workload: str = "event",
        variables: Mapping[str, str] | None = None,
    ) -> Iterator[Workers]:
        """Start a checked worker for each column, and end it."""
        store = environment.partition("-")[0]
        variables = {**self.servers.variables[environment], **(variables or {})}
        with ExitStack() as stack:
            workers = {}
            for column, (subject, packages) in self.cast(columns).items():
                worker = Worker(f"{store}/{subject}", workload, variables, packages)
                stack.callback(worker.stop)
                worker.do("check", replays=subject != "durable")
                workers[column] = worker
            yield workers

    def sampled(
        self, workers: Workers, task: str, *, size: int, rounds: int | None = None, **options: Any
    ) -> dict[str, list[dict[str, float]]]:
        """Run a task on all workers in interleaved rounds; return the results of each worker."""
        options = {"calls": self.size.calls[size], **options, "size": size}
        tasks = {name: partial(worker.do, task, **options) for name, worker in workers.items()}
        return interleaved(rounds or self.size.rounds, tasks)

    def row(
        self, samples: Mapping[str, Samples], *, peer: str | None = "powertools", **about: Any
    ) -> Row:
        """Return a row; one of a comparison has no target."""
        if self.others:
            about.pop("target", None)
            peer = "other"
        return Row(samples=samples, peer=peer, **about)


def by_clock(found: Mapping[str, Sequence[Mapping[str, float]]], clock: str) -> dict[str, Samples]:
    """Return the `cpu` or `wall` samples of each worker."""
    return {name: [one[clock] for one in results] for name, results in found.items()}
