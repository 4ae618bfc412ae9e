"""Checks of a state itself: the workers that may complete now, and what a newcomer would meet."""

from __future__ import annotations

from typing import Final

from lambda_idempotency.protocol.record import (
    COMPLETED,
    INPROGRESS,
    PARKED,
    PARKED_FOR_MS,
    Applied,
    Record,
)
from lambda_idempotency.protocol.steps import (
    Complete,
    Outcome,
    Read,
    Reconcile,
    Release,
    Run,
    SendClaim,
    Step,
)
from simulation.explorer.automaton import advance
from simulation.explorer.invariants import NO_BLOCK, ONE_OWNER, Broken
from simulation.explorer.scenarios import HOUR, LEASE, NAMES, SECOND
from simulation.explorer.world import State, World

NEWCOMER: Final = "f" * 32
MOST_REQUESTS: Final = 8
"""The requests after which a call that has not decided never will."""


class Probes:
    """Checks of states; what they depend on recurs, so each check is made once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._subject = world.subject
        self._blocks: dict[tuple[int, int], Broken | None] = {}
        self._completing: list[dict[int, bool]] = [{} for _ in world.scenario.calls]
        call = world.scenario.calls[0]
        self._newcomer = call._replace(
            owner=NEWCOMER,
            wait_ms=0,
            max_attempts=None,
            fail_open=False,
            execution=None,
            reenters=False,
        )

    def of_state(self, state: State) -> Broken | None:
        """Return what is broken in a state."""
        moment, record, _, drift, _, workers = state
        key = (record, moment)
        if key not in self._blocks:
            self._blocks[key] = self._of_record(*key)
        if (broken := self._blocks[key]) is not None:
            return broken
        ready = [
            worker for worker, number in enumerate(workers) if self._is_completing(worker, number)
        ]
        if len(ready) < 2:
            return None
        may = [
            worker
            for worker in ready
            if self._may_complete(worker, workers[worker], record, moment, drift)
        ]
        if len(may) < 2:
            return None
        return Broken(ONE_OWNER, f"{' and '.join(NAMES[worker] for worker in may)} may complete")

    # At most one owner may complete -------------------------------------------------------------

    def _is_completing(self, worker: int, number: int) -> bool:
        known = self._completing[worker]
        if (completing := known.get(number)) is None:
            node = self._world.node(worker, self._world.locals[number])
            completing = node is not None and isinstance(node.step, Complete)
            known[number] = completing
        return completing

    def _may_complete(self, worker: int, number: int, record: int, moment: int, drift: int) -> bool:
        """Tell whether the worker's own claim is all that it takes for its completion."""
        world = self._world
        local = world.locals[number]
        node = world.node(worker, local)
        assert node is not None
        assert isinstance(node.step, Complete)
        strict = Complete(node.step.completion._replace(strict=True))
        now = world.now(local, moment, drift)
        reply, _ = world.ask(world.request_number(strict), record, now, confirmed=True)
        return isinstance(reply, Applied)

    # No key is blocked ---------------------------------------------------------------------------

    def _of_record(self, number: int, moment: int) -> Broken | None:
        """Return what the record breaks for a call that comes now, after the record's lease, or
        after its expiry."""
        scenario = self._world.scenario
        record, now = self._world.records[number], self._world.times[moment]
        if record is None:
            return self._must_run(None, now, "there is no record")
        if not record.expired(now - scenario.early):
            if (broken := self._of_length(record, now)) is not None:
                return broken
            if record.status == INPROGRESS:
                ends = max(now, record.lease_end + scenario.early)
                broken = self._must_run(record, ends, "its lease has ended")
                if broken is not None:
                    return broken
        ends = max(now, record.expiration * 1000 + scenario.early)
        return self._must_run(record, ends, "it has expired")

    def _of_length(self, record: Record, now: int) -> Broken | None:
        scenario = self._world.scenario
        kept, claimed = scenario.expires_after, LEASE + scenario.expires_after
        # A committed answer keeps the expiration of its claim: every try has the same bytes.
        answered = claimed if scenario.commits else kept
        lasts = {INPROGRESS: claimed, COMPLETED: answered, PARKED: PARKED_FOR_MS}[record.status]
        late = scenario.early + SECOND  # expirations are in whole seconds
        # Of a clock that was set the later reading counts, and an answer is written only once.
        late_answer = late + (HOUR if scenario.steps else 0)
        if (
            record.expiration * 1000 > now + lasts + late_answer
            or record.lease_end > now + LEASE + late
        ):
            return Broken(NO_BLOCK, f"the {record.status} record lasts too long")
        return None

    def _must_run(self, record: Record | None, now: int, why: str) -> Broken | None:
        met = self._meets(record, now)
        if isinstance(met, Run | Reconcile):
            return None
        return Broken(NO_BLOCK, f"{why}, and a call that comes meets {type(met).__name__}")

    def _meets(self, record: Record | None, now: int) -> Step | Outcome | None:
        """Return the step or outcome that a new call, undisturbed, reaches at this time."""
        world = self._world
        call = self._newcomer
        if record is not None and record.fingerprint is not None:
            call = call._replace(fingerprint=record.fingerprint)
        protocol = self._subject.start(call)
        step, outcome = advance(protocol, None)
        confirmed = False
        number = world.records.number(record)
        for _ in range(MOST_REQUESTS):
            if not isinstance(step, SendClaim | Complete | Release | Read):
                break
            request = world.request_number(step)
            reply, number = world.ask(request, number, now, confirmed=confirmed)
            confirmed = True
            step, outcome = advance(protocol, reply)
        return outcome if step is None else step
