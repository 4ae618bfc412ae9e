"""The verdict on a storm: an explanation of each repeated effect and of each answer, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import quantiles

from simulation.histories import Operation, Taken
from simulation.linearizability import NotLinearizableError, Register, UndecidedError, check

TOLERANCE = 0.3
"""Seconds by which callers may see something later than the store did it."""

STATES = 50_000
"""The most states to look at to explain a key; each takes memory for all of its calls."""

_FOREVER = 1e9


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Counts over all keys; `unexplained` and `split` name the keys that must not be."""

    keys: int
    calls: int
    runs: int
    repeats: int
    died: int
    """Runs that were never heard of again."""
    unexplained: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    steps: int = 0
    """Steps that are known to be recorded."""
    repeated_steps: list[str] = field(default_factory=list)
    """Steps that had two results, ran again, or whose writes took effect twice."""
    undecided: list[str] = field(default_factory=list)
    """Keys with too many calls of unknown effect to try all orders; reported, but not a failure."""
    latencies: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Median and 99th percentile by ending, in milliseconds."""

    @property
    def _wrong(self) -> tuple[str, ...]:
        return (*self.unexplained, *self.split, *self.repeated_steps)

    @property
    def holds(self) -> bool:
        """True if the promise was kept."""
        return not self._wrong

    def __str__(self) -> str:
        runs = f"{self.runs:,} runs, of which {self.died} died"
        told = [
            f"{self.calls:,} calls under {self.keys:,} keys: {runs}",
            f"explained repeats    {self.repeats - len(self.unexplained)}",
            f"unexplained repeats  {len(self.unexplained)}",
            f"split answers        {len(self.split)}",
            f"steps recorded       {self.steps:,}",
            f"steps repeated       {len(self.repeated_steps)}",
            f"undecided histories  {len(self.undecided)}",
            *(
                f"{ending:<12} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms"
                for ending, (p50, p99) in self.latencies.items()
            ),
            *(f"NOT EXPLAINED: {why}" for why in self._wrong),
        ]
        return "\n".join(told)


def judge(
    history: Iterable[Operation],
    *,
    lease: float,
    taken: Iterable[Taken] = (),
    written: Mapping[str, int] | None = None,
) -> Verdict:
    """Return the verdict on calls whose names are `key/call`; `lease` in seconds. `taken` are their
    steps, `written` says how often the writes of a step took effect, by key."""
    by_key: dict[str, list[Operation]] = defaultdict(list)
    for call in history:
        by_key[call.name.partition("/")[0]].append(call)
    steps = tuple(taken)
    every = [call for calls in by_key.values() for call in calls]
    runs = [call for call in every if call.ran is not None]
    split: list[str] = []
    undecided: list[str] = []
    for key, calls in by_key.items():
        try:
            split += _splits(key, calls, lease)
        except UndecidedError:
            undecided.append(key)
    first_runs = sum(any(call.ran is not None for call in calls) for calls in by_key.values())
    return Verdict(
        keys=len(by_key),
        calls=len(every),
        runs=len(runs),
        repeats=len(runs) - first_runs,
        died=sum(call.ended is None for call in runs),
        unexplained=[why for calls in by_key.values() for why in _repeats(calls, lease)],
        split=split,
        steps=sum(step.recorded for step in steps),
        repeated_steps=[
            *_repeated_steps(steps, {call.name: call for call in every}, lease),
            *_doubled(written),
        ],
        undecided=undecided,
        latencies=_latencies(every),
    )


def _repeats(calls: list[Operation], lease: float) -> list[str]:
    """Return the runs that began although an earlier run had its answer recorded, or still held
    its lease."""
    runs = sorted((call for call in calls if call.ran is not None), key=lambda call: call.ran or 0)
    found = []
    for number, run in enumerate(runs):
        for before in runs[:number]:
            if not _excused(before, run, lease):
                found.append(f"{run.name} ran after {before.name}, which had not died")
                break
    return found


def _excused(before: Operation, run: Operation, lease: float) -> bool:
    """Tell whether a run may follow another. It may if it was stalled, so that its own lease had
    ended before it began; or if the other raised; or if its lease had ended, and no answer of it is
    known to have been recorded in time."""
    assert before.ran is not None
    assert run.ran is not None
    if before.returned is not None and before.result is None and before.returned <= run.ran:
        return True  # it raised, and let go
    if run.ran - run.called >= lease - TOLERANCE:
        return True
    outlived = run.ran - before.called >= lease - TOLERANCE
    recorded = before.ending in ("executed", "replayed") and (before.ended or 0) <= run.called
    return outlived and not recorded


def _repeated_steps(
    steps: tuple[Taken, ...], calls: Mapping[str, Operation], lease: float
) -> Iterable[str]:
    """Yield the steps of which two results were recorded, and those that ran although their result
    was: an attempt that stood still for its lease may have begun one."""
    by_step: dict[tuple[str, str], list[Taken]] = defaultdict(list)
    for step in steps:
        by_step[step.call.partition("/")[0], step.step].append(step)
    began: dict[str, list[float]] = defaultdict(list)
    for step in steps:
        if step.began is not None:
            began[step.call].append(step.began)
    for (key, name), taken in by_step.items():
        recorded = [step for step in taken if step.recorded and step.got is not None]
        if len(values := {str(step.value) for step in recorded}) > 1:
            yield f"step {name} of {key} had the results {' and '.join(sorted(values))}"
        first = min((step.got for step in recorded if step.got is not None), default=_FOREVER)
        for step in taken:
            if step.began is None or step.began <= first or step.call not in calls:
                continue
            # Each recovery point renews the lease.
            renewed = (at for at in began[step.call] if at < step.began)
            leased = max([calls[step.call].called, *renewed])
            if step.began - leased < lease - TOLERANCE:
                yield f"step {name} ran in {step.call}, and was recorded before"


def _doubled(written: Mapping[str, int] | None) -> Iterable[str]:
    for key, times in (written or {}).items():
        if times > 1:
            yield f"the writes of a step of {key} took effect {times} times"


def _splits(key: str, calls: list[Operation], lease: float) -> list[str]:
    """Return the answers that differ although nobody reported a lost lease, and the histories that
    no register with a lease explains. Raise `UndecidedError`."""
    answers = {call.answer for call in calls if call.ending in ("executed", "replayed")}
    if len(answers) > 1:
        return [f"{key} was answered {' and '.join(sorted(map(str, answers)))}"]
    register = Register(lease=lease, expires_after=_FOREVER, tolerance=TOLERANCE, renewed=True)
    try:
        check(tuple(calls), register, most=STATES)
    except NotLinearizableError as error:
        return [f"{key}: {error}"]
    return []


def median_and_tail(values: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile; zeros if there are no values."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    cuts = quantiles(values, n=100)
    return cuts[49], cuts[98]


def _latencies(calls: list[Operation]) -> dict[str, tuple[float, float]]:
    by_ending: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        if call.ended is not None and call.ending is not None:
            by_ending[call.ending].append((call.ended - call.called) * 1000)
    return {ending: median_and_tail(values) for ending, values in sorted(by_ending.items())}
