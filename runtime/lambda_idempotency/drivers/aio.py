"""The asynchronous driver: executes the protocol's steps without ever blocking the event loop.

Our own stores wait on the loop, also for a client that the user brings, which works in a thread. A
store of the user's own is synchronous: each of its verbs works in a thread.

A cancellation leaves no key behind, whenever it arrives:

    before the handler runs    nothing more is done; a claim under way is released, unless it
                               takes over: a dead attempt must not be forgotten
    while an orphan is         nothing more is done; its record stays until the lease ends
    reconciled
    while the handler runs     the handler raises, and the protocol releases the key
    after it has run           its answer is recorded, or its key released, with one try each

The driver waits for a request that is under way: nothing can recall it, and a release must not
overtake a claim. Then it raises the cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..clients.net import deadline, elapsed
from ..clients.net.aio import threaded
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report
from ..protocol.acquiring import undo
from ..protocol.machine import Protocol
from ..protocol.record import NO_BODY
from ..protocol.steps import (
    CompleteAndClaim,
    Emit,
    Examine,
    Failed,
    Fate,
    LeaseExpired,
    Outcome,
    PairResult,
    Raised,
    Reconcile,
    Renew,
    Returned,
    Run,
    SendClaim,
    Sleep,
    StepResult,
)
from ..stores.base import Store
from ..stores.coroutines import on_loop
from .lease import LeaseTimer, Pulse
from .requests import Verb, ask_surely, complete_and_claim
from .requests_on_loop import ask_surely_on_loop, complete_and_claim_on_loop

if TYPE_CHECKING:
    # Few functions have batches, and the others should not load their code.
    from ..protocol.batch import Batch, BatchStep, BatchStepResult
    from .heartbeat import Renewed

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


async def drive(
    protocol: Protocol,
    *,
    key: str,
    store: Store,
    run: Callable[[Run | Reconcile], Awaitable[Returned | Raised | None]],
    remaining: Callable[[], int],
    finish: Callable[[Returned], Returned] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    moment: Callable[[], Moment] = elapsed.now,
    renewed: Renewed | None = None,
    examine: Callable[[Examine], Fate] | None = None,
) -> Outcome:
    """Run a call to its outcome, as `sync.drive` does."""
    shield = CancellationShield(store, remaining, sleep)
    timer, pulse = LeaseTimer(moment), Pulse(store, renewed)
    ran = False
    result: StepResult = None
    try:
        while shield.cancelled is None or ran:
            step = protocol.send(result)
            timer.note(step)
            if isinstance(step, (Run, Reconcile)):
                result = await _run(run, step, timer, pulse)
                ran = not isinstance(result, LeaseExpired)
                shield.start()
                if isinstance(result, Raised) and isinstance(result.error, asyncio.CancelledError):
                    shield.cancelled = result.error
                if finish is not None and isinstance(result, Returned) and result.keep:
                    result = await shield.finish(finish, result)
            elif isinstance(step, Sleep):
                await shield.sleep(step.milliseconds)
                result = None
            elif isinstance(step, Emit):
                report(step.metric, key, step.why, attempt=step.attempt, remaining=remaining)
                result = None
            else:
                result = await _asked(step, shield, examine)
        protocol.close()
        if isinstance(step, SendClaim) and (undoing := undo(step)) is not None:
            await shield.ask(undoing)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        if shield.cancelled is None:
            return outcome
        if ran and not isinstance(outcome, Raised) and _by_exception(shield.cancelled):
            return outcome
    finally:
        pulse.stop()
    assert shield.cancelled is not None
    raise shield.signaled or shield.cancelled


async def _asked(
    step: Verb | Examine, shield: CancellationShield, examine: Callable[[Examine], Fate] | None
) -> StepResult:
    if not isinstance(step, Examine):
        return await shield.ask(step)
    return Fate("unknown") if examine is None else await in_thread(examine, step)


def _by_exception(cancelled: asyncio.CancelledError) -> bool:
    """Tell whether an Exception of a signal handler stands behind a cancellation: as in the
    synchronous driver, the caller gets the result that there is."""
    return isinstance(next(iter(cancelled.args), None), Exception)


async def drive_batch(
    batch: Batch,
    *,
    store: Store,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> None:
    """Run a batch to its end. A cancellation is given to the batch, which then raises it."""
    cancelled: asyncio.CancelledError | None = None
    timer, pulse = LeaseTimer(moment), Pulse(store)
    if (step := next(batch, None)) is None:
        return
    token = deadline.start(step.call.remaining())  # its reserve is that of all that follow
    try:
        while True:
            shield = CancellationShield(store, step.call.remaining, sleep)
            shield.cancelled = cancelled
            result = await _execute_in_batch(step, shield, timer, pulse)
            if shield.cancelled is cancelled:
                step = batch.send(result)
            else:
                cancelled = shield.cancelled
                assert cancelled is not None
                step = batch.throw(shield.signaled or cancelled)
    except StopIteration:
        return
    finally:
        pulse.stop()
        deadline.end(token)


async def _execute_in_batch(
    batch_step: BatchStep, shield: CancellationShield, timer: LeaseTimer, pulse: Pulse
) -> BatchStepResult:
    call, step = batch_step
    timer.note(step)
    if isinstance(step, CompleteAndClaim):
        return await shield.complete_and_claim(step)
    if isinstance(step, (Run, Reconcile)):
        pulse.renewed = call.renewed
        return await _run(call.run, step, timer, pulse)
    if isinstance(step, Sleep):
        await shield.sleep(step.milliseconds)
        return None
    if isinstance(step, Emit):
        left = call.remaining
        report(step.metric, call.key, step.why, attempt=step.attempt, remaining=left)
        return None
    return await _asked(step, shield, None)


async def ask_alone(
    store: Store,
    steps: Generator[Renew | Sleep, StepResult, StepResult],
    remaining: Callable[[], int],
) -> tuple[StepResult, asyncio.CancelledError | None]:
    """Execute the steps of one request, beside a call's protocol. Return its result, and a
    cancellation that came meanwhile."""
    shield = CancellationShield(store, remaining, asyncio.sleep)
    result: StepResult = None
    while True:
        try:
            step = steps.send(result)
        except StopIteration as stop:
            return stop.value, shield.cancelled
        if isinstance(step, Sleep):
            await shield.sleep(step.milliseconds)
            result = None
        else:
            result = await shield.ask(step)


async def in_thread(function: Callable[[T], R], argument: T) -> R:
    """Run a slow function in a thread. A cancellation does not wait for it."""
    return await threaded(partial(copy_context().run, function, argument))


async def _run(
    run: Callable[[Run | Reconcile], Awaitable[Returned | Raised | None]],
    step: Run | Reconcile,
    timer: LeaseTimer,
    pulse: Pulse,
) -> StepResult:
    if (begun := timer.begun(step)) is None:
        return LeaseExpired()
    try:
        pulse.start(step)
        ran = await run(begun)
    except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
        return Raised(error)
    return ran if ran is None else pulse.told(ran)


class CancellationShield:
    """The waits of one call. A cancellation that comes during one is kept for later."""

    def __init__(
        self,
        store: Store,
        remaining: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.cancelled: asyncio.CancelledError | None = None
        self.signaled: BaseException | None = None
        self._store = store
        self._on_loop = on_loop(store)
        self._remaining = remaining
        self._sleep = sleep
        self._context = copy_context()
        self.start()

    def start(self) -> None:
        """Set the deadline of what follows. For a call that nothing limits it begins anew."""
        self._context.run(deadline.start, self._remaining())
        self._given_up = self._context.run(deadline.of_lost)

    async def ask(self, step: Verb) -> StepResult:
        """Send one verb to the store: on the loop, or in a thread that sees this call's context."""
        try:
            if self._on_loop is not None:
                return await self._beside(ask_surely_on_loop(self._on_loop, step, self._left))
            return await self._sent(ask_surely, step)
        except (RuntimeError, TimeoutError) as error:  # no more threads can be started; see `_wait`
            return Failed(error, 0)
        except BaseException as error:  # noqa: BLE001 - it ends the call when its end is recorded
            return Failed(self._interrupted(error), 0)

    async def complete_and_claim(self, step: CompleteAndClaim) -> PairResult:
        """Send a completion and a claim, as `ask` sends one verb."""
        try:
            if self._on_loop is not None:
                asked = complete_and_claim_on_loop(self._on_loop, step, self._left)
                return await self._beside(asked)
            return await self._sent(complete_and_claim, step)
        except (RuntimeError, TimeoutError) as error:
            return PairResult(Failed(error, 0), Failed(error, 0))
        except BaseException as error:  # noqa: BLE001 - as in `ask`
            failed = Failed(self._interrupted(error), 0)
            return PairResult(failed, failed)

    async def finish(self, finish: Callable[[Returned], Returned], ran: Returned) -> Returned:
        """Finish a result in a thread; or on the loop if no more threads can be started. Never
        raises, as the driver of synchronous calls does not."""
        try:
            try:
                finished = self._in_thread(finish, ran)
            except RuntimeError:
                return self._context.run(finish, ran)
            return await self._wait(finished)
        except (Exception, SystemExit, KeyboardInterrupt):  # noqa: BLE001 - such as a log filter's
            return ran._replace(data=None, encoding=NO_BODY)

    def _interrupted(self, error: BaseException) -> InterruptedError:
        """Keep what a signal handler has raised in this task: it ends the call as a cancellation
        does."""
        if isinstance(error, GeneratorExit):  # the loop is closed: nothing can be awaited any more
            raise error
        self.cancelled = self.cancelled or asyncio.CancelledError(error)
        self.signaled = self.signaled or error
        return InterruptedError(type(error).__name__)

    async def _beside(self, asked: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end in this call's context, whatever becomes of the caller."""
        loop = asyncio.get_running_loop()
        return await self._wait(loop.create_task(asked, context=self._context))

    async def _sent(self, send: Callable[[Store, S, Callable[[], int]], T], step: S) -> T:
        return await self._wait(self._in_thread(send, self._store, step, self._left))

    def _in_thread(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return threaded(partial(self._context.run, function, *arguments))

    async def _wait(self, asked: asyncio.Future[T]) -> T:
        """Return what a request returns, which ends by its deadline. One that does not never will:
        a signal handler has raised in the callback that would have woken it. Raises `TimeoutError`
        then."""
        loop, woken, was_late = asyncio.get_running_loop(), None, False

        def wake(_: object) -> None:
            if woken is not None and not woken.done():
                woken.set_result(None)

        asked.add_done_callback(wake)  # `asyncio.wait` would do so, too, and much more
        while not asked.done():
            woken = loop.create_future()
            timer = loop.call_later(max(self._given_up.left(), deadline.LATE_S), wake, None)
            try:
                await woken
            except asyncio.CancelledError as error:
                self.cancelled = error
                continue
            finally:
                timer.cancel()
            if self._given_up.left() <= 0 and not asked.done():
                if was_late:
                    asked.cancel()
                    raise TimeoutError("no answer in time")
                was_late = True  # but a process that was frozen reads first what has come
        return asked.result()

    async def sleep(self, milliseconds: int) -> None:
        """Pause, unless the call has been cancelled."""
        if self.cancelled is None:
            try:
                await self._sleep(milliseconds / 1000)
            except asyncio.CancelledError as error:
                self.cancelled = error

    def _left(self) -> int:
        return self._remaining() if self.cancelled is None else 0
