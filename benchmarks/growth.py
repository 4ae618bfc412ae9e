"""How cost grows: with callers at once, with attached functions, and over many calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.measures import Size, Table, interleaved
from benchmarks.subjects import environment
from benchmarks.workers import Worker, python_path, start
from kit.aws.local import ROOT

PAIR: Final = ("ours", "powertools")


def concurrency(store: str, workers: Mapping[str, Worker], size: Size) -> Table:
    """First calls by several threads on one store."""
    chosen = {name: workers[name] for name in PAIR}
    calls = {"DynamoDB": 256, "Redis": 1_024}[store]
    rows = []
    for callers in size.callers:
        tasks = {
            name: partial(worker.do, "concurrent", size=1_000, calls=calls, callers=callers)
            for name, worker in chosen.items()
        }
        found = interleaved(size.few_rounds, tasks, warm_up=False)
        cpu, wall = (
            [median([one[clock] for one in found[name]]) for name in chosen]
            for clock in ("cpu", "wall")
        )
        rows.append(
            [
                str(callers),
                *(f"{time:.0f}" for time in (*cpu, *wall)),
                f"{wall[0] / wall[1]:.2f}",
            ]
        )
    return Table(
        title=f"Callers at once: first calls of 1 KB on one store, {store}",
        head=["threads", "CPU, µs: ours", "Powertools", "wall, µs: ours", "Powertools", "ratio"],
        rows=rows,
        note="Wall time is that of all calls over their number. Python runs one thread at a time.",
    )


def synthesis(directory: Path, size: Size) -> Table:
    """`app.synth()` with attached functions, and with the same functions alone."""
    rows = []
    for functions, stacks in size.synths:
        tasks = {
            kind: partial(_synth, directory / f"{functions}-{kind}", functions, stacks, kind)
            for kind in ("alone", "attached")
        }
        rounds = min(size.few_rounds, 2) if functions <= 10 else 1
        found = interleaved(rounds, tasks, warm_up=False)
        alone, attached = (median(times) for times in found.values())
        each = (attached - alone) / functions * 1000
        times = (f"{attached:.2f}", f"{alone:.2f}", f"{each:.0f}")
        rows.append([f"{functions} in {stacks}", *times])
    return Table(
        title="Attached functions at synthesis",
        head=["functions in stacks", "attached, s", "alone, s", "each adds, ms"],
        rows=rows,
        note="Building the tree and `app.synth()`, each time in a fresh process; wall time.",
    )


def memory(
    variables: Mapping[str, str], redis: Mapping[str, str], packages: Path, size: Size
) -> Table:
    """Resident memory over many calls, half of them replays, after a fifth to warm up."""
    many, some, few = (size.soak_calls // part for part in (1, 10, 40))
    kinds = [
        ("memory", "ours", "ours, MemoryStore, expiring keys", many),
        ("dynamodb", "ours", "ours, DynamoDB, distinct keys", some),
        ("dynamodb", "powertools", "Powertools, DynamoDB, distinct keys", few),
        ("redis", "ours", "ours, Redis, distinct keys", some),
        ("redis", "powertools", "Powertools, Redis, distinct keys", few),
    ]
    rows = []
    for store, column, title, calls in kinds:
        with ExitStack() as stack:
            environment = redis if store == "redis" else variables
            worker = start(stack, store, [column], environment, packages)[column]
            found = worker.do("soak", calls=calls, size=1_000)
        grown = found["after"] - found["before"]
        rows.append(
            [
                title,
                f"{calls:,}",
                *(f"{found[when]:.1f}" for when in ("before", "after")),
                f"{grown:+.1f}",
            ]
        )
    return Table(
        title="Memory over many calls",
        head=["store", "calls", "MiB after a fifth", "MiB at the end", "growth, MiB"],
        rows=rows,
    )


def _synth(output: Path, functions: int, stacks: int, kind: str) -> float:
    """Seconds."""
    paths = python_path(ROOT / "constructs", ROOT / "runtime")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.synth_app", str(functions), str(stacks), kind],
        cwd=ROOT,
        env={**environment(""), "PYTHONPATH": paths, "CDK_OUTDIR": str(output)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"synthesis failed:{os.linesep}{done.stderr}")
    return float(done.stdout)
