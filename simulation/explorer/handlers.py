"""Handlers that take steps, as generators around the protocol's: production's rules for recovery
points, without threads."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from lambda_idempotency.protocol import recovery as production
from lambda_idempotency.protocol.machine import Protocol
from lambda_idempotency.protocol.steps import (
    Call,
    LeaseExpired,
    Progress,
    Raised,
    Returned,
    Run,
)

STEPS: Final = ("s", "t")
"""The names of a handler's steps."""


class StepError(Exception):
    """The error of a step that was not recorded, or did not run."""


STEP_FAILED: Final = Raised(StepError())


class Begin(NamedTuple):
    """The handler begins. Reply: None, or `LeaseExpired`."""

    lease_ms: int | None


class Take(NamedTuple):
    """A step's function runs. Reply: None, or `STEP_FAILED`."""

    name: str
    lease_ms: int | None


class Finish(NamedTuple):
    """The handler ends, having got these steps. Reply: `Returned` or `Raised`."""

    steps: str | None


Inner: TypeAlias = Begin | Take | Finish
Order: TypeAlias = Literal["one by one", "side by side"]


@dataclass(frozen=True)
class Steps:
    """The way in which the handlers of a scenario take their steps."""

    order: Order = "one by one"
    writes: bool = False


def read(steps: str | bytes | None) -> dict[str, str]:
    """Return the steps in a record: who ran each."""
    assert not isinstance(steps, bytes)
    return dict(part.split("=") for part in (steps or "").split(";") if part)


def written(steps: dict[str, str]) -> str:
    """Return steps as a record holds them."""
    return ";".join(f"{name}={value}" for name, value in sorted(steps.items()))


def with_steps(
    protocol: Protocol, call: Call, way: Steps, recovery: ModuleType = production
) -> Generator[Any, Any, Any]:
    """Run a call whose handler takes steps."""
    answer: Any = None
    while True:
        try:
            step = protocol.send(answer)
        except StopIteration as stop:
            return stop.value
        if isinstance(step, Run):
            answer = yield from _handler(call, step, way, recovery)
        else:
            answer = yield step


def _handler(
    call: Call, run: Run, way: Steps, recovery: ModuleType
) -> Generator[Any, Any, Returned | Raised | LeaseExpired]:
    begun = yield Begin(run.lease_ms)
    if isinstance(begun, LeaseExpired):
        return begun
    progress, got = run.progress, read(run.progress.steps)
    missing = tuple(name for name in STEPS if name not in got)
    if way.order == "side by side":
        for name in missing:
            if (yield Take(name, run.lease_ms)) is not None:
                return STEP_FAILED._replace(progress=progress)
    for name in missing:
        if way.order == "one by one" and (yield Take(name, run.lease_ms)) is not None:
            return STEP_FAILED._replace(progress=progress)
        got = {**got, name: call.owner[0]}
        progress, fate = yield from _record(call, run, progress, (got, name, way), recovery)
        if fate == "lost" or (way.writes and fate != "recorded"):
            return STEP_FAILED._replace(progress=progress)
    ended: Returned | Raised = yield Finish(written(got) or None)
    return ended._replace(progress=progress)


def _record(
    call: Call,
    run: Run,
    progress: Progress,
    step: tuple[dict[str, str], str, Steps],
    recovery: ModuleType,
) -> Generator[Any, Any, tuple[Progress, str]]:
    got, name, way = step
    progress, claim = recovery.recovery_point(
        call,
        run.attempt,
        progress,
        written(got),
        lease_ms=call.lease_ms,
        writes=(f"write of {name}",) if way.writes else (),
    )
    reply = yield from recovery.send(claim)
    settled: tuple[Progress, str] = recovery.settled(progress, claim, reply)
    return settled
