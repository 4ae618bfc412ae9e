"""The world that the calls live in: one record, requests under way, clocks, and time.

Everything that recurs is interned, and what follows from a worker's own state, the record and the
moment is computed once: exploring is then looking things up.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from lambda_idempotency.protocol import recovery
from lambda_idempotency.protocol.machine import Protocol, run_once
from lambda_idempotency.protocol.record import Applied, Record, Reply
from lambda_idempotency.protocol.steps import (
    Call,
    Complete,
    Failed,
    Read,
    Reconcile,
    Release,
    Renew,
    Run,
    SendClaim,
    Sleep,
    StepResult,
)
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.memory import MemoryStore
from simulation.explorer import invariants
from simulation.explorer.automaton import Automaton, Node, Start, fingerprint
from simulation.explorer.backends import (
    Backend,
    Clock,
    DynamoDBBackend,
    MemoryBackend,
    Request,
    Step,
)
from simulation.explorer.handlers import Begin, Take, with_steps
from simulation.explorer.invariants import ONE_COMMIT, SUSPENDED, Broken
from simulation.explorer.scenarios import NAMES, Scenario
from simulation.explorer.workers import Local, aged, end_of, ended, holding

Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True)
class Subject:
    """The code under proof: the production code, or a mutant of it."""

    start: Start = run_once
    memory: type[MemoryStore] = MemoryStore
    dynamodb: type[DynamoDBStore] = DynamoDBStore
    recovery: ModuleType = recovery


class Message(NamedTuple):
    """A request as it leaves."""

    worker: int
    request: int
    now: int | None
    """The time by which it decides; None: the store's, when it lands."""
    confirmed: bool
    until: int | None
    """The time at which it is lost, if it has not landed, in epoch milliseconds; None: never."""


State: TypeAlias = tuple[int, int, int, int, tuple[int, ...], tuple[int, ...]]
"""All that matters of the past: the moment, the record, the faults left, the error of the store's
clock (if that decides), the messages under way, the workers. The record, the messages and the
workers are numbers of `World`'s. A plain tuple: there are millions."""


class Effect(NamedTuple):
    """The effect of a request."""

    reply: Reply | None
    record: int
    local: Local
    committed: bool
    broken: Broken | None = None


class Interned(Generic[Value]):
    """Values as numbers."""

    def __init__(self, *values: Value) -> None:
        self._numbers: dict[Value, int] = {}
        self._values: list[Value] = []
        for value in values:
            self.number(value)

    def number(self, value: Value) -> int:
        """Return the value's number."""
        if (number := self._numbers.get(value)) is None:
            number = self._numbers[value] = len(self._values)
            self._values.append(value)
        return number

    def __getitem__(self, number: int) -> Value:
        return self._values[number]

    def __len__(self) -> int:
        return len(self._values)


class World:
    """One scenario, with the code under proof."""

    def __init__(self, scenario: Scenario, subject: Subject = Subject()) -> None:
        self.scenario = scenario
        self.subject = subject
        self.times = scenario.times
        self.records: Interned[Record | None] = Interned(None)
        self.locals: Interned[Local] = Interned()
        self.messages: Interned[Message] = Interned()
        self.automata = [Automaton(self.start, call) for call in scenario.calls]
        self.owners = [call.owner for call in scenario.calls]
        self.backend: Backend = (
            DynamoDBBackend(subject.dynamodb)
            if scenario.worker_clocks
            else MemoryBackend(subject.memory)
        )
        self._requests: list[Request] = []
        self._request_numbers: dict[Hashable, int] = {}
        self._replies: dict[tuple[int, int, int, bool], tuple[Reply, int]] = {}
        self._across: dict[Hashable, tuple[Reply, int, Clock]] = {}

    def start(self, call: Call) -> Protocol:
        """Begin a call, whose handler takes steps if the scenario says so."""
        protocol = self.subject.start(call)
        if self.scenario.handlers is None:
            return protocol
        return with_steps(protocol, call, self.scenario.handlers, self.subject.recovery)

    def initial(self) -> State:
        """Return the first state: nobody has done anything, and the workers' clocks differ as much
        as they may."""
        skews = (min(self.scenario.skews), max(self.scenario.skews), 0)
        own = self.scenario.worker_clocks
        locals_ = (Local(skew=skews[index] if own else 0) for index in range(len(self.automata)))
        workers = tuple(map(self.locals.number, locals_))
        return 0, 0, self.scenario.faults, 0, (), workers

    def node(self, worker: int, local: Local) -> Node | None:
        """Return the state of the worker's generator; None: it has ended, or the worker crashed."""
        return None if local.node < 0 else self.automata[worker].nodes[local.node]

    def now(self, local: Local, moment: int, drift: int) -> int:
        """Return the time by the clock that decides."""
        wrong = local.skew if self.scenario.worker_clocks else drift
        return self.times[moment] + wrong

    # What a request does ----------------------------------------------------------------------

    def request_number(self, request: Request) -> int:
        """Return a request as a number."""
        name = fingerprint(request)
        if name not in self._request_numbers:
            self._request_numbers[name] = len(self._requests)
            self._requests.append(request)
        return self._request_numbers[name]

    def request(self, number: int) -> Request:
        """Return the request with this number."""
        return self._requests[number]

    def ask(self, request: int, record: int, now: int, *, confirmed: bool) -> tuple[Reply, int]:
        """Return the store's reply, and the record afterwards."""
        key = (request, record, now, confirmed)
        if (known := self._replies.get(key)) is None:
            reply, after = self.backend.ask(
                self._requests[request], self.records[record], now, confirmed=confirmed
            )
            known = self._replies[key] = (reply, self.records.number(after))
        return known

    def land(
        self, local: Local, message: Message, record: int, *, moment: int, drift: int
    ) -> Effect:
        """Return the effect of a worker's request that reaches the store."""
        now = self.times[moment] + drift if message.now is None else message.now
        reply, number = self.ask(message.request, record, now, confirmed=message.confirmed)
        return self._effect(local, message, (record, number), reply, moment)

    def land_across(
        self, local: Local, message: Message, record: int, *, moment: int, step: Step
    ) -> tuple[Effect, Clock]:
        """Return the effect of a request around which the worker's clock is set, and the clock."""
        key = (message, record, moment, step)
        if (known := self._across.get(key)) is None:
            assert isinstance(self.backend, DynamoDBBackend)
            reply, after, clock = self.backend.ask_across(
                self._requests[message.request],
                self.records[record],
                message.now or 0,
                confirmed=message.confirmed,
                true=self.times[moment],
                step=step,
            )
            known = self._across[key] = (reply, self.records.number(after), clock)
        reply, number, clock = known
        return self._effect(local, message, (record, number), reply, moment), clock

    def _effect(
        self, local: Local, message: Message, records: tuple[int, int], reply: Reply, moment: int
    ) -> Effect:
        request = self._requests[message.request]
        record, number = records
        before, after = self.records[record], self.records[number]
        broken = invariants.of_write(before, after, self.times[moment], self.scenario)
        if broken is None and isinstance(request, Renew) and isinstance(reply, Applied):
            broken = invariants.of_renewal(local, request.claim, before)
        own = self._is_own(message.worker, request)
        if local.suspended and own and isinstance(request, Complete | Release):
            broken = Broken(SUSPENDED, f"{NAMES[message.worker]} is suspended, and lets go")
        if not isinstance(reply, Applied):
            return Effect(reply, number, local, committed=False, broken=broken)
        assert not isinstance(request, Read)
        committed = isinstance(request, Complete) and bool(request.completion.writes)
        if committed and local.committed:
            broken = Broken(ONE_COMMIT, f"{NAMES[message.worker]}'s writes are applied twice")
        if not own:
            return Effect(reply, number, local, committed=False, broken=broken)
        local = holding(local, request, after)._replace(committed=committed or local.committed)
        local = aged(local, self.times[moment], self.scenario)
        return Effect(reply, number, local, committed, broken)

    def _is_own(self, worker: int, request: Request) -> bool:
        """Tell whether a write is a worker's own, and none on behalf of an execution that ended."""
        if isinstance(request, SendClaim | Renew):
            return request.claim.owner == self.owners[worker]
        return not isinstance(request, Complete) or (
            request.completion.owner == self.owners[worker]
        )

    def waits(self, worker: int, workers: tuple[int, ...]) -> bool:
        """Tell whether a worker is not invoked: an earlier invocation of its execution goes on, or
        has told its end."""
        earlier = [self.locals[workers[each]] for each in self.scenario.siblings(worker)]
        earlier = earlier[: self.scenario.siblings(worker).index(worker)]
        return any(local.node >= 0 or local.end for local in earlier)

    def message(self, worker: int, local: Local, request: Request, moment: int) -> Message:
        """Return a worker's request as it leaves."""
        own, patience = self.scenario.worker_clocks, self.scenario.patience
        return Message(
            worker=worker,
            request=self.request_number(request),
            now=self.now(local, moment, 0) if own else None,
            confirmed=local.confirmed or not own,
            until=None if patience is None else self.times[moment] + patience,
        )

    def still_under_way(self, messages: tuple[int, ...], moment: int) -> tuple[int, ...]:
        """Return the messages that are not lost by this moment."""
        now = self.times[moment]
        ends = ((number, self.messages[number].until) for number in messages)
        return tuple(number for number, until in ends if until is None or now < until)

    # What an answer does ----------------------------------------------------------------------

    def send(
        self, worker: int, local: Local, answer: StepResult, record: int, moment: int
    ) -> tuple[Local, Broken | None]:
        """Return a worker that went on with this answer, while the store holds this record, and
        what that breaks."""
        automaton = self.automata[worker]
        number = automaton.send(local.node, answer)
        node = automaton.nodes[number]
        if node.outcome is not None:
            broken = invariants.of_outcome(
                worker, local, node.outcome, self.records[record], self.scenario
            )
            takes_steps = self.scenario.handlers is not None
            if broken is None and takes_steps and not isinstance(answer, Failed):
                now = self.times[moment] + self.scenario.early
                broken = invariants.of_end(
                    local, node.outcome, self.records[record], self.owners[worker], now
                )
            if self.scenario.durable:
                local = local._replace(end=end_of(local, node.outcome))
            return ended(local), broken
        asleep = 0
        if isinstance(node.step, Sleep):
            after = automaton.nodes[automaton.send(number, None)].step
            asleep = stamp(record, moment) if isinstance(after, Read) else 0
        leased = isinstance(node.step, _LEASED) and node.step.lease_ms is not None
        sent = local.sent if leased else 0
        return local._replace(node=number, sent=sent, asleep=asleep), None


_LEASED = (Run, Reconcile, Begin, Take)
"""The steps that begin under a lease, which may have ended."""


def stamp(record: int, moment: int) -> int:
    """Return a number for what a sleeper has seen; never 0."""
    return 1 + moment + 64 * record
