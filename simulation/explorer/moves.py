"""The next events in a state: to each worker, and around them. The hot part of the search."""

from __future__ import annotations

from typing import Final, TypeAlias

from simulation.explorer import invariants
from simulation.explorer.choices import NOBODY, moves_of
from simulation.explorer.events import Kind, Move, Told, is_true
from simulation.explorer.invariants import Broken
from simulation.explorer.requests import name_of
from simulation.explorer.workers import Ran, aged
from simulation.explorer.world import State, World

Successor: TypeAlias = tuple[State, Move, int | None, Broken | None]
"""The state after a choice, the choice, the worker that it happens to, and what it breaks."""

TIME_PASSES: Final = Move(Kind.TIME)
TTL_DELETES: Final = Move(Kind.TTL)


class Moves:
    """The successors of the states of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._moves: dict[tuple[int, int, int, int, int], list[Move]] = {}
        self._landings: dict[tuple[int, int, int, int, int], Move] = {}
        self._aged: dict[tuple[int, int], int] = {}
        self._expired: dict[tuple[int, int], bool] = {}
        self._runs: dict[tuple[int, tuple[int, ...]], Broken | None] = {}
        calls = world.scenario.calls
        self._durable = world.scenario.durable
        self._follows = [
            index > 0
            and not world.scenario.worker_clocks
            and calls[index]._replace(owner="") == calls[index - 1]._replace(owner="")
            for index in range(len(calls))
        ]
        """True for a worker that is like the one before, which then, without loss, starts first."""

    def successors(self, state: State) -> list[Successor]:
        """Return all that can happen in a state: nothing, once every call has ended and every
        request has landed."""
        moment, record, faults, drift, messages, workers = state
        found: list[Successor] = []
        active = bool(messages)
        fresh = False
        for worker, number in enumerate(workers):
            node = self.world.locals[number].node
            if node < 0:
                fresh = False
                continue
            active = True
            held_back = fresh and self._follows[worker]
            if self._durable and node == 0 and self.world.waits(worker, workers):
                continue
            fresh = node == 0
            if held_back:
                continue
            key = (worker, number, record, moment, drift)
            if (moves := self._moves.get(key)) is None:
                moves = self._moves[key] = list(
                    moves_of(self.world, worker, number, (record, moment, drift))
                )
            found += [
                self._moved(state, worker, move)
                for move in moves
                if move[3] <= faults and (move[10] is None or self._true(move[10], workers))
            ]
        if active:
            self._around(state, found)
        return found

    def _moved(self, state: State, worker: int, move: Move) -> Successor:
        moment, _, faults, drift, messages, workers = state
        _, local, record, cost, message, runs, commits, broken, _, _, _, _ = move
        if broken is None and (runs or commits):
            broken = self._broken(worker, workers, move)
        if message is not None:
            messages = tuple(sorted((*messages, message)))
        workers = (*workers[:worker], local, *workers[worker + 1 :])
        return (moment, record, faults - cost, drift, messages, workers), move, worker, broken

    def _true(self, truth: int | Told, workers: tuple[int, ...]) -> bool:
        locals_ = [self.world.locals[number] for number in workers]
        if isinstance(truth, Told):
            stopped = any(
                local.learned in ("died", "lost")
                for index, local in enumerate(locals_)
                if index not in truth.workers
            )
            return is_true(truth, [locals_[each] for each in truth.workers], stopped=stopped)
        effects = [local.ran is Ran.KEPT and local.gives == n for n, local in enumerate(locals_)]
        return not any(effects) if truth == NOBODY else effects[truth]

    def _broken(self, worker: int, workers: tuple[int, ...], move: Move) -> Broken | None:
        locals_ = [self.world.locals[number] for number in workers]
        if move.commits:
            return invariants.of_commit(worker, locals_)
        key = (worker, workers)
        if key not in self._runs:
            self._runs[key] = invariants.of_run(worker, locals_, self.world.scenario)
        return self._runs[key]

    # Around the workers -----------------------------------------------------------------------

    def _around(self, state: State, found: list[Successor]) -> None:
        moment, record, faults, drift, messages, workers = state
        world = self.world
        if moment + 1 < len(world.times):
            later = moment + 1
            older = tuple([self._older(number, later) for number in workers])
            patient = world.still_under_way(messages, later) if messages else messages
            after: State = (later, record, faults, drift, patient, older)
            found.append((after, TIME_PASSES, None, None))
        if record and self._has_expired(record, moment):
            after = (moment, 0, faults, drift, messages, workers)
            found.append((after, TTL_DELETES, None, None))
        for index, message in enumerate(messages):
            if index == 0 or message != messages[index - 1]:
                rest = messages[:index] + messages[index + 1 :]
                worker = world.messages[message].worker
                after = (moment, record, faults, drift, rest, workers)
                found.append(self._moved(after, worker, self._landing(state, message, worker)))
        if faults and len(world.scenario.skews) > 1:
            self._set_clocks(state, found)

    def _older(self, number: int, moment: int) -> int:
        key = (number, moment)
        if (older := self._aged.get(key)) is None:
            world = self.world
            local = aged(world.locals[number], world.times[moment], world.scenario)
            older = self._aged[key] = world.locals.number(local)
        return older

    def _has_expired(self, record: int, moment: int) -> bool:
        key = (record, moment)
        if key not in self._expired:
            found = self.world.records[record]
            assert found is not None
            self._expired[key] = found.expired(self.world.times[moment])
        return self._expired[key]

    def _landing(self, state: State, number: int, worker: int) -> Move:
        moment, record, _, drift, _, workers = state
        key = (number, workers[worker], record, moment, drift)
        if (move := self._landings.get(key)) is None:
            world = self.world
            message, local = world.messages[number], world.locals[workers[worker]]
            effect = world.land(local, message, record, moment=moment, drift=drift)
            move = self._landings[key] = Move(
                Kind.LANDS,
                local=world.locals.number(effect.local),
                record=effect.record,
                commits=effect.committed,
                broken=effect.broken,
                reply=effect.reply,
                about=name_of(world.request(message.request)),
            )
        return move

    def _set_clocks(self, state: State, found: list[Successor]) -> None:
        moment, record, faults, drift, messages, workers = state
        world = self.world
        if not world.scenario.worker_clocks:
            for skew in world.scenario.skews:
                if skew != drift:
                    after: State = (moment, record, faults - 1, skew, messages, workers)
                    found.append((after, _clock_set(skew), None, None))
            return
        for worker, number in enumerate(workers):
            local = world.locals[number]
            for skew in world.scenario.skews:
                if local.node >= 0 and skew != local.skew:
                    moved = world.locals.number(local._replace(skew=skew))
                    own = (*workers[:worker], moved, *workers[worker + 1 :])
                    after = (moment, record, faults - 1, drift, messages, own)
                    found.append((after, _clock_set(skew), worker, None))


def _clock_set(skew: int) -> Move:
    return Move(Kind.CLOCK, about=f"to {skew:+} ms")
