"""`make bench`: this library, Powertools and raw boto3, side by side in one run.

Writes `results.md` and `results.svg` beside this file. `--quick` is a smoke test: it measures
everything, but too little to be believed, and writes to a directory of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import calls, cold_start, growth, quota
from benchmarks.measures import FULL, QUICK, Measure, Size, Table
from benchmarks.plot import svg
from benchmarks.report import markdown, verdicts
from benchmarks.trees import trees
from benchmarks.workers import Stub, start


def measured(size: Size, directory: Path) -> tuple[list[Measure], list[Table]]:
    """The whole run."""
    compiled, bare = trees(directory)
    with ExitStack() as stack:
        stub = stack.enter_context(Stub())
        clients = start(stack, stub.endpoint, compiled, "ours", "powertools", "boto3", "floor")
        memories = start(stack, stub.endpoint, compiled, "ours-memory", "powertools-memory")
        in_memory = {name.removesuffix("-memory"): worker for name, worker in memories.items()}
        steps: list[Callable[[], list[Measure]]] = [
            lambda: cold_start.cold_starts(compiled, bare, stub, directory, size),
            lambda: calls.on_dynamodb(clients, size),
            lambda: calls.without_io(in_memory, size),
            lambda: [cold_start.on_128_mb(compiled, stub, size), *quota.warm_calls(clients, size)],
            lambda: calls.at_the_socket(clients, stub),
        ]
        measures = []
        for step in steps:
            found = step()
            print(verdicts(found), flush=True)
            measures += found
        tables = [
            growth.concurrency(clients, size),
            growth.synthesis(directory, size),
            growth.memory(stub, compiled, size),
        ]
    return measures, tables


def main() -> None:
    """Measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        measures, tables = measured(QUICK if quick else FULL, Path(directory))
    output = Path(tempfile.mkdtemp(prefix="bench-quick-")) if quick else Path(__file__).parent
    (output / "results.md").write_text(markdown(measures, tables, quick=quick))
    (output / "results.svg").write_text(svg([one for one in measures if one.plotted]))
    print(f"\n{output / 'results.md'}, in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
