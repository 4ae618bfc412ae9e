"""The production generator as an automaton: its states, and where each reply leads.

A generator cannot be copied, so a state is reached by sending a fresh generator the replies that
led there. Two histories lead to one state if they leave the generator with the same code position,
local variables and iterators, in every frame: from there on it behaves the same. Each edge is
therefore computed by the generator itself, once, and looked up afterwards.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any, Final, TypeAlias

from lambda_idempotency.protocol.machine import Protocol
from lambda_idempotency.protocol.steps import Call, Emit, Outcome, Step, StepResult

Start: TypeAlias = Callable[[Call], Protocol]
"""A function that begins a call: `run_once`, or a mutant of it."""

_ITERATORS: Final[tuple[type, ...]] = (type(iter(())), type(iter([])), type(iter(range(0))))
_ON_STACK: Final[tuple[type, ...]] = (GeneratorType, *_ITERATORS)


@dataclass(slots=True)
class Node:
    """A state of the generator: the step it waits for, or its outcome."""

    history: tuple[StepResult, ...]
    step: Step | None
    outcome: Outcome | None
    edges: dict[Hashable, int] = field(default_factory=dict)


class Automaton:
    """One call's generator. Node 0 is its first step; events that are only counted are skipped."""

    def __init__(self, start: Start, call: Call) -> None:
        self._start = start
        self._call = call
        self._found: dict[Hashable, int] = {}
        self.nodes: list[Node] = []
        self._reach(())

    def send(self, node: int, answer: StepResult) -> int:
        """Return the state after this answer to the state's step."""
        edges = self.nodes[node].edges
        name = fingerprint(answer)
        if name not in edges:
            edges[name] = self._reach((*self.nodes[node].history, answer))
        return edges[name]

    def _reach(self, history: tuple[StepResult, ...]) -> int:
        protocol = self._start(self._call)
        step, outcome = advance(protocol, None)
        for answer in history:
            step, outcome = advance(protocol, answer)
        state: Hashable = (
            fingerprint(protocol) if outcome is None else ("ended", fingerprint(outcome))
        )
        if state not in self._found:
            self._found[state] = len(self.nodes)
            self.nodes.append(Node(history, step, outcome))
        return self._found[state]


def advance(protocol: Protocol, answer: StepResult) -> tuple[Step | None, Outcome | None]:
    """Return the next step that asks something of the world, or the outcome."""
    try:
        step = protocol.send(answer)
        while isinstance(step, Emit):
            step = protocol.send(None)
    except StopIteration as stop:
        return None, stop.value
    return step, None


def fingerprint(value: Any) -> Hashable:
    """Return something that is equal for values that behave the same.

    Not the values themselves: `Applied(1) == Absent(1)`, as both are tuples.
    """
    if isinstance(value, GeneratorType):
        frame = value.gi_frame
        if frame is None:
            return value.gi_code
        local = tuple((name, fingerprint(item)) for name, item in sorted(frame.f_locals.items()))
        # No frame attribute shows the stack, where `for` keeps its iterator.
        stack = [item for item in gc.get_referents(value) if isinstance(item, _ON_STACK)]
        return value.gi_code, frame.f_lasti, local, tuple(map(fingerprint, stack))
    if isinstance(value, _ITERATORS):
        return type(value), *map(fingerprint, value.__reduce__())
    if isinstance(value, tuple | list):
        return type(value), *map(fingerprint, value)
    if isinstance(value, dict):
        return dict, *((name, fingerprint(item)) for name, item in value.items())
    assert isinstance(value, Hashable), f"a {type(value).__name__} in a generator's state"
    return type(value), value
