"""Measures with a ratio and a budget, tables of everything else, and the size of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final, TypeAlias, TypeVar

Samples: TypeAlias = Sequence[float]
"""One value for each round."""

Name = TypeVar("Name")
Value = TypeVar("Value")

SUBJECTS: Final = {
    "ours": "ours",
    "powertools": "Powertools",
    "boto3": "raw boto3",
    "redis-py": "raw redis-py",
    "floor": "floor",
    "other": "other runtime",
}
"""The columns and their titles."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One row: the samples of each subject, and the budget of the ratio of ours to the peer's."""

    group: str
    name: str
    unit: str
    samples: Mapping[str, Samples]
    budget: float | None = None
    plotted: bool = False
    peer: str = "powertools"

    @property
    def ratio(self) -> float:
        """The median of ours, divided by the peer's."""
        return median(self.samples["ours"]) / median(self.samples[self.peer])

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the rounds' ratios."""
        pairs = zip(self.samples["ours"], self.samples[self.peer], strict=True)
        return quartiles([ours / peer for ours, peer in pairs])

    @property
    def met(self) -> bool | None:
        """True if the ratio is within its budget; None if it has none."""
        return None if self.budget is None else round(self.ratio, 2) <= self.budget


@dataclass(frozen=True, kw_only=True)
class Table:
    """Results that are not one ratio to the peer."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Size:
    """The amount of work in a run: rounds, and the calls of one round by payload size in bytes."""

    rounds: int
    cold_rounds: int
    few_rounds: int
    calls: Mapping[int, int]
    redis_calls: Mapping[int, int]
    soak_calls: int
    callers: Sequence[int]
    records: Sequence[int]
    synths: Sequence[tuple[int, int]] = field(default=())

    def calls_on(self, store: str) -> Mapping[int, int]:
        """Return the calls of a round; more on Redis, where a call is short beside the noise."""
        return self.redis_calls if store == "Redis" else self.calls


FULL: Final = Size(
    rounds=7,
    cold_rounds=5,
    few_rounds=3,
    calls={1_000: 80, 100_000: 12, 1_000_000: 2},
    redis_calls={1_000: 300, 100_000: 12, 1_000_000: 2},
    soak_calls=100_000,
    callers=(1, 2, 4, 8, 16, 32, 64),
    records=(0, 10_000, 1_000_000),
    synths=((1, 1), (10, 1), (100, 1), (300, 3)),
)


def smoke(rounds: int) -> Size:
    """Return a size that runs every part with few calls, too few for credible numbers."""
    return Size(
        rounds=rounds,
        cold_rounds=max(rounds // 2, 1),
        few_rounds=max(rounds // 2, 1),
        calls={1_000: 20, 100_000: 4, 1_000_000: 1},
        redis_calls={1_000: 100, 100_000: 4, 1_000_000: 1},
        soak_calls=20_000,
        callers=(1, 64),
        records=(0, 10_000),
        synths=((1, 1),),
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


def abreast(rounds: int, tasks: Mapping[Name, Callable[[], Value]]) -> dict[Name, list[Value]]:
    """Run every task in every round, all tasks of a round at once: for those that mostly wait."""
    found: dict[Name, list[Value]] = {name: [] for name in tasks}
    with ThreadPoolExecutor(len(tasks)) as pool:
        for _ in range(rounds):
            started = {name: pool.submit(task) for name, task in tasks.items()}
            for name, future in started.items():
                found[name].append(future.result())
    return found


def quartiles(values: Samples) -> tuple[float, float]:
    """Return the first and third quartiles; for a single value, the value itself."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high
