"""The scenarios to explore: callers, clocks, the number of faults, and the time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from lambda_idempotency.protocol.steps import Call
from simulation.explorer.backends import KEY
from simulation.explorer.handlers import Steps

SECOND: Final = 1000
HOUR: Final = 3600 * SECOND
LEASE: Final = 10 * SECOND
EXPIRES_AFTER: Final = 10 * SECOND
START: Final = 1_000_000 * SECOND
SKEW: Final = SECOND // 2
"""The milliseconds by which a clock may be wrong, either way: two differ by at most a second."""

Ending: TypeAlias = Literal["returns", "raises", "is not kept", "suspends"]
"""The end of a handler, once its effect has happened."""


@dataclass(frozen=True)
class Scenario:
    """One space of schedules: all that can happen to these calls under one key."""

    name: str
    calls: tuple[Call, ...]
    faults: int
    """The number of faults: requests and replies lost, delayed or doubled, and clocks set."""
    seconds: tuple[int, ...]
    """The moments at which something can happen. Leases and expiries are 10 s."""
    worker_clocks: bool = False
    """Each worker's own clock decides, as with DynamoDB; otherwise the store's."""
    skews: tuple[int, ...] = (0,)
    """The errors of a clock, in milliseconds; setting a clock from one to another is a fault."""
    endings: tuple[Ending, ...] = ("returns", "raises")
    commits: bool = False
    """Handlers register writes, which take effect with the answer or not at all."""
    patience: int | None = None
    """The time that a request may be under way, in milliseconds; None: without limit."""
    deadline: int | None = None
    """The second at which the first call's invocation ends: from then on it sends its completion,
    whose answer it does not await, and nothing else."""
    handlers: Steps | None = None
    """The way in which handlers take steps; None: they take none."""
    steps: bool = False
    """A worker's wall clock may be set by an hour, before a request or while it is under way."""

    @property
    def durable(self) -> bool:
        """True if the calls are invocations of durable executions."""
        return any(call.execution is not None for call in self.calls)

    def siblings(self, worker: int) -> list[int]:
        """Return the invocations of a worker's execution, itself among them; they take turns."""
        owner = self.calls[worker].owner
        return [index for index, call in enumerate(self.calls) if call.owner == owner]

    @property
    def times(self) -> tuple[int, ...]:
        """The moments, in epoch milliseconds."""
        return tuple(START + second * SECOND for second in self.seconds)

    @property
    def early(self) -> int:
        """The most that a clock may be ahead, in milliseconds."""
        return max(self.skews)

    @property
    def expires_after(self) -> int:
        """The time that an answer is kept, in milliseconds."""
        return self.calls[0].expires_after_ms

    @property
    def parks(self) -> bool:
        """True if one dead attempt is too many."""
        return any(call.max_attempts == 1 for call in self.calls)

    @property
    def reconciles(self) -> bool:
        """True if calls ask what a dead attempt has done."""
        return any(call.reconciles for call in self.calls)

    @property
    def renews(self) -> bool:
        """True if heartbeats renew leases while handlers run."""
        return any(call.renews for call in self.calls)

    def is_over(self, worker: int, time: int) -> bool:
        """Return True once a worker's invocation has ended."""
        return worker == 0 and self.deadline is not None and time >= START + self.deadline * SECOND

    def smaller(self, *, faults: int, moments: int) -> Scenario:
        """Return a part of this space."""
        return replace(
            self, faults=min(faults, self.faults), seconds=self.seconds[: max(moments, 1)]
        )


NAMES: Final = "abc"


def calls(number: int, **options: Any) -> tuple[Call, ...]:
    """Return so many duplicates of one request."""
    return tuple(_call(name, **options) for name in NAMES[:number])


def executions(*, resumed: bool, **options: Any) -> tuple[Call, ...]:
    """Return two invocations of one durable execution, and one of another. `resumed`: the second
    one knows that the first has come to a checkpoint."""

    def call(name: str, **more: Any) -> Call:
        return _call(name, reenters=True, execution=f"arn:{name}", **options, **more)

    return call("a"), call("a", resumed=resumed), call("c")


def other_payload() -> Call:
    """Return a third call, with the key of the others and another payload."""
    return _call(NAMES[2], fingerprint="other payload")


def _call(name: str, **options: Any) -> Call:
    call = Call(
        key=KEY,
        owner=name * 32,
        lease_ms=LEASE,
        expires_after_ms=EXPIRES_AFTER,
        fingerprint="payload",
    )
    return call._replace(**options)


LEASES: Final = (0, 10, 20, 30, 40)
"""The beginning of a lease, its end, and so on: a time between them is like the moment before."""

EDGES: Final = (0, 9, 10, 19, 20, 29, 30)
"""These and the moments just before a lease's end, when a skewed clock sees it as past."""

SET: Final = (0, 9, 10, 20)

SKEWED: Final[dict[str, Any]] = {"seconds": EDGES, "skews": (-SKEW, 0, SKEW)}
WORKER_CLOCKS: Final[dict[str, Any]] = {**SKEWED, "worker_clocks": True}
KEPT: Final = 20 * SECOND
LONG: Final = 1000 * SECOND

SCENARIOS: Final = (
    Scenario(
        "two", calls(2), faults=4, seconds=LEASES, endings=("returns", "raises", "is not kept")
    ),
    Scenario("three", calls(3), faults=2, seconds=LEASES),
    Scenario("clocks-two", calls(2), faults=2, **WORKER_CLOCKS),
    Scenario("clocks-three", calls(3), faults=1, **WORKER_CLOCKS),
    Scenario("store-clock", calls(2), faults=2, **SKEWED),
    # A call that waits may find its own claim when the lease is almost over.
    Scenario("waiting", calls(3, wait_ms=15 * SECOND), faults=1, seconds=(0, 9, 10, 20, 30)),
    Scenario("payloads", (*calls(2), other_payload()), faults=1, seconds=LEASES),
    Scenario("parking", calls(3, max_attempts=1), faults=2, seconds=LEASES),
    Scenario("reconciling", calls(3, reconciles=True), faults=1, seconds=LEASES),
    Scenario("fail-open", calls(3, fail_open=True), faults=1, seconds=LEASES),
    # Nothing ends an attempt at its deadline: it runs on, and its heartbeat with it, or without.
    Scenario("renewing", calls(2, renews=True), faults=2, seconds=LEASES),
    Scenario("renewing-clocks", calls(2, renews=True), faults=1, **WORKER_CLOCKS),
    Scenario("deadline", calls(3), faults=1, seconds=(0, 9, 10, 20, 30), deadline=9),
    Scenario("clocks-set", calls(2), faults=2, steps=True, **{**WORKER_CLOCKS, "seconds": SET}),
    # Commits demand that no request outlives the answer that it asks for.
    Scenario(
        "commits",
        calls(3, expires_after_ms=KEPT),
        faults=2,
        seconds=LEASES,
        commits=True,
        patience=KEPT,
    ),
    Scenario(
        "commits-open",
        calls(2, expires_after_ms=KEPT, fail_open=True),
        faults=2,
        seconds=LEASES,
        commits=True,
        patience=KEPT,
    ),
    Scenario(
        "commits-clocks",
        calls(2, expires_after_ms=KEPT),
        faults=2,
        commits=True,
        patience=KEPT - SECOND,
        **WORKER_CLOCKS,
    ),
    # Executions that outlive invocations. Nothing expires: what is forgotten may run again. With
    # two faults, late copies of a claim and of a write on its behalf can count a death too many.
    Scenario(
        "executions",
        executions(resumed=True, expires_after_ms=LONG),
        faults=1,
        seconds=(0, 10, 20),
        endings=("returns", "raises", "suspends"),
    ),
    Scenario(
        "executions-reconciling",
        executions(resumed=False, expires_after_ms=LONG, reconciles=True),
        faults=1,
        seconds=(0, 10),
        endings=("returns", "raises", "suspends"),
    ),
    # Recovery points. Nothing expires: that a step runs again after that is no fault.
    Scenario(
        "steps",
        calls(2, expires_after_ms=LONG),
        faults=2,
        seconds=(0, 10, 20),
        handlers=Steps(),
    ),
    Scenario(
        "steps-side-by-side",
        calls(2, expires_after_ms=LONG),
        faults=2,
        seconds=(0, 10, 20),
        handlers=Steps(order="side by side"),
    ),
    Scenario(
        "steps-three",
        calls(3, expires_after_ms=LONG, max_attempts=1),
        faults=1,
        seconds=(0, 10, 20),
        handlers=Steps(),
    ),
    Scenario(
        "steps-writes",
        calls(2, expires_after_ms=LONG),
        faults=2,
        seconds=(0, 10, 20),
        handlers=Steps(writes=True),
    ),
    Scenario(
        "steps-clocks",
        calls(2, expires_after_ms=LONG),
        faults=1,
        handlers=Steps(),
        **{**WORKER_CLOCKS, "seconds": SET},
    ),
    Scenario(
        "steps-writes-clocks",
        calls(2, expires_after_ms=LONG),
        faults=1,
        handlers=Steps(writes=True),
        **{**WORKER_CLOCKS, "seconds": SET},
    ),
)


def scenario(name: str) -> Scenario:
    """Return the scenario of this name. Raise KeyError if there is none."""
    return {found.name: found for found in SCENARIOS}[name]
