"""A schedule played for real: fresh generators and stores, nothing looked up.

It shows where the explorer's tables differ from what really happens.
"""

from __future__ import annotations

from lambda_idempotency.protocol.record import Record
from lambda_idempotency.protocol.steps import (
    Complete,
    Outcome,
    Read,
    Release,
    Renew,
    SendClaim,
    StepResult,
)
from lambda_idempotency.protocol.steps import Step as ProtocolStep
from simulation.explorer.automaton import advance
from simulation.explorer.backends import DynamoDBBackend, MemoryBackend, Step
from simulation.explorer.events import Kind, Move
from simulation.explorer.handlers import Begin
from simulation.explorer.moves import Moves
from simulation.explorer.requests import RENEWAL
from simulation.explorer.workers import Local
from simulation.explorer.world import Message, State, World

_EFFECTS = {Kind.ANSWERED: 1, Kind.REPLY_LOST: 1, Kind.TWICE: 2, Kind.DOUBLED: 1}
"""The number of times that a request takes effect at once."""


class _Worker:
    """A call's own generator."""

    def __init__(self, world: World, index: int) -> None:
        self._protocol = world.start(world.scenario.calls[index])
        self.step: ProtocolStep | None
        self.outcome: Outcome | None
        self.step, self.outcome = advance(self._protocol, None)
        self.crashed = False

    def send(self, answer: StepResult) -> None:
        """Go on with this answer."""
        self.step, self.outcome = advance(self._protocol, answer)


class Live:
    """The calls of a world, on a store of their own."""

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self._world = world = moves.world
        subject = world.subject
        self._backend = (
            DynamoDBBackend(subject.dynamodb)
            if world.scenario.worker_clocks
            else MemoryBackend(subject.memory)
        )
        self._record: Record | None = None
        self._workers = [_Worker(world, index) for index in range(len(world.scenario.calls))]

    def play(self, path: tuple[int, ...]) -> list[Outcome | None]:
        """Return the outcomes of the calls. Assert that each choice does what the explorer says."""
        state = self._world.initial()
        for choice in path:
            after, move, worker, _ = self._moves.successors(state)[choice]
            self._happens(state, after, move, worker)
            self._compare(after)
            state = after
        return [worker.outcome for worker in self._workers]

    def _happens(self, state: State, after: State, move: Move, index: int | None) -> None:
        if move.kind is Kind.TTL:
            self._record = None
        elif move.kind is Kind.LANDS:
            landed = list(state[4])
            for message in after[4]:
                landed.remove(message)
            reply = self._ask(self._world.messages[landed[0]], state)
            assert reply == move.reply
        elif index is not None and move.kind is not Kind.CLOCK:
            self._works(self._workers[index], state, move, index)

    def _works(self, worker: _Worker, state: State, move: Move, index: int) -> None:
        if move.kind is Kind.CRASHES:
            worker.crashed = True
            return
        local: Local = self._world.locals[state[5][index]]
        if move.about == RENEWAL:
            assert local.renewal is not None
            renewal = self._world.message(index, local, Renew(local.renewal), state[0])
            for _ in range(_EFFECTS.get(move.kind, 0)):
                self._ask(renewal, state)
            return
        if move.kind is Kind.BEGINS and not isinstance(worker.step, Begin):
            return
        answer = move.reply
        if isinstance(worker.step, SendClaim | Renew | Complete | Release | Read):
            message = self._world.message(index, local, worker.step, state[0])
            if move.step is not None:
                answer = self._ask_across(message, state, move.step)
            replies = [self._ask(message, state) for _ in range(_EFFECTS.get(move.kind, 0))]
            if move.kind in (Kind.ANSWERED, Kind.TWICE, Kind.DOUBLED):
                answer = replies[-1]
        worker.send(answer)

    def _ask(self, message: Message, state: State) -> StepResult:
        now = self._world.times[state[0]] + state[3] if message.now is None else message.now
        request = self._world.request(message.request)
        reply, self._record = self._backend.ask(
            request, self._record, now, confirmed=message.confirmed
        )
        return reply

    def _ask_across(self, message: Message, state: State, step: Step) -> StepResult:
        assert isinstance(self._backend, DynamoDBBackend)
        assert message.now is not None
        reply, self._record, _ = self._backend.ask_across(
            self._world.request(message.request),
            self._record,
            message.now,
            confirmed=message.confirmed,
            true=self._world.times[state[0]],
            step=step,
        )
        return reply

    def _compare(self, state: State) -> None:
        assert self._record == self._world.records[state[1]]
        for index, worker in enumerate(self._workers):
            node = self._world.node(index, self._world.locals[state[5][index]])
            if node is None:
                assert worker.crashed or worker.outcome is not None
            else:
                assert (worker.step, type(worker.step)) == (node.step, type(node.step))
