"""The rows of the benchmark, their statistics and their JSON; the size of a run; its rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any, Final, TypeAlias, TypeVar

Samples: TypeAlias = Sequence[float]
"""One value for each round."""

Name = TypeVar("Name")
Value = TypeVar("Value")

CALLS: Final = {"first": "first call", "replay": "replay"}
"""The two kinds of warm calls, and their titles."""


TITLES: Final = {
    "ours": "ours",
    "powertools": "Powertools",
    "by meaning": "Powertools, by meaning",
    "idemkit": "idemkit",
    "durable": "durable SDK, in memory",
    "boto3": "raw boto3",
    "redis-py": "raw redis-py",
    "floor": "floor",
    "silent": "without the line",
    "alone": "alone",
    "other": "other checkout",
}
"""The columns and their titles."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measure: the samples of each subject, and the target of the ratio of ours to the peer's.

    `key` names it in pages and tests. `what` says what is measured. Without a `peer` there is no
    ratio. The floor may be missing.
    """

    key: str
    group: str
    name: str
    unit: str
    what: str
    samples: Mapping[str, Samples]
    peer: str | None = "powertools"
    target: float | None = None

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios of ours to the peer's."""
        return median(self._ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the rounds' ratios."""
        return quartiles(self._ratios)

    @property
    def met(self) -> bool | None:
        """True if the ratio is within its target; None if it has none."""
        return None if self.target is None else self.ratio <= self.target

    @property
    def _ratios(self) -> Samples:
        assert self.peer is not None, f"{self.key} has no ratio"
        pairs = zip(self.samples["ours"], self.samples[self.peer], strict=True)
        return [ours / peer for ours, peer in pairs]


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that a run found: the machine and the versions, the rows, and what could not be run."""

    machine: Mapping[str, str]
    rows: Sequence[Row]
    missing: Sequence[str]

    def row(self, key: str) -> Row:
        """Return the row of this key."""
        return next(row for row in self.rows if row.key == key)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; samples have four digits."""
        rows = [
            {
                **asdict(row),
                "samples": {
                    name: [float(f"{value:.4g}") for value in values]
                    for name, values in row.samples.items()
                },
            }
            for row in self.rows
        ]
        return {"machine": dict(self.machine), "missing": list(self.missing), "rows": rows}

    def rounded(self) -> Run:
        """Return the run as its JSON has it."""
        return Run.from_json(self.to_json())

    @staticmethod
    def from_json(found: Any) -> Run:
        """Return the run of such an object."""
        rows = [Row(**row) for row in found["rows"]]
        return Run(machine=found["machine"], missing=found["missing"], rows=rows)


@dataclass(frozen=True, kw_only=True)
class Size:
    """The amount of work in a run: rounds, and the calls of one round by payload size in bytes."""

    rounds: int
    cold_rounds: int
    few_rounds: int
    calls: Mapping[int, int]
    soak_calls: int
    functions: Sequence[int]


FULL: Final = Size(
    rounds=11,
    cold_rounds=9,
    few_rounds=5,
    calls={1_000: 150, 10_000: 60, 30_000: 30, 100_000: 15},
    soak_calls=20_000,
    functions=(1, 10, 100),
)


def smoke(rounds: int) -> Size:
    """Return a size that runs every part with few calls, too few for credible numbers."""
    return Size(
        rounds=rounds,
        cold_rounds=rounds,
        few_rounds=1,
        calls={1_000: 40, 10_000: 10, 30_000: 6, 100_000: 4},
        soak_calls=1_000,
        functions=(1,),
    )


def interleaved(
    rounds: int, tasks: Mapping[Name, Callable[[], Value]], *, warm_up: bool = True
) -> dict[Name, list[Value]]:
    """Run every task in every round, so that a noisy minute affects all of them.

    The samples of a first round, the warm-up, are dropped.
    """
    found: dict[Name, list[Value]] = {name: [] for name in tasks}
    names = list(tasks)
    for turn in range(-1 if warm_up else 0, rounds):
        for name in names:
            value = tasks[name]()
            if turn >= 0:
                found[name].append(value)
        names = [*names[1:], names[0]]
    return found


def quartiles(values: Samples) -> tuple[float, float]:
    """Return the first and third quartiles; for a single value, the value itself."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high
