"""`make bench`: this library, its peers and the raw clients, side by side in one run.

It writes `results.json` beside this file, and from it `results.md`, `results.svg` and the figures
of README and docs. With `--rounds` it is a smoke test, which runs every part, but too little for
credible numbers, and writes to `dist/benchmark`. With `--against` it compares two runtimes in
interleaved rounds, and prints a table.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import calls, cold_start, counts, growth, pages, report
from benchmarks.bench import Bench
from benchmarks.measures import FULL, Row, Run, smoke
from benchmarks.packages import RUNTIME, Packages, interpreters, with_peers
from benchmarks.servers import running
from kit.aws.local import ROOT

Part = Callable[[Bench], list[Row]]

COMPARED: Final[Mapping[str, Part]] = {
    "cold starts on DynamoDB": cold_start.on_dynamodb,
    "cold starts on Redis": cold_start.on_redis,
    "peak memory": cold_start.peak_memory,
    "calls on DynamoDB": calls.on_dynamodb,
    "HTTP requests": calls.http,
    "calls on Redis": calls.on_redis,
    "batches": calls.batches,
    "an async handler": calls.async_handler,
    "steps": calls.steps,
    "large answers": calls.large_answers,
    "requests and bytes": counts.at_the_socket,
}
"""The parts that compare two runtimes, too."""
PARTS: Final[Mapping[str, Part]] = {
    **COMPARED,
    "cold starts at 128 MB": cold_start.on_128_mb,
    "the line of metrics": calls.metrics_line,
    "processes at once": growth.processes,
    "memory over calls": growth.memory,
    "synthesis": growth.of_synthesis,
    "the layer": growth.layer,
}


def measure(bench: Bench, parts: Mapping[str, Part]) -> list[Row]:
    """Run the parts; one that fails is told, and the others go on."""
    started = time.monotonic()
    rows: list[Row] = []
    for number, (name, part) in enumerate(parts.items(), start=1):
        print(f"\n[{number}/{len(parts)}, {time.monotonic() - started:.0f} s] {name}", flush=True)
        try:
            found = part(bench)
        except Exception as error:  # noqa: BLE001 - one part must not cost the others
            traceback.print_exc()
            bench.failed.append(f"{name} failed: {type(error).__name__}")
            continue
        print(report.verdicts(found), flush=True)
        rows += found
    return rows


def machine(bench: Bench, note: str) -> dict[str, str]:
    """Describe where a run took place, and with what."""
    peers = (
        *("aws-lambda-powertools", "boto3", "redis", "idemkit"),
        "aws-durable-execution-sdk-python",
        "aws-durable-execution-sdk-python-testing",
    )
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "note": note,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": ", ".join(each.version() for each in bench.packages.values()),
        "peers": bench.mine.versions(*peers),
        "redis": f"Redis {bench.servers.redis.version}",
    }


def prepared(directory: Path, runtime: Path = RUNTIME) -> tuple[dict[str, Packages], list[str]]:
    """Return the packages by version, and what is not here."""
    packages, failed = {}, []
    for version, python in interpreters().items():
        if python is None:
            failed.append(f"Python {version} is not here")
            continue
        try:
            packages[version] = with_peers(directory / version, python, runtime)
        except subprocess.CalledProcessError:
            failed.append(f"the installation for Python {version} failed")
    return packages, failed


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="of a smoke test, or of a comparison")
    parser.add_argument("--against", type=Path, help="the root of another checkout")
    parser.add_argument("--part", default="", help="only parts with this in their name")
    options = parser.parse_args()
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # with the servers
    size = FULL if options.rounds is None else smoke(options.rounds)
    table = COMPARED if options.against else PARTS
    parts = {name: part for name, part in table.items() if options.part in name}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, ExitStack() as stack:
        directory = Path(scratch)
        packages, failed = prepared(directory)
        servers = running(stack, directory)
        bench = Bench(
            servers=servers, packages=packages, size=size, directory=directory, failed=failed
        )
        if options.against:
            theirs = options.against / "runtime" / "lambda_idempotency"
            rounds = options.rounds or FULL.rounds
            bench = replace(
                bench,
                others=prepared(directory / "other", theirs)[0],
                size=replace(FULL, rounds=rounds, cold_rounds=rounds, few_rounds=rounds),
            )
        note = ", a smoke test" if options.rounds else ""
        rows = measure(bench, parts)
        run = Run(machine=machine(bench, note), rows=rows, missing=bench.failed).rounded()
    print(f"\n{len(rows)} rows in {time.monotonic() - started:.0f} s. {'; '.join(bench.failed)}")
    if not options.against:
        whole = options.rounds is None and parts == PARTS
        pages.write(run, Path(__file__).parent if whole else ROOT / "dist" / "benchmark")
        if whole:
            pages.write_figures(run)
    sys.exit(int(any("failed" in each for each in bench.failed)))


def _processor() -> str:
    """Return the name of the processor, where the system tells it."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", path.read_text()) if path.exists() else None
    return found[1] if found else platform.processor()


if __name__ == "__main__":
    main()
