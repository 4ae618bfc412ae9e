"""A call cancelled at any step that it waits for leaves no key behind and loses no result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from kit.clocks import ManualClock
from lambda_idempotency.drivers.aio import drive
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import (
    COMPLETED,
    INPROGRESS,
    PARKED,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
)
from lambda_idempotency.protocol.steps import Call, Executed, Outcome, Reconcile, Returned, Run
from lambda_idempotency.stores.memory import MemoryStore

KEY: Final = "shop#1"
OURS: Final = "a" * 32
THEIRS: Final = "b" * 32
LEASE: Final = 30_000
CALL: Final = Call(key=KEY, owner=OURS, lease_ms=LEASE, expires_after_ms=3_600_000)
OTHER: Final = Claim(key=KEY, owner=THEIRS, lease_ms=50, expires_after_ms=3_600_000)

# The moment of the cancellation in the course of a verb.
BEFORE: Final = "before it takes effect"
AFTER: Final = "after it has taken effect"


class World(MemoryStore):
    """A store that fails as told, and a call that is cancelled at one of its waits.

    `waits` names what the call has waited for; number `cancel_at` is the last undisturbed wait.
    """

    clock: ManualClock

    def __init__(self, *, cancel_at: int = -1, moment: str = BEFORE) -> None:
        self.clock = ManualClock()
        super().__init__(self.clock)
        self.failures: dict[str, int] = {}
        self.waits: list[str] = []
        self.stubborn = False
        self.returned = False
        self.raises: Exception | None = None
        self.result = Returned("answer", '"answer"')
        self._cancel_at = cancel_at
        self._moment = moment
        self._task: asyncio.Task[Outcome] | None = None

    async def call(self, call: Call) -> Outcome:
        """Run the call in a task of its own, and return its outcome."""
        self._task = asyncio.create_task(
            drive(
                run_once(call),
                key=KEY,
                store=self,
                run=self._run,
                remaining=lambda: 20_000,
                sleep=self._sleep,
            )
        )
        return await self._task

    def found(self) -> Record | None:
        """Return the record under the key, expired or not."""
        return self.records().get(KEY)

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._verb("claim", lambda: MemoryStore.claim(self, claim, seen))

    def complete(self, completion: Completion) -> Reply:
        return self._verb("complete", lambda: MemoryStore.complete(self, completion))

    def release(self, key: str, owner: str) -> Reply:
        return self._verb("release", lambda: MemoryStore.release(self, key, owner))

    def read(self, key: str) -> Reply:
        return self._verb("read", lambda: MemoryStore.read(self, key))

    def _verb(self, name: str, verb: Callable[[], Reply]) -> Reply:
        self.waits.append(name)
        cancelled = len(self.waits) - 1 == self._cancel_at
        if cancelled and self._moment == BEFORE:
            self._cancel_from_thread()
        reply = verb()
        if cancelled and self._moment == AFTER:
            self._cancel_from_thread()
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise ConnectionError  # the reply is lost
        return reply

    def _cancel_from_thread(self) -> None:
        """Cancel the call twice, and return once it has been told."""
        assert self._task is not None
        task, told = self._task, threading.Event()

        def cancel(times: int) -> None:
            if times == 0:
                told.set()
                return
            task.cancel()
            task.get_loop().call_soon(lambda: task.get_loop().call_soon(cancel, times - 1))

        task.get_loop().call_soon_threadsafe(cancel, 2)
        assert told.wait(10)

    async def _run(self, _: Run | Reconcile) -> Returned:
        try:
            await self._wait("run")
        except asyncio.CancelledError:
            if not self.stubborn:
                raise
        if self.raises is not None:
            raise self.raises
        self.returned = True
        return self.result

    async def _sleep(self, seconds: float) -> None:
        await self._wait("sleep")
        self.clock.advance(seconds)

    async def _wait(self, name: str) -> None:
        self.waits.append(name)
        if len(self.waits) - 1 == self._cancel_at:
            assert self._task is not None
            self._task.cancel()
        await asyncio.sleep(0)


class Scenario(NamedTuple):
    """The circumstances of a call, and the waits of one that is not cancelled."""

    waits: list[str]
    arrange: Callable[[World], Any] = lambda world: None
    call: Call = CALL


def lose(verb: str, times: int) -> Callable[[World], None]:
    """Return a function that makes a world lose the first replies to a verb."""
    return lambda world: world.failures.update({verb: times})


def orphan(world: World) -> None:
    """Leave an attempt that has died."""
    MemoryStore.claim(world, OTHER)
    world.clock.advance(2)


def fail(world: World) -> None:
    """Make the handler raise."""
    world.raises = ValueError()


SCENARIOS: Final = {
    "a first call": Scenario(["claim", "run", "complete"]),
    "the handler raises": Scenario(["claim", "run", "release"], fail),
    "the answer is not kept": Scenario(
        ["claim", "run", "release"],
        lambda world: setattr(world, "result", Returned("answer", keep=False)),
    ),
    "the claim is lost": Scenario(["claim", "release"], lose("claim", 1)),
    "fail open": Scenario(
        ["claim", "run", "complete"], lose("claim", 1), CALL._replace(fail_open=True)
    ),
    "completions are lost": Scenario(
        ["claim", "run", "complete", "sleep", "complete", "sleep", "complete"], lose("complete", 2)
    ),
    "an orphan is taken over": Scenario(["claim", "claim", "run", "complete"], orphan),
    "an orphan is reconciled": Scenario(
        ["claim", "claim", "run", "complete"], orphan, CALL._replace(reconciles=True)
    ),
    "an orphan is parked": Scenario(
        ["claim", "claim", "complete"], orphan, CALL._replace(max_attempts=1)
    ),
    "another one is waited for": Scenario(
        ["claim", *["sleep", "read"] * 2, "claim", "run", "complete"],
        lambda world: MemoryStore.claim(world, OTHER),
        CALL._replace(wait_ms=10_000),
    ),
}


def moments() -> Iterator[Any]:
    """Yield every wait of every scenario; a verb can be cancelled before or after its effect."""
    for name, scenario in SCENARIOS.items():
        for number, wait in enumerate(scenario.waits):
            for moment in (BEFORE,) if wait in ("run", "sleep") else (BEFORE, AFTER):
                yield pytest.param(
                    scenario, number, moment, id=f"{name}, {number} {wait}, {moment}"
                )


def cancelled(scenario: Scenario, number: int, moment: str) -> World:
    """Return the world after the cancellation of the call at this wait."""
    world = World(cancel_at=number, moment=moment)
    scenario.arrange(world)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(world.call(scenario.call))
    return world


every_moment = pytest.mark.parametrize(("scenario", "number", "moment"), list(moments()))


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_left_alone_a_call_waits_for_what_its_scenario_lists(scenario: Scenario) -> None:
    world = World()
    scenario.arrange(world)
    asyncio.run(world.call(scenario.call))
    assert world.waits == scenario.waits


@every_moment
def test_a_cancelled_call_that_has_not_returned_holds_no_key(
    scenario: Scenario, number: int, moment: str
) -> None:
    world = cancelled(scenario, number, moment)
    found = world.found()
    if not world.returned and found is not None:
        assert found.owner == THEIRS or found.status == PARKED or found.attempt > 1


@every_moment
def test_a_cancelled_call_does_not_forget_a_dead_attempt(
    scenario: Scenario, number: int, moment: str
) -> None:
    ran = "run" in (waits := cancelled(scenario, number, moment).waits)
    if scenario.arrange is orphan and not (ran and waits[-1] == "release"):
        assert cancelled(scenario, number, moment).found() is not None


@every_moment
def test_a_result_that_was_there_is_recorded_or_its_key_stays_taken(
    scenario: Scenario, number: int, moment: str
) -> None:
    world = cancelled(scenario, number, moment)
    if world.returned and world.result.keep:
        found = world.found()
        assert found is not None
        assert found.owner == OURS
        assert found.status in (COMPLETED, INPROGRESS)


@every_moment
def test_once_it_is_cancelled_a_call_begins_nothing_that_takes_time(
    scenario: Scenario, number: int, moment: str
) -> None:
    after = cancelled(scenario, number, moment).waits[number + 1 :]
    assert set(after) <= {"release", "complete"}
    assert len(after) <= 1


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
def test_a_completion_that_goes_well_is_recorded_although_its_call_is_cancelled(
    moment: str,
) -> None:
    found = cancelled(SCENARIOS["a first call"], 2, moment).found()
    assert found is not None
    assert (found.status, found.data) == (COMPLETED, '"answer"')


def test_a_release_never_overtakes_the_claim_that_it_takes_back() -> None:
    world = cancelled(SCENARIOS["a first call"], 0, BEFORE)
    assert world.waits == ["claim", "release"]
    assert world.found() is None


def test_a_handler_may_finish_although_it_is_cancelled() -> None:
    world = World(cancel_at=1)
    world.stubborn = True
    assert asyncio.run(world.call(CALL)) == Executed("answer")
    found = world.found()
    assert found is not None
    assert found.data == '"answer"'


def test_a_timeout_around_a_call_is_a_timeout() -> None:
    store = MemoryStore()

    async def endless(_: Run | Reconcile) -> Returned:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def main() -> None:
        async with asyncio.timeout(0.01):
            await drive(run_once(CALL), key=KEY, store=store, run=endless, remaining=lambda: 20_000)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert not isinstance(store.read(KEY), Conflict)


def test_when_the_program_ends_its_calls_release_their_keys() -> None:
    store = MemoryStore()
    running = threading.Event()

    async def endless(_: Run | Reconcile) -> Returned:
        running.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def main() -> None:
        call = drive(run_once(CALL), key=KEY, store=store, run=endless, remaining=lambda: 20_000)
        task = asyncio.create_task(call)
        while not running.is_set():
            await asyncio.sleep(0)
        assert isinstance(store.read(KEY), Conflict)
        assert not task.done()

    asyncio.run(main())
    assert not isinstance(store.read(KEY), Conflict)
