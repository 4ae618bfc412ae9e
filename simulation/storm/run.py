"""`make storm STORE=dynamodb|redis SECONDS=60`: real processes on a real store, many of which die.

Eight workers call one idempotent handler under skewed keys; it takes two steps. They are killed and
stalled past their leases at random, forked, and their clocks are set; meanwhile the store is
restarted, paused or silent, or its user's rights are revoked. The storm ends with a verdict, and
with exit status 1 if the promise was not kept.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from simulation.histories import read, read_steps
from simulation.storm.broken import Break
from simulation.storm.conductor import Conductor, Fates
from simulation.storm.places import place_of
from simulation.storm.verdict import Verdict, judge, median_and_tail
from simulation.storm.worker import Plan, StoreName


def storm(
    store: StoreName,
    goes_on: Callable[[Path, Fates], bool],
    *,
    seed: int,
    pause: float = 0.4,
    broken: Break | None = None,
) -> Verdict:
    """Run a storm, and return its verdict. `goes_on` decides after each stroke of fate whether it
    continues; `pause`: about the seconds between two strokes."""
    with tempfile.TemporaryDirectory(prefix="storm-") as directory, place_of(store) as place:
        history = Path(directory) / "history.jsonl"
        history.touch()
        plan = Plan(store=store, port=place.port, history=str(history), broken=broken)
        with Conductor(plan, place, seed=seed, pause=pause) as conductor:
            conductor.storm(lambda fates: goes_on(history, fates))
        return judge(
            read(history), lease=plan.lease, taken=read_steps(history), written=place.written()
        )


class Shown:
    """The progress of the storm: a line that changes, or outside a terminal a line now and then."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._next = 0.0
        self._live = sys.stdout.isatty()
        self._offset = 0
        self._runs = 0
        self._called: dict[str, float] = {}
        self._took: dict[str, list[float]] = {"executed": [], "replayed": [], "busy": []}

    def tell(self, history: Path, fates: Fates) -> bool:
        """Show the progress, every second or every five; return true while time is left."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + (1 if self._live else 5)
            self._read(history)
            line = self._line(max(self._ends - now, 0), fates)
            print(f"\r{line}" if self._live else line, end="" if self._live else "\n", flush=True)
        return now < self._ends

    def end(self) -> None:
        """End the line that changes."""
        if self._live:
            print()

    def _line(self, left: float, fates: Fates) -> str:
        return (
            f"{left:3.0f} s left  {self._runs:,} runs ({self._times('executed')})  "
            f"{len(self._took['replayed']):,} replays ({self._times('replayed')})  "
            f"{len(self._took['busy']):,} refused  {fates.killed} killed  {fates.stalled} stalled  "
            f"{fates.forked} forked  {fates.set} clocks set  {fates.troubled.total()} troubles"
        )

    def _times(self, ending: str) -> str:
        """Return the times of the last thousand calls, in milliseconds."""
        p50, p99 = median_and_tail(self._took[ending][-1000:])
        return f"p50 {p50:.1f} p99 {p99:.1f} ms"

    def _read(self, history: Path) -> None:
        with history.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for seen in map(json.loads, whole.splitlines()):
            if "called" in seen:
                self._called[seen["name"]] = seen["called"]
            elif "ran" in seen:
                self._runs += 1
            elif seen.get("ending") in self._took:
                took = seen["ended"] - self._called.pop(seen["name"])
                self._took[seen["ending"]].append(took * 1000)


def main() -> None:
    """Run a storm, print the verdict, and exit with it."""
    store, seconds = sys.argv[1], float(sys.argv[2])
    if store not in get_args(StoreName):
        sys.exit(f"STORE is {store!r}; expected {' or '.join(get_args(StoreName))}")
    seed = random.randrange(10**6)
    shown = Shown(seconds)
    verdict = storm(store, shown.tell, seed=seed)  # type: ignore[arg-type]  # it is one of them
    shown.end()
    print(verdict)
    if not verdict.holds:
        sys.exit("The promise was not kept.")
    print("Every effect and every answer is explained.")


if __name__ == "__main__":
    main()
