"""The events that can happen: their kinds, and what each leaves behind."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from lambda_idempotency.protocol.steps import (
    StepResult,
)
from simulation.explorer.backends import Step as ClockStep
from simulation.explorer.invariants import Broken
from simulation.explorer.workers import Local


class Kind(Enum):
    """The kinds of events, in words for a timeline."""

    ANSWERED = "is answered"
    REFUSED = "is refused, for the sake of its writes"
    LOST = "is lost"
    REPLY_LOST = "takes effect, and its reply is lost"
    TWICE = "is sent twice by the client"
    DELAYED = "is given up, and still under way"
    DOUBLED = "is answered, and a copy is still under way"
    LANDS = "lands late"
    UNSENT = "is not sent, since the invocation has ended"
    UNAWAITED = "is sent as the invocation ends, and not awaited"
    SET_BEFORE = "is answered, by a clock that was set before"
    SET_WITHIN = "is answered, and the clock is set meanwhile"
    BEGINS = "begins to run"
    ENDS = "ends its run"
    TAKES = "is run, as a step"
    RUNS = "runs"
    STALLED = "stalls as it starts, and runs"
    LATE = "does not start, since the lease may have ended"
    LEARNS = "learns what has become of the other execution"
    ASKS = "asks what the dead attempt has done"
    WAKES = "wakes up"
    CRASHES = "crashes"
    TIME = "time passes"
    TTL = "TTL deletes the record"
    CLOCK = "clock is set"


class Told(NamedTuple):
    """What a worker is told of another execution, which has these workers. `gives`: the one whose
    answer is its result."""

    state: str
    workers: tuple[int, ...]
    gives: int | None = None


def is_true(told: Told, workers: list[Local], *, stopped: bool) -> bool:
    """Tell whether it is true of an execution, whose invocations these are. One that was `stopped`,
    or deleted, is invoked no more, and whatever its invocation still does is no end of it."""
    ends = {local.end for local in workers} - {""}
    if told.state == "unknown":
        return True
    if stopped:
        return told.state in ("died", "lost")
    if told.state == "running":
        return not ends
    if told.state == "succeeded":
        return ends == {"succeeded"} and any(local.gives == told.gives for local in workers)
    if told.state == "failed":
        return ends == {"failed"}
    return not ends and all(local.node != 0 for local in workers)


class Move(NamedTuple):
    """An event. `local` and `record` are the worker and the record afterwards."""

    kind: Kind
    local: int = 0
    record: int = 0
    cost: int = 0
    message: int | None = None
    """The message that is under way from then on."""
    runs: bool = False
    commits: bool = False
    broken: Broken | None = None
    reply: StepResult = None
    about: str = ""
    """The thing that it happens to, for a timeline."""
    truth: int | Told | None = None
    """What is told of an execution; or the worker whose effect must have happened, or nobody's.
    None: the event needs neither."""
    step: ClockStep | None = None
    """The way in which the worker's clock is set."""


Place: TypeAlias = tuple[int, int, int]
"""Record, moment and drift: all that a worker's move depends on besides the worker."""
