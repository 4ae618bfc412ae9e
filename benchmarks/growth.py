"""Growth of cost: with processes at once, with calls, with attached functions; the layer's size.

`python -m benchmarks.growth OUTPUT FUNCTIONS attached|alone` prints the seconds of one synthesis.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import mean
from typing import Final

from benchmarks.bench import Bench
from benchmarks.measures import Row, interleaved
from benchmarks.workers import Worker, lambda_environment
from kit.aws.local import ROOT

PAIR: Final = {"ours": "ours", "powertools": "powertools"}
PROCESSES: Final = (1, 2, 4, 8)
PEER_LAYER: Final = ("aws_lambda_powertools", "jmespath", "redis", "typing_extensions")


def processes(bench: Bench) -> list[Row]:
    """Measure first calls by several processes at once."""
    rows = []
    for store in ("DynamoDB", "Redis"):
        with ExitStack() as stack:
            crews = [
                stack.enter_context(bench.workers(store.lower(), PAIR))
                for _ in range(PROCESSES[-1])
            ]
            for number in PROCESSES:
                tasks = {
                    column: partial(_at_once, bench, [crew[column] for crew in crews[:number]])
                    for column in crews[0]
                }
                found = interleaved(bench.size.few_rounds, tasks)
                rows.append(
                    bench.row(
                        found,
                        key=f"processes {store} {number}",
                        group=f"Processes at once, {store}",
                        name=f"first call, 1 KB, processes: {number}",
                        unit="µs",
                        what="CPU of a call; all processes call one store at once.",
                    )
                )
    return rows


def _at_once(bench: Bench, workers: list[Worker]) -> float:
    calls = bench.size.calls[1_000]
    with ThreadPoolExecutor(len(workers)) as pool:
        asked = [pool.submit(one.do, "first", size=1_000, calls=calls) for one in workers]
        return mean(each.result()["cpu"] for each in asked)


def memory(bench: Bench) -> list[Row]:
    """Measure how the memory of a process grows with its calls."""
    rows = []
    calls = bench.size.soak_calls
    for store in ("DynamoDB", "Redis"):
        with bench.workers(store.lower(), {"ours": "ours"}) as workers:
            grown = {
                name: [worker.do("soak", calls=calls, size=1_000)["growth"]]
                for name, worker in workers.items()
            }
        rows.append(
            bench.row(
                grown,
                key=f"soak {store}",
                group="Growth of memory with calls",
                name=f"{store}, {calls:,} calls",
                unit="MiB",
                what="Resident memory at the end, less that after a fifth of the calls.",
                peer=None,
            )
        )
    return rows


def of_synthesis(bench: Bench) -> list[Row]:
    """Measure the synthesis of attached functions and of the same functions alone."""
    rows = []
    for number in bench.size.functions:
        tasks = {
            "ours": partial(_synthesis, bench.directory / f"attached-{number}", number, "attached"),
            "alone": partial(_synthesis, bench.directory / f"alone-{number}", number, "alone"),
        }
        rows.append(
            Row(
                key=f"synthesis {number}",
                group="Synthesis",
                name=f"{number} functions",
                unit="s",
                what="Building the tree and `app.synth()` in a fresh process, wall time: functions "
                "that are attached, and the same alone.",
                samples=interleaved(min(bench.size.few_rounds, 2), tasks, warm_up=False),
                peer="alone",
            )
        )
    return rows


def layer(bench: Bench) -> list[Row]:
    """Measure the layers, zipped."""
    output = bench.directory / "layer"
    _synthesis(output, 1, "attached")
    [built] = output.glob("idempotency-layer.*")
    peers = bench.mine.directories[0]
    return [
        Row(
            key="layer",
            group="Layer",
            name="zipped, Redis",
            unit="KB",
            what="What a function on Redis ships: ours as the construct builds it, the peer and "
            "redis-py as pip installs them, all with byte code. Lambda has boto3. Ours without its "
            "sources would be within the target: they serve tracebacks, and the versions of Python "
            "that the byte code does not fit.",
            samples={"ours": [_zipped([built])], "powertools": [_zipped(_shipped(peers))]},
            target=0.15,
        )
    ]


def _shipped(peers: Path) -> list[Path]:
    """Return what pip installs of the peer's layer."""
    return [
        path
        for path in peers.iterdir()
        if path.name.partition("-")[0].removesuffix(".py") in PEER_LAYER
    ]


def _zipped(paths: list[Path]) -> float:
    """Return the kilobytes of files and directories in a zip file."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for path in paths:
            for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
                file.write(each, each.relative_to(path.parent))
    return len(packed.getvalue()) / 1000


def _synthesis(output: Path, functions: int, kind: str) -> float:
    """Synthesize in a fresh process; return the seconds."""
    paths = (ROOT / "constructs", ROOT / "runtime", ROOT, ROOT / "tests")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", str(output), str(functions), kind],
        env={**lambda_environment(None), "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the synthesis failed:\n{done.stderr}")
    return float(done.stdout)


def synthesize(output: str, functions: int, *, attached: bool) -> None:
    """Build and synthesize an app of many functions; print the seconds."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_lambda as lambda_

    from cdk_idempotency import Idempotency

    app = App(analytics_reporting=False, outdir=output)
    started = time.perf_counter()
    stack = Stack(app, "Stack")
    idempotency = Idempotency(stack, "Idempotency", key="id") if attached else None
    for number in range(functions):
        function = lambda_.Function(
            stack,
            f"Function{number}",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): return event"),
        )
        if idempotency is not None:
            idempotency.attach(function)
    app.synth()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    synthesize(sys.argv[1], int(sys.argv[2]), attached=sys.argv[3] == "attached")
